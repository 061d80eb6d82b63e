"""Fields of a file's plain data, each refused by name where it is not as it should be."""

from __future__ import annotations

import math
import reprlib
from typing import Any

import numpy as np

from .._disentangler import MultiViewDisentangler
from ..audio._front_end import FrontEnd
from ..views import TimePool

Node = dict[str, Any]

INPUT_STATE = ("n_views_in_", "n_features_in_", "feature_names_in_")
# Bounds far beyond any use, within which no product of shapes overflows.
MAX_WIDTH = 2**20
_MAX_VALUES = 2**32
_MAX_AXES = 8


def set_input(estimator: FrontEnd | TimePool | MultiViewDisentangler, state: Node) -> None:
    """Give an estimator what fit saw of X."""
    estimator.n_views_in_ = count(state["n_views_in_"], "n_views_in_", _MAX_VALUES)
    estimator.n_features_in_ = count(state["n_features_in_"], "n_features_in_", _MAX_VALUES)
    names = state["feature_names_in_"]
    if names is not None:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("feature_names_in_ is no list of strings")
        if len(names) != estimator.n_features_in_:
            raise ValueError(f"{estimator.n_features_in_} features have {len(names)} names")
        estimator.feature_names_in_ = np.asarray(names, dtype=object)


def check_view_shape(state: Node) -> list[int]:
    """Give the shape of a view, of as many values as there are features."""
    shape = list_of(int, state["view_shape_"], "view_shape_", _MAX_AXES)
    n_values = math.prod(count(length, "view_shape_", _MAX_VALUES) for length in shape)
    if count(n_values, "size of view_shape_", _MAX_VALUES) != state["n_features_in_"]:
        raise ValueError(f"n_features_in_ is {short(state['n_features_in_'])}, not {n_values}")
    return shape


def count(value: Any, name: str, high: int, low: int = 1) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name}={short(value)} is not an integer from {low} to {high}")
    return value


def list_of(kind: type, value: Any, name: str, length: int) -> list[Any]:
    if not isinstance(value, list) or not all(type(item) is kind for item in value):
        raise ValueError(f"{name}={short(value)} is no list of {kind.__name__}")
    if not 1 <= len(value) <= length:
        raise ValueError(f"{name} has {len(value)} entries, not 1 to {length}")
    return value


def short(value: Any) -> str:
    """Show a value of a file, however long it is."""
    return reprlib.repr(value)
