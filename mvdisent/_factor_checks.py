"""Checks of tables of factors: more of what ``_checks`` holds."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from ._arrays import kind_of


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
