"""The FactorVAE score: which dimension stays still while one factor does."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ._binned import check_inputs, discretize_factors
from ._factors import Factors
from ._params import as_random_state

_N_VOTES = 800  # for training, and as many for the score: the paper's number
_N_ROWS = 64  # of a vote


def factor_vae_score(
    Z: ArrayLike | pd.DataFrame,
    factors: Factors,
    *,
    n_bins: int = 20,
    random_state: int | np.random.RandomState | None = None,
) -> float:
    """Measure the FactorVAE score: does a still dimension give the still factor away.

    Rows are drawn in which one factor has one value. The dimension that varies
    least among them, relative to all rows, votes for that factor. The score is
    how often the majority of a dimension's votes is right.

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_samples, n_latents)
        The representation.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        True factors, two or more, matched to Z by position. A float column is
        continuous; strings, bools, integers and categories are discrete.
    n_bins : int, default=20
        A continuous factor with more values than this is cut into as many
        quantile bins, and held in one of them.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    score : float
        Between 0 and 1; 1 divided by the number of factors at chance. 0 where
        all dimensions have collapsed.

    Raises
    ------
    ValueError
        If Z has NaN, there is one factor only, or a factor has missing values
        or does not vary.

    See Also
    --------
    irs_score : How far other factors move a dimension at most.

    Notes
    -----
    800 votes of 64 rows decide the majorities, and 800 others are scored. Rows
    are drawn with replacement from those of the data: a factor at random, then
    a value as frequent as it is in the data, of those that have two rows or
    more. Constant dimensions have no vote.

    References
    ----------
    .. [1] H. Kim, A. Mnih, "Disentangling by Factorising", ICML 2018, Sec. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import factor_vae_score
    >>> grid = np.indices((4, 4, 8)).reshape(3, -1).T
    >>> factors = {"timbre": grid[:, 0], "pitch": grid[:, 1]}
    >>> factor_vae_score(grid, factors, random_state=0)
    1.0
    """
    inputs = check_inputs(Z, factors, n_factors=2)
    targets = discretize_factors(inputs, n_bins)
    spread = inputs.Z.std(axis=0, dtype=np.float64)
    varies = (np.ptp(inputs.Z, axis=0) > 0) & (spread > 0)  # the least of floats spread by 0
    if not varies.any():
        return 0.0
    active = inputs.Z[:, varies] / spread[varies]
    rng = as_random_state(random_state)
    held = rng.randint(len(targets), size=2 * _N_VOTES)  # the factor of each vote
    still = np.empty(2 * _N_VOTES, dtype=np.intp)  # the dimension that votes
    for factor, codes in enumerate(targets):
        votes = held == factor
        rows = _draw_rows(codes, int(votes.sum()), rng)
        still[votes] = active[rows].var(axis=1).argmin(axis=1)
    table = np.zeros((active.shape[1], len(targets)))
    np.add.at(table, (still[:_N_VOTES], held[:_N_VOTES]), 1)
    majority = table.argmax(axis=1)
    return float((majority[still[_N_VOTES:]] == held[_N_VOTES:]).mean())


def _draw_rows(
    codes: NDArray[np.intp], n_votes: int, rng: np.random.RandomState
) -> NDArray[np.intp]:  # (n_votes, _N_ROWS)
    """Draw rows that share a code, for each vote another."""
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    repeated = np.flatnonzero(counts[codes] > 1)
    drawn = codes[rng.choice(repeated, n_votes)]
    steps = rng.uniform(size=(n_votes, _N_ROWS)) * counts[drawn, None]
    rows: NDArray[np.intp] = order[starts[drawn, None] + steps.astype(np.intp)]
    return rows
