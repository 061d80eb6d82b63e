"""The ablation: held-out scores by the weight of each term of the objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from ._axes import COLORS, AxesLike, make_axes

_TERMS = {
    "alpha": "index-code MI",
    "beta": "total correlation",
    "gamma": "dimension-wise KL",
}
_MARKERS = "osD^vPX*"


class AblationDisplay:
    """Lines of held-out scores by the weight of one term, the other terms at 0.

    A panel a term, as in the paper's figure; a line a score. Weights stand at
    equal distances.

    Parameters
    ----------
    scores : DataFrame of shape (n_candidates, n_scores)
        Mean scores; the rows' two index levels are the term, one of "alpha",
        "beta" and "gamma", and its weight. NaN, of a candidate that failed, is
        a gap.
    errors : DataFrame of the same shape, default=None
        Half-lengths of error bars.
    references : dict of str to float, default=None
        A level for each named score, such as its chance: a dotted line of the
        score's colour. A name that is no score gets a grey one.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (1, n_terms)
        The panels.
    figure_ : Figure
        The figure that holds them.

    See Also
    --------
    mvdisent.model_selection.ablation_grid : The candidates.
    mvdisent.metrics.make_probe_scorer : Scores of one factor in one block.

    Examples
    --------
    >>> import pandas as pd
    >>> from mvdisent.plotting import AblationDisplay
    >>> index = pd.MultiIndex.from_product([["gamma"], [0, 0.1, 0.5, 1]])
    >>> scores = pd.DataFrame({"timbre, shared": [0.78, 0.97, 0.97, 0.89]}, index)
    >>> figure = AblationDisplay(scores, references={"chance": 0.25}).plot().figure_
    """

    def __init__(
        self,
        scores: pd.DataFrame,
        errors: pd.DataFrame | None = None,
        *,
        references: Mapping[str, float] | None = None,
    ) -> None:
        self.scores = scores
        self.errors = errors
        self.references = references

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        *,
        metrics: Sequence[str] | None = None,
        references: Mapping[str, float] | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Draw the results of a search over an ablation grid.

        Parameters
        ----------
        cv_results : dict
            ``cv_results_`` of a search over
            :func:`mvdisent.model_selection.ablation_grid`, of a bare estimator
            or of a Pipeline. Candidates with two weights above 0 are left out.
        metrics : sequence of str, default=None
            Keys of ``scoring``, in the order of the legend; None draws all.
        references : dict of str to float, default=None
            Levels to draw; see the class.
        ax : Axes or array-like of Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : AblationDisplay
            Drawn, with the standard deviation over the folds as error bars where
            there is more than one fold.

        Raises
        ------
        ValueError
            If a metric is unknown, or no candidate has one weight alone.
        """
        known = [key.removeprefix("mean_test_") for key in cv_results if key[:10] == "mean_test_"]
        chosen = list(known if metrics is None else metrics)
        for name in chosen:
            if name not in known:
                raise ValueError(f"metrics has {name!r}, not a score of the search: {known}")
        rows = _single_terms(cv_results["params"])
        index = pd.MultiIndex.from_tuples([row[:2] for row in rows], names=["term", "weight"])
        candidates = [row[2] for row in rows]

        def collect(kind: str) -> pd.DataFrame:
            columns = {m: np.asarray(cv_results[f"{kind}_test_{m}"])[candidates] for m in chosen}
            return pd.DataFrame(columns, index)

        several = any(key.startswith("split1_test_") for key in cv_results)
        errors = collect("std") if several else None
        return cls(collect("mean"), errors, references=references).plot(ax=ax)

    def plot(self, ax: AxesLike = None) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            One Axes gives its place to all panels; an array holds one a term;
            None makes a figure.

        Returns
        -------
        display : AblationDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        terms = [term for term in _TERMS if term in self.scores.index.get_level_values(0)]
        self.figure_, self.axes_ = make_axes(ax, 1, len(terms), size=(2.4 + 2.4 * len(terms), 3.2))
        values = self.scores.to_numpy(dtype=float)
        levels = [*values[np.isfinite(values)], *(self.references or {}).values()]
        margin = 0.06 * (np.ptp(levels) or 1.0)
        for axes, term in zip(self.axes_[0], terms, strict=True):
            scores = self.scores.loc[term].sort_index()
            errors = None if self.errors is None else self.errors.loc[term].sort_index()
            places = np.arange(len(scores))
            for i, name in enumerate(scores):
                axes.errorbar(
                    places,
                    scores[name],
                    yerr=None if errors is None else errors[name],
                    color=COLORS[i % len(COLORS)],
                    marker=_MARKERS[i % len(_MARKERS)],
                    capsize=2,
                    label=name,
                )
            self._draw_references(axes)
            axes.set_xticks(places, [f"{weight:g}" for weight in scores.index])
            axes.set_xlim(-0.3, len(scores) - 0.7)
            axes.set_ylim(min(levels) - margin, max(levels) + margin)
            axes.set_xlabel(f"{term}\n({_TERMS[term]})")
        for axes in self.axes_[0, 1:]:
            axes.tick_params(labelleft=False)
        self.axes_[0, 0].set_ylabel(
            "held-out score" + (" ± std" if self.errors is not None else "")
        )
        self.axes_[0, -1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        return self

    def _draw_references(self, axes: Any) -> None:
        names = list(self.scores)
        for name, level in (self.references or {}).items():
            color = COLORS[names.index(name) % len(COLORS)] if name in names else "0.4"
            label = None if name in names else name
            axes.axhline(level, color=color, linestyle=":", linewidth=1.2, label=label)


def _single_terms(params: Sequence[Mapping[str, Any]]) -> list[tuple[str, float, int]]:
    """Find term, weight and number of each candidate in which one term alone has a weight."""
    rows = []
    for number, candidate in enumerate(params):
        weights = {name.rsplit("__", 1)[-1]: value for name, value in candidate.items()}
        given = {term: float(weights[term]) for term in _TERMS if term in weights}
        above = [term for term, weight in given.items() if weight > 0]
        if len(above) <= 1:  # with no weight at all, it is where every line starts
            rows += [(term, given[term], number) for term in above or given]
    if not any(weight > 0 for _, weight, _ in rows):
        raise ValueError(
            "the search has no candidate in which one of alpha, beta and gamma alone is above 0: "
            "search over mvdisent.model_selection.ablation_grid()"
        )
    return rows
