"""The property: a call works, or refuses by the name of an argument and with a cure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

REFUSED = object()

# A cure is an imperative or a bound.
CURE = re.compile(
    r"\b(pass|drop|remove|clip|impute|set|convert|scale|cut|pad|rename|leave|repair|train|lower"
    r"|must be|should|needs?|give|fit|call|add|name|choose|expecting|stratify|read|load)\b"
)
# scikit-learn's own texts about X, which its users know by heart.
SKLEARN = re.compile(
    r"Found array with \d (sample|feature)\(s\)|Reshape your data|The feature names should match"
    r"|unable to convert array of bytes/strings|Complex data not supported|Expected 2D array"
    r"|could not convert string to float"
    r"|Input X contains (NaN|infinity)"
    r"|dtype='numeric' is not compatible with arrays of bytes/strings"
)


def attempt(
    call: Callable[[], Any], names: Iterable[str], *inputs: Any, also: tuple[type, ...] = ()
) -> Any:
    """Call; give the result, or REFUSED after the text was checked.

    Inputs are the same afterwards, bit by bit, whichever way it ended.
    """
    before = [fingerprint(value) for value in inputs]
    try:
        result = call()
    except (ValueError, TypeError, *also) as error:
        result = REFUSED
        if not isinstance(error, also):
            check_text(str(error), names)
    assert [fingerprint(value) for value in inputs] == before, "an input was modified"
    return result


def check_text(text: str, names: Iterable[str]) -> None:
    """A refusal names an argument, and the cure."""
    if SKLEARN.search(text):
        return
    mentioned = re.search(rf"(?<![\w'])'?({'|'.join(map(re.escape, names))})\b", text)
    assert mentioned, f"names no argument of {tuple(names)}: {text}"
    assert CURE.search(text), f"names no cure: {text}"
    assert len(text) < 1000, f"too long to be read: {text:.300}"


def fingerprint(value: Any) -> Any:
    """Tell whether a value was changed."""
    if isinstance(value, pd.DataFrame | pd.Series):
        return str(value.to_numpy(dtype=object).tolist()), str(value.index), str(value.dtypes)
    if hasattr(value, "detach"):
        return str(value), value.requires_grad
    if hasattr(value, "tocsr"):
        return value.toarray().tobytes()
    if isinstance(value, np.ma.MaskedArray):
        return value.data.tobytes(), np.ma.getmaskarray(value).tobytes()
    if isinstance(value, np.ndarray):
        same = str(value.tolist()) if value.dtype == object else value.tobytes()
        return same, value.shape, value.strides, value.dtype
    if isinstance(value, Mapping):
        return [(key, fingerprint(item)) for key, item in value.items()]
    if isinstance(value, list | tuple | set | str | int | float | None):
        return str(value)
    return id(value)


def check_array(result: Any, shape: tuple[int, ...], dtype: Any = np.float32) -> None:
    """A result has the documented shape and dtype, and is finite."""
    assert result.shape == shape
    assert result.dtype == dtype
    assert np.isfinite(result).all(), "not finite"


def check_number(result: Any, low: float = -np.inf, high: float = np.inf) -> None:
    """A score is a finite float within its documented bounds."""
    assert isinstance(result, float)
    assert np.isfinite(result), result
    assert low <= result <= high, result


def rows_of(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else value.shape[0]
