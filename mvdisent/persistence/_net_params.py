"""Which further arguments of skorch a file may hold."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from numbers import Real
from typing import Any

from sklearn.utils import check_scalar


def check_saved_net_params(net_params: Any) -> None:
    """Let through what sets numbers of Adam: of skorch's others, some run what they name."""
    checks: dict[str, Callable[[Any, str], Any]] = {
        "optimizer__amsgrad": lambda value, name: check_scalar(value, name, bool),
        "optimizer__betas": _check_betas,
        "optimizer__eps": lambda value, name: check_scalar(value, name, Real, min_val=0),
        "optimizer__fused": lambda value, name: check_scalar(value, name, bool),
        "optimizer__weight_decay": lambda value, name: check_scalar(value, name, Real, min_val=0),
    }
    for name, value in (net_params or {}).items():
        if name not in checks:
            raise ValueError(
                f"net_params has {reprlib.repr(name)}, and a file may have {', '.join(checks)} "
                "alone"
            )
        checks[name](value, name)


def _check_betas(value: Any, name: str) -> None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{name}={reprlib.repr(value)} is no list of two numbers")
    for beta in value:
        check_scalar(beta, name, Real, min_val=0, max_val=1, include_boundaries="left")
