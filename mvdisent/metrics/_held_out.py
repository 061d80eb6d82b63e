"""Held-out samples as rows of one view each: their features by block, and their factors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import _checks, _factor_checks
from .._blocks import block_columns
from ..views import split_views
from ._factors import as_factors, encode_factor

BLOCKS = ("private", "shared", "both")


@dataclass(frozen=True)
class HeldOut:
    """What a scorer looks at: a row is one view of one sample.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_columns)
        What the estimator makes of each view.
    names : list of str
        Names of these columns.
    factors : DataFrame of n_rows rows
        A column a factor.
    own : dict of str to {"private", "shared"}
        The block that each factor belongs in.
    groups : ndarray of int of shape (n_rows,)
        Sample of each row.
    """

    features: NDArray[Any]
    names: list[str]
    factors: pd.DataFrame
    own: dict[str, str]
    groups: NDArray[np.intp]

    def columns(self, block: str) -> list[int]:
        """Find the columns of a block."""
        _checks.check_option("block", block, BLOCKS)
        found = block_columns(self.names)
        parts = ["private", "shared"] if block == "both" else [block]
        for part in parts:
            if part not in found:
                raise ValueError(
                    f"the estimator has no {part} block among its columns ({self.names[0]}, ...): "
                    f"it needs output='both', and {part}_0, ... from get_feature_names_out"
                )
        return [i for part in parts for i in found[part]]


def hold_out(estimator: Any, X: ArrayLike, factors: Any, wanted: Sequence[str] | None) -> HeldOut:
    """Transform each view by itself.

    Parameters
    ----------
    estimator : estimator
        Fitted, with ``transform`` and ``get_feature_names_out``.
    X : array-like of shape (n_samples, n_views, ...)
        Views; 2-D X is one view of features.
    factors : DataFrame of n_samples rows
        A shared factor is one column, a private one a column a view.
    wanted : sequence of str or None
        Factors to keep, a private one without its view; None keeps all.

    Returns
    -------
    rows : HeldOut
        One row a view that is not missing.
    """
    table = _factor_checks.check_factor_table(factors)
    if wanted is not None:
        table = _choose(table, wanted)
    X_single, by_view, groups = split_views(X, table)
    own = {str(f): "shared" if f in table.columns else "private" for f in by_view.columns}
    by_view = as_factors(by_view)
    for name, column in by_view.items():
        values, _ = encode_factor(str(name), column)
        where = f"{len(values)} held-out rows (FactorKFold holds its classes in each fold)"
        _checks.check_varies(f"factors[{name!r}]", values, where)
    # One view of features stays 2-D, as a Pipeline of scalers takes it.
    features = estimator.transform(X if np.ndim(X) == 2 else X_single)
    return HeldOut(
        _checks.as_features(features, "the estimator's output"),
        [str(name) for name in estimator.get_feature_names_out()],
        by_view,
        own,
        groups,
    )


def _choose(table: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """Keep the columns of some factors."""
    factors = {column: re.sub(r"(?<=.)_v\d+$", "", str(column)) for column in table.columns}
    _factor_checks.check_names(wanted, list(dict.fromkeys(factors.values())))
    return table[[column for column, factor in factors.items() if factor in wanted]]
