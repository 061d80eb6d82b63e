"""IRS: how little a dimension is moved once its own factor is fixed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ._binned import check_inputs, discretize_factors
from ._factors import Factors

_QUANTILE = 0.99


def irs_score(Z: ArrayLike | pd.DataFrame, factors: Factors, *, n_bins: int = 20) -> float:
    """Measure the interventional robustness (IRS): do other factors leave a dimension still.

    For each dimension and factor: among rows in which the factor has one value,
    how far the other factors move the dimension from its mean at most, relative
    to how far it moves among all rows. 1 less that, for the best factor of each
    dimension; the mean over the dimensions, weighted by how far they move.

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_samples, n_latents)
        The representation, in its own scale.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors, matched to Z by position. A float column is continuous;
        strings, bools, integers and categories are discrete.
    n_bins : int, default=20
        A continuous factor with more values than this is cut into as many
        quantile bins.

    Returns
    -------
    score : float
        Between 0 and 1. 1: each dimension is a function of one factor. 0 for
        noise, and where all dimensions have collapsed. A continuous factor
        moves its own dimension within a bin, so the score of a perfect code is
        about ``1 - 1 / n_bins``.

    Raises
    ------
    ValueError
        If Z has NaN, or a factor has missing values or does not vary.

    See Also
    --------
    factor_vae_score : Compares variances where this compares extremes.

    Notes
    -----
    The extreme is the 0.99 quantile of the absolute deviation, of the rows with
    one value and of all rows alike, so that one outlier does not decide. (The
    paper takes the maximum, which overrates a noise dimension: fewer rows have
    a smaller maximum.) The values of a factor count as often as they occur. The
    rows stand for interventions where the factors are independent of one
    another, and groups of few rows underrate the extreme.

    References
    ----------
    .. [1] R. Suter et al., "Robustly Disentangled Causal Mechanisms: Validating
       Deep Representations for Interventional Robustness", ICML 2019, Sec. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import irs_score
    >>> grid = np.indices((2, 2)).reshape(2, -1).T
    >>> factors = {"timbre": grid[:, 0], "pitch": grid[:, 1]}
    >>> irs_score(grid, factors), irs_score(grid @ [[1, 1], [-1, 1]], factors)
    (1.0, 0.5)
    """
    inputs = check_inputs(Z, factors)
    latents = pd.DataFrame(inputs.Z[:, np.ptp(inputs.Z, axis=0) > 0].astype(np.float64))
    whole = (latents - latents.mean()).abs().quantile(_QUANTILE).to_numpy()
    if not whole.any():
        return 0.0
    latents, whole = latents.loc[:, whole > 0], whole[whole > 0]
    moved = []
    for codes in discretize_factors(inputs, n_bins):
        deviations = (latents - latents.groupby(codes).transform("mean")).abs()
        extremes = deviations.groupby(codes).quantile(_QUANTILE)
        moved.append(np.average(extremes, axis=0, weights=np.bincount(codes)))
    robust = 1 - np.min(moved, axis=0) / whole
    return float(np.average(robust, weights=whole).clip(0, 1))
