"""Tones of many harmonic timbres, with attack, loudness, noise and frequency private."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import _checks
from ._factors import (
    as_generator,
    check_count,
    check_interval,
    check_tones,
    check_transform,
    draw_classes,
    draw_frequencies,
    factor_table,
)
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
    transform: Callable[[NDArray[np.float32]], ArrayLike] | None = None,
    timbre_seed: int = 0,
    random_state: int | np.random.RandomState | np.random.Generator | None = None,
) -> tuple[NDArray[Any], pd.DataFrame]:
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
    f_min : float, default=110.0
        Lowest fundamental frequency, in Hz; frequencies lie on a log scale.
    f_max : float, default=880.0
        Highest fundamental frequency, in Hz, below half of ``sample_rate``. At
        the default nine partials of the highest tone remain to tell its timbre.
    n_frequency_classes : int, default=21
        Classes that the range is cut into.
    attack : tuple of float, default=(0.005, 0.3)
        Range of the attack time, in seconds, on a log scale: the tone rises to
        full level by a raised cosine, and is still rising at the end of a clip
        shorter than that.
    loudness_db : tuple of float, default=(-30.0, 0.0)
        Range of the gain, in dB. A spectrogram whose 0 dB is each clip's own
        maximum does not show it: pass ``LogMel(..., ref=1.0)``.
    snr_db : tuple of float, default=(10.0, 40.0)
        Range of the signal-to-noise ratio of added white Gaussian noise, in
        dB, where the signal is the tone after its attack.
    sample_rate : int, default=16000
        In Hz.
    duration : float, default=1.0
        Length of each tone, in seconds.
    transform : callable, default=None
        Applied to each chunk of rows as it is made, such as
        ``LogMel(16000, ref=1.0).fit_transform``. It must treat each row by itself.
    timbre_seed : int, default=0
        Seed of the profiles: timbre k is the same in every call with this seed.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the factors, phases and noise. None takes fresh entropy.

    Returns
    -------
    X : ndarray of float32 of shape (n_samples, n_views, n_times)
        Tones of root mean square 0.2 at 0 dB after the attack, where full scale
        is 1, or what ``transform`` makes of them.
    factors : DataFrame of shape (n_samples, 1 + 5 * n_views)
        ``timbre``, the profile that the views share; of each view,
        ``frequency_v0`` (class), ``frequency_hz_v0``, ``attack_v0`` in seconds,
        ``loudness_v0`` in dB and ``noise_v0``, the signal-to-noise ratio in dB.

    Raises
    ------
    TypeError
        If a count is no integer, or `transform` cannot be called.
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

    Examples
    --------
    >>> from mvdisent.datasets import make_harmonic_views
    >>> X_train, known = make_harmonic_views(20, timbres=range(12), random_state=0)
    >>> X_test, unseen = make_harmonic_views(20, timbres=range(12, 24), random_state=1)
    >>> set(known["timbre"]) & set(unseen["timbre"])
    set()
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
    check_interval("attack", attack, above=0.0)
    check_interval("loudness_db", loudness_db)
    check_interval("snr_db", snr_db)
    check_count("timbre_seed", timbre_seed, low=0)
    check_transform(transform)

    rng = as_generator(random_state)
    profiles = _make_profiles(n_timbres, int(timbre_seed))
    timbre = choices[rng.integers(len(choices), size=n_samples)]
    classes = draw_classes(rng, n_samples, n_views, n_frequency_classes)
    hz = draw_frequencies(rng, classes, n_classes=n_frequency_classes, f_min=f_min, f_max=f_max)
    phase = rng.random(hz.shape)
    seconds = np.exp(rng.uniform(math.log(attack[0]), math.log(attack[1]), size=hz.shape))
    gain_db = rng.uniform(*loudness_db, size=hz.shape)
    noise_db = rng.uniform(*snr_db, size=hz.shape)
    longest = min(n_times, math.ceil(attack[1] * sample_rate))
    times = np.arange(longest) / sample_rate  # none but these are in an attack

    def tones(rows: slice) -> NDArray[np.float32]:
        partials = np.repeat(profiles[timbre[rows]], n_views, axis=0)
        f, p = hz[rows].ravel(), phase[rows].ravel()
        flat = np.empty((len(f), n_times), dtype=np.float32)
        for group in np.array_split(np.arange(len(f)), -(-len(f) // _GROUP)):
            flat[group] = sum_of_harmonics(
                partials[group], f[group], p[group], n_times=n_times, sample_rate=sample_rate
            )
        loudness = gain_db[rows].reshape(-1, 1)
        flat *= (10 ** (loudness / 20)).astype(np.float32)
        risen = np.minimum(times / seconds[rows].reshape(-1, 1), 1).astype(np.float32)
        flat[:, :longest] *= 0.5 - 0.5 * np.cos(np.float32(np.pi) * risen)
        add_noise(flat, loudness - noise_db[rows].reshape(-1, 1), rng)
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
    check_count("n_timbres", n_timbres)
    choices = _checks.as_array(range(n_timbres) if timbres is None else timbres, "timbres")
    if (
        choices.ndim != 1
        or choices.size == 0
        or choices.dtype.kind not in "iu"
        or choices.min() < 0
        or choices.max() >= n_timbres
        or len(np.unique(choices)) < len(choices)
    ):
        raise ValueError(
            f"timbres={timbres!r}; pass a sequence of whole numbers from 0 to n_timbres - 1 = "
            f"{n_timbres - 1}, each once"
        )
    return choices.astype(np.int64)
