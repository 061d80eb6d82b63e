"""SAP: by how much the best dimension predicts a factor better than the second best."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.class_weight import compute_sample_weight

from ._binned import check_inputs
from ._factors import Factors
from ._params import as_random_state


def sap_score(
    Z: ArrayLike | pd.DataFrame,
    factors: Factors,
    *,
    random_state: int | np.random.RandomState | None = None,
) -> float:
    """Measure the separated attribute predictability (SAP).

    For each factor, the prediction by the best single dimension less that by
    the second best; the mean over the factors.

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_samples, n_latents)
        The representation, of two dimensions or more.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors, matched to Z by position. A float column is continuous;
        strings, bools, integers and categories are discrete.
    random_state : int, RandomState instance or None, default=None
        Seed of the split into training and held-out rows.

    Returns
    -------
    score : float
        Between 0 and 1. At most ``1 - 1 / n_classes`` for a discrete factor,
        whose second dimension is right by chance; 1 for a continuous factor.

    Raises
    ------
    ValueError
        If Z has NaN or one dimension only, or a factor has missing values or
        does not vary.

    See Also
    --------
    mig_score : The gap in mutual information instead.

    Notes
    -----
    A continuous factor is predicted by a line, scored by its squared
    correlation. A discrete factor is predicted by thresholds on the dimension,
    one fewer than classes (a decision tree), trained on 60 % of the rows and
    scored by balanced accuracy, the mean recall, on the others.

    References
    ----------
    .. [1] A. Kumar, P. Sattigeri, A. Balakrishnan, "Variational Inference of
       Disentangled Latent Concepts from Unlabeled Observations", ICLR 2018,
       Sec. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import sap_score
    >>> angle = np.linspace(0, 2 * np.pi, 1000)
    >>> Z = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> round(sap_score(Z, {"height": Z[:, 1]}), 2)
    1.0
    """
    inputs = check_inputs(Z, factors, n_latents=2)
    seed = int(as_random_state(random_state).randint(2**31 - 1))
    gaps = []
    for name, target in inputs.factors.items():
        second, first = np.sort(
            [_score_thresholds(z, target, seed) for z in inputs.Z.T]
            if inputs.discrete[name]
            else _square_correlations(inputs.Z, target)
        )[-2:]
        gaps.append(first - second)
    return float(np.mean(gaps))


def _square_correlations(
    Z: NDArray[Any], target: NDArray[np.float64]
) -> NDArray[np.float64]:  # (n_latents,)
    centred = np.asarray(Z, dtype=np.float64) - Z.mean(axis=0, dtype=np.float64)
    centred[:, np.ptp(Z, axis=0) == 0] = 0  # not even a trace of rounding
    y = target - target.mean()
    power = (centred**2).sum(axis=0) * (y**2).sum()
    covariance = centred.T @ y
    squares: NDArray[np.float64] = np.divide(
        covariance**2, power, out=np.zeros_like(power), where=power > 0
    )
    return squares


def _score_thresholds(z: NDArray[Any], codes: NDArray[np.intp], seed: int) -> float:
    z_train, z_test, y_train, y_test = train_test_split(
        z[:, None], codes, test_size=0.4, random_state=seed
    )
    thresholds = DecisionTreeClassifier(
        max_leaf_nodes=int(codes.max()) + 1, class_weight="balanced", random_state=seed
    ).fit(z_train, y_train)
    weights = compute_sample_weight("balanced", y_test)
    return float(thresholds.score(z_test, y_test, sample_weight=weights))
