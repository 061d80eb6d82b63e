"""Mutual information between each latent dimension and each factor."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.utils import check_scalar

from .. import _checks, _param_checks
from ._factors import Factors, as_factors, encode_factor


def mutual_info_matrix(
    Z: ArrayLike | pd.DataFrame,
    factors: Factors,
    *,
    feature_names: Sequence[str] | None = None,
    n_neighbors: int = 3,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> pd.DataFrame:
    """Estimate the mutual information of each latent dimension with each factor.

    Nearest-neighbour estimates, as in scikit-learn: of Ross [1]_ for a discrete
    factor, of Kraskov et al. [2]_ for a continuous one.

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_samples, n_latents)
        The representation, one column a dimension.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors, matched to Z by position. A float column is continuous;
        strings, bools, integers and categories are discrete.
    feature_names : sequence of str, default=None
        Names of the dimensions, such as ``model.get_feature_names_out()``. None
        takes the columns of Z, or ``latent_0``, ``latent_1``, ...
    n_neighbors : int, default=3
        Neighbours of the estimate: more lower its variance and raise its bias.
    n_jobs : int, default=None
        Dimensions worked on at a time; None is 1 outside a
        :func:`joblib.parallel_config`.
    random_state : int, RandomState instance or None, default=None
        Seed of the tiny noise that breaks ties.

    Returns
    -------
    mi : DataFrame of shape (n_factors, n_latents)
        Mutual information in nats, 0 or more. A constant dimension, such as one
        that has collapsed, has exactly 0.

    Raises
    ------
    ValueError
        If Z has NaN, a factor has missing values, or their rows differ in number.

    See Also
    --------
    probe_table : What a whole block tells, where this takes one dimension at a time.
    mvdisent.plotting.MutualInfoDisplay : Draws the matrix.

    Notes
    -----
    A posterior mean is a function of the input, without noise: neighbours see
    its finest structure, far below the posterior's own noise, and may give a
    dimension more than a probe reads from it. Draws (``encode(X, code="draw")``)
    have that noise, and say what the code itself carries.

    References
    ----------
    .. [1] B. C. Ross, "Mutual Information between Discrete and Continuous Data
       Sets", PLoS ONE 9(2), 2014.
    .. [2] A. Kraskov, H. Stogbauer, P. Grassberger, "Estimating mutual
       information", Physical Review E 69, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import mutual_info_matrix
    >>> timbre = np.repeat(["sine", "square"], 500)
    >>> Z = np.column_stack([timbre == "sine", np.zeros(1000)]).astype(float)
    >>> mutual_info_matrix(Z, {"timbre": timbre}, random_state=0).round(2)
            latent_0  latent_1
    timbre      0.69       0.0
    """
    check_scalar(n_neighbors, "n_neighbors", Integral, min_val=1)
    _param_checks.check_seed(random_state)
    _param_checks.check_jobs(n_jobs)
    values = _checks.as_features(Z, "Z")
    names = _column_names(Z, values.shape[1], feature_names)
    frame = as_factors(factors)
    _checks.check_n_rows("Z", len(values), "factors", len(frame))
    varies = np.ptp(values, axis=0) > 0
    mi = np.zeros((frame.shape[1], len(names)))
    for row, (name, column) in enumerate(frame.items()):
        target, discrete = encode_factor(str(name), column)
        if not varies.any() or (target == target[0]).all():
            continue
        if discrete:
            _checks.check_repeats(f"factors[{name!r}]", target)
        estimate = mutual_info_classif if discrete else mutual_info_regression
        mi[row, varies] = estimate(
            values[:, varies],
            target,
            discrete_features=False,
            n_neighbors=n_neighbors,
            random_state=random_state,
            n_jobs=n_jobs,
        )
    return pd.DataFrame(mi, index=frame.columns, columns=names)


def _column_names(Z: Any, n_latents: int, feature_names: Sequence[str] | None) -> list[str]:
    if feature_names is None:
        feature_names = getattr(Z, "columns", [f"latent_{i}" for i in range(n_latents)])
    names = [str(name) for name in _param_checks.as_names("feature_names", feature_names)]
    _checks.check_n_names("feature_names", len(names), "Z", n_latents, "columns")
    return names
