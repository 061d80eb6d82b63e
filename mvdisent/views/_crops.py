"""Random segments of recordings, and windows that follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ._clips import as_recordings
from ._source import Draw, RandomState, Rows, ViewSource, as_seed, check_count, check_rate


def crops(
    X: ArrayLike | Sequence[ArrayLike],
    length: int,
    *,
    n_views: int = 2,
    random_state: RandomState = None,
) -> ViewSource:
    """Cut random segments of recordings, other ones each epoch.

    Parameters
    ----------
    X : array-like of shape (n_recordings, ..., n), or list of arrays (..., n)
        Waveforms (n_times,) or spectra (n_mels, n_frames). Those of a list may differ
        in length; memmaps stay on disk.
    length : int
        Instants or frames of a segment.
    n_views : int, default=2
        Segments of a row, each drawn by itself: they may overlap.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the fixed draw. The segments of a training epoch follow from the
        ``random_state`` of the model. None takes fresh entropy.

    Returns
    -------
    source : ViewSource of shape (n_recordings, n_views, ..., length)
        To be passed as X; row i is recording i. For more rows an epoch index it:
        ``source[numpy.repeat(numpy.arange(len(source)), 20)]``, and split by
        recording.

    Raises
    ------
    TypeError
        If X is of a wrong type.
    ValueError
        If a recording is not finite or shorter than ``length``, or an argument is
        out of its range.

    See Also
    --------
    windows : All segments of a recording, in order.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.views import crops
    >>> tracks = [np.zeros((64, 900)), np.zeros((64, 700))]
    >>> crops(tracks, 63, random_state=0).shape
    (2, 2, 64, 63)
    """
    check_count("length", length)
    check_count("n_views", n_views)
    recordings = as_recordings(X, int(length))
    rows = np.arange(len(recordings))
    return _RandomCrops(recordings, rows, int(length), int(n_views), as_seed(random_state))


def windows(
    X: ArrayLike | Sequence[ArrayLike], length: int, *, hop: int | None = None
) -> ViewSource:
    """Cut recordings of any length into windows, a row each, without a copy.

    Parameters
    ----------
    X : array-like of shape (n_recordings, ..., n), or list of arrays (..., n)
        Waveforms (n_times,) or spectra (n_mels, n_frames). Those of a list may differ
        in length; memmaps stay on disk.
    length : int
        Instants or frames of a window.
    hop : int, default=None
        Instants or frames from one window's start to the next; None: ``length``.
        What remains at the end of a recording, less than a hop, is left out.

    Returns
    -------
    source : ViewSource of shape (n_windows, 1, ..., length)
        Windows in the order of the recordings and of time, read as they are
        needed: ``model.transform(source)`` holds few at a time. ``source.clips``
        tells the recording, and :func:`window_table` the time, of each.

    Raises
    ------
    TypeError
        If X is of a wrong type.
    ValueError
        If a recording is not finite or shorter than ``length``, or an argument is
        out of its range.

    See Also
    --------
    WindowFeatures : One row a recording.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.views import window_table, windows
    >>> source = windows([np.zeros((64, 130)), np.zeros((64, 64))], 64, hop=32)
    >>> source.shape
    (4, 1, 64, 64)
    >>> window_table(source, rate=62.5)
       recording   time
    0          0  0.000
    1          0  0.512
    2          0  1.024
    3          1  0.000
    """
    check_count("length", length)
    hop = length if hop is None else hop
    check_count("hop", hop)
    return cut_windows(as_recordings(X, int(length)), int(length), int(hop))


def cut_windows(recordings: list[NDArray[Any]], length: int, hop: int) -> ViewSource:
    """Cut recordings that were checked."""
    starts = [np.arange(0, x.shape[-1] - length + 1, hop) for x in recordings]
    rows = np.repeat(np.arange(len(starts)), [len(own) for own in starts])
    return _Windows(recordings, rows, length, np.concatenate(starts))


def window_table(source: ViewSource, *, rate: float) -> pd.DataFrame:
    """Tell the recording and the time of each window.

    Parameters
    ----------
    source : ViewSource
        As :func:`windows` gives it, or rows of it.
    rate : float
        Instants or frames a second: the sample rate of waveforms, and of spectra
        ``sample_rate / hop_length``.

    Returns
    -------
    table : DataFrame of n_windows rows
        ``recording``, its place in X, and ``time``, at which the window starts, in
        seconds.

    Raises
    ------
    TypeError
        If `source` is not what :func:`windows` gives.
    ValueError
        If `rate` is no positive number.
    """
    if not isinstance(source, _Windows):
        raise TypeError(f"source is a {type(source).__name__}; pass what windows(...) gives")
    check_rate("rate", rate)
    return pd.DataFrame({"recording": source.recordings, "time": source.starts / float(rate)})


class _Segments(ViewSource):
    """Segments whose starts are the draw, (n_samples, n_views)."""

    def __init__(
        self, recordings: list[NDArray[Any]], rows: Rows, length: int, n_views: int, seed: int
    ) -> None:
        super().__init__(rows, n_views, (*recordings[0].shape[:-1], length), seed)
        self._recordings, self._length = recordings, length

    @property
    def _n_clips(self) -> int:
        return len(self._recordings)

    def _take(self, draw: Draw, rows: Any) -> NDArray[np.float32]:
        starts, length = draw[0][rows], self._length
        out = np.empty((*starts.shape, *self.shape[2:]), dtype=np.float32)
        # Slices, not one gather: the recordings differ in length and may lie on disk.
        for views, own, recording in zip(out, starts, self._rows[rows], strict=True):
            for view, start in zip(views, own, strict=True):
                view[...] = self._recordings[recording][..., start : start + length]
        return out

    def _clips(self, draw: Draw) -> Rows:
        return np.repeat(self._rows[:, None], self.shape[1], axis=1)


class _RandomCrops(_Segments):
    def _draw(self, rng: np.random.Generator) -> Draw:
        lengths = np.array([x.shape[-1] for x in self._recordings])[self._rows]
        return (rng.integers(lengths[:, None] - self._length + 1, size=self.shape[:2]),)

    def _subset(self, places: Rows) -> _RandomCrops:
        rows = self._rows[places]
        return _RandomCrops(self._recordings, rows, self._length, self.shape[1], self._seed)


class _Windows(_Segments):
    def __init__(
        self, recordings: list[NDArray[Any]], rows: Rows, length: int, starts: Rows
    ) -> None:
        super().__init__(recordings, rows, length, 1, 0)
        self.recordings, self.starts = rows, starts

    def _draw(self, rng: np.random.Generator) -> Draw:
        return (self.starts[:, None],)

    def _subset(self, places: Rows) -> _Windows:
        return _Windows(self._recordings, self._rows[places], self._length, self.starts[places])
