"""Constant-Q transforms of batches of waveforms, by librosa, and the way back."""

from __future__ import annotations

import math
from typing import Any, Protocol

import librosa
import numpy as np
from numpy.typing import NDArray

from ._inversion import Scale, invert_power, to_level, to_power

# Shortest window on the way back, in seconds, as shorter ones do not part low notes; but no
# more hops than this, and no longer than a clip, as its frames would take forever.
_WINDOW_S, _MAX_OVERLAP = 0.125, 32


class CQTSettings(Scale, Protocol):
    """What of a ``LogCQT`` the way back needs."""

    bins_per_octave: int


def lowest_filter(settings: CQTSettings) -> tuple[float, float]:
    """Give the length of the lowest band's filter, in instants, and how high it reaches, in Hz."""
    lengths, reach = librosa.filters.wavelet_lengths(
        freqs=np.array([settings.f_min], dtype=float),
        sr=settings.sample_rate,
        alpha=np.array([_bandwidth(settings)]),
    )
    return float(lengths[0]), float(reach)


def _bandwidth(settings: CQTSettings) -> float:
    """Give the width of a band over its frequency."""
    ratio: float = 2 ** (2 / settings.bins_per_octave)  # of the neighbours' frequencies
    return (ratio - 1) / (ratio + 1)


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
    told = to_power(spectra, settings)
    hop_length = int(settings.hop_length)
    window = min(_WINDOW_S * settings.sample_rate, n_times, _MAX_OVERLAP * hop_length)
    n_fft = 2 ** math.ceil(math.log2(max(4 * hop_length, window)))
    waves = invert_power(
        told,
        _fft_filters(settings, spectra.shape[1], n_fft),
        n_fft=n_fft,
        hop_length=hop_length,
        n_iter=n_iter,
        n_times=n_times,
    )
    if not isinstance(settings.ref, str):  # sounds that change within a window come out quieter
        got = np.square(cqt_magnitudes(waves, settings, spectra.shape[1]))
        got = got.sum((1, 2), dtype=np.float64)
        waves *= np.sqrt(told.sum((1, 2)) / np.where(got > 0, got, 1.0))[:, None]
    return to_level(waves, settings)


def _fft_filters(settings: CQTSettings, n_bins: int, n_fft: int) -> NDArray[np.float64]:
    """Give what each band takes of the power of each FFT bin of a Hann window, if sounds last."""
    filters, lengths = librosa.filters.wavelet(
        freqs=librosa.cqt_frequencies(
            n_bins, fmin=settings.f_min, bins_per_octave=int(settings.bins_per_octave)
        ),
        sr=settings.sample_rate,
        alpha=_bandwidth(settings),
    )
    n_times = max(n_fft, filters.shape[1])  # powers of 2
    power = np.abs(np.fft.fft(filters, n_times)) ** 2 * lengths[:, None]  # as librosa.cqt has it
    n_averaged = n_times // n_fft
    power = np.roll(power, n_averaged // 2, axis=1).reshape(n_bins, n_fft, n_averaged).mean(2)
    window = librosa.filters.get_window("hann", n_fft)
    taken: NDArray[np.float64] = power[:, : 1 + n_fft // 2] / (n_fft * np.square(window).sum())
    return taken
