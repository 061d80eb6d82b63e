"""What Displays are given, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import _checks
from .._arrays import kind_of


def as_mapping(value: Any, name: str) -> dict[str, Any]:
    """Take a mapping with something in it; its keys are names."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is of type {kind_of(value)}; pass a dict")
    if not value:
        raise ValueError(f"{name} is empty: pass at least one entry")
    return {str(key): item for key, item in value.items()}


def as_numbers(value: ArrayLike, name: str) -> NDArray[Any]:
    """Take one real number an entry, (n,); NaN leaves a gap."""
    numbers = _checks.as_array(value, name)
    if numbers.ndim != 1:
        raise ValueError(f"{name} has shape {numbers.shape}; pass one number an entry, (n,)")
    _checks.check_numeric(numbers, name)
    numbers = numbers.astype(np.float64)
    if np.isinf(numbers).any():
        raise ValueError(
            f"{name} contains infinity in entry {int(np.isinf(numbers).argmax())}: drop it"
        )
    return numbers


def as_table(value: Any, name: str, source: str) -> pd.DataFrame:
    """Take a table of real numbers, as the function that makes it returns it."""
    if not isinstance(value, pd.DataFrame):
        raise TypeError(
            f"{name} is of type {kind_of(value)}; pass a DataFrame, as {source} returns it"
        )
    if value.empty:
        raise ValueError(f"{name} has shape {value.shape}: it is empty; pass what {source} returns")
    if not (value.columns.is_unique and value.index.is_unique):
        raise ValueError(f"{name} has two rows or columns of one name: rename or drop one")
    numbers = _checks.as_array(value, name)
    _checks.check_numeric(numbers, name)
    return pd.DataFrame(numbers.astype(np.float64), index=value.index, columns=value.columns)
