"""Checks of tables of factors: more of what ``_checks`` holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


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
        if name not in known:
            raise ValueError(f"factors has no {name!r}; it has {', '.join(map(repr, known))}")
