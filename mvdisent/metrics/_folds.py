"""Which rows a probe is trained on, and which are held out: groups stay whole."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import (
    BaseCrossValidator,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    check_cv,
)

from .. import _checks

Rows = NDArray[np.intp]
CV: TypeAlias = int | BaseCrossValidator | Iterable[tuple[ArrayLike, ArrayLike]] | None


def as_groups(groups: ArrayLike | None, n_rows: int) -> NDArray[np.intp]:
    """Give each row the number of its group, from 0; None makes each row a group."""
    if groups is None:
        return np.arange(n_rows)
    groups = np.asarray(groups)
    _checks.check_n_rows("groups", len(groups), "factors", n_rows)
    return np.unique(groups, return_inverse=True)[1]


def draw_folds(
    factors: pd.DataFrame,
    groups: ArrayLike | None,
    *,
    cv: CV,
    test_size: float,
    seed: int,
) -> list[tuple[Rows, Rows]]:
    """Draw the splits into training and held-out rows.

    Parameters
    ----------
    factors : DataFrame of n_rows rows
        Passed to a splitter as ``y``.
    groups : array-like of shape (n_rows,) or None
        Rows that stay together; None: each is on its own.
    cv : int, splitter, iterable of splits or None
        None is one split by ``test_size``; an int that many shuffled folds.
    test_size : float or int
        Share or number of held-out rows, or groups, of the one split.
    seed : int
        Seed of the one split, and of the shuffling before an int's folds.

    Returns
    -------
    folds : list of tuple of ndarray of int
        Training and held-out rows of each split.

    Raises
    ------
    ValueError
        If a splitter puts a row, or a group, on both sides.
    """
    whole = as_groups(groups, len(factors))
    splitter = _choose_splitter(cv, groups is not None, test_size, seed)
    rows = np.zeros(len(factors))
    labels = None if groups is None else whole
    folds = [(np.asarray(a), np.asarray(b)) for a, b in splitter.split(rows, factors, labels)]
    for train, test in folds:
        if np.isin(whole[train], whole[test]).any():
            what = "a row" if groups is None else "rows of one group"
            raise ValueError(
                f"cv={cv!r:.60} puts {what} on both sides of a split: pass an int, or a splitter "
                "that keeps groups whole, such as GroupKFold"
            )
    return folds


def _choose_splitter(cv: CV, grouped: bool, test_size: float, seed: int) -> Any:
    if cv is None:
        one_split = GroupShuffleSplit if grouped else ShuffleSplit
        return one_split(1, test_size=test_size, random_state=seed)
    if isinstance(cv, Integral):
        # Shuffled: rows often come sorted by class, or by recording.
        folds = GroupKFold if grouped else KFold
        return folds(int(cv), shuffle=True, random_state=seed)
    return check_cv(cv)
