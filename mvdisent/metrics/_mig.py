"""Mutual information gaps between dimensions: MIG, and its kin for dependent factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ._binned import check_inputs, measure_binned
from ._factors import Factors


def mig_score(Z: ArrayLike | pd.DataFrame, factors: Factors, *, n_bins: int = 20) -> float:
    """Measure the mutual information gap (MIG): each factor by one dimension alone.

    For each factor, what the most informative dimension tells less what the
    second tells, as a share of the factor's entropy; the mean over the factors.

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_samples, n_latents)
        The representation, of two dimensions or more.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors, matched to Z by position. A float column is continuous;
        strings, bools, integers and categories are discrete.
    n_bins : int, default=20
        Dimensions and continuous factors with more values than this are cut
        into as many quantile bins.

    Returns
    -------
    score : float
        Between 0 and 1. 1: each factor is known from one dimension, and no
        other dimension tells anything of it. A duplicated code has 0.

    Raises
    ------
    ValueError
        If Z has NaN or one dimension only, or a factor has missing values or
        does not vary.

    See Also
    --------
    dmig_score : The same for factors that depend on one another.
    mutual_info_gap : The gap between the private and the shared block.

    Notes
    -----
    Counts in bins overrate mutual information by about
    ``(n_bins - 1) * (n_classes - 1) / (2 * n_samples)`` nats. Quantile bins do
    not see scale: leave out dimensions that have collapsed to the prior, whose
    faint trace of the input would count in full.

    References
    ----------
    .. [1] R. T. Q. Chen et al., "Isolating Sources of Disentanglement in
       Variational Autoencoders", NeurIPS 2018, Sec. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import mig_score
    >>> grid = np.array([(a, b) for a in range(4) for b in range(4)])
    >>> mig_score(grid, {"timbre": grid[:, 0], "pitch": grid[:, 1]})
    1.0
    """
    binned = measure_binned(check_inputs(Z, factors, n_latents=2), n_bins)
    second, first = np.sort(binned.mi, axis=1)[:, -2:].T
    return float(((first - second) / binned.between.diagonal()).mean())


def dmig_score(Z: ArrayLike | pd.DataFrame, factors: Factors, *, n_bins: int = 20) -> float:
    """Measure the dependency-aware gap (DMIG): MIG for factors that depend on one another.

    Where factors depend, even a perfect code has a MIG below 1: the dimension
    of one factor tells something of another. Here the gap is a share of what
    can be reached: where the second dimension is that of another factor, the
    entropy that remains when that factor is known.

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_samples, n_latents)
        The representation, of two dimensions or more.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors, matched to Z by position. A float column is continuous;
        strings, bools, integers and categories are discrete.
    n_bins : int, default=20
        Dimensions and continuous factors with more values than this are cut
        into as many quantile bins.

    Returns
    -------
    score : float
        0 or more; 1 for a perfect code of factors however dependent. Above 1
        where the second dimension tells less than the factor it belongs to.

    Raises
    ------
    ValueError
        If Z has NaN or one dimension only, or a factor has missing values, does
        not vary, or is determined by another factor.

    See Also
    --------
    mig_score : For independent factors, where both agree.
    xmig_score : The gap to the dimensions of no factor.

    Notes
    -----
    The dimension of a factor is the one that tells most of it. The paper's
    models name it instead, in training. Where the second dimension is that of
    several factors, the one that it tells most of is meant.

    References
    ----------
    .. [1] K. N. Watcharasupat, A. Lerch, "Evaluation of Latent Space
       Disentanglement in the Presence of Interdependent Attributes", ISMIR
       2021, late-breaking demo.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import dmig_score, mig_score
    >>> pairs = np.array([(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (1, 3)])
    >>> factors = {"family": pairs[:, 0], "pitch": pairs[:, 1]}
    >>> round(mig_score(pairs, factors), 2), round(dmig_score(pairs, factors), 2)
    (0.75, 1.0)
    """
    inputs = check_inputs(Z, factors, n_latents=2)
    mi, between = measure_binned(inputs, n_bins)
    order = np.argsort(mi, axis=1)
    own, second = order[:, -1], order[:, -2]
    names = list(inputs.factors)
    gaps = []
    for i, k in enumerate(second):
        reachable = between[i, i]
        owners = np.flatnonzero(own == k)  # never i, whose own dimension is another
        if owners.size:
            other = owners[mi[owners, k].argmax()]
            reachable -= between[i, other]
            if reachable < 1e-9 * between[i, i]:
                raise ValueError(
                    f"factors[{names[i]!r}] is determined by factors[{names[other]!r}], so no code "
                    "can tell them apart: leave one of the two out"
                )
        gaps.append((mi[i, own[i]] - mi[i, k]) / reachable)
    return float(np.mean(gaps))


def xmig_score(Z: ArrayLike | pd.DataFrame, factors: Factors, *, n_bins: int = 20) -> float:
    """Measure the dependency-blind gap (XMIG): the gap to the dimensions of no factor.

    For each factor, what the most informative dimension tells less what the
    most informative of those dimensions tells that are no factor's own, as a
    share of the factor's entropy; the mean over the factors. What leaks between
    the dimensions of factors, by their dependence or otherwise, does not count.

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_samples, n_latents)
        The representation.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors, matched to Z by position. A float column is continuous;
        strings, bools, integers and categories are discrete.
    n_bins : int, default=20
        Dimensions and continuous factors with more values than this are cut
        into as many quantile bins.

    Returns
    -------
    score : float
        Between 0 and 1. 1: each factor is known from one dimension, and the
        dimensions of no factor tell nothing of it.

    Raises
    ------
    ValueError
        If Z has NaN, or a factor has missing values or does not vary.

    See Also
    --------
    dmig_score : The gap to all other dimensions, as a share of what can be reached.

    Notes
    -----
    The dimension of a factor is the one that tells most of it. Where each
    dimension is that of a factor, nothing is subtracted.

    References
    ----------
    .. [1] K. N. Watcharasupat, "Controllable Music: Supervised Learning of
       Disentangled Representations for Music Generation", 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import xmig_score
    >>> timbre = np.array([0, 0, 1, 1, 2, 2])
    >>> round(xmig_score(np.column_stack([timbre, timbre > 0]), {"timbre": timbre}), 2)
    0.42
    """
    mi, between = measure_binned(check_inputs(Z, factors), n_bins)
    free: NDArray[np.bool_] = np.ones(mi.shape[1], dtype=bool)
    free[mi.argmax(axis=1)] = False
    outside = mi[:, free].max(axis=1, initial=0.0)
    return float(((mi.max(axis=1) - outside) / between.diagonal()).mean())
