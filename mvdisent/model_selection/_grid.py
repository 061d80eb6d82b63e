"""The grid of the paper's ablation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence, Sized
from numbers import Real

import numpy as np

from .. import _param_checks

_WEIGHTS = (0.0, 0.1, 0.5, 1.0)


def ablation_grid(
    *,
    alpha: Sequence[float] = _WEIGHTS,
    beta: Sequence[float] = _WEIGHTS,
    gamma: Sequence[float] = _WEIGHTS,
    one_at_a_time: bool = True,
    prefix: str = "",
) -> list[dict[str, list[float]]]:
    """Lay out the weights of the objective's terms for a grid search.

    Parameters
    ----------
    alpha : sequence of float, default=(0.0, 0.1, 0.5, 1.0)
        Weights of the index-code mutual information.
    beta : sequence of float, default=(0.0, 0.1, 0.5, 1.0)
        Weights of the total correlation.
    gamma : sequence of float, default=(0.0, 0.1, 0.5, 1.0)
        Weights of the dimension-wise KL.
    one_at_a_time : bool, default=True
        Whether only one term has a weight at a time and the other two have 0,
        as in the paper [1]_; False: every combination.
    prefix : str, default=""
        Put before each name: ``"multiviewdisentangler__"`` where the model is a
        step of :func:`sklearn.pipeline.make_pipeline`.

    Returns
    -------
    grid : list of dict of str to list of float
        For ``GridSearchCV(param_grid=...)`` or
        :class:`sklearn.model_selection.ParameterGrid`; no candidate is in it
        twice.

    Raises
    ------
    ValueError
        If a term has no weight, or one that is negative or not finite.

    Notes
    -----
    The held-out objective weighs its terms by the candidate's own weights, so
    it cannot rank these candidates; the scorers of :mod:`mvdisent.metrics` that
    look at factors can.

    References
    ----------
    .. [1] J. Wilkins, S. Ding, M. Fuentes, J. P. Bello, "Self-Supervised
       Multi-View Learning for Disentangled Music Audio Representations",
       ISMIR 2024 late-breaking demo, arXiv 2411.02711.

    Examples
    --------
    >>> from mvdisent.model_selection import ablation_grid
    >>> for part in ablation_grid(gamma=[0, 0.3]):
    ...     print(part)
    {'alpha': [0.0, 0.1, 0.5, 1.0], 'beta': [0.0], 'gamma': [0.0]}
    {'alpha': [0.0], 'beta': [0.1, 0.5, 1.0], 'gamma': [0.0]}
    {'alpha': [0.0], 'beta': [0.0], 'gamma': [0.3]}
    """
    _param_checks.check_flag("one_at_a_time", one_at_a_time)
    _param_checks.check_text("prefix", prefix)
    terms = {"alpha": alpha, "beta": beta, "gamma": gamma}
    weights = {name: _distinct(name, values) for name, values in terms.items()}
    if not one_at_a_time:
        return [{prefix + name: values for name, values in weights.items()}]
    grid = []
    without_any = True  # all three at 0: one candidate, though each term may ask for it
    for name, values in weights.items():
        own = [weight for weight in values if weight or without_any]
        without_any = without_any and 0 not in own
        if own:
            grid.append({prefix + other: own if other == name else [0.0] for other in weights})
    return grid


def _distinct(name: str, weights: Sequence[float]) -> list[float]:
    """Check weights, and drop repeated ones."""
    if (
        isinstance(weights, str | bytes)
        or not isinstance(weights, Iterable)
        or not isinstance(weights, Sized)
        or getattr(weights, "ndim", 1) != 1
    ):
        raise TypeError(f"{name}={weights!r:.60}; pass a list of weights, such as [0, 0.5]")
    for weight in weights:
        # numpy counts spans of time among the integers.
        number = isinstance(weight, Real) and not isinstance(weight, np.timedelta64)
        if not number or not 0 <= float(weight) < math.inf:
            raise ValueError(f"{name} has the weight {weight!r}; pass finite numbers of 0 or more")
    if not len(weights):
        raise ValueError(f"{name} has no weight; pass [0] to leave the term out")
    return list(dict.fromkeys(float(weight) for weight in weights))
