"""Checks of waveforms and of a spectrogram's settings: the texts of their errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .._checks import as_array, check_numeric, refuse_pcm

# Values in the frames of a chunk, in float64: 69 GB.
_LARGEST_CHUNK = 2**33


def check_clips(X: NDArray[Any], name: str = "X") -> NDArray[Any]:
    """Refuse what is no array of waveforms (n_samples, n_views, n_times)."""
    check_numeric(X, name)
    if X.ndim != 3:
        raise ValueError(
            f"{name} has {X.ndim} axes {X.shape}; pass waveforms (n_samples, n_times) or "
            "(n_samples, n_views, n_times)"
        )
    refuse_pcm(X, name)
    return X


def check_spectra(X: Any, n_bands: int, param: str, name: str = "X") -> NDArray[Any]:
    """Refuse what is no array of spectrograms (n_samples, n_views, n_bands, n_frames).

    Errors call the number of bands by the name of its parameter.
    """
    spectra = as_array(X, name)
    check_numeric(spectra, name)
    if spectra.ndim != 4 or spectra.shape[2] != n_bands or 0 in spectra.shape:
        raise ValueError(
            f"{name} has shape {spectra.shape}; pass spectrograms (n_samples, n_views, "
            f"{param}={n_bands}, n_frames), none of them empty"
        )
    return spectra


def missing_clips(chunk: NDArray[Any], start: int = 0, name: str = "X") -> NDArray[np.bool_]:
    """Find views that are NaN throughout; refuse other non-finite values.

    Parameters
    ----------
    chunk : ndarray of shape (n_samples, n_views, n_times)
        Waveforms.
    start : int, default=0
        Row of X at which the chunk begins, for errors.
    name : str, default="X"
        The argument's name, for errors.

    Returns
    -------
    missing : ndarray of bool of shape (n_samples, n_views)
        True where a view is missing.
    """
    # A sum is finite only where every value is: one pass and no temporary array.
    with np.errstate(over="ignore", invalid="ignore"):
        suspect: NDArray[np.bool_] = ~np.isfinite(chunk.sum(axis=2))
    if suspect.any():
        nan = np.isnan(chunk[suspect])
        partly = suspect.copy()
        partly[suspect] = nan.any(axis=1) & ~nan.all(axis=1)
        if partly.any():
            raise ValueError(
                f"{name} contains NaN in a part of a view in {_rows(partly, start)}: repair these "
                "clips or drop them; only a view that is NaN throughout counts as missing"
            )
        infinite = suspect.copy()
        infinite[suspect] = np.isinf(chunk[suspect]).any(axis=1)
        if infinite.any():
            raise ValueError(
                f"{name} contains infinity in {_rows(infinite, start)}: repair these clips or "
                "drop them"
            )
        suspect[suspect] = nan.all(axis=1)
    return suspect


def check_loud(
    peak: NDArray[Any], missing: NDArray[np.bool_], start: int = 0, name: str = "X"
) -> None:
    """Refuse clips whose power overflows."""
    bad = ~np.isfinite(peak) & ~missing
    if bad.any():
        raise ValueError(
            f"{name} contains values too large for the power of dtype('float32') in "
            f"{_rows(bad, start)}: scale it to full scale 1"
        )


def _rows(bad: NDArray[np.bool_], start: int) -> str:
    """Name the rows of a chunk in which any view is marked."""
    rows = (np.flatnonzero(bad.any(axis=1)) + start).tolist()
    shown = ", ".join(map(str, rows[:10]))
    return f"row{'s' * (len(rows) > 1)} {shown}{', ...' if len(rows) > 10 else ''}"


def check_device(device: str) -> None:
    """Refuse a device that torch does not know, or that is not there."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device={device!r} is not there: pass 'cpu' or another") from error


def check_mel_range(f_min: float, f_max: float, sample_rate: float) -> None:
    """Refuse a frequency range that is empty or exceeds half the sample rate."""
    if not f_min < f_max <= sample_rate / 2:
        raise ValueError(
            f"f_min={f_min} and f_max={f_max} at sample_rate={sample_rate}; "
            f"pass f_min < f_max <= {sample_rate / 2}, in Hz"
        )


def check_no_empty_band(counts: NDArray[np.int_], n_mels: int, n_fft: int) -> None:
    """Refuse mel bands into which no frequency of the FFT falls."""
    empty = np.flatnonzero(counts <= 0).tolist()
    if empty:
        raise ValueError(
            f"n_mels={n_mels} with n_fft={n_fft} leaves {len(empty)} mel bands empty, the first "
            f"band {empty[0]}: pass a smaller n_mels, a larger n_fft, or a wider f_min to f_max"
        )


def check_out(out: Any, shape: tuple[int, ...]) -> None:
    """Refuse an output array of another shape or type, or one that is read-only."""
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != np.float32:
        array = isinstance(out, np.ndarray)
        got = f"{out.dtype} of shape {out.shape}" if array else type(out).__name__
        raise ValueError(f"out is {got}; pass a float32 array of shape {shape}, or a path")
    if not out.flags.writeable:
        raise ValueError("out is read-only; pass an array that can be written, or a path")


def check_chunk(chunk_size: int, n_values: int, n_fft: int) -> None:
    """Refuse a chunk whose frames no machine holds."""
    if n_values > _LARGEST_CHUNK:
        raise ValueError(
            f"chunk_size={chunk_size} at n_fft={n_fft} takes {8 * n_values / 1e9:.0f} GB at a "
            "time: pass a smaller chunk_size, or None"
        )
