"""Mutual information and entropy of binned values: exact for discrete codes."""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score
from sklearn.utils import check_scalar

from .. import _checks
from ._factors import Factors, as_factors, encode_factor


class Inputs(NamedTuple):
    """A representation and its factors, checked."""

    Z: NDArray[Any]  # (n_samples, n_latents)
    factors: dict[str, NDArray[Any]]  # (n_samples,) each: codes, or float64 values
    discrete: dict[str, bool]


class Binned(NamedTuple):
    """What binned dimensions tell about binned factors, in nats."""

    mi: NDArray[np.float64]  # (n_factors, n_latents)
    between: NDArray[np.float64]  # (n_factors, n_factors): entropies on the diagonal


def check_inputs(
    Z: ArrayLike | pd.DataFrame, factors: Factors, *, n_latents: int = 1, n_factors: int = 1
) -> Inputs:
    """Check a representation and its factors; a factor that does not vary is refused.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_latents)
        The representation.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors.
    n_latents, n_factors : int, default=1
        The fewest that the metric is defined for.

    Returns
    -------
    inputs : Inputs
        As arrays.
    """
    values = _checks.as_features(Z, "Z")
    _check_at_least("Z", values.shape[1], n_latents)
    frame = as_factors(factors)
    _check_at_least("factors", frame.shape[1], n_factors)
    _checks.check_n_rows("Z", len(values), "factors", len(frame))
    encoded, discrete = {}, {}
    for name, column in frame.items():
        label = f"factors[{name!r}]"
        codes, is_discrete = encode_factor(str(name), column)
        _checks.check_varies(label, codes, f"{len(codes)} rows")
        if is_discrete:
            _checks.check_repeats(label, codes)
        encoded[str(name)], discrete[str(name)] = codes, is_discrete
    return Inputs(values, encoded, discrete)


def discretize(values: NDArray[Any], n_bins: int) -> NDArray[np.intp]:
    """Assign each value to a bin: itself where values are few, else a quantile.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Of one dimension or factor.
    n_bins : int
        Bins of about equally many samples. Where no more values than this
        differ, each is a bin of its own.

    Returns
    -------
    codes : ndarray of int of shape (n_samples,)
        From 0.
    """
    distinct, codes = np.unique(values, return_inverse=True)
    if len(distinct) <= n_bins:
        return codes
    edges = np.unique(np.quantile(values, np.arange(1, n_bins) / n_bins))
    return np.searchsorted(edges, values, side="right")


def discretize_factors(inputs: Inputs, n_bins: int) -> list[NDArray[np.intp]]:
    """Assign continuous factors to bins; discrete factors keep their codes."""
    check_scalar(n_bins, "n_bins", Integral, min_val=2)
    return [
        codes if inputs.discrete[name] else discretize(codes, n_bins)
        for name, codes in inputs.factors.items()
    ]


def measure_binned(inputs: Inputs, n_bins: int) -> Binned:
    """Measure the mutual information of all dimensions and factors after binning."""
    targets = discretize_factors(inputs, n_bins)
    latents = [discretize(column, n_bins) for column in inputs.Z.T]
    mi = [[_mutual_info(target, latent) for latent in latents] for target in targets]
    between = [[_mutual_info(target, other) for other in targets] for target in targets]
    return Binned(np.array(mi), np.array(between))


def _mutual_info(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    if a is b:
        return float(entropy(np.bincount(a)))
    n_b = int(b.max()) + 1
    table = np.bincount(a * n_b + b, minlength=(int(a.max()) + 1) * n_b).reshape(-1, n_b)
    return float(mutual_info_score(None, None, contingency=table))


def _check_at_least(name: str, n_columns: int, least: int) -> None:
    if n_columns < least:
        raise ValueError(f"{name} has {n_columns} columns; the score needs {least} or more")
