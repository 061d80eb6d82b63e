"""Tones of four waveforms: the views share the waveform and differ in frequency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import _checks, _param_checks
from ._factors import (
    FREQUENCY_SCALES,
    as_generator,
    check_real,
    check_tones,
    check_transform,
    draw_classes,
    draw_frequencies,
    factor_table,
)
from ._synthesis import LEVEL, add_noise, in_chunks, sum_of_harmonics

WAVEFORMS = ("sine", "triangle", "sawtooth", "square")

# Harmonics are counted in steps of this, and tones synthesised in groups of that.
_WIDTH, _GROUP = 16, 16

#: The two settings of the docs and benchmarks: "paper" is what the paper most
#: plausibly did; in "bandlimited" nothing aliases and all waveforms can be told.
TONE_SETTINGS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "paper": MappingProxyType({"f_min": 55.0, "f_max": 7040.0, "band_limited": False}),
        "bandlimited": MappingProxyType({"f_min": 55.0, "f_max": 1760.0, "band_limited": True}),
    }
)


def make_tone_views(
    n_samples: int = 1000,
    *,
    n_views: int = 2,
    waveforms: Sequence[str] = WAVEFORMS,
    f_min: float = 55.0,
    f_max: float = 1760.0,
    frequency_scale: str = "log",
    n_frequency_classes: int = 21,
    band_limited: bool = True,
    sample_rate: int = 16000,
    duration: float = 1.0,
    snr_db: float | None = None,
    transform: Callable[[NDArray[np.float32]], ArrayLike] | None = None,
    random_state: int | np.random.RandomState | np.random.Generator | None = None,
) -> tuple[NDArray[Any], pd.DataFrame]:
    """Make tones whose views share the waveform and differ in frequency.

    Parameters
    ----------
    n_samples : int, default=1000
        Rows; each has ``n_views`` tones.
    n_views : int, default=2
        Tones of a row; at most ``n_frequency_classes``.
    waveforms : sequence of str, default=("sine", "triangle", "sawtooth", "square")
        Waveforms to draw from, with equal chances.
    f_min : float, default=55.0
        Lowest fundamental frequency, in Hz.
    f_max : float, default=1760.0
        Highest fundamental frequency, in Hz, below half of ``sample_rate``.
    frequency_scale : {"log", "linear"}, default="log"
        Scale on which classes are equally wide and frequencies uniform.
    n_frequency_classes : int, default=21
        Classes that the range is cut into.
    band_limited : bool, default=True
        Whether to sum the harmonics below half of ``sample_rate``, so that
        nothing aliases. False samples the ideal waveforms.
    sample_rate : int, default=16000
        In Hz.
    duration : float, default=1.0
        Length of each tone, in seconds.
    snr_db : float, default=None
        Signal-to-noise ratio of added white Gaussian noise, in dB. None: no noise.
    transform : callable, default=None
        Applied to each chunk of rows as it is made, such as
        ``LogMel(16000).fit_transform``: the waveforms are then never held all
        at once. It must treat each row by itself.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the factors, phases and noise. None takes fresh entropy.

    Returns
    -------
    X : ndarray of float32 of shape (n_samples, n_views, n_times)
        Tones of root mean square 0.2, whatever the waveform, where full scale
        is 1, or what ``transform`` makes of them.
    factors : DataFrame of shape (n_samples, 1 + 2 * n_views)
        ``timbre``, the waveform that the views share; of each view,
        ``frequency_v0``, its class, and ``frequency_hz_v0``, in Hz. The classes
        of a row's views always differ.

    Raises
    ------
    TypeError
        If a count is no integer, or `transform` cannot be called.
    ValueError
        If an argument is out of its range; the message names it.

    See Also
    --------
    make_harmonic_views : Many timbres, with more private factors.

    Notes
    -----
    The class of a frequency is uniform, and the frequency uniform within its
    class. Without noise a tone's peak is at most 0.41, the overshoot of a
    band-limited sawtooth. Where `band_limited` is False, the level is that of
    the ideal waveform before it is sampled.

    As many other waveforms with the same seed give tones of the same
    frequencies, phases and noise: only the timbre is changed.

    Examples
    --------
    >>> from mvdisent.datasets import make_tone_views
    >>> X, factors = make_tone_views(10, random_state=0)
    >>> X.shape
    (10, 2, 16000)
    """
    n_times = check_tones(
        n_samples=n_samples,
        n_views=n_views,
        f_min=f_min,
        f_max=f_max,
        n_frequency_classes=n_frequency_classes,
        sample_rate=sample_rate,
        duration=duration,
    )
    _checks.check_option("frequency_scale", frequency_scale, FREQUENCY_SCALES)
    names = [] if isinstance(waveforms, str | bytes) or np.ndim(waveforms) != 1 else [*waveforms]
    for waveform in names:
        _checks.check_option("waveforms", waveform, WAVEFORMS)
    if not 0 < len(names) == len(set(names)):
        raise ValueError(
            f"waveforms={waveforms!r}; pass a sequence of one name or more, each once, such as "
            f"{WAVEFORMS[:1]}"
        )
    if snr_db is not None:
        check_real("snr_db", snr_db)
    _param_checks.check_flag("band_limited", band_limited)
    check_transform(transform)

    rng = as_generator(random_state)
    timbre = np.asarray(names)[rng.integers(len(names), size=n_samples)]
    classes = draw_classes(rng, n_samples, n_views, n_frequency_classes)
    hz = draw_frequencies(
        rng,
        classes,
        n_classes=n_frequency_classes,
        f_min=f_min,
        f_max=f_max,
        scale=frequency_scale,
    )
    phase = rng.random(hz.shape)
    synthesise = _band_limited if band_limited else _ideal

    def tones(rows: slice) -> NDArray[np.float32]:
        flat = synthesise(
            np.repeat(timbre[rows], n_views),
            hz[rows].ravel(),
            phase[rows].ravel(),
            n_times,
            sample_rate,
        )
        if snr_db is not None:
            add_noise(flat, -snr_db, rng)
        return flat.reshape(-1, n_views, n_times)

    X = in_chunks(tones, n_samples, n_views * n_times, transform)
    factors = factor_table({"timbre": timbre}, {"frequency": classes, "frequency_hz": hz})
    return X, factors


def _ideal(
    timbre: NDArray[np.str_],
    hz: NDArray[np.float64],
    phase: NDArray[np.float64],
    n_times: int,
    sample_rate: float,
) -> NDArray[np.float32]:
    """Sample the ideal waveforms, which have harmonics without end."""
    out = np.empty((len(hz), n_times), dtype=np.float32)
    # Scaled from their own root mean square to LEVEL.
    shapes: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
        "sine": lambda x: LEVEL * 2**0.5 * np.sin(2 * np.pi * x),
        "triangle": lambda x: LEVEL * 3**0.5 * (1 - 4 * np.abs((x + 0.25) % 1 - 0.5)),
        "sawtooth": lambda x: LEVEL * 3**0.5 * (1 - 2 * x),
        "square": lambda x: np.where(x < 0.5, np.float32(LEVEL), np.float32(-LEVEL)),
    }
    times = np.arange(n_times) / sample_rate
    for waveform in np.unique(timbre):
        rows = timbre == waveform
        cycles = np.multiply.outer(hz[rows], times)
        cycles += phase[rows, None]
        cycles -= np.floor(cycles)  # one turn, reduced in float64
        out[rows] = shapes[waveform](cycles.astype(np.float32))
    return out


def _band_limited(
    timbre: NDArray[np.str_],
    hz: NDArray[np.float64],
    phase: NDArray[np.float64],
    n_times: int,
    sample_rate: float,
) -> NDArray[np.float32]:
    """Sum the Fourier series of the waveforms below the Nyquist frequency."""
    out = np.empty((len(hz), n_times), dtype=np.float32)
    # A width is a tone's own, so its bits do not depend on the tones beside it.
    widths = -(-(sample_rate / 2 / hz) // _WIDTH).astype(int) * _WIDTH
    for width in np.unique(widths):
        alike = np.flatnonzero(widths == width)
        series = _fourier_series(width)
        for rows in np.array_split(alike, -(-len(alike) // _GROUP)):
            amplitudes = np.stack([series[waveform] for waveform in timbre[rows]])
            out[rows] = sum_of_harmonics(
                amplitudes, hz[rows], phase[rows], n_times=n_times, sample_rate=sample_rate
            )
    return out


def _fourier_series(n_harmonics: int) -> dict[str, NDArray[np.float64]]:
    """Sine amplitudes of the waveforms of ``_ideal``, each up to a factor."""
    k = np.arange(1, n_harmonics + 1)
    odd = k % 2 == 1
    return {
        "sine": (k == 1).astype(np.float64),
        "triangle": np.where(odd, (-1.0) ** ((k - 1) // 2) / k**2, 0.0),
        "sawtooth": 1 / k,
        "square": np.where(odd, 1 / k, 0.0),
    }
