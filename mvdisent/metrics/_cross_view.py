"""Separation without labels: what views tell of one another through the blocks."""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_scalar

from .. import _checks
from ._independence import subspace_independence
from ._models import build_probe
from ._params import as_random_state
from ._probe_cells import quiet_on_one_thread

# Directions of X that are predicted: its largest, on their own scale.
_N_COMPONENTS = 16
MIN_SAMPLES = 10


class CrossView(NamedTuple):
    """How well two blocks separate what views share, as ``cross_view_score`` returns it."""

    score: float
    reconstruction: float
    shared_agreement: float
    private_dependence: float


def cross_view_score(
    private: ArrayLike,
    shared: ArrayLike,
    X: ArrayLike,
    *,
    max_samples: int = 2000,
    random_state: int | np.random.RandomState | None = None,
) -> CrossView:
    """Score the separation of private and shared features by the views alone.

    Each view is encoded by itself. Of features that separate well, three things
    hold, and none needs a label: a view can be told from its own private and
    another view's shared features; the views' shared features agree; the views'
    private features do not tell of one another, as what they have in common is
    what the views share.

    Parameters
    ----------
    private : array-like of shape (n_samples, n_views, n_private)
        Private features of each view.
    shared : array-like of shape (n_samples, n_views, n_shared)
        Shared features that each view gives by itself.
    X : array-like of shape (n_samples, n_views, ...)
        What the features were made from, such as spectra: not waveforms, whose
        phase no feature tells.
    max_samples : int, default=2000
        Samples that are used, 10 or more, drawn at random; the dependences take 500 of them.
    random_state : int, RandomState instance or None, default=None
        Seed of the samples, the split and the components.

    Returns
    -------
    score : float
        ``(reconstruction + shared_agreement + 1 - private_dependence) / 3``, at
        most 1.
    reconstruction : float
        R2, on held-out samples, of a 15-nearest-neighbour prediction of the 16
        leading principal components of a view from its own private and the
        next view's shared features.
    shared_agreement : float
        Squared distance correlation of the first view's shared features with the
        others'; see :func:`subspace_independence`. 1: the same; 0: independent,
        or collapsed.
    private_dependence : float
        The same of the private features.

    Raises
    ------
    ValueError
        If there are fewer than 2 views or 10 samples, `max_samples` is below 10,
        the arguments differ in samples or views, or a view is missing.

    See Also
    --------
    probe_gap : The same question, asked with labels.
    subspace_independence : Whether the blocks of a sample depend on one another.

    Notes
    -----
    It is meant to rank models where no factor is known; ``docs/benchmarks.rst``
    has how well its ranks agree with those of the labelled scores. Views whose
    private factors depend on one another make ``private_dependence`` positive
    for the true blocks too: that part is the same for all models.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import cross_view_score
    >>> rng = np.random.default_rng(0)
    >>> shared = np.repeat(rng.normal(size=(400, 1, 2)), 2, axis=1)
    >>> private = rng.normal(size=(400, 2, 2))
    >>> X = np.concatenate([shared, private], axis=2)
    >>> good = cross_view_score(private, shared, X, random_state=0)
    >>> exchanged = cross_view_score(shared, private, X, random_state=0)
    >>> round(good.score, 1), round(exchanged.score, 1)
    (1.0, 0.1)
    """
    own, common = _as_blocks(private, "private"), _as_blocks(shared, "shared")
    views = _checks.as_array(X, "X")
    _checks.check_numeric(views, "X")
    if views.ndim < 2:
        raise ValueError(f"X has shape {views.shape}; pass (n_samples, n_views, ...)")
    _checks.check_n_rows("shared", len(common), "private", len(own))
    _checks.check_n_rows("X", len(views), "private", len(own))
    if not own.shape[1] == common.shape[1] == views.shape[1] >= 2:
        raise ValueError(
            f"private, shared and X have {own.shape[1]}, {common.shape[1]} and {views.shape[1]} "
            "views; pass the same 2 views or more of each"
        )
    if len(own) < MIN_SAMPLES:
        raise ValueError(f"private has {len(own)} samples; pass {MIN_SAMPLES} or more")
    check_scalar(max_samples, "max_samples", Integral, min_val=MIN_SAMPLES)
    rng = as_random_state(random_state)
    rows = rng.permutation(len(own))[:max_samples]
    seed = int(rng.randint(2**31 - 1))
    own, common, views = own[rows], common[rows], views[rows]
    _checks.check_finite(views, "X")
    with quiet_on_one_thread():
        reconstruction = _predict_views(own, common, views, seed)
    agreement, dependence = (
        subspace_independence(
            block[:, 0], block[:, 1:].reshape(len(block), -1), n_permutations=1, random_state=seed
        ).statistic
        for block in (common, own)
    )
    score = (reconstruction + agreement + 1 - dependence) / 3
    return CrossView(score, reconstruction, agreement, dependence)


def _as_blocks(block: ArrayLike, name: str) -> NDArray[Any]:
    array = _checks.as_array(block, name)
    if array.ndim != 3:
        raise ValueError(
            f"{name} has shape {array.shape}; pass (n_samples, n_views, n_features), "
            "each view encoded by itself"
        )
    _checks.check_numeric(array, name)
    _checks.as_features(array.reshape(len(array), -1), name)
    return array


def _predict_views(
    private: NDArray[Any], shared: NDArray[Any], views: NDArray[Any], seed: int
) -> float:
    """Predict each view from its own private and the next view's shared features: R2."""
    n_samples, n_views = views.shape[:2]
    features = np.concatenate([private, np.roll(shared, -1, axis=1)], axis=2)
    features = features.reshape(n_samples * n_views, -1)
    flat = views.reshape(n_samples * n_views, -1)
    groups = np.repeat(np.arange(n_samples), n_views)
    splitter = GroupShuffleSplit(1, test_size=0.4, random_state=seed)
    train, test = next(splitter.split(flat, groups=groups))
    if not np.var(flat[train], axis=0).any():
        raise ValueError("X is the same in all views of all samples: pass views that differ")
    n_components = min(_N_COMPONENTS, flat.shape[1], len(train) - 1)
    pca = PCA(n_components, random_state=seed).fit(flat[train])
    y_train, y_test = pca.transform(flat[train]), pca.transform(flat[test])
    model = make_pipeline(StandardScaler(), build_probe("knn", y_train, discrete=False, seed=seed))
    y_hat = model.fit(features[train], y_train).predict(features[test])
    return float(r2_score(y_test, y_hat, multioutput="variance_weighted"))
