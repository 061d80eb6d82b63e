"""Cheap transforms of log-mel spectra, each drawn for every view by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._source import check_count
from ._transform import FloatArray, Shape, ViewTransform

# Values of noise, of which each view takes a run from a place of its own.
_TABLE_SIZE = 2**20
# Largest change of a level, in dB: float32 holds the power of it.
_MAX_DB = 200.0


@dataclass(frozen=True)
class MelShift(ViewTransform):
    """Shift spectra by whole bands: a transposition.

    A crude one of mel bands, and a true one of the bands of ``LogCQT``; not for spectra with
    ``n_fourier`` rows, which a transposition leaves where they are.

    The shift is a whole number of bands, with equal chances from ``-max_bands`` to
    ``max_bands``. Bands that nothing moves into are filled with the lowest value of
    the view.

    Parameters
    ----------
    max_bands : int, default=10
        Largest shift, in bands, less than the bands of a spectrum.
    """

    max_bands: int = 10

    def __post_init__(self) -> None:
        check_count("max_bands", self.max_bands, 0)

    def view_shape(self, shape: Shape) -> Shape:
        """Refuse views of too few bands."""
        shape = super().view_shape(shape)
        if self.max_bands >= shape[0]:
            raise ValueError(
                f"max_bands={self.max_bands}, but the spectra have {shape[0]} bands: pass fewer"
            )
        return shape

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, int], view_shape: Shape
    ) -> tuple[NDArray[Any], ...]:
        """Draw a shift for each view, in bands."""
        return (rng.integers(-self.max_bands, self.max_bands + 1, size=shape),)

    def apply(self, X: FloatArray, *values: NDArray[Any]) -> FloatArray:
        """Shift the views of a batch."""
        n_mels, n_frames = X.shape[2:]
        source = np.arange(n_mels) - values[0].reshape(-1, 1)  # (view, band)
        flat = X.reshape(-1, n_mels, n_frames)
        bands = source.clip(0, n_mels - 1) + n_mels * np.arange(len(source))[:, None]
        out: FloatArray = X.reshape(-1, n_frames)[bands.ravel()]
        empty = source != source.clip(0, n_mels - 1)
        floor = np.broadcast_to(flat.min(axis=(1, 2))[:, None], empty.shape)
        out[empty.ravel()] = floor[empty][:, None]
        return out.reshape(X.shape)


@dataclass(frozen=True)
class Gain(ViewTransform):
    """Raise or lower the level, by up to ``db`` decibels.

    Parameters
    ----------
    db : float, default=6.0
        Largest change, in dB.
    """

    db: float = 6.0

    def __post_init__(self) -> None:
        _check_real("db", self.db, _MAX_DB)

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, int], view_shape: Shape
    ) -> tuple[NDArray[Any], ...]:
        """Draw a gain for each view, in dB."""
        return (rng.uniform(-self.db, self.db, size=shape).astype(np.float32),)

    def apply(self, X: FloatArray, *values: NDArray[Any]) -> FloatArray:
        """Change the level of the views of a batch."""
        X += values[0][..., None, None]
        return X


@dataclass(frozen=True)
class TiltEQ(ViewTransform):
    """Tilt the spectrum, by up to ``db_per_octave``.

    The mean over the bands does not change.

    Parameters
    ----------
    db_per_octave : float, default=3.0
        Steepest slope, in dB an octave.
    sample_rate : float, default=16000.0
        Of the waveforms that the spectra are of, in Hz.
    f_min : float, default=0.0
        Lowest frequency of the mel bands, in Hz.
    f_max : float, default=None
        Highest frequency of the mel bands, in Hz; None: half the sample rate.
    """

    db_per_octave: float = 3.0
    sample_rate: float = 16000.0
    f_min: float = 0.0
    f_max: float | None = None

    def __post_init__(self) -> None:
        _check_real("db_per_octave", self.db_per_octave, _MAX_DB)
        _check_real("sample_rate", self.sample_rate)
        _check_real("f_min", self.f_min)
        if self.f_max is not None:
            _check_real("f_max", self.f_max)
        if not self.f_min < self._top():
            raise ValueError(f"f_min={self.f_min} is not below f_max={self._top()}: pass less")

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, int], view_shape: Shape
    ) -> tuple[NDArray[Any], ...]:
        """Draw a slope for each view, in dB an octave."""
        slope = rng.uniform(-self.db_per_octave, self.db_per_octave, size=shape)
        return (slope.astype(np.float32),)

    def apply(self, X: FloatArray, *values: NDArray[Any]) -> FloatArray:
        """Tilt the views of a batch."""
        octaves = np.log2(mel_centres(X.shape[2], self.f_min, self._top()))
        octaves -= octaves.mean()
        X += values[0][..., None, None] * octaves.astype(np.float32)[:, None]
        return X

    def _top(self) -> float:
        return self.sample_rate / 2 if self.f_max is None else self.f_max


@dataclass(frozen=True)
class AddNoise(ViewTransform):
    """Add noise of equal power in every mel band.

    The power of a band in a frame is exponentially distributed, as that of white
    noise is in a bin of a Fourier transform, and added to the spectrum's power.

    Parameters
    ----------
    snr_db : sequence of float of length 2, default=(10.0, 40.0)
        Lowest and highest ratio of the view's mean power to that of the noise,
        in dB; those between have equal chances.

    Notes
    -----
    The noise of a view is a run, from a place of its own, of one table of a million
    values: new numbers for every view would cost more than the rest of a batch.
    """

    snr_db: Sequence[float] = (10.0, 40.0)

    def __post_init__(self) -> None:
        low, high = _as_pair("snr_db", self.snr_db)
        object.__setattr__(self, "snr_db", (low, high))

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, int], view_shape: Shape
    ) -> tuple[NDArray[Any], ...]:
        """Draw a ratio for each view, in dB, and a place in the table."""
        low, high = self.snr_db
        ratio = rng.uniform(low, high, size=shape).astype(np.float32)
        return ratio, rng.integers(_TABLE_SIZE, size=shape)

    def apply(self, X: FloatArray, *values: NDArray[Any]) -> FloatArray:
        """Add noise to the views of a batch."""
        ratio, place = values
        n_values = X.shape[2] * X.shape[3]
        runs = np.lib.stride_tricks.sliding_window_view(_noise_table(n_values), n_values)
        noise: FloatArray = runs[place].reshape(X.shape)
        peak = X.max(axis=(2, 3), keepdims=True)  # taken as 0 dB: any power is finite
        power = np.power(np.float32(10), (X - peak) / np.float32(10))
        level = power.mean(axis=(2, 3)) * np.power(np.float32(10), -ratio / np.float32(10))
        noise *= level[..., None, None]
        noise += power
        np.log10(noise, out=noise)
        noise *= np.float32(10)
        noise += peak
        return noise


@dataclass(frozen=True)
class TimeCrop(ViewTransform):
    """Cut a segment of each view, from a place of its own.

    Parameters
    ----------
    n_frames : int
        Frames of a segment.
    """

    n_frames: int

    def __post_init__(self) -> None:
        check_count("n_frames", self.n_frames)

    def view_shape(self, shape: Shape) -> Shape:
        """Give the shape of a segment."""
        shape = super().view_shape(shape)
        if self.n_frames > shape[1]:
            raise ValueError(
                f"n_frames={self.n_frames}, but the spectra have {shape[1]} frames: pass fewer"
            )
        return shape[0], int(self.n_frames)

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, int], view_shape: Shape
    ) -> tuple[NDArray[Any], ...]:
        """Draw a first frame for each view."""
        return (rng.integers(view_shape[1] - self.n_frames + 1, size=shape),)

    def apply(self, X: FloatArray, *values: NDArray[Any]) -> FloatArray:
        """Cut the views of a batch."""
        frames = values[0][..., None, None] + np.arange(self.n_frames)
        return np.take_along_axis(X, frames, axis=3)


def mel_centres(n_mels: int, f_min: float, f_max: float) -> NDArray[np.float64]:
    """Centres of mel bands on Slaney's scale, which LogMel uses, in Hz."""
    knee, step = 1000.0, np.log(6.4) / 27  # linear to 1 kHz, 3 mel for 200 Hz; then logarithmic

    def to_mel(hz: float) -> float:
        return hz * 3 / 200 if hz < knee else 15 + float(np.log(hz / knee)) / step

    mel = np.linspace(to_mel(f_min), to_mel(f_max), n_mels + 2)[1:-1]
    return np.where(mel < 15, mel * 200 / 3, knee * np.exp(step * (np.maximum(mel, 15) - 15)))


@lru_cache(maxsize=4)
def _noise_table(n_values: int) -> FloatArray:
    """Power of white noise: a ring, opened so that every run lies within."""
    ring = np.random.default_rng(0).standard_exponential(_TABLE_SIZE, dtype=np.float32)
    table = np.resize(ring, _TABLE_SIZE + n_values)
    table.flags.writeable = False
    return table


def _check_real(name: str, value: object, high: float = 1e9) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= high:
        raise ValueError(f"{name}={value!r:.60}; pass a number from 0 to {high:g}")


def _as_pair(name: str, pair: Any) -> tuple[float, float]:
    if (
        isinstance(pair, str | bytes)
        or np.shape(pair) != (2,)
        or not all(isinstance(end, Real) and abs(float(end)) <= _MAX_DB for end in pair)
        or pair[0] > pair[1]
    ):
        raise ValueError(f"{name}={pair!r:.60}; pass two numbers, (low, high), to {_MAX_DB:g} dB")
    return float(pair[0]), float(pair[1])
