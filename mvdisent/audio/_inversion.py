"""From log-mel spectrograms back to sound: magnitudes by librosa, phases by Griffin and Lim."""

from __future__ import annotations

import math
from typing import Any, Protocol

import librosa
import numpy as np
from numpy.typing import NDArray

# Greatest magnitude of a waveform whose spectrogram does not tell its level.
_PEAK = 0.5
_SEED = 0  # of the first phases


class Settings(Protocol):
    """What of a ``LogMel`` the way back needs."""

    sample_rate: float
    n_fft: int
    hop_length: int
    f_min: float
    f_max: float | None
    ref: str | float
    top_db: float | None


def invert_log_mel(
    decibels: NDArray[np.floating[Any]], settings: Settings, *, n_iter: int, n_times: int
) -> NDArray[np.float32]:
    """Find waveforms that have these spectrograms, nearly.

    Parameters
    ----------
    decibels : ndarray of shape (n_clips, n_mels, n_frames)
        Finite, in dB.
    settings : LogMel
        Those that the spectrograms were made with.
    n_iter : int
        Rounds of the phase search.
    n_times : int
        Instants of a clip.

    Returns
    -------
    waveforms : ndarray of shape (n_clips, n_times), float32
        Of a peak of 0.5 for ``ref="max"``, else of the level told.
    """
    ref, top_db = settings.ref, settings.top_db
    known = not isinstance(ref, str)
    power = np.power(10.0, decibels / 10.0, dtype=np.float64) * (ref if known else 1.0)
    if top_db is not None:  # the floor stands for all that is below it
        floor = decibels.max((1, 2), keepdims=True) - top_db
        power[decibels <= floor + 1e-3] = 0.0
    magnitudes = librosa.feature.inverse.mel_to_stft(
        power,
        sr=settings.sample_rate,
        n_fft=settings.n_fft,
        power=2.0,
        fmin=settings.f_min,
        fmax=settings.f_max,
    )
    # librosa wants a whole frame: silent frames follow a clip that is shorter.
    n_silent = max(0, math.ceil((settings.n_fft - n_times) / settings.hop_length))
    waves = librosa.griffinlim(
        np.pad(magnitudes, ((0, 0), (0, 0), (0, n_silent))),
        n_iter=n_iter,
        hop_length=settings.hop_length,
        n_fft=settings.n_fft,
        length=n_times + n_silent * settings.hop_length,
        random_state=_SEED,
    )[..., :n_times]
    if not known:
        peak = np.abs(waves).max(-1, keepdims=True)
        waves = waves * (_PEAK / np.where(peak > 0, peak, 1.0))
    return np.asarray(waves, dtype=np.float32)
