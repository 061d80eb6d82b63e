"""Which rows a probe is trained on, and which are held out: groups stay whole."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
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
from ._factors import as_column

Rows = NDArray[np.intp]
CV: TypeAlias = int | BaseCrossValidator | Iterable[tuple[ArrayLike, ArrayLike]] | None


def as_groups(groups: ArrayLike | None, n_rows: int) -> NDArray[np.intp]:
    """Give each row the number of its group, from 0; None makes each row a group."""
    if groups is None:
        return np.arange(n_rows)
    column = as_column(groups, "groups")
    _checks.check_n_rows("groups", len(column), "factors", n_rows)
    _checks.check_none_missing("groups", column.isna().to_numpy(dtype=bool))
    try:
        return np.unique(column.to_numpy(), return_inverse=True)[1]
    except TypeError as error:  # values of several types have no order
        raise TypeError(
            f"groups holds values that cannot be sorted ({error}): pass values of one type"
        ) from error


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
    units = as_groups(groups, len(factors))
    if units.max() < 1:
        what = "factors has 1 row" if groups is None else "groups has 1 group"
        raise ValueError(f"{what} only, which cannot be split: pass 2 or more")
    splitter = _choose_splitter(
        cv, units, grouped=groups is not None, test_size=test_size, seed=seed
    )
    rows = np.zeros(len(factors))
    labels = None if groups is None else units
    folds = [(np.asarray(a), np.asarray(b)) for a, b in splitter.split(rows, factors, labels)]
    for train, test in folds:
        if np.isin(units[train], units[test]).any():
            what = "a row" if groups is None else "rows of one group"
            raise ValueError(
                f"cv={cv!r:.60} puts {what} on both sides of a split: pass an int, or a splitter "
                "that keeps groups whole, such as GroupKFold"
            )
    return folds


def _choose_splitter(cv: CV, units: Rows, *, grouped: bool, test_size: float, seed: int) -> Any:
    n_rows, n_units = len(units), int(units.max()) + 1
    if cv is None:
        if not isinstance(test_size, Real) or not test_size > 0:
            raise ValueError(
                f"test_size={test_size!r:.60}; pass a share between 0 and 1, or a number of rows"
            )
        one_split = GroupShuffleSplit if grouped else ShuffleSplit
        return one_split(1, test_size=test_size, random_state=seed)
    if isinstance(cv, Integral):
        if not 2 <= int(cv) <= n_units:
            raise ValueError(
                f"cv={cv} for {n_units} {'groups' if grouped else 'rows'}; pass an int from 2 to "
                "their number, or None for one split"
            )
        # Shuffled: rows often come sorted by class, or by recording.
        folds = GroupKFold if grouped else KFold
        return folds(int(cv), shuffle=True, random_state=seed)
    if not hasattr(cv, "split"):
        cv = _check_splits(cv, n_rows)
    return check_cv(cv)


def _check_splits(cv: Any, n_rows: int) -> list[tuple[Rows, Rows]]:
    """Refuse splits that are no pairs of rows."""
    listed = isinstance(cv, Iterable) and not isinstance(cv, str | bytes)
    single = isinstance(cv, np.ndarray) and cv.ndim == 0
    splits = list(cv) if listed and not single else []
    if not splits:
        raise TypeError(
            f"cv={cv!r:.60}; pass None, an int, a splitter of scikit-learn's kind, or a list of "
            "pairs of training and held-out rows"
        )
    for split in splits:
        parts = [np.asarray(part) for part in split] if isinstance(split, list | tuple) else []
        if len(parts) != 2 or not all(_are_rows(part, n_rows) for part in parts):
            raise ValueError(
                f"cv holds {split!r:.60}, which is no pair of training and held-out rows: pass "
                f"two arrays of int from 0 to {n_rows - 1}"
            )
    return splits


def _are_rows(part: NDArray[Any], n_rows: int) -> bool:
    if part.ndim != 1 or part.dtype.kind not in "iu" or not part.size:
        return False
    return bool(part.min() >= 0 and part.max() < n_rows)
