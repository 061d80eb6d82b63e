"""Scorers: what scikit-learn's searches call with a fitted estimator and held-out rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import pandas as pd
from joblib import parallel_config
from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metadata_routing import UNUSED

from .. import _checks, _param_checks
from ._block_gaps import mutual_info_gap_score, probe_gap
from ._cross_view import cross_view_score
from ._held_out import BLOCKS, HeldOut, transform_by_sample, transform_views
from ._models import PROBES
from ._mutual_info import mutual_info_matrix
from ._probes import probe_table


def _stay_here() -> parallel_config:
    """Keep a scorer's small jobs in this process: a Dask worker would send each to the cluster."""
    return parallel_config("sequential")


class FactorScorer(BaseEstimator, ABC):
    """Score the blocks of a fitted transformer by the true factors of held-out rows.

    A BaseEstimator, for its clone, repr, parameters and routing of metadata.
    """

    # `score` takes the estimator first, which is no metadata.
    __metadata_request__score: ClassVar = {"estimator": UNUSED, "factors": True}

    def score(
        self,
        estimator: Any,
        X: ArrayLike,
        y: pd.DataFrame | None = None,
        *,
        factors: pd.DataFrame | None = None,
    ) -> float:
        """Score a fitted estimator on held-out rows; a call of the scorer does it.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``transform`` and ``get_feature_names_out``.
        X : array-like of shape (n_samples, n_views, ...)
            Held-out views.
        y : DataFrame of n_samples rows, default=None
            Factors.
        factors : DataFrame of n_samples rows, default=None
            Factors in place of `y`, as metadata routing passes them.

        Returns
        -------
        score : float
            Higher is better.
        """
        rows = transform_views(estimator, X, y if factors is None else factors, self._wanted())
        with _stay_here():
            return self._measure(rows)

    __call__ = score

    @abstractmethod
    def _wanted(self) -> Sequence[str] | None:
        """Name the factors to look at; None: all."""

    @abstractmethod
    def _measure(self, rows: HeldOut) -> float:
        """Turn features and factors into one number."""


class ProbeScorer(FactorScorer):
    """Score one block by how well a probe reads one factor from it."""

    def __init__(
        self,
        block: str,
        factor: str,
        probe: str = "mlp",
        greater_is_better: bool = True,
        random_state: int = 0,
    ) -> None:
        self.block = block
        self.factor = factor
        self.probe = probe
        self.greater_is_better = greater_is_better
        self.random_state = random_state

    def _wanted(self) -> Sequence[str]:
        return [self.factor]

    def _measure(self, rows: HeldOut) -> float:
        table = _probe(rows, [self.block], self.probe, self.random_state)
        score = float(table.to_numpy()[0, 0])
        return score if self.greater_is_better else -score


class ProbeGapScorer(FactorScorer):
    """Score by how much better a probe reads each factor from its own block."""

    def __init__(
        self,
        measure: str = "gap",
        probe: str = "mlp",
        factors: Sequence[str] | None = None,
        random_state: int = 0,
    ) -> None:
        self.measure = measure
        self.probe = probe
        self.factors = factors
        self.random_state = random_state

    def _wanted(self) -> Sequence[str] | None:
        return self.factors

    def _measure(self, rows: HeldOut) -> float:
        table = _probe(rows, ["private", "shared"], self.probe, self.random_state)
        score = float(probe_gap(table, rows.own)[self.measure].mean())
        return -score if self.measure == "leakage" else score


class MutualInfoGapScorer(FactorScorer):
    """Score by how much more each factor's own block tells of it, in nats."""

    def __init__(self, factors: Sequence[str] | None = None, random_state: int = 0) -> None:
        self.factors = factors
        self.random_state = random_state

    def _wanted(self) -> Sequence[str] | None:
        return self.factors

    def _measure(self, rows: HeldOut) -> float:
        columns = rows.columns("both")
        mi = mutual_info_matrix(
            rows.features[:, columns],
            rows.factors,
            feature_names=[rows.names[i] for i in columns],
            random_state=self.random_state,
        )
        return mutual_info_gap_score(mi, rows.own)


class ObjectiveScorer(BaseEstimator):
    """Score by the estimator's own objective, which needs no factor."""

    def __call__(self, estimator: Any, X: ArrayLike, y: Any = None) -> float:
        """Return ``estimator.score(X)``."""
        # With routing, Pipeline.score asks its last step for sample_weight, though it has none
        # to pass (scikit-learn 1.9), and fails where that step takes none.
        with config_context(enable_metadata_routing=False):
            return float(estimator.score(X))


class CrossViewScorer(BaseEstimator):
    """Score by what the views tell of one another, which needs no factor."""

    def __init__(self, max_samples: int = 2000, random_state: int = 0) -> None:
        self.max_samples = max_samples
        self.random_state = random_state

    def __call__(self, estimator: Any, X: ArrayLike, y: Any = None) -> float:
        """Return the ``score`` of ``cross_view_score``."""
        views = transform_by_sample(estimator, X)
        with _stay_here():
            return cross_view_score(
                *views, max_samples=self.max_samples, random_state=self.random_state
            ).score


