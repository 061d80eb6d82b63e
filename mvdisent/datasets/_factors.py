"""Drawing factors that views share, and factors that differ between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state, check_scalar

from .. import _param_checks

FREQUENCY_SCALES = ("log", "linear")


def as_generator(
    random_state: int | np.random.RandomState | np.random.Generator | None,
) -> np.random.Generator:
    """Make a numpy Generator; None takes fresh entropy, not the global state."""
    if random_state is None or isinstance(random_state, np.random.Generator):
        return np.random.default_rng(random_state)
    _param_checks.check_seed(random_state)
    return np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))


def draw_classes(
    rng: np.random.Generator, n_samples: int, n_views: int, n_classes: int
) -> NDArray[np.int64]:
    """Draw classes that differ between the views of a sample, (n_samples, n_views)."""
    keys = rng.random((n_samples, n_classes))
    return np.argsort(keys, axis=1)[:, :n_views]


def draw_frequencies(
    rng: np.random.Generator,
    classes: NDArray[np.int64],
    *,
    n_classes: int,
    f_min: float,
    f_max: float,
    scale: str = "log",
) -> NDArray[np.float64]:
    """Draw a frequency of each class, uniform on a log or linear scale, in Hz."""
    position = (classes + rng.random(classes.shape)) / n_classes
    if scale == "log":
        return np.asarray(f_min * (f_max / f_min) ** position)
    return f_min + (f_max - f_min) * position


def check_tones(
    *,
    n_samples: int,
    n_views: int,
    f_min: float,
    f_max: float,
    n_frequency_classes: int,
    sample_rate: float,
    duration: float,
) -> int:
    """Check what all tone generators take; return the instants of a tone."""
    check_count("n_samples", n_samples)
    check_count("n_views", n_views)
    check_count("n_frequency_classes", n_frequency_classes)
    if n_views > n_frequency_classes:
        raise ValueError(
            f"n_views={n_views} > n_frequency_classes={n_frequency_classes}, but the views of a "
            "sample differ in frequency class: pass more classes or fewer views"
        )
    check_real("sample_rate", sample_rate, above=0)
    check_real("duration", duration, above=0)
    check_real("f_min", f_min, above=0)
    check_real("f_max", f_max, above=0)
    if f_min >= f_max:
        raise ValueError(f"f_min={f_min} is not below f_max={f_max}; pass f_min < f_max, in Hz")
    if f_max >= sample_rate / 2:
        raise ValueError(
            f"f_max={f_max} is not below {sample_rate / 2}, half of sample_rate={sample_rate}; "
            "pass a lower f_max or a higher sample_rate"
        )
    n_times = round(duration * sample_rate)
    if n_times < 1:
        raise ValueError(
            f"duration={duration} s at sample_rate={sample_rate} is no instant; pass a longer one"
        )
    return n_times


def check_count(name: str, value: object, *, low: int = 1, high: int | None = None) -> None:
    """Refuse what is no int, or out of its range."""
    if isinstance(value, bool):
        raise TypeError(f"{name}={value}; pass an int")
    check_scalar(value, name, Integral, min_val=low, max_val=high)


def check_real(name: str, value: object, *, above: float = -math.inf) -> None:
    """Refuse what is not a finite real number above a bound."""
    if not isinstance(value, Real) or not above < float(value) < math.inf:
        bound = "" if above == -math.inf else f" above {above:g}"
        raise ValueError(f"{name}={value!r}; pass a finite number{bound}")


def check_interval(name: str, bounds: object, *, above: float = -math.inf) -> None:
    """Refuse what is not a pair of finite numbers (low, high) above a bound."""
    if (
        not isinstance(bounds, Sequence | np.ndarray)
        or isinstance(bounds, str | bytes)
        or np.shape(bounds) != (2,)
    ):
        raise ValueError(f"{name}={bounds!r}; pass a pair (low, high)")
    for end, value in zip(("low", "high"), bounds, strict=True):
        check_real(f"{name} {end}", value, above=above)
    if bounds[0] > bounds[1]:
        raise ValueError(f"{name}={bounds!r} has low above high; pass (low, high)")


def check_transform(transform: object) -> None:
    """Refuse what cannot be called."""
    if not (transform is None or callable(transform)):
        raise TypeError(
            f"transform={transform!r} cannot be called; pass a function or bound method of a "
            "chunk, such as LogMel(16000).fit_transform"
        )


def factor_table(
    shared: Mapping[str, NDArray[Any]], private: Mapping[str, NDArray[Any]]
) -> pd.DataFrame:
    """Lay out factors: a column for a shared one, a column a view for a private one."""
    columns = dict(shared)
    n_views = next(iter(private.values())).shape[1]
    for view in range(n_views):
        columns |= {f"{name}_v{view}": values[:, view] for name, values in private.items()}
    return pd.DataFrame(columns)
