"""Folds that are alike in a factor."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api import types
from sklearn.model_selection import BaseCrossValidator, StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import check_scalar

from .. import _checks, _factor_checks, _param_checks
from .._arrays import kind_of

Indices = NDArray[np.intp]


class FactorKFold(BaseCrossValidator):
    """Split into folds that hold the classes of one factor in equal shares.

    :class:`sklearn.model_selection.StratifiedKFold` and, with groups,
    :class:`sklearn.model_selection.StratifiedGroupKFold` of one column of a
    table of factors, which these refuse as ``y``.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    factor : str
        Column whose classes each fold holds in equal shares.
    group : str, default=None
        Column whose equal values stay in one fold, such as the recording or the
        player. None: rows are on their own, unless `split` is given groups.
    shuffle : bool, default=False
        Whether to shuffle the rows of each class, or the groups, first.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling.

    See Also
    --------
    mvdisent.metrics.get_scorer : Scores of the held-out rows.

    Notes
    -----
    With scikit-learn's metadata routing the factors may travel as ``factors``
    in place of ``y``.

    Examples
    --------
    >>> import pandas as pd
    >>> from mvdisent.model_selection import FactorKFold
    >>> factors = pd.DataFrame({"timbre": list("aaaabb"), "frequency_v0": range(6)})
    >>> for train, test in FactorKFold(2, factor="timbre").split(factors, factors):
    ...     print("".join(factors["timbre"].iloc[test]))
    aab
    aab
    """

    __metadata_request__split: ClassVar = {"groups": True, "factors": True}

    def __init__(
        self,
        n_splits: int = 5,
        *,
        factor: str,
        group: str | None = None,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.factor = factor
        self.group = group
        self.shuffle = shuffle
        self.random_state = random_state
        self._folds(grouped=False)  # refuses settings that make no sense

    def split(
        self,
        X: Any,
        y: pd.DataFrame | None = None,
        groups: ArrayLike | None = None,
        *,
        factors: pd.DataFrame | None = None,
    ) -> Iterator[tuple[Indices, Indices]]:
        """Yield the rows of the training and of the held-out part of each split.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Data; only its length is looked at.
        y : DataFrame of n_samples rows, default=None
            Factors, matched to X by position.
        groups : array-like of shape (n_samples,), default=None
            Equal values stay in one fold; in place of a `group` column.
        factors : DataFrame of n_samples rows, default=None
            Factors in place of `y`, which is then not looked at.

        Yields
        ------
        train, test : ndarray of int
            Rows of the two parts.

        Raises
        ------
        TypeError
            If the factors are no DataFrame.
        ValueError
            If rows differ in number; if a column is not there, has missing
            values or is continuous; if no class has `n_splits` rows; if groups
            are given twice.
        """
        table = _factor_checks.check_factor_table(y if factors is None else factors)
        n_rows = _count_rows(X)
        _checks.check_n_rows("factors", len(table), "X", n_rows)
        codes = self._codes(table)
        if self.group is not None:
            if groups is not None:
                raise ValueError(
                    f"groups is given, and group={self.group!r} as well: pass one of them"
                )
            groups = _codes_of(table, self.group)
        if groups is not None:
            self._check_groups(np.asarray(groups), n_rows)
        folds = self._folds(grouped=groups is not None)
        yield from folds.split(np.zeros(n_rows), codes, groups)

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: Any = None, *, factors: Any = None
    ) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups, factors : object, default=None
            Ignored.

        Returns
        -------
        n_splits : int
            As set.
        """
        return self.n_splits

    def _folds(self, *, grouped: bool) -> StratifiedKFold | StratifiedGroupKFold:
        check_scalar(self.n_splits, "n_splits", Integral, min_val=2)
        _param_checks.check_flag("shuffle", self.shuffle)
        _param_checks.check_seed(self.random_state)
        folds = StratifiedGroupKFold if grouped else StratifiedKFold
        return folds(self.n_splits, shuffle=self.shuffle, random_state=self.random_state)

    def _check_groups(self, groups: NDArray[Any], n_rows: int) -> None:
        """Refuse groups that are not one a row, or fewer than the folds."""
        if groups.ndim != 1:
            raise ValueError(f"groups has shape {groups.shape}; pass (n_samples,), one a row")
        _checks.check_n_rows("groups", len(groups), "X", n_rows)
        _factor_checks.check_hashable("groups", groups)
        codes = pd.factorize(groups)[0]
        _checks.check_none_missing("groups", codes < 0)
        if codes.max() + 1 < self.n_splits:
            raise ValueError(
                f"groups has {codes.max() + 1} groups, fewer than n_splits={self.n_splits}: pass "
                "fewer splits"
            )

    def _codes(self, table: pd.DataFrame) -> NDArray[np.intp]:
        """Give the factor as class numbers."""
        codes = _codes_of(table, self.factor)
        column = table[self.factor]
        label = f"factors[{self.factor!r}]"
        if types.is_float_dtype(column.dtype) and (column % 1 != 0).any():
            raise ValueError(
                f"{label} is continuous: stratify by a discrete factor, or by classes of this one, "
                "such as pandas.qcut gives"
            )
        most = int(np.bincount(codes).max())
        if most < self.n_splits:
            raise ValueError(
                f"{label} has at most {most} rows of a class, fewer than n_splits={self.n_splits}: "
                "pass fewer splits, or another factor"
            )
        return codes


def _count_rows(X: Any) -> int:
    shape = X.shape if hasattr(X, "shape") else (len(X),) if hasattr(X, "__len__") else ()
    if not shape:
        raise TypeError(f"X is of type {kind_of(X)}; pass an array, one row a sample")
    return int(shape[0])


def _codes_of(table: pd.DataFrame, name: str) -> NDArray[np.intp]:
    """Give a column as numbers of its distinct values."""
    _factor_checks.check_names([name], list(table.columns))
    _checks.check_none_missing(f"factors[{name!r}]", table[name].isna().to_numpy(dtype=bool))
    if types.is_object_dtype(table[name].dtype):
        _factor_checks.check_hashable(f"factors[{name!r}]", table[name])
    codes: NDArray[np.intp] = pd.factorize(table[name])[0]
    return codes