_SCORERS: dict[str, BaseEstimator] = {
    "cross_view": CrossViewScorer(),
    "mutual_info_gap": MutualInfoGapScorer(),
    "neg_probe_leakage": ProbeGapScorer("leakage"),
    "objective": ObjectiveScorer(),
    "probe_gap": ProbeGapScorer(),
    "probe_informativeness": ProbeGapScorer("informativeness"),
}


def get_scorer_names() -> list[str]:
    """List the names that :func:`get_scorer` knows.

    Returns
    -------
    names : list of str
        In alphabetical order.
    """
    return sorted(_SCORERS)


def get_scorer(name: str) -> Any:
    """Give a scorer for ``scoring=``.

    Parameters
    ----------
    name : str
        One of :func:`get_scorer_names`, all of them higher where better:

        * ``"probe_informativeness"``: what a probe reads of each factor from its
          own block, 0 at chance and 1 at most, averaged over the factors;
        * ``"neg_probe_leakage"``: minus what it reads from the other block;
        * ``"probe_gap"``: the sum of the two, as by :func:`probe_gap_score`;
        * ``"mutual_info_gap"``: mutual information of each factor with its own
          block less that with the other, in nats, as by
          :func:`mutual_info_gap_score`;
        * ``"cross_view"``: how well the blocks separate what the views share, told
          by the views alone, as by :func:`cross_view_score`: needs no factor;
        * ``"objective"``: ``estimator.score(X)``, which needs no factor.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` returns a float. ``set_params`` changes the
        ``probe`` ("mlp"), the ``factors`` looked at (None: all) or the
        ``random_state`` (0), where it has these.

    Raises
    ------
    ValueError
        If the name is unknown.

    See Also
    --------
    make_probe_scorer : One factor read from one block.
    mvdisent.model_selection.ablation_grid : Weights to score.

    Notes
    -----
    A scorer asks the fitted estimator, or Pipeline, for ``transform`` and for
    the names of ``get_feature_names_out``, which tell the blocks. The factors
    come as ``y``, or as ``factors`` by scikit-learn's metadata routing, which
    these scorers request; ``set_score_request`` changes that. Shared factors, a
    column each, belong to the shared block; private ones, a column a view
    (``frequency_v0``, ``frequency_v1``), to the private block.

    Each view of the held-out rows is transformed by itself, so the shared block
    is what one view tells of it; ``view_output="concat"`` cannot be scored.
    Probes are trained on six tenths of these rows and scored on the others, all
    views of a sample on one side; mutual information is estimated on all rows.

    A Pipeline's ``memory`` keeps its first steps' output for the training rows
    alone: each scorer has the held-out rows transformed anew. Log-mel spectra,
    of which nothing is learned, are cheaper made once, before the search.

    The objective is weighed by the estimator's own weights: it can compare
    settings of the networks and the training, not of the weights. ``"cross_view"``
    can compare both.

    Examples
    --------
    >>> from mvdisent.metrics import get_scorer
    >>> get_scorer("probe_gap").set_params(probe="knn", factors=["timbre", "frequency"])
    ProbeGapScorer(factors=['timbre', 'frequency'], probe='knn')
    """
    _checks.check_option("name", name, get_scorer_names())
    return clone(_SCORERS[name])


def make_probe_scorer(
    block: str,
    factor: str,
    *,
    probe: str = "mlp",
    greater_is_better: bool = True,
    random_state: int = 0,
) -> Any:
    """Make a scorer of how well a probe reads one factor from one block.

    Parameters
    ----------
    block : {"private", "shared", "both"}
        Columns that the probe is trained on.
    factor : str
        Name of the factor; of a private one without its view: ``"frequency"``
        for the columns ``frequency_v0`` and ``frequency_v1``.
    probe : {"mlp", "knn", "boosting", "linear", "strongest"}, default="mlp"
        As in :func:`probe_table`.
    greater_is_better : bool, default=True
        False negates the score, for a factor that the block should not tell.
    random_state : int, default=0
        Seed of the probe and of its split.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` returns the held-out accuracy of a discrete
        factor, R2 of a continuous one.

    Raises
    ------
    ValueError
        If the block or the probe is unknown.
    TypeError
        If `greater_is_better` is neither True nor False.

    See Also
    --------
    get_scorer : Scorers over all factors, and how they see the held-out rows.

    Examples
    --------
    >>> from mvdisent.metrics import make_probe_scorer
    >>> scoring = {
    ...     "timbre": make_probe_scorer("shared", "timbre"),
    ...     "neg_leak": make_probe_scorer("private", "timbre", greater_is_better=False),
    ... }
    """
    _checks.check_option("block", block, BLOCKS)
    _checks.check_option("probe", probe, PROBES)
    _param_checks.check_flag("greater_is_better", greater_is_better)
    return ProbeScorer(block, factor, probe, greater_is_better, random_state)


def _probe(rows: HeldOut, blocks: Sequence[str], probe: str, seed: int) -> pd.DataFrame:
    return probe_table(
        {block: rows.features[:, rows.columns(block)] for block in blocks},
        rows.factors,
        probe=probe,
        groups=rows.groups,
        random_state=seed,
    )
