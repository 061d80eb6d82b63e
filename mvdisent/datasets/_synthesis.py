"""Tones as sums of harmonics, many at once, exactly and through matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .._arrays import read_array

# Samples of sound that one chunk holds: 2**22 float32 values are 16 MiB.
_CHUNK_SAMPLES = 2**22
# Offsets within a block of time; about the square root of a second's samples.
_BLOCK = 128
# Root mean square of every steady tone, full scale = 1: peaks have room for 14 dB more.
LEVEL = 0.2

Synthesise = Callable[[slice], NDArray[np.float32]]
Transform = Callable[[NDArray[np.float32]], ArrayLike]


def sum_of_harmonics(
    amplitudes: NDArray[np.float64],
    frequency: NDArray[np.float64],
    phase: NDArray[np.float64],
    *,
    n_times: int,
    sample_rate: float,
) -> NDArray[np.float32]:
    """Sum the harmonics below the Nyquist frequency of stationary tones.

    Parameters
    ----------
    amplitudes : ndarray of shape (n_tones, n_harmonics)
        Of each harmonic, a sine, up to a factor; column 0 is the fundamental.
    frequency : ndarray of shape (n_tones,)
        Fundamental frequencies, in Hz.
    phase : ndarray of shape (n_tones,)
        Phases of the fundamentals, in cycles.
    n_times : int
        Samples of each tone.
    sample_rate : float
        In Hz.

    Returns
    -------
    tones : ndarray of float32 of shape (n_tones, n_times)
        Of root mean square ``LEVEL``. Exact but for rounding: no table, no aliasing.

    Notes
    -----
    With t = t0 + u, where t0 is the start of a block of time, exp(ikwt) is
    exp(ikw t0) times exp(ikw u): a tone is the product of a (blocks, harmonics)
    and a (harmonics, offsets) matrix, and needs few sines.
    """
    harmonics = np.arange(1, amplitudes.shape[1] + 1)
    cycles = frequency[:, None] * harmonics / sample_rate  # (tone, harmonic), a sample of time
    weights = np.where(cycles < 0.5, amplitudes, 0.0)
    weights *= LEVEL / np.sqrt(np.square(weights).sum(axis=1, keepdims=True) / 2)
    starts = np.arange(0, n_times, _BLOCK)
    first = _unit_circle(cycles[:, None] * starts[:, None] + (phase[:, None] * harmonics)[:, None])
    within = _unit_circle(cycles[:, None] * np.arange(_BLOCK)[:, None])
    # The imaginary part of the product of two complex numbers, as one real product.
    left = np.concatenate([first.imag * weights[:, None], first.real * weights[:, None]], axis=2)
    right = np.concatenate([within.real, within.imag], axis=2)
    tones: NDArray[np.float32] = np.matmul(
        left.astype(np.float32), right.astype(np.float32).transpose(0, 2, 1)
    )
    return tones.reshape(len(tones), -1)[:, :n_times]


def _unit_circle(cycles: NDArray[np.float64]) -> NDArray[np.complex64]:
    """exp(2 pi i cycles); reduced to one turn in float64, where that is exact enough."""
    angle = ((cycles - np.floor(cycles)) * (2 * np.pi)).astype(np.float32)
    out = np.empty(angle.shape, dtype=np.complex64)
    np.cos(angle, out=out.real)
    np.sin(angle, out=out.imag)
    return out


def add_noise(
    waveforms: NDArray[np.float32], decibels: NDArray[np.float64] | float, rng: np.random.Generator
) -> None:
    """Add white Gaussian noise in place, ``decibels`` above or below ``LEVEL``."""
    noise = rng.standard_normal(waveforms.shape, dtype=np.float32)
    noise *= (LEVEL * 10 ** (np.asarray(decibels) / 20)).astype(np.float32)
    waveforms += noise


def in_chunks(
    synthesise: Synthesise,
    n_samples: int,
    sample_size: int,
    transform: Transform | None,
) -> NDArray[Any]:
    """Synthesise and transform rows chunk by chunk into one array.

    Parameters
    ----------
    synthesise : callable
        Takes a slice of rows, in order, gives (n_rows, n_views, n_times).
    n_samples : int
        Rows in all.
    sample_size : int
        Samples of sound in a row.
    transform : callable or None
        Applied to each chunk; gives an array with as many rows.

    Returns
    -------
    X : ndarray of shape (n_samples, ...)
        The transformed rows.
    """
    step = max(1, _CHUNK_SAMPLES // sample_size)
    X: NDArray[Any] | None = None
    for start in range(0, n_samples, step):
        rows = slice(start, min(start + step, n_samples))
        # Many small products: threads would spend their time waiting for each other.
        with threadpool_limits(1, user_api="blas"):
            sounds = synthesise(rows)
        chunk = sounds
        if transform is not None:
            chunk = read_array(transform(sounds), "what transform gives")
        expected = (len(sounds), *(chunk.shape[1:] if X is None else X.shape[1:]))
        if chunk.shape != expected:
            raise ValueError(
                f"transform={transform!r} gave shape {chunk.shape} for a chunk of {len(sounds)} "
                f"rows, not {expected}; pass a callable that keeps the rows and gives all chunks "
                "one shape, such as LogMel(16000).fit_transform"
            )
        if X is None:
            X = np.empty((n_samples, *chunk.shape[1:]), dtype=chunk.dtype)
        X[rows] = chunk
    assert X is not None  # n_samples is 1 or more
    return X
