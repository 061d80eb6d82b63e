"""Tones of many harmonic timbres, with attack, loudness, noise and frequency private."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from ._factors import as_generator, check_tones, class_to_hz, draw_classes, factor_table
from ._synthesis import add_noise, in_chunks, sum_of_harmonics

_N_PARTIALS = 40
_GROUP = 32  # tones that are synthesised by one matrix product


def make_harmonic_views(
    n_samples: int = 1000,
    *,
    n_views: int = 2,
    n_timbres: int = 24,
    timbres: Sequence[int] | None = None,
    f_min: float = 110.0,
    f_max: float = 880.0,
    n_frequency_classes: int = 21,
    attack: tuple[float, float] = (0.005, 0.3),
    loudness_db: tuple[float, float] = (-30.0, 0.0),
    snr_db: tuple[float, float] = (10.0, 40.0),
    sample_rate: int = 16000,
    duration: float = 1.0,
    transform: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
    timbre_seed: int = 0,
    random_state: int | np.random.RandomState | np.random.Generator | None = None,
) -> tuple[NDArray[np.float32], pd.DataFrame]:
    """Make tones whose views share a harmonic profile and differ in all else.

    Parameters
    ----------
    n_samples : int, default=1000
        Rows; each has ``n_views`` tones.
    n_views : int, default=2
        Tones of a row; at most ``n_frequency_classes``.
    n_timbres : int, default=24
        Harmonic profiles that exist.
    timbres : sequence of int, default=None
        Profiles to draw from, such as ``range(12)`` to train and
        ``range(12, 24)`` for timbres never trained on. None: all.
    f_min, f_max : float, default=110.0 and 880.0
        Range of the fundamental frequencies, in Hz, on a log scale.
    n_frequency_classes : int, default=21
        Classes that the range is cut into.
    attack : tuple of float, default=(0.005, 0.3)
        Range of the attack time, in seconds, on a log scale: the tone rises to
        full level by a raised cosine.
    loudness_db : tuple of float, default=(-30.0, 0.0)
        Range of the gain, in dB.
    snr_db : tuple of float, default=(10.0, 40.0)
        Range of the signal-to-noise ratio of added white noise, in dB.
    sample_rate : int, default=16000
        In Hz.
    duration : float, default=1.0
        Length of each tone, in seconds.
    transform : callable, default=None
        Applied to each chunk of rows as it is made, such as
        ``LogMel(16000, ref=1.0).fit_transform``.
    timbre_seed : int, default=0
        Seed of the profiles: timbre k is the same in every call with this seed.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the factors, phases and noise. None takes fresh entropy.

    Returns
    -------
    X : ndarray of float32 of shape (n_samples, n_views, n_times)
        Tones of root mean square 0.1 at 0 dB in the steady part, or what
        ``transform`` makes of them.
    factors : DataFrame of shape (n_samples, 1 + 5 * n_views)
        ``timbre``, the profile that the views share; of each view,
        ``frequency_v0`` (class), ``frequency_hz_v0``, ``attack_v0`` in seconds,
        ``loudness_v0`` in dB and ``noise_v0``, the signal-to-noise ratio in dB.

    Raises
    ------
    ValueError
        If an argument is out of its range; the message names it.

    See Also
    --------
    make_tone_views : Four waveforms, frequency alone private.

    Notes
    -----
    A profile has 40 partials: amplitudes fall as a power of the partial's
    number, drawn between 0.5 and 2, times log-normal factors of 6 dB, so it
    does not depend on the pitch. Partials above half of ``sample_rate`` are
    left out.
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
    choices = _check_timbres(timbres, n_timbres)
    _check_range("attack", attack, at_least=0.0)
    _check_range("loudness_db", loudness_db)
    _check_range("snr_db", snr_db)

    rng = as_generator(random_state)
    profiles = _make_profiles(n_timbres, timbre_seed)
    timbre = choices[rng.integers(len(choices), size=n_samples)]
    classes = draw_classes(rng, n_samples, n_views, n_frequency_classes)
    position = (classes + rng.random(classes.shape)) / n_frequency_classes
    hz = class_to_hz(position, f_min=f_min, f_max=f_max, scale="log")
    phase = rng.random(hz.shape)
    seconds = np.exp(rng.uniform(math.log(attack[0]), math.log(attack[1]), size=hz.shape))
    gain_db = rng.uniform(*loudness_db, size=hz.shape)
    noise_db = rng.uniform(*snr_db, size=hz.shape)
    times = np.arange(n_times, dtype=np.float32) / sample_rate

    def tones(rows: slice) -> NDArray[np.float32]:
        partials = np.repeat(profiles[timbre[rows]], n_views, axis=0)
        f, p = hz[rows].ravel(), phase[rows].ravel()
        flat = np.empty((len(f), n_times), dtype=np.float32)
        for group in np.array_split(np.arange(len(f)), -(-len(f) // _GROUP)):
            flat[group] = sum_of_harmonics(
                partials[group], f[group], p[group], n_times=n_times, sample_rate=sample_rate
            )
        level = 0.1 * 10 ** (gain_db[rows].ravel() / 20) / np.sqrt(np.square(flat).mean(1))
        flat *= level.astype(np.float32)[:, None]
        rise = np.minimum(times / seconds[rows].reshape(-1, 1).astype(np.float32), 1)
        flat *= 0.5 - 0.5 * np.cos(np.pi * rise)
        add_noise(flat, noise_db[rows].reshape(-1, 1), rng)
        return flat.reshape(-1, n_views, n_times)

    X = in_chunks(tones, n_samples, n_views * n_times, transform)
    private = {
        "frequency": classes,
        "frequency_hz": hz,
        "attack": seconds,
        "loudness": gain_db,
        "noise": noise_db,
    }
    return X, factor_table({"timbre": timbre}, private)


def _make_profiles(n_timbres: int, seed: int) -> NDArray[np.float64]:
    """Amplitudes of the partials of each timbre, (n_timbres, n_partials)."""
    k = np.arange(1, _N_PARTIALS + 1)
    # One stream a timbre: profile k does not depend on how many there are.
    streams = [np.random.default_rng([seed, i]) for i in range(n_timbres)]
    return np.stack(
        [k ** -rng.uniform(0.5, 2.0) * 10 ** (rng.normal(0, 6, len(k)) / 20) for rng in streams]
    )


def _check_timbres(timbres: Sequence[int] | None, n_timbres: int) -> NDArray[np.int64]:
    check_scalar(n_timbres, "n_timbres", (int, np.integer), min_val=1)
    choices = np.arange(n_timbres) if timbres is None else np.asarray(list(timbres))
    if (
        choices.size == 0
        or choices.dtype.kind not in "iu"
        or choices.min() < 0
        or choices.max() >= n_timbres
    ):
        raise ValueError(
            f"timbres={timbres!r}; pass whole numbers from 0 to n_timbres - 1 = {n_timbres - 1}"
        )
    return choices


def _check_range(name: str, bounds: tuple[float, float], at_least: float = -np.inf) -> None:
    if len(bounds) != 2 or not at_least < bounds[0] <= bounds[1]:
        raise ValueError(f"{name}={bounds!r}; pass a pair (low, high), low above {at_least}")
