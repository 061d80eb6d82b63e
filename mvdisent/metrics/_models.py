"""The probes by name: scikit-learn estimators, sized for features of few dimensions."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

_STRONG = ("mlp", "knn", "boosting")
PROBES = (*_STRONG, "linear", "strongest")
CHANCE = "chance"
Probe: TypeAlias = str | BaseEstimator
_VALIDATION = 0.1  # of the training rows, for early stopping


def expand_probe(probe: Probe) -> tuple[Probe, ...]:
    """Give the single probes that one of ``PROBES`` stands for."""
    return _STRONG if probe == "strongest" else (probe,)


def check_suits(probe: Probe, factor: str, *, discrete: bool) -> None:
    """Refuse a classifier for a continuous factor, or a regressor for a discrete one."""
    if not isinstance(probe, str) and is_classifier(probe) != discrete:
        kind, needed = ("discrete", "classifier") if discrete else ("continuous", "regressor")
        raise ValueError(
            f"probe={probe!r:.60} is no {needed}, and factors[{factor!r}] is {kind}: pass a "
            f"{needed}, or the factors that suit it"
        )


def build_probe(probe: Probe, y: NDArray[Any], *, discrete: bool, seed: int) -> BaseEstimator:
    """Build a classifier or a regressor.

    Parameters
    ----------
    probe : str or estimator
        A single one of ``PROBES``, ``CHANCE``, which looks at no feature, or an
        estimator to clone.
    y : ndarray of shape (n_train,)
        Training targets: their number and classes bound some settings.
    discrete : bool
        Whether to classify.
    seed : int
        Seed of the probe.

    Returns
    -------
    model : estimator
        Not fitted.
    """
    if not isinstance(probe, str):
        return clone(probe)
    if probe == CHANCE:
        return DummyClassifier(strategy="most_frequent") if discrete else DummyRegressor()
    if probe == "knn":
        n_neighbors = min(15, len(y))
        model = KNeighborsClassifier if discrete else KNeighborsRegressor
        return model(n_neighbors=n_neighbors)
    if probe == "linear":
        return LogisticRegression(max_iter=1000) if discrete else Ridge()
    early_stopping = _can_stop_early(y, discrete=discrete)
    if probe == "boosting":
        boosting = HistGradientBoostingClassifier if discrete else HistGradientBoostingRegressor
        return boosting(early_stopping="auto" if early_stopping else False, random_state=seed)
    mlp = (MLPClassifier if discrete else MLPRegressor)(
        hidden_layer_sizes=(128, 128),
        batch_size=max(1, min(256, int((1 - _VALIDATION) * len(y)))),
        learning_rate_init=2e-3,
        max_iter=100,
        early_stopping=early_stopping,
        validation_fraction=_VALIDATION,
        n_iter_no_change=8,
        random_state=seed,
    )
    return mlp if discrete else TransformedTargetRegressor(mlp, transformer=StandardScaler())


def _can_stop_early(y: NDArray[Any], *, discrete: bool) -> bool:
    """Whether a validation part, stratified by class, can be split off."""
    n_validation = math.ceil(_VALIDATION * len(y))
    if not discrete:
        return n_validation >= 2  # R2 needs two rows
    counts = np.unique(y, return_counts=True)[1]
    return bool(n_validation >= len(counts) and counts.min() >= 2)
