"""Constant-Q transforms of batches of waveforms, by librosa, and the way back."""

from __future__ import annotations

import math
from typing import Any, Protocol

import librosa
import numpy as np
from numpy.typing import NDArray

from ._inversion import SEED, Scale, to_level, to_power


class CQTSettings(Scale, Protocol):
    """What of a ``LogCQT`` the way back needs."""

    bins_per_octave: int


def lowest_filter(settings: CQTSettings) -> tuple[float, float]:
    """Give the length of the lowest band's filter, in instants, and how high it reaches, in Hz."""
    ratio = 2 ** (2 / settings.bins_per_octave)  # of the neighbours' frequencies
    lengths, reach = librosa.filters.wavelet_lengths(
        freqs=np.array([settings.f_min], dtype=float),
        sr=settings.sample_rate,
        alpha=np.array([(ratio - 1) / (ratio + 1)]),
    )
    return float(lengths[0]), float(reach)


def cqt_magnitudes(
    waves: NDArray[np.float32], settings: CQTSettings, n_bins: int
) -> NDArray[np.float32]:
    """Compute magnitudes (n_clips, n_bins, n_frames) of waveforms (n_clips, n_times)."""
    n_silent = _count_silent(settings, waves.shape[1])
    n_frames = 1 + waves.shape[1] // int(settings.hop_length)
    if n_silent:
        waves = np.pad(waves, ((0, 0), (0, n_silent)))
    bands = librosa.cqt(
        waves,
        sr=settings.sample_rate,
        hop_length=int(settings.hop_length),
        fmin=settings.f_min,
        n_bins=n_bins,
        bins_per_octave=int(settings.bins_per_octave),
    )
    magnitudes: NDArray[np.float32] = np.abs(bands[..., :n_frames])
    return magnitudes


def _count_silent(settings: CQTSettings, n_times: int) -> int:
    """Give the zeros to put behind a clip, as librosa warns of one shorter than a filter."""
    n_padded = 1 << math.ceil(math.log2(lowest_filter(settings)[0]))
    return max(0, n_padded - n_times)


def invert_log_cqt(
    spectra: NDArray[np.floating[Any]], settings: CQTSettings, *, n_iter: int, n_times: int
) -> NDArray[np.float32]:
    """Find waveforms that have these constant-Q spectrograms, nearly.

    Parameters
    ----------
    spectra : ndarray of shape (n_clips, n_bins, n_frames)
        Finite, in dB or compressed, as the settings say.
    settings : LogCQT
        Those that the spectrograms were made with.
    n_iter, n_times : int
        As of `invert_log_mel`.

    Returns
    -------
    waveforms : ndarray of shape (n_clips, n_times), float32
        Of a peak of 0.5 for ``ref="max"``, else of the level told.
    """
    magnitudes = np.sqrt(to_power(spectra, settings))
    length = n_times + _count_silent(settings, n_times)
    n_silent = 1 + length // int(settings.hop_length) - magnitudes.shape[2]  # frames
    waves = librosa.griffinlim_cqt(
        np.pad(magnitudes, ((0, 0), (0, 0), (0, n_silent))),
        n_iter=n_iter,
        sr=settings.sample_rate,
        hop_length=int(settings.hop_length),
        fmin=settings.f_min,
        bins_per_octave=int(settings.bins_per_octave),
        length=length,
        random_state=SEED,
    )[:, :n_times]
    if not isinstance(settings.ref, str):  # the filters overlap: the sound comes out too loud
        bands = cqt_magnitudes(waves, settings, magnitudes.shape[1])
        told, got = (np.square(values).sum((1, 2)) for values in (magnitudes, bands))
        waves *= np.sqrt(told / np.where(got > 0, got, 1.0))[:, None]
    return to_level(waves, settings)
