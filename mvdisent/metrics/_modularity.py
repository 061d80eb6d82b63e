"""Modularity, one factor a dimension; and explicitness, factors that a line can read."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ._binned import check_inputs, measure_binned
from ._factors import Factors
from ._params import as_random_state


def modularity_score(Z: ArrayLike | pd.DataFrame, factors: Factors, *, n_bins: int = 20) -> float:
    """Measure the modularity: does each dimension tell of one factor alone.

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_samples, n_latents)
        The representation.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors, two or more, matched to Z by position. A float column is
        continuous; strings, bools, integers and categories are discrete.
    n_bins : int, default=20
        Dimensions and continuous factors with more values than this are cut
        into as many quantile bins.

    Returns
    -------
    score : float
        Between 0 and 1. 1: each dimension tells of one factor alone, however
        many dimensions tell of it. 0: each tells as much of all factors.

    Raises
    ------
    ValueError
        If Z has NaN, there is one factor only, or a factor has missing values
        or does not vary.

    See Also
    --------
    explicitness_score : Its companion: whether the factors are told at all.
    dci_score : Disentanglement by the importances of forests.

    Notes
    -----
    Of a dimension: 1 less the mean over the other factors of
    ``(mi / largest mi) ** 2``; the mean over the dimensions. Dimensions that
    tell nothing, such as collapsed ones, are left out; the score is 0 where all
    do. The score says nothing of noise: a dimension that tells a trace of one
    factor alone is modular.

    References
    ----------
    .. [1] K. Ridgeway, M. C. Mozer, "Learning Deep Disentangled Embeddings with
       the F-Statistic Loss", NeurIPS 2018, Sec. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import modularity_score
    >>> grid = np.indices((4, 4)).reshape(2, -1).T
    >>> Z = np.column_stack([grid[:, 0], 4 * grid[:, 0] + grid[:, 1]])
    >>> modularity_score(Z, {"timbre": grid[:, 0], "pitch": grid[:, 1]})
    0.5
    """
    mi, _ = measure_binned(check_inputs(Z, factors, n_factors=2), n_bins)
    most = mi.max(axis=0)
    telling = most > 1e-12  # nats: below it is rounding
    if not telling.any():
        return 0.0
    shares = (mi[:, telling] / most[telling]) ** 2
    return float(1 - ((shares.sum(axis=0) - 1) / (len(mi) - 1)).mean())


def explicitness_score(
    Z: ArrayLike | pd.DataFrame,
    factors: Factors,
    *,
    random_state: int | np.random.RandomState | None = None,
) -> float:
    """Measure the explicitness: can a line read each class of each factor.

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_samples, n_latents)
        The representation.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors, discrete, matched to Z by position: strings, bools,
        integers or categories.
    random_state : int, RandomState instance or None, default=None
        Seed of the split into training and held-out rows.

    Returns
    -------
    score : float
        Between 0 and 1, 0.5 at chance: the area under the ROC curve of logistic
        regression of one class against the rest, on held-out rows; the mean
        over the classes, then over the factors.

    Raises
    ------
    ValueError
        If Z has NaN, or a factor is continuous, has missing values, does not
        vary, or has no class that is in both parts of the split.

    See Also
    --------
    modularity_score : Its companion: whether each dimension tells of one factor.
    probe_table : What less simple probes read, and of continuous factors.

    Notes
    -----
    Trained on 60 % of the rows, standardised. One dimension on which three
    classes follow one another is not explicit for the middle one: no threshold
    parts it from both others. A class that is in one part of the split only is
    left out.

    References
    ----------
    .. [1] K. Ridgeway, M. C. Mozer, "Learning Deep Disentangled Embeddings with
       the F-Statistic Loss", NeurIPS 2018, Sec. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import explicitness_score
    >>> timbre = np.arange(300) % 3
    >>> explicitness_score(np.eye(3)[timbre], {"timbre": timbre}, random_state=0)
    1.0
    """
    inputs = check_inputs(Z, factors)
    seed = int(as_random_state(random_state).randint(2**31 - 1))
    rows = np.arange(len(inputs.Z))
    train, test = train_test_split(rows, test_size=0.4, random_state=seed)
    scores = []
    for name, codes in inputs.factors.items():
        if not inputs.discrete[name]:
            raise ValueError(
                f"factors[{name!r}] is continuous, and explicitness is that of classes: cut it "
                "by pandas.qcut, or leave it out"
            )
        classes = np.intersect1d(codes[train], codes[test])
        if len(classes) < 2:
            raise ValueError(
                f"factors[{name!r}] has fewer than 2 classes with training and held-out rows: "
                "pass more rows, or leave the factor out"
            )
        with threadpool_limits(1):  # matrices are small
            areas = [
                roc_auc_score(
                    codes[test] == label,
                    make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
                    .fit(inputs.Z[train], codes[train] == label)
                    .decision_function(inputs.Z[test]),
                )
                for label in classes
            ]
        scores.append(np.mean(areas))
    return float(np.mean(scores))
