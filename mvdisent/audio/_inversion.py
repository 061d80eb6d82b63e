"""From spectrograms back to sound: mel bands to FFT bins, and the phases of Griffin and Lim."""

from __future__ import annotations

import math
from typing import Any, Protocol

import librosa
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import non_negative_factorization

# Greatest magnitude of a waveform whose spectrogram does not tell its level.
_PEAK = 0.5
# More than any sound has; far more is no number any longer on the way back.
_MAX_DB = 300.0
SEED = 0  # of the first phases
_N_UPDATES, _LOUD = 100, 1e12
_CHUNK_VALUES = 2**22  # FFT bins of a chunk of clips, over all frames


class Scale(Protocol):
    """What of any front end the way back needs."""

    sample_rate: float
    hop_length: int
    f_min: float
    ref: str | float
    top_db: float | None
    compression: float | None


class MelSettings(Scale, Protocol):
    """What of a ``LogMel`` the way back needs."""

    n_fft: int
    f_max: float | None


def to_audio(X: ArrayLike, front_end: Any, *, n_iter: int = 32) -> NDArray[np.float32]:
    """Make spectra sound, such as a model's ``swap``, ``interpolate`` or ``decode`` gives.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_views, n_bands, n_frames)
        Spectra. A view that is NaN throughout stays so.
    front_end : LogMel, LogCQT or Pipeline
        What made the spectra of that kind; of a pipeline its first step, as in a model that
        ``mvdisent fit`` saved.
    n_iter : int, default=32
        Rounds of Griffin and Lim's search for the phases, which spectra do not have.

    Returns
    -------
    waveforms : ndarray of shape (n_samples, n_views, n_times), float32
        At the sample rate of the front end; level and length are those that its
        ``inverse_transform`` gives.

    Raises
    ------
    TypeError
        If ``front_end`` cannot make spectra sound.
    ValueError
        If X is of another shape, not finite within a view, or above 300 dB, or ``n_iter`` is
        below 1.

    Examples
    --------
    >>> from mvdisent.audio import LogMel, to_audio
    >>> from mvdisent.datasets import make_tone_views
    >>> spectra = LogMel(16000)
    >>> X, _ = make_tone_views(2, transform=spectra.fit_transform, random_state=0)
    >>> to_audio(X, spectra, n_iter=4).shape
    (2, 2, 16000)
    """
    first = front_end.steps[0][1] if hasattr(front_end, "steps") else front_end
    if not hasattr(first, "inverse_transform") or not hasattr(first, "hop_length"):
        raise TypeError(
            f"front_end={front_end!r} makes no spectra: pass LogMel, LogCQT, or a Pipeline that "
            "begins with one"
        )
    waves: NDArray[np.float32] = first.inverse_transform(X, n_iter=n_iter)
    return waves


