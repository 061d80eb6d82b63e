"""Checks of tables of factors: more of what ``_checks`` holds."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence, Sized
from typing import Any

import numpy as np

from ._arrays import kind_of
from ._checks import as_array


def check_factor_table(factors: Any) -> Any:
    """Refuse factors that are no table of columns and rows."""
    if factors is None:
        raise ValueError(
            "no factors were given: pass a DataFrame as y, or as factors by metadata routing"
        )
    if not (hasattr(factors, "columns") and hasattr(factors, "iloc")):
        raise TypeError(
            f"the factors are a {type(factors).__name__}; pass a DataFrame, one row a sample and "
            "one column a factor"
        )
    return factors


def check_names(names: Sequence[str], known: Sequence[Any]) -> None:
    """Refuse names of factors that are not known."""
    for name in names:
        if not isinstance(name, Hashable) or name not in known:
            raise ValueError(
                f"factors has no {name!r}; it has {', '.join(map(repr, known))}: name one of these"
            )


def check_hashable(label: str, values: Iterable[Any]) -> None:
    """Refuse values that cannot be told apart, such as lists."""
    for row, value in enumerate(values):
        if not isinstance(value, Hashable):
            raise TypeError(
                f"{label} has a {kind_of(value)} in row {row}; pass strings, bools, integers or "
                "floats"
            )


def read_column(values: Any, label: str, row: str) -> Any:
    """Take one value a row, such as "sample", as what pandas makes a Series of."""
    if hasattr(values, "detach") or hasattr(values, "tocsr"):
        values = as_array(values, label)
    elif isinstance(values, memoryview):  # pandas reads some formats alone
        values = np.asarray(values)
    elif isinstance(values, str | bytes | Mapping | set) or not isinstance(values, Sized):
        raise TypeError(
            f"{label} is of type {kind_of(values)}; pass a list, an array or a Series, one value a "
            f"{row}"
        )
    shape = values.shape if hasattr(values, "shape") else (len(values),)
    if len(shape) != 1:
        raise ValueError(f"{label} has shape {shape}; pass (n_{row}s,), one value a {row}")
    if not isinstance(values, np.ndarray):
        return values
    if values.dtype.kind not in "fiubOUSMm":
        raise ValueError(f"{label} has dtype {values.dtype}; pass real numbers or strings")
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
