"""Factors as a table: one column a factor, one row a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from .. import _checks, _factor_checks
from .._arrays import kind_of

Factors = pd.DataFrame | pd.Series | Mapping[str, Any]


def as_factors(factors: Factors) -> pd.DataFrame:
    """Take factors as a DataFrame without missing values, its rows numbered from 0.

    Rows belong together by position: an index is never used to align them.
    """
    if isinstance(factors, pd.Series):
        factors = {"factor" if factors.name is None else str(factors.name): factors}
    if not isinstance(factors, Mapping | pd.DataFrame):
        raise TypeError(
            f"factors is of type {kind_of(factors)}; pass a pandas DataFrame, a Series or a dict "
            "{name: values}, one value a sample"
        )
    columns: dict[str, pd.Series] = {}
    for name, values in factors.items():
        if str(name) in columns:
            raise ValueError(f"factors has two columns {str(name)!r}: rename one, or leave it out")
        columns[str(name)] = as_column(values, _label(str(name)))
    if not columns:
        raise ValueError("factors has no column: pass one factor or more")
    first, *others = columns
    for name in others:
        _checks.check_n_rows(_label(name), len(columns[name]), _label(first), len(columns[first]))
    for name, column in columns.items():
        _checks.check_none_missing(_label(name), column.isna().to_numpy(dtype=bool))
    return pd.DataFrame(columns)


def as_column(values: Any, label: str) -> pd.Series:
    """Take one value a sample as a Series, its rows numbered from 0."""
    values = _factor_checks.read_column(values, label, "sample")
    column = pd.Series(values).reset_index(drop=True)
    if types.is_object_dtype(column.dtype):
        _factor_checks.check_hashable(label, column)
    # pandas groups no rows by floats of another width.
    if not types.is_float_dtype(column.dtype):
        return column
    with np.errstate(over="ignore"):  # told as infinity
        return column.astype(np.float64)


def encode_factor(name: str, column: pd.Series) -> tuple[NDArray[Any], bool]:
    """Turn one factor into numbers.

    Returns
    -------
    values : ndarray of shape (n_samples,)
        Integer codes of a discrete factor, float64 values of a continuous one.
    discrete : bool
        True for strings, bools, categories, objects and integers; False for
        floats.
    """
    if types.is_float_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64)
        _checks.check_finite(values[:, None], _label(name))
        return values, False
    if not (
        isinstance(column.dtype, pd.CategoricalDtype)
        or types.is_bool_dtype(column.dtype)
        or types.is_integer_dtype(column.dtype)
        or types.is_string_dtype(column.dtype)
        or types.is_object_dtype(column.dtype)
    ):
        raise ValueError(
            f"{_label(name)} has dtype {column.dtype}; pass strings, bools, integers or categories "
            "for a discrete factor, floats for a continuous one"
        )
    return pd.factorize(column)[0], True


def _label(name: str) -> str:
    return f"factors[{name!r}]"
