"""Checks of parameters that are no arrays, shared by several parts; arrays: ``_checks``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np

from ._arrays import kind_of


def check_seed(random_state: object) -> None:
    """Refuse what cannot seed a RandomState."""
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return
    if not isinstance(random_state, Integral) or not 0 <= int(random_state) < 2**32:
        raise ValueError(
            f"random_state={random_state!r:.60}; pass None, an int from 0 to 2**32 - 1, or a "
            "numpy.random.RandomState"
        )


def as_names(name: str, names: Any) -> list[Any]:
    """Take names as a list; one string is one name, not many."""
    if (
        isinstance(names, str | bytes | memoryview)
        or not isinstance(names, Iterable)
        or (getattr(names, "ndim", 1) != 1)
    ):
        raise TypeError(f"{name} is of type {kind_of(names)}; pass a list of str")
    return list(names)


def check_text(name: str, value: object) -> None:
    """Refuse what is not a string."""
    if not isinstance(value, str):
        raise TypeError(f"{name}={value!r:.60}; pass a str")


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}={value!r:.60}; pass True or False")


def check_jobs(n_jobs: object) -> None:
    """Refuse what is no number of jobs."""
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or n_jobs == 0):
        raise ValueError(f"n_jobs={n_jobs!r:.60}; pass None, a positive int, or -1 for all cores")


def check_path(path: object, name: str = "path") -> None:
    """Refuse what names no file."""
    if not isinstance(path, str | os.PathLike) or "\0" in os.fspath(path):
        raise TypeError(f"{name}={path!r:.60}; pass a str or a pathlib.Path")


def refuse_overflow(name: str, row: int | None, std: float) -> None:
    """Refuse values that a network overflows for."""
    where = "" if row is None else f", first in row {row}"
    raise ValueError(
        f"{name} has values so large beside those of the fit, whose standard deviation was "
        f"{std:.3g}, that the network overflows{where}: scale {name} as it was at fit, or clip it; "
        "if it is as it was, fit anew with a lower lr"
    )
