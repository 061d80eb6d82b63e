"""The ablation figure: scores against the weight of each term of the objective."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import _checks, _param_checks
from .._arrays import kind_of
from ._axes import BLOCK_COLORS, TERM_NAMES, AxesLike, make_axes
from ._inputs import as_mapping, as_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TERMS = {"alpha": "mi", "beta": "tc", "gamma": "dwkl"}
_MEAN = "mean_test_"
_COLUMNS = ("term", "weight", "metric", "mean", "std")
_MARKERS = {"private": "o", "shared": "s", "both": "^"}
_REFERENCE_STYLES = (":", "--", "-.")


class AblationDisplay:
    """Scores against the weight of each term, one panel a term.

    The paper's figure [1]_: reconstruction plus one term of the objective. A
    metric whose name starts with a block (``"private timbre"``,
    ``"shared_timbre"``) is a line of that block in the row of what follows; any
    other metric has a row of its own.

    Parameters
    ----------
    scores : DataFrame of shape (n_scores, 5)
        One row a point: ``term`` ("alpha", "beta" or "gamma"), ``weight``,
        ``metric``, ``mean`` and ``std`` over the folds. A mean that is NaN is a
        gap in its line.
    references : dict of str to dict of str to float, default=None
        Horizontal lines: by name ("chance", "ceiling", "paper"), the level in
        each row (``"timbre"``), drawn black, or of each metric
        (``"private timbre"``), drawn in its colour.
    score_name : str, default="score"
        What the scores are, with their unit: ``"accuracy"``.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n_rows, n_terms)
        The panels. Weights are spaced evenly, whatever their values.
    figure_ : Figure
        The figure that holds them.

    See Also
    --------
    mvdisent.model_selection.ablation_grid : The candidates of the search.
    mvdisent.metrics.make_probe_scorer : A metric for each block and factor.

    References
    ----------
    .. [1] J. Wilkins, S. Ding, M. Fuentes, J. P. Bello, "Self-Supervised
       Multi-View Learning for Disentangled Music Audio Representations",
       ISMIR 2024 late-breaking demo, arXiv 2411.02711.

    Examples
    --------
    >>> import pandas as pd
    >>> from mvdisent.plotting import AblationDisplay
    >>> scores = pd.DataFrame(
    ...     [
    ...         ["gamma", 0.0, "shared timbre", 0.78, 0.02],
    ...         ["gamma", 0.1, "shared timbre", 0.97, 0.01],
    ...     ],
    ...     columns=["term", "weight", "metric", "mean", "std"],
    ... )
    >>> display = AblationDisplay(scores, references={"chance": {"timbre": 0.25}})
    >>> figure = display.plot().figure_
    """

    def __init__(
        self,
        scores: pd.DataFrame,
        *,
        references: Mapping[str, Mapping[str, float]] | None = None,
        score_name: str = "score",
    ) -> None:
        self.scores = scores
        self.references = references
        self.score_name = score_name

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any] | pd.DataFrame,
        *,
        metrics: Sequence[str] | None = None,
        prefix: str = "",
        references: Mapping[str, Mapping[str, float]] | None = None,
        score_name: str = "score",
        ax: AxesLike = None,
    ) -> Self:
        """Draw the test scores of a search.

        Of each term, the candidates are drawn whose other terms have weight 0.

        Parameters
        ----------
        cv_results : dict or DataFrame
            ``cv_results_`` of a fitted search over
            :func:`mvdisent.model_selection.ablation_grid`; as a DataFrame it
            can be cut to some candidates.
        metrics : sequence of str, default=None
            Names in the search's ``scoring``; None for all, in its order. Of a
            search with a single scorer the name is "score".
        prefix : str, default=""
            As given to ``ablation_grid``: ``"multiviewdisentangler__"`` where
            the model is a step of a Pipeline.
        references : dict of str to dict of str to float, default=None
            Horizontal lines; see the class.
        score_name : str, default="score"
            What the scores are, with their unit.
        ax : Axes or array-like of Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : AblationDisplay
            Drawn.

        Raises
        ------
        ValueError
            If a metric is unknown, no term was searched, a term has no
            candidate with the others at 0, or several of one weight.
        """
        results = _check_results(cv_results)
        _param_checks.check_text("prefix", prefix)
        known = [name.removeprefix(_MEAN) for name in results if name.startswith(_MEAN)]
        drawn = known if metrics is None else _param_checks.as_names("metrics", metrics)
        for metric in drawn:
            _checks.check_option("metrics", metric, known)
        params = pd.DataFrame(list(results["params"]))
        parts = []
        for term, rows in _find_candidates(params, prefix).items():
            for metric in drawn:
                part = pd.DataFrame({"weight": params[prefix + term].iloc[rows].to_numpy(float)})
                part["term"], part["metric"] = term, metric
                for statistic in ("mean", "std"):
                    column = f"{statistic}_test_{metric}"
                    values = as_numbers(results[column], f"cv_results[{column!r}]")
                    _checks.check_n_rows(
                        f"cv_results[{column!r}]", len(values), "params", len(params)
                    )
                    part[statistic] = values[rows]
                parts.append(part.sort_values("weight"))
        scores = pd.concat(parts, ignore_index=True)[list(_COLUMNS)]
        return cls(scores, references=references, score_name=score_name).plot(ax=ax)

    def plot(self, ax: AxesLike = None) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            One Axes gives its place to all panels; an array holds one a panel;
            None makes a figure.

        Returns
        -------
        display : AblationDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        _check_columns(self.scores)
        metrics = list(dict.fromkeys(self.scores["metric"]))
        rows: dict[str, list[str]] = {}
        for metric in metrics:
            rows.setdefault(_split_name(metric)[1], []).append(metric)
        references = {} if not self.references else as_mapping(self.references, "references")
        _param_checks.check_text("score_name", self.score_name)
        _check_references(references, [*rows, *metrics])
        terms = {str(term): part for term, part in self.scores.groupby("term", sort=False)}
        n_rows, n_terms = len(rows), len(terms)
        self.figure_, self.axes_ = make_axes(
            ax, n_rows, n_terms, size=(2.0 + 2.6 * n_terms, 0.8 + 2.3 * n_rows)
        )
        for axes, (row, names) in zip(self.axes_, rows.items(), strict=True):
            for panel, scores in zip(axes, terms.values(), strict=True):
                _draw_lines(panel, scores, names)
                _draw_references(panel, references, row, names)
            _share_scale(axes)
            axes[0].set_ylabel(f"{row}\n{self.score_name}")
        for term, top, bottom in zip(terms, self.axes_[0], self.axes_[-1], strict=True):
            top.set_title(f"{term}: {TERM_NAMES[_TERMS[term]]}", fontsize="medium")
            bottom.set_xlabel("weight")
        self._draw_key(references)
        return self

    def _draw_key(self, references: Mapping[str, Any]) -> None:
        """Name the blocks and the horizontal lines, beside the first row."""
        corner = self.axes_[0, -1]
        for label, style in zip(references, cycle(_REFERENCE_STYLES), strict=False):
            corner.plot([], [], color="black", linestyle=style, label=label)
        found: dict[str, Any] = {}
        for panel in self.axes_[:, -1]:
            for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
                found.setdefault(label, handle)
        if found:
            corner.legend(
                list(found.values()),
                list(found),
                loc="upper left",
                bbox_to_anchor=(1.02, 1),
                frameon=False,
            )


def _check_results(cv_results: Any) -> dict[str, Any]:
    columns = cv_results.to_dict("list") if isinstance(cv_results, pd.DataFrame) else cv_results
    results = as_mapping(columns, "cv_results")
    params = results.get("params")
    if not isinstance(params, Sequence) or not all(isinstance(own, Mapping) for own in params):
        raise ValueError(
            "cv_results has no 'params' of one dict a candidate: pass cv_results_ of a search"
        )
    for name in [name for name in results if name.startswith(_MEAN)]:
        if "std" + name.removeprefix("mean") not in results:
            raise ValueError(f"cv_results has {name!r} without its std: pass cv_results_ whole")
    return results


def _find_candidates(params: pd.DataFrame, prefix: str) -> dict[str, NDArray[np.intp]]:
    """Find, for each term that was searched, the candidates with the others at 0."""
    terms = [term for term in _TERMS if prefix + term in params]
    if not terms:
        raise ValueError(
            f"no candidate has a parameter {prefix}alpha, {prefix}beta or {prefix}gamma, but "
            f"{', '.join(map(str, params))}: pass the prefix={prefix!r} that ablation_grid had"
        )
    found = {}
    for term in terms:
        others = [prefix + other for other in terms if other != term]
        rows = np.flatnonzero((params[others] == 0).all(axis=1) & params[prefix + term].notna())
        if not len(rows):
            raise ValueError(
                f"{term} has no candidate whose other terms have weight 0 ({', '.join(others)}): "
                "search over ablation_grid() with 0 among the weights"
            )
        weights = params[prefix + term].iloc[rows]
        if weights.duplicated().any():
            weight = weights[weights.duplicated()].iloc[0]
            raise ValueError(
                f"{term}={weight} has {int((weights == weight).sum())} candidates: pass the rows "
                "of one setting, such as pd.DataFrame(search.cv_results_).query(...)"
            )
        found[term] = rows
    return found


def _check_columns(scores: pd.DataFrame) -> None:
    if not isinstance(scores, pd.DataFrame):
        raise TypeError(f"scores is of type {kind_of(scores)}; pass a DataFrame, one row a point")
    missing = [name for name in _COLUMNS if name not in scores]
    if missing or scores.empty:
        raise ValueError(
            f"scores has shape {scores.shape} and lacks {missing}: pass one row a point, with "
            f"the columns {', '.join(_COLUMNS)}"
        )
    for term in scores["term"].unique():
        _checks.check_option("term", term, list(_TERMS))
    for name in ("weight", "mean", "std"):
        as_numbers(scores[name], f"scores[{name!r}]")
    if scores["weight"].isna().any():
        raise ValueError("scores['weight'] has NaN: drop these rows")
    for name in scores["metric"]:
        _param_checks.check_text("scores['metric']", name)


def _check_references(references: Mapping[str, Mapping[str, float]], known: list[str]) -> None:
    for label, levels in references.items():
        for name, level in as_mapping(levels, f"references[{label!r}]").items():
            _checks.check_option(f"a key of references[{label!r}]", name, known)
            as_numbers([level], f"references[{label!r}][{name!r}]")


def _split_name(metric: str) -> tuple[str, str]:
    """Split ``"private timbre"`` into its block and its row; other names have no block."""
    found = re.fullmatch(rf"({'|'.join(BLOCK_COLORS)})[ _](.+)", metric)
    return (found[1], found[2]) if found else ("", metric)


def _draw_lines(panel: Axes, scores: pd.DataFrame, metrics: Sequence[str]) -> None:
    weights = np.unique(scores["weight"])
    for metric in metrics:
        block = _split_name(metric)[0]
        points = scores[scores["metric"] == metric].sort_values("weight")
        several = (points["std"] > 0).any()
        panel.errorbar(
            np.searchsorted(weights, points["weight"]),
            points["mean"],
            points["std"] if several else None,
            color=BLOCK_COLORS.get(block, "black"),
            marker=_MARKERS.get(block, "D"),
            markersize=5,
            capsize=3,
            label=block or None,
        )
    panel.set_xticks(range(len(weights)), [f"{weight:g}" for weight in weights])
    panel.set_xlim(-0.4, len(weights) - 0.6)  # a weight whose scores are all gaps keeps its place


def _draw_references(
    panel: Axes,
    references: Mapping[str, Mapping[str, float]],
    row: str,
    metrics: Sequence[str],
) -> None:
    colors = {name: BLOCK_COLORS.get(_split_name(name)[0], "black") for name in metrics}
    colors.setdefault(row, "black")
    for levels, style in zip(references.values(), cycle(_REFERENCE_STYLES), strict=False):
        for name in set(levels) & set(colors):
            panel.axhline(levels[name], color=colors[name], linestyle=style, linewidth=1, zorder=1)


def _share_scale(axes: NDArray[Any]) -> None:
    """Put the panels of a row on one scale, from 0 where no score is below it."""
    low = min(panel.get_ylim()[0] for panel in axes)
    high = max(panel.get_ylim()[1] for panel in axes)
    low = min(low, 0)
    for panel in axes:
        panel.set_ylim(low, high + 0.03 * (high - low))  # markers stay whole
        panel.tick_params(labelleft=panel is axes[0])
