"""Partners that agree in one factor and differ in others, drawn without a loop over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]

# Rounds of drawing anew the rows that break a further factor, before they are enumerated.
_MAX_ROUNDS = 16


class PartnerPools:
    """The rows from which each row's partners are drawn.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows,)
        Partners agree in it.
    differ : sequence of ndarray of int of shape (n_rows,)
        Partners differ in each of these: one or more.
    usable : ndarray of bool of shape (n_rows,)
        Rows that may be partners; all rows have some.
    names : ndarray of shape (n_codes,)
        What each of the first codes stands for, for errors.
    """

    def __init__(
        self,
        codes: Rows,
        differ: Sequence[Rows],
        usable: NDArray[np.bool_],
        names: NDArray[Any],
    ) -> None:
        self._codes, self._names = codes, names
        first, *self._others = differ
        # Sorted by label, then by the first factor: the rows that must be left out are a run.
        key = codes * (first.max(initial=0) + 1) + first
        pool = np.flatnonzero(usable)
        self._order = pool[np.argsort(key[pool], kind="stable")]
        in_order = codes[self._order]
        self._start = np.searchsorted(in_order, codes, side="left")
        self._size = np.searchsorted(in_order, codes, side="right") - self._start
        self._key = key
        in_order = key[self._order]
        self._run = np.searchsorted(in_order, key, side="left")
        self._run_size = np.searchsorted(in_order, key, side="right") - self._run

    def draw(self, rng: np.random.Generator, n_views: int, rows: Rows | None = None) -> Rows:
        """Draw partners, each with equal chances.

        Parameters
        ----------
        rng : Generator
            Source of the draws.
        n_views : int
            Rows that belong together: each row, and its partners.
        rows : ndarray of int of shape (n_drawn,) or None
            Rows for which to draw, repeated or not; None: each once.

        Returns
        -------
        views : ndarray of int of shape (n_drawn, n_views)
            Column 0 is each row itself.

        Raises
        ------
        ValueError
            If a label has too few rows that differ.
        """
        views = (np.arange(len(self._codes)) if rows is None else rows)[:, None]
        while views.shape[1] < n_views:
            views = np.concatenate([views, self._next(rng, views, n_views)[:, None]], axis=1)
        return views

    def _next(self, rng: np.random.Generator, rows: Rows, n_views: int) -> Rows:
        """Draw one partner more."""
        left = self._size[rows[:, 0]] - self._run_size[rows].sum(axis=1)
        if (left < 1).any():
            self._refuse(int(rows[np.argmax(left < 1), 0]), n_views)
        found = self._pick(rng, rows, left)
        if not self._others:
            return found
        for _ in range(_MAX_ROUNDS):
            again = np.flatnonzero(self._clash(rows, found))
            if len(again) == 0:
                return found
            found[again] = self._pick(rng, rows[again], left[again])
        for row in np.flatnonzero(self._clash(rows, found)):
            found[row] = self._enumerate(rng, rows[row], n_views)
        return found

    def _pick(self, rng: np.random.Generator, rows: Rows, left: Rows) -> Rows:
        """Draw from the label's rows with the runs of those before left out."""
        place = self._start[rows[:, 0]] + rng.integers(left)
        runs = np.sort(self._run[rows], axis=1)
        order = np.argsort(self._run[rows], axis=1)
        sizes = np.take_along_axis(self._run_size[rows], order, axis=1)
        for start, size in zip(runs.T, sizes.T, strict=True):
            place += np.where(place >= start, size, 0)
        return np.asarray(self._order[place])

    def _clash(self, rows: Rows, found: Rows) -> NDArray[np.bool_]:
        """Tell rows whose partner agrees with one before in a further factor."""
        clash = np.zeros(len(rows), dtype=bool)
        for values in self._others:
            clash |= (values[rows] == values[found, None]).any(axis=1)
        return clash

    def _enumerate(self, rng: np.random.Generator, views: Rows, n_views: int) -> np.intp:
        """Draw among all partners that differ in every factor."""
        start = self._start[views[0]]
        pool = self._order[start : start + self._size[views[0]]]
        fits = ~np.isin(self._key[pool], self._key[views])
        for values in self._others:
            fits &= ~np.isin(values[pool], values[views])
        if not fits.any():
            self._refuse(int(views[0]), n_views)
        return np.intp(rng.choice(pool[fits]))

    def _refuse(self, row: int, n_views: int) -> None:
        label = self._names[self._codes[row]]
        text = label.item() if isinstance(label, np.generic) else label
        raise ValueError(
            f"labels has too few clips of {text!r:.60} for n_views={n_views}: of each label it "
            f"needs {n_views} clips that are not missing and differ (in each factor of differ); "
            "drop this label, add clips of it, or split by groups that keep its clips together"
        )
