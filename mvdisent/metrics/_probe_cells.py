"""One cell of a probe table: a probe trained on a block for a factor, and its held-out score."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .. import _checks
from ._folds import Rows
from ._models import Probe, build_probe

# Components that stand for raw features: more cost time and told no more of tones.
_N_COMPONENTS = 64


class Features(NamedTuple):
    """Features of the training and of the held-out rows."""

    train: NDArray[Any]
    test: NDArray[Any]
    scaled: bool  # no StandardScaler before the probe


class HeldOutRows(NamedTuple):
    """What a probe said of the held-out rows of one split."""

    truth: NDArray[Any]
    predicted: NDArray[Any]
    groups: NDArray[np.intp]


@contextmanager
def quiet_on_one_thread() -> Iterator[None]:
    """Keep BLAS and OpenMP to one thread, and a probe cut short to itself.

    Small matrices on two threads were 13 times slower on a busy machine.
    """
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def flatten_reference(reference: ArrayLike, n_rows: int) -> NDArray[Any]:
    """Take raw features as an array of shape (n_rows, n_features)."""
    raw = _checks.as_array(reference, "reference")
    _checks.check_numeric(raw, "reference")
    if raw.ndim == 0:
        raise ValueError("reference is one number; pass (n_rows, ...)")
    _checks.check_n_rows("reference", len(raw), "factors", n_rows)
    _checks.check_finite(raw, "reference")
    return raw.reshape(n_rows, -1)


def reduce_reference(
    flat: NDArray[Any], train: Rows, test: Rows, *, whiten: bool, seed: int
) -> Features:
    """Take the leading principal components of many raw features."""
    if flat.shape[1] <= _N_COMPONENTS:
        return Features(flat[train], flat[test], scaled=False)
    # Row indexing copies, so scaling in place leaves the caller's array alone.
    x_train = flat[train].astype(np.float32, copy=False)
    n_components = min(_N_COMPONENTS, len(train) - 1)
    scaler = StandardScaler(copy=False)
    x_train = scaler.fit_transform(x_train)
    if not np.var(x_train, axis=0).any():  # no direction to project on
        return Features(np.zeros((len(train), 1)), np.zeros((len(test), 1)), scaled=True)
    pca = PCA(n_components, whiten=whiten, random_state=seed)
    x_train = pca.fit_transform(x_train)
    x_test = pca.transform(scaler.transform(flat[test].astype(np.float32, copy=False)))
    return Features(x_train, x_test, scaled=True)


def predict(
    x: Features, y: NDArray[Any], probe: Probe, *, discrete: bool, seed: int
) -> NDArray[Any]:
    """Train one probe, and let it tell the factor of the held-out rows."""
    model = build_probe(probe, y, discrete=discrete, seed=seed)
    if not x.scaled:
        model = make_pipeline(StandardScaler(), model)
    with quiet_on_one_thread():
        predicted: NDArray[Any] = model.fit(x.train, y).predict(x.test)
    return predicted


def score(folds: list[HeldOutRows], *, discrete: bool) -> float:
    """Average accuracy, or R2, over the folds."""
    measure = accuracy_score if discrete else r2_score
    return float(np.mean([measure(fold.truth, fold.predicted) for fold in folds]))


def measure_std_error(folds: list[HeldOutRows], *, discrete: bool) -> float:
    """Estimate the standard error of ``score``, the groups being independent.

    Accuracy and R2 are both 1 - sum(loss) / sum(scale) over the rows of a fold.
    The variance of such a ratio, to first order, is that of the sums of
    loss - ratio * scale over independent units: here, groups.
    """
    shares = []  # of each row in the deviation of the score
    for truth, predicted, _ in folds:
        if discrete:
            loss, scale = (truth != predicted).astype(float), np.ones(len(truth))
        else:
            loss, scale = (truth - predicted) ** 2, (truth - truth.mean()) ** 2
        ratio = loss.sum() / scale.sum()
        shares.append((loss - ratio * scale) / scale.sum() / len(folds))
    groups = np.unique(np.concatenate([fold.groups for fold in folds]), return_inverse=True)[1]
    sums = np.bincount(groups, weights=np.concatenate(shares))
    return float(np.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum()))