def invert_log_mel(
    spectra: NDArray[np.floating[Any]], settings: MelSettings, *, n_iter: int, n_times: int
) -> NDArray[np.float32]:
    """Find waveforms that have these spectrograms, nearly.

    Parameters
    ----------
    spectra : ndarray of shape (n_clips, n_mels, n_frames)
        Finite, in dB or compressed, as the settings say.
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
    filters = librosa.filters.mel(
        sr=settings.sample_rate,
        n_fft=settings.n_fft,
        n_mels=spectra.shape[1],
        fmin=settings.f_min,
        fmax=settings.f_max,
        dtype=np.float64,
    )
    waves = invert_power(
        to_power(spectra, settings),
        filters,
        n_fft=settings.n_fft,
        hop_length=settings.hop_length,
        n_iter=n_iter,
        n_times=n_times,
    )
    return to_level(waves, settings)


def invert_power(
    bands: NDArray[np.float64],
    filters: NDArray[np.float64],
    *,
    n_fft: int,
    hop_length: int,
    n_iter: int,
    n_times: int,
) -> NDArray[np.float32]:
    """Find waveforms of which filters of the FFT's power give these bands, nearly.

    Parameters
    ----------
    bands : ndarray of shape (n_clips, n_bands, n_frames)
        Power.
    filters : ndarray of shape (n_bands, 1 + n_fft // 2)
        What each band takes of each FFT bin.
    n_fft, hop_length : int
        Of the short-time Fourier transform.
    n_iter, n_times : int
        As of `invert_log_mel`.

    Returns
    -------
    waveforms : ndarray of shape (n_clips, n_times), float32
        At the level told.
    """
    # librosa wants a whole frame: silent frames follow a clip that is shorter.
    n_silent = max(0, math.ceil((n_fft - n_times) / hop_length))
    length = n_times + n_silent * hop_length
    n_frames = 1 + (length - n_fft % 2) // hop_length
    waves = np.empty((len(bands), n_times), dtype=np.float32)
    step = max(1, _CHUNK_VALUES // (n_frames * filters.shape[1]))
    for start in range(0, len(bands), step):
        chunk = slice(start, start + step)
        magnitudes = np.sqrt(_spread(bands[chunk], filters))
        waves[chunk] = librosa.griffinlim(
            np.pad(magnitudes, ((0, 0), (0, 0), (0, n_frames - magnitudes.shape[2]))),
            n_iter=n_iter,
            hop_length=hop_length,
            n_fft=n_fft,
            length=length,
            random_state=SEED,
        )[..., :n_times]
    return waves


def _spread(bands: NDArray[np.float64], filters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the power of each FFT bin, (n_clips, n_bins, n_frames), from that of the bands.

    By the multiplicative updates of Lee and Seung for the Kullback-Leibler divergence, the
    filters being the fixed factor. librosa's mel_to_stft, which minimises squares, leaves
    quiet bands far from what they were, as what is loud weighs so much more in it.
    """
    # Made large, as scikit-learn takes 1e-7 for all that is below it.
    scale = filters.max(1).mean()
    peak = bands.max((1, 2), keepdims=True) / _LOUD
    peak[peak == 0] = 1.0  # of silence
    bins, _, _ = non_negative_factorization(
        (bands / peak).transpose(0, 2, 1).reshape(-1, len(filters)),
        H=np.ascontiguousarray(filters.T / scale),
        n_components=filters.shape[1],
        init="custom",
        update_H=False,
        solver="mu",
        beta_loss="kullback-leibler",
        max_iter=_N_UPDATES,
        tol=0.0,  # else it would warn of each that has not ended early
    )
    power: NDArray[np.float64] = bins.reshape(len(bands), -1, bins.shape[1]).transpose(0, 2, 1)
    power *= peak / scale
    return power


def to_power(spectra: NDArray[np.floating[Any]], settings: Scale) -> NDArray[np.float64]:
    """Turn spectra into power, none at the floor, which stands for all that is below it."""
    root = settings.compression
    highest = _MAX_DB if root is None else 10 ** (_MAX_DB / 10 * root)
    if spectra.max() > highest:
        raise ValueError(
            f"X has a value of {spectra.max():g} in a band, which no sound has: pass spectra of at "
            f"most {highest:g}, in the units in which transform gives them"
        )
    power: NDArray[np.float64]
    if settings.compression is None:
        power = np.power(10.0, spectra / 10.0, dtype=np.float64)
    else:  # a model may decode less than none
        power = np.power(spectra.clip(0.0), 1.0 / settings.compression, dtype=np.float64)
    if settings.top_db is not None:
        floor = power.max((1, 2), keepdims=True) * 10 ** ((1e-3 - settings.top_db) / 10)
        power[power <= floor] = 0.0
    return power if isinstance(settings.ref, str) else power * settings.ref


def to_decibels(spectra: NDArray[np.floating[Any]], settings: Scale) -> NDArray[np.floating[Any]]:
    """Turn spectra (n_clips, n_bands, n_frames) into dB, as they are without compression."""
    if settings.compression is None:
        return spectra
    ref = 1.0 if isinstance(settings.ref, str) else settings.ref
    decibels: NDArray[np.floating[Any]] = librosa.power_to_db(
        to_power(spectra, settings), ref=ref, top_db=settings.top_db
    )
    return decibels


def to_level(waves: NDArray[np.floating[Any]], settings: Scale) -> NDArray[np.float32]:
    """Give waveforms a peak of 0.5 where their spectrograms did not tell the level."""
    if isinstance(settings.ref, str):
        peak = np.abs(waves).max(-1, keepdims=True)
        waves = waves * (_PEAK / np.where(peak > 0, peak, 1.0))
    return np.asarray(waves, dtype=np.float32)
