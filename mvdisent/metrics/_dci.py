"""DCI: disentanglement, completeness and informativeness, from forests' importances."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import entropy
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import train_test_split

from .. import _param_checks
from ._binned import check_inputs
from ._factors import Factors
from ._params import as_random_state

_N_TREES = 20
# Trees that fit noise give noise dimensions importance: full trees on a noisy code of one
# dimension a factor gave its own dimension 0.79 of the importance, trees of depth 2 all.
_DEPTHS = (2, 4, 8, None)


class DCI(NamedTuple):
    """Disentanglement, completeness and informativeness, as ``dci_score`` returns them."""

    disentanglement: float
    completeness: float
    informativeness: float


def dci_score(
    Z: ArrayLike | pd.DataFrame,
    factors: Factors,
    *,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> DCI:
    """Measure disentanglement, completeness and informativeness (DCI).

    A forest predicts each factor from all dimensions. How its importances are
    spread says whether each dimension serves one factor (disentanglement), and
    whether each factor is served by one dimension (completeness).

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_samples, n_latents)
        The representation, of two dimensions or more.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors, two or more, matched to Z by position. A float column is
        continuous; strings, bools, integers and categories are discrete.
    random_state : int, RandomState instance or None, default=None
        Seed of the split into training and held-out rows, and of the forests.
    n_jobs : int, default=None
        Trees grown at a time; None is 1 outside a
        :func:`joblib.parallel_config`. The scores do not depend on it.

    Returns
    -------
    disentanglement : float
        Between 0 and 1: 1 less the entropy of a dimension's importances over
        the factors, in units of its maximum; the mean over the dimensions,
        weighted by their importance.
    completeness : float
        Between 0 and 1: the same of a factor's importances over the dimensions;
        the mean over the factors.
    informativeness : float
        Accuracy, or R2 for a continuous factor, on held-out rows; the mean over
        the factors. At most 1. (The paper gives the error instead.)

    Raises
    ------
    ValueError
        If Z has NaN or one dimension only, there is one factor only, or a
        factor has missing values or does not vary.

    See Also
    --------
    mig_score : Completeness by mutual information.
    modularity_score : Disentanglement by mutual information.

    Notes
    -----
    Forests of 20 trees, trained on 60 % of the rows. Each split considers all
    dimensions, so that a noise dimension is not taken for want of a better. The
    depth (2, 4, 8 or not bounded) is that which predicts best on a further
    20 %, the least of equals, because trees that fit noise give importance to
    noise dimensions. Informativeness is measured on the last 20 %.
    Importances are those of impurity, as in the paper. Where a factor cannot be
    predicted, its trees split on noise, and its importances are about even.

    References
    ----------
    .. [1] C. Eastwood, C. K. I. Williams, "A Framework for the Quantitative
       Evaluation of Disentangled Representations", ICLR 2018, Sec. 2.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import dci_score
    >>> grid = np.indices((4, 4, 8)).reshape(3, -1).T
    >>> factors = {"timbre": grid[:, 0], "pitch": grid[:, 1]}
    >>> scores = dci_score(grid[:, :2], factors, random_state=0)
    >>> scores.disentanglement, scores.completeness, scores.informativeness
    (1.0, 1.0, 1.0)
    """
    _param_checks.check_jobs(n_jobs)
    inputs = check_inputs(Z, factors, n_latents=2, n_factors=2)
    seed = int(as_random_state(random_state).randint(2**31 - 1))
    rows = np.arange(len(inputs.Z))
    train, rest = train_test_split(rows, train_size=0.6, random_state=seed)
    parts = (train, *train_test_split(rest, train_size=0.5, random_state=seed))
    importances, scores = [], []
    for name, target in inputs.factors.items():
        forest = RandomForestClassifier if inputs.discrete[name] else RandomForestRegressor
        (x, y), validation, held_out = [(inputs.Z[part], target[part]) for part in parts]
        models = [
            forest(
                _N_TREES, max_features=None, max_depth=depth, random_state=seed, n_jobs=n_jobs
            ).fit(x, y)
            for depth in _DEPTHS
        ]
        for model in models:  # threads would sum the trees in the order in which they end
            model.set_params(n_jobs=1)
        best = models[np.argmax([model.score(*validation) for model in models])]
        importances.append(best.feature_importances_)
        scores.append(best.score(*held_out))
    weights = np.array(importances)
    return DCI(
        _concentration(weights.T),
        _concentration(weights),
        float(np.mean(scores)),
    )


def _concentration(weights: NDArray[Any]) -> float:
    """Average how far each row is from even, weighted by the rows' sums."""
    sums = weights.sum(axis=1)
    used = weights[sums > 0]
    if not len(used):  # all dimensions have collapsed
        return 0.0
    spread = entropy(used, axis=1, base=weights.shape[1])
    # A hair above 1 by rounding would give a score below 0.
    return float(np.average(1 - spread, weights=sums[sums > 0]).clip(0, 1))
