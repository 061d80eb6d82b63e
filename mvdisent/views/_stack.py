"""Views as separate arrays, as one array, and as rows of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import _checks
from .._arrays import kind_of


def stack_views(
    views: Sequence[ArrayLike | None] | Mapping[Any, ArrayLike | None],
) -> NDArray[np.float32]:
    """Stack arrays of one view each into one array of views.

    Parameters
    ----------
    views : list, tuple or dict of array-like of shape (n_samples, ...)
        Equally shaped views; a dict's in the order of its keys. None, or a row
        that is NaN throughout, is a missing view.

    Returns
    -------
    X : ndarray of shape (n_samples, n_views, ...), float32
        A copy.

    Raises
    ------
    TypeError
        If `views` is neither a sequence nor a dict.
    ValueError
        If the shapes differ, no view is given, or a view holds integers
        narrower than 32 bits or values beyond float32.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.views import stack_views
    >>> stack_views([np.zeros((5, 16000)), np.ones((5, 16000))]).shape
    (5, 2, 16000)
    """
    if not isinstance(views, Sequence | Mapping) or isinstance(views, str | bytes | memoryview):
        raise TypeError(
            f"views is of type {kind_of(views)}; pass a list, tuple or dict of arrays, each "
            "(n_samples, ...)"
        )
    keys = list(views) if isinstance(views, Mapping) else range(len(views))
    arrays = {}
    for key in keys:
        view = views[key]
        if view is not None:
            arrays[key] = _one_view(view, f"views[{key!r}]")
    if not arrays:
        raise ValueError(f"views holds no array ({len(views)} entries); pass one or more")
    first, *others = arrays
    shape = arrays[first].shape
    for key in others:
        if arrays[key].shape != shape:
            raise ValueError(
                f"views[{key!r}] has shape {arrays[key].shape}, but views[{first!r}] has {shape}: "
                "cut or pad them to one shape"
            )
    X = np.full((shape[0], len(views), *shape[1:]), np.nan, dtype=np.float32)
    for number, key in enumerate(keys):
        if key in arrays:
            try:
                with np.errstate(over="raise"):
                    X[:, number] = arrays[key]
            except FloatingPointError as error:
                raise ValueError(
                    f"views[{key!r}] contains values too large for dtype('float32'): scale it"
                ) from error
    return X


@overload
def split_views(
    X: ArrayLike, factors: pd.DataFrame
) -> tuple[NDArray[Any], pd.DataFrame, NDArray[np.intp]]: ...
@overload
def split_views(
    X: ArrayLike, factors: None = None
) -> tuple[NDArray[Any], None, NDArray[np.intp]]: ...
def split_views(
    X: ArrayLike, factors: pd.DataFrame | None = None
) -> tuple[NDArray[Any], pd.DataFrame | None, NDArray[np.intp]]:
    """Take samples apart into rows of one view each.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_views, ...)
        Views; 2-D X is one view of features.
    factors : DataFrame of n_samples rows, default=None
        A private factor is one column a view (``frequency_v0``,
        ``frequency_v1``), a shared factor one column.

    Returns
    -------
    X_single : ndarray of shape (n_samples * n_views, 1, ...)
        Row ``i * n_views + j`` is view j of sample i. A view of `X` where no
        view is missing; rows of missing ones (NaN throughout) are left out.
    factors_single : DataFrame or None
        One row for each of `X_single`: ``frequency_v0`` and ``frequency_v1``
        are one column ``frequency``, and shared columns are repeated. None for
        `factors` None.
    groups : ndarray of int of shape (len(X_single),)
        Sample of each row, for splitters that keep a sample's views together.

    Raises
    ------
    TypeError
        If `factors` is no DataFrame.
    ValueError
        If its rows are not those of `X`, or a private factor's columns are not
        those of the views.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from mvdisent.views import split_views
    >>> factors = pd.DataFrame({"timbre": [0], "pitch_v0": [60], "pitch_v1": [67]})
    >>> X_single, table, groups = split_views(np.zeros((1, 2, 3)), factors)
    >>> table["pitch"].tolist(), groups.tolist()
    ([60, 67], [0, 0])
    """
    array = _checks.as_views(_checks.as_array(X))
    n_samples, n_views, *shape = array.shape
    table = None if factors is None else _factor_rows(factors, n_samples, n_views)
    groups = np.repeat(np.arange(n_samples), n_views)
    X_single = array.reshape(n_samples * n_views, 1, *shape)
    missing = _missing_rows(X_single)
    if missing.any():
        X_single, groups = X_single[~missing], groups[~missing]
        if table is not None:
            table = table[~missing].reset_index(drop=True)
    return X_single, table, groups


def _one_view(view: ArrayLike, name: str) -> NDArray[Any]:
    array = _checks.as_array(view, name)
    _checks.check_numeric(array, name)
    _checks.refuse_pcm(array, name)
    if array.ndim < 2:
        raise ValueError(f"{name} has shape {array.shape}; pass (n_samples, ...)")
    return array


def _missing_rows(X: NDArray[Any]) -> NDArray[np.bool_]:
    """Find rows that are NaN throughout, reading few others whole."""
    rows = X.reshape(len(X), -1)
    missing: NDArray[np.bool_] = np.isnan(rows[:, 0])
    for row in np.flatnonzero(missing):
        missing[row] = np.isnan(rows[row]).all()
    return missing


def _factor_rows(factors: pd.DataFrame, n_samples: int, n_views: int) -> pd.DataFrame:
    """Give each view a row of factors, in the order of split_views."""
    if not isinstance(factors, pd.DataFrame):
        raise TypeError(f"factors is a {type(factors).__name__}; pass a DataFrame")
    _checks.check_n_rows("factors", len(factors), "X", n_samples)
    names = _names_by_view(list(factors.columns), n_views)
    tables = [
        factors[[own[view] for own in names.values()]].set_axis(list(names), axis=1)
        for view in range(n_views)
    ]
    by_view: pd.DataFrame = pd.concat(tables, ignore_index=True)  # row j * n_samples + i
    order = np.arange(n_views * n_samples).reshape(n_views, n_samples).T.ravel()
    return by_view.iloc[order].reset_index(drop=True)


def _names_by_view(columns: list[Any], n_views: int) -> dict[Any, list[Any]]:
    """Map each factor to its column for each view."""
    if len(set(columns)) < len(columns):
        double = next(column for column in columns if columns.count(column) > 1)
        raise ValueError(f"factors has two columns {double!r}: rename one, or drop it")
    names: dict[Any, list[Any]] = {}
    for column in columns:
        private = re.fullmatch(r"(.+)_v(\d+)", str(column))
        name = private[1] if private else column
        own = [f"{name}_v{view}" for view in range(n_views)] if private else [column] * n_views
        if names.setdefault(name, own) != own:
            raise ValueError(f"factors has {name!r} as a shared and a private factor: rename one")
        if private and column not in own:
            raise ValueError(
                f"factors has the column {column!r}, but X has {n_views} views: drop or rename it"
            )
        absent = [other for other in own if other not in columns]
        if absent:
            raise ValueError(
                f"factors has {column!r} and lacks {absent[0]!r}: a private factor needs a column "
                f"for each of the {n_views} views; add it"
            )
    return names
