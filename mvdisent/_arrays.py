"""What numpy makes of what a user passed: more of what ``_checks`` holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def kind_of(value: Any) -> str:
    """Name the class of a value, with its library: ``polars.DataFrame``, ``list``."""
    module = type(value).__module__.split(".")[0]
    name = type(value).__name__
    return name if module == "builtins" else f"{module}.{name}"


def read_array(X: Any, name: str) -> NDArray[Any]:
    """Let numpy read an array-like, and objects as the numbers that they are."""
    array = _read(X, name)
    if np.ma.isMaskedArray(array):
        raise TypeError(f"{name} is a masked array; a missing view is NaN: pass {name}.filled(nan)")
    if array.dtype.kind != "O":
        return array
    if array.ndim == 0:
        raise TypeError(f"{name} is of type {kind_of(X)}; pass an array")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{name} has dtype object, and not all its values are numbers ({error}): pass real "
            "numbers, such as float32"
        ) from error


def refuse_no_columns(table: Any) -> None:
    """Refuse a table without columns, which scikit-learn's validation cannot read."""
    if hasattr(table, "columns") and len(table.columns) == 0:
        raise ValueError(f"X has shape {table.shape}, no columns: pass at least one feature")


def find_text_column(table: Any) -> str | None:
    """Name the first column of a table that holds something else than real numbers."""
    for name in table.columns:
        try:
            if np.asarray(table[name]).dtype.kind == "c":
                return repr(name)
            np.asarray(table[name], dtype=np.float64)
        except (TypeError, ValueError):
            return repr(name)
    return None


def _read(X: Any, name: str) -> NDArray[Any]:
    if isinstance(X, np.matrix):
        raise TypeError(f"{name} is an np.matrix, which has 2 axes always: pass np.asarray({name})")
    if hasattr(X, "detach"):  # a torch tensor, perhaps on a device or part of a graph
        X = X.detach().cpu()
        try:
            return np.asanyarray(X.numpy())
        except TypeError as error:
            raise TypeError(
                f"{name} is a tensor that numpy cannot hold ({X.dtype}, {X.layout}): pass "
                f"{name}.to_dense().float()"
            ) from error
    try:
        return np.asanyarray(X)
    except ValueError as error:
        raise ValueError(
            f"{name} is a {kind_of(X)} whose entries differ in shape: pass rows of one length"
        ) from error
