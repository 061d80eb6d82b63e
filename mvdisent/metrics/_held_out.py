"""Held-out samples as rows of one view each: their features by block, and their factors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline

from .. import _checks, _factor_checks
from .._blocks import block_columns, name_columns
from ..views import split_views
from ._cross_view import MIN_SAMPLES
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
        return _find_columns(self.names, block)


def transform_views(
    estimator: Any, X: ArrayLike, factors: Any, wanted: Sequence[str] | None
) -> HeldOut:
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
    if not len(X_single):
        raise ValueError("X has no view that is not missing: pass rows with one view or more")
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
        name_columns(estimator),
        by_view,
        own,
        groups,
    )


def transform_by_sample(
    estimator: Any, X: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Encode each view by itself, and keep the views of a sample together.

    Parameters
    ----------
    estimator : estimator
        Fitted; of a Pipeline, the last step makes the blocks.
    X : array-like of shape (n_samples, n_views, ...)
        Views; samples with a missing one are left out.

    Returns
    -------
    private : ndarray of shape (n_complete, n_views, n_private)
        Private features of each view.
    shared : ndarray of shape (n_complete, n_views, n_shared)
        Shared features that each view gives by itself.
    X : ndarray of shape (n_complete, n_views, ...)
        What they were made from: of a Pipeline, what its last step takes.
    """
    if isinstance(estimator, Pipeline) and len(estimator) > 1:
        X, estimator = estimator[:-1].transform(X), estimator[-1]
    views = _checks.as_views(_checks.as_array(X))
    present = _checks.find_present(views)
    complete = views if present is None else views[present.all(axis=1)]
    if views.shape[1] < 2 or len(complete) < MIN_SAMPLES:
        raise ValueError(
            f"X has {views.shape[1]} view(s) and {len(complete)} samples without a missing view; "
            f"the cross_view scorer compares the views of a sample: pass 2 views or more of "
            f"{MIN_SAMPLES} samples or more"
        )
    views = complete
    n_samples, n_views = views.shape[:2]
    X_single, _, _ = split_views(views)
    features = _checks.as_features(estimator.transform(X_single), "the estimator's output")
    by_view = features.reshape(n_samples, n_views, -1)
    names = name_columns(estimator)
    private, shared = (by_view[..., _find_columns(names, block)] for block in BLOCKS[:2])
    return private, shared, views


def _find_columns(names: Sequence[str], block: str) -> list[int]:
    """Find the columns of a block by their names."""
    _checks.check_option("block", block, BLOCKS)
    found = block_columns(names)
    parts = ["private", "shared"] if block == "both" else [block]
    for part in parts:
        if part not in found:
            raise ValueError(
                f"the estimator has no {part} block among its columns ({names[0]}, ...): "
                f"it needs output='both', and {part}_0, ... from get_feature_names_out"
            )
    return [i for part in parts for i in found[part]]


def _choose(table: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """Keep the columns of some factors."""
    factors = {column: re.sub(r"(?<=.)_v\d+$", "", str(column)) for column in table.columns}
    _factor_checks.check_names(wanted, list(dict.fromkeys(factors.values())))
    return table[[column for column, factor in factors.items() if factor in wanted]]
