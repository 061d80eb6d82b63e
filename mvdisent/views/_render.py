"""Waveforms transformed by a library, in processes whose random numbers are their own."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from joblib import effective_n_jobs
from joblib.externals.loky import ProcessPoolExecutor
from numpy.typing import ArrayLike, NDArray

from .. import _param_checks
from ._clips import as_clips, find_present
from ._source import RandomState, as_seed, check_count, check_rate

WaveformTransform = Callable[[NDArray[np.float32], Any], ArrayLike]

# Copies that are handed to a worker at a time.
_TASK_COPIES = 64
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}


def render(
    X: ArrayLike,
    transform: WaveformTransform,
    *,
    sample_rate: float,
    n_copies: int = 4,
    n_jobs: int | None = None,
    random_state: RandomState = None,
) -> NDArray[np.float32]:
    """Transform each waveform several times at random, once for all.

    Parameters
    ----------
    X : array-like of shape (n_clips, n_times)
        Waveforms, full scale = 1. A missing clip, NaN throughout, stays missing.
    transform : callable
        ``transform(waveform, sample_rate)`` gives a waveform: a pedalboard, a
        transform of audiomentations, or your own. It may draw from the global
        generators of ``random``, numpy and torch. What it gives is cut, or padded
        with zeros, to ``n_times``.
    sample_rate : float
        In Hz; passed on.
    n_copies : int, default=4
        Transforms of each clip.
    n_jobs : int, default=None
        Worker processes, as joblib counts them.
    random_state : int, RandomState, Generator or None, default=None
        Seed of all that the workers draw. None takes fresh entropy.

    Returns
    -------
    copies : ndarray of float32 of shape (n_clips, n_copies, n_times)
        To be passed to LogMel, then, flat, to :func:`pair_by` with the clip as
        label: the views of a row are then copies of one clip, others each epoch.

    Raises
    ------
    TypeError
        If `transform` cannot be called.
    ValueError
        If X is not (n_clips, n_times) and finite, or what `transform` gives is no
        finite waveform.

    Notes
    -----
    Pitch shifts and reverberation take milliseconds a clip, and would be most
    of an epoch's time: so they are rendered once, and drawn from each epoch.

    The libraries draw from global generators. Each copy is made in a worker process
    after these were seeded for this clip and copy, so that the result depends on
    ``random_state`` alone, whatever ``n_jobs`` is, and the state of the calling
    process is not touched, nor that of its threads. `transform` travels there by
    cloudpickle.

    Examples
    --------
    A pedalboard (extra ``effects``) is not random: draw its settings.

    >>> def room(waveform, sample_rate):
    ...     from pedalboard import Pedalboard, PitchShift, Reverb
    ...
    ...     rng = np.random.default_rng(np.random.randint(2**31))
    ...     effects = [PitchShift(rng.uniform(-3, 3)), Reverb(room_size=rng.uniform(0, 0.5))]
    ...     return Pedalboard(effects)(waveform, sample_rate)
    >>> copies = render(X, room, sample_rate=16000)  # doctest: +SKIP
    """
    if not callable(transform):
        raise TypeError(f"transform={transform!r:.60} cannot be called; pass a function")
    check_rate("sample_rate", sample_rate)
    check_count("n_copies", n_copies)
    _param_checks.check_jobs(n_jobs)
    clips = as_clips(X)
    if clips.ndim != 2:
        raise ValueError(f"X has shape {clips.shape}; pass waveforms (n_clips, n_times)")
    present = np.flatnonzero(find_present(clips))
    out = np.full((len(clips), n_copies, clips.shape[1]), np.nan, dtype=np.float32)
    step = max(1, _TASK_COPIES // n_copies)
    tasks = [present[start : start + step] for start in range(0, len(present), step)]
    seed = as_seed(random_state)
    workers = max(1, min(effective_n_jobs(n_jobs), len(tasks)))
    with ProcessPoolExecutor(max_workers=workers, env=_ONE_THREAD) as pool:
        futures = [
            pool.submit(_render_clips, transform, clips[rows], sample_rate, n_copies, rows, seed)
            for rows in tasks
        ]
        try:
            for rows, future in zip(tasks, futures, strict=True):
                out[rows] = future.result()
        finally:
            for future in futures:
                future.cancel()
    return out


def _render_clips(
    transform: WaveformTransform,
    clips: NDArray[Any],
    sample_rate: float,
    n_copies: int,
    numbers: NDArray[np.intp],
    seed: int,
) -> NDArray[np.float32]:
    """Transform some clips; runs in a worker."""
    n_times = clips.shape[1]
    out = np.zeros((len(clips), n_copies, n_times), dtype=np.float32)
    for number, clip, copies in zip(numbers, clips, out, strict=True):
        for i, copy in enumerate(copies):
            own_seed = _seed_of(seed, int(number), i)
            random.seed(own_seed)
            np.random.seed(own_seed)  # noqa: NPY002 - the worker's own
            torch.manual_seed(own_seed)
            given = np.array(clip, dtype=np.float32)
            made = np.asarray(transform(given, sample_rate), dtype=np.float32).squeeze()
            if made.ndim != 1 or not np.isfinite(made).all():
                raise ValueError(
                    f"transform={transform!r:.60} made of clip {number} an array of shape "
                    f"{made.shape}, or one not finite: pass one that gives a waveform (n_times,)"
                )
            copy[: len(made)] = made[:n_times]
    return out


def _seed_of(seed: int, number: int, copy: int) -> int:
    return int(np.random.SeedSequence([seed, number, copy]).generate_state(1)[0])
