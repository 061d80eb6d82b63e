"""Views that are drawn anew each epoch, as an array-like."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import _checks, _param_checks

Rows = NDArray[np.intp]
Draw = tuple[Any, ...]
RandomState = int | np.random.RandomState | np.random.Generator | None


class ViewSource(ABC):
    """Views that are drawn from clips anew each epoch, and stand for an array.

    Made by :func:`pair_by`, :func:`crops`, :func:`augment` and :func:`windows`.
    ``MultiViewDisentangler.fit`` draws views afresh each epoch; all else, such as
    ``numpy.asarray``, ``transform`` or ``score``, gets one fixed draw, which
    ``random_state`` decides.

    Parameters
    ----------
    rows : ndarray of int of shape (n_samples,)
        Clips or recordings that the rows are about.
    n_views : int
        Views of a row.
    view_shape : tuple of int
        Shape of a view.
    seed : int
        Of the fixed draw.

    Attributes
    ----------
    shape : tuple of int
        ``(n_samples, n_views, *view_shape)``.
    ndim, size : int
        Axes and values, as of an array.
    dtype : dtype
        float32.
    clips : ndarray of int of shape (n_samples, n_views)
        Clip or recording that each view of the fixed draw is of.

    Notes
    -----
    A slice, an array of ints or a mask gives a source of these rows, which draws
    partners among them alone, so that folds do not mix; its fixed draw is its own.
    One int gives the views of a row, and two indices or more an array, both of
    the fixed draw. A source is never changed: threads may share it.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, rows: Rows, n_views: int, view_shape: tuple[int, ...], seed: int) -> None:
        self._rows = rows
        self._seed = seed
        self.shape = (len(rows), n_views, *view_shape)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))
        self._fixed: Draw | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of shape {self.shape}>"

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]  # scikit-learn indexes rows so
        if isinstance(key, tuple | Integral) or key is None or key is Ellipsis:
            return self.drawn()[key]
        if not isinstance(key, slice) and np.size(key) == 0:
            key = np.empty(0, dtype=np.intp)
        places = np.arange(len(self))[key]
        if places.ndim != 1:
            raise IndexError(f"rows have shape {places.shape}; pass a slice, a mask or 1-D ints")
        return self._subset(places)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a source of views has no array to share: pass copy=None")
        views = self.drawn()[:]
        return views if dtype is None else views.astype(dtype, copy=False)

    @property
    def clips(self) -> Rows:
        """Clip or recording that each view of the fixed draw is of."""
        return self._clips(self.drawn().draw)

    def drawn(self) -> DrawnViews:
        """Return the fixed draw: an array-like whose rows are read as they are needed.

        Returns
        -------
        views : DrawnViews
            Of the shape of the source; ``views[rows]`` is an ndarray.
        """
        if self._fixed is None:
            self._fixed = self._draw_fixed(np.random.default_rng(self._seed))
        return DrawnViews(self, self._fixed)

    def factors(self, table: pd.DataFrame) -> pd.DataFrame:
        """Lay out the factors of the clips as those of the fixed draw.

        Parameters
        ----------
        table : DataFrame with a row for each clip
            Of all clips that were passed, also for a source of some rows.

        Returns
        -------
        factors : DataFrame of n_samples rows
            One column where the views of every row agree (``instrument``), else
            one a view (``pitch_v0``, ``pitch_v1``).

        Raises
        ------
        TypeError
            If `table` is no DataFrame.
        ValueError
            If it does not have a row for each clip.

        Notes
        -----
        A fold draws partners of its own: of the whole source's factors, the
        columns of ``_v1`` and above are not those of ``source[fold]``. Call
        ``source[fold].factors(table)``.
        """
        if not isinstance(table, pd.DataFrame):
            raise TypeError(f"table is a {type(table).__name__}; pass a DataFrame")
        _checks.check_n_rows("table", len(table), "the source's clips", self._n_clips)
        clips = self.clips
        columns: dict[Any, Any] = {}
        for name in table.columns:
            views = [table[name].iloc[of_view].reset_index(drop=True) for of_view in clips.T]
            if all(view.equals(views[0]) for view in views):
                columns[name] = views[0]
            else:
                columns |= {f"{name}_v{i}": view for i, view in enumerate(views)}
        return pd.DataFrame(columns)

    @property
    @abstractmethod
    def _n_clips(self) -> int:
        """Clips or recordings that were passed."""

    def _draw_fixed(self, rng: np.random.Generator) -> Draw:
        """Draw once for all."""
        return self._draw(rng)

    @abstractmethod
    def _draw(self, rng: np.random.Generator) -> Draw:
        """Draw what distinguishes one epoch's views from another's."""

    @abstractmethod
    def _take(self, draw: Draw, rows: Any) -> NDArray[np.float32]:
        """Gather the views of some rows, a new array."""

    @abstractmethod
    def _clips(self, draw: Draw) -> Rows:
        """Clip of each view of a draw, (n_samples, n_views)."""

    @abstractmethod
    def _subset(self, places: Rows) -> Self:
        """Give the source of some rows."""


class DrawnViews:
    """One draw of a source: an array-like that is read as an array is.

    Parameters
    ----------
    source : ViewSource
        Where the views come from.
    draw : tuple
        What was drawn.
    """

    def __init__(self, source: ViewSource, draw: Draw) -> None:
        self.source = source
        self.draw = draw
        self.shape = source.shape
        self.ndim = source.ndim
        self.size = source.size
        self.dtype = source.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        if isinstance(key, Integral):
            row = range(len(self))[int(key)]  # raises IndexError
            return np.asarray(self.source._take(self.draw, slice(row, row + 1))[0])
        if key is None or key is Ellipsis or isinstance(key, tuple):
            rows, *others = key if isinstance(key, tuple) and key else (slice(None), key)
            if rows is None or rows is Ellipsis or isinstance(rows, Integral):
                return np.asarray(self[:][key])
            return np.asarray(self[rows][(slice(None), *others)])
        return self.source._take(self.draw, key)

    def subset(self, rows: Rows) -> DrawnViews:
        """Return the fixed draw of the source of some rows.

        Parameters
        ----------
        rows : ndarray of int of shape (n_rows,)
            Places in this draw.

        Returns
        -------
        views : DrawnViews
            Partners are drawn among these rows alone.
        """
        return self.source._subset(rows).drawn()

    def redrawn(self, seed: int) -> DrawnViews:
        """Draw anew from the same rows.

        Parameters
        ----------
        seed : int
            Of the draw.

        Returns
        -------
        views : DrawnViews
            Another draw.
        """
        return DrawnViews(self.source, self.source._draw(np.random.default_rng(seed)))


def as_seed(random_state: RandomState) -> int:
    """Take a seed from what scikit-learn and numpy call a random state."""
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**63))
    _param_checks.check_seed(random_state)
    if random_state is None:
        return int(np.random.default_rng().integers(2**63))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    return int(random_state)


def check_rate(name: str, value: object) -> None:
    """Refuse what is no positive, finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < np.inf:
        raise ValueError(f"{name}={value!r:.60}; pass a positive number, in Hz")


def check_count(name: str, value: object, low: int = 1) -> None:
    """Refuse what is no int, or is too small."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < low:
        raise ValueError(f"{name}={value!r:.60}; pass an int, {low} or more")
