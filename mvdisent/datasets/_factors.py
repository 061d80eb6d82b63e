"""Drawing factors that views share, and factors that differ between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state, check_scalar

FREQUENCY_SCALES = ("log", "linear")


def as_generator(
    random_state: int | np.random.RandomState | np.random.Generator | None,
) -> np.random.Generator:
    """Make a numpy Generator; None takes fresh entropy, not the global state."""
    if random_state is None or isinstance(random_state, np.random.Generator):
        return np.random.default_rng(random_state)
    return np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))


def draw_classes(
    rng: np.random.Generator, n_samples: int, n_views: int, n_classes: int
) -> NDArray[np.int64]:
    """Draw classes that differ between the views of a sample, (n_samples, n_views)."""
    keys = rng.random((n_samples, n_classes))
    return (
        np.argpartition(keys, n_views - 1, axis=1)[:, :n_views]
        if n_views < n_classes
        else (np.argsort(keys, axis=1))
    )


def class_to_hz(
    position: NDArray[np.float64], *, f_min: float, f_max: float, scale: str
) -> NDArray[np.float64]:
    """Map positions between 0 and 1 to frequencies on a log or linear scale, in Hz."""
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
    """Check what all tone generators take; return the samples of a tone."""
    for name, value in (("n_samples", n_samples), ("n_views", n_views)):
        check_scalar(value, name, (int, np.integer), min_val=1)
    check_scalar(n_frequency_classes, "n_frequency_classes", (int, np.integer), min_val=1)
    if n_views > n_frequency_classes:
        raise ValueError(
            f"n_views={n_views} > n_frequency_classes={n_frequency_classes}, but the views of a "
            "sample differ in frequency class: pass more classes or fewer views"
        )
    for name, seconds_or_hz in (("sample_rate", sample_rate), ("duration", duration)):
        if not seconds_or_hz > 0:
            raise ValueError(f"{name}={seconds_or_hz}; pass a positive number")
    if not 0 < f_min < f_max:
        raise ValueError(f"f_min={f_min}, f_max={f_max}; pass 0 < f_min < f_max, in Hz")
    if f_max >= sample_rate / 2:
        raise ValueError(
            f"f_max={f_max} is not below {sample_rate / 2}, half of sample_rate={sample_rate}; "
            "pass a lower f_max or a higher sample_rate"
        )
    n_times = round(duration * sample_rate)
    if n_times < 1:
        raise ValueError(f"duration={duration} s is shorter than one sample; pass a longer one")
    return n_times


def factor_table(
    shared: Mapping[str, NDArray[Any]], private: Mapping[str, NDArray[Any]]
) -> pd.DataFrame:
    """Lay out factors: a column for a shared one, a column a view for a private one."""
    columns = dict(shared)
    n_views = next(iter(private.values())).shape[1]
    for view in range(n_views):
        columns |= {f"{name}_v{view}": values[:, view] for name, values in private.items()}
    return pd.DataFrame(columns)
