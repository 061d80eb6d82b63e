"""The lines show the search: each term's candidates alone, by weight."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mvdisent.model_selection import ablation_grid
from mvdisent.plotting import AblationDisplay

METRICS = ["private timbre", "shared timbre", "private frequency", "shared frequency"]


def search_over(grid, *, prefix="", n_splits=1):
    """Results whose scores are made of the weights: 0.1 alpha + 0.2 beta + 0.3 gamma."""
    params = [
        dict(zip(part, weights, strict=True))
        for part in grid
        for weights in np.array(np.meshgrid(*part.values())).reshape(len(part), -1).T.tolist()
    ]
    factors = {
        f"{prefix}{name}": 0.1 * (i + 1) for i, name in enumerate(("alpha", "beta", "gamma"))
    }
    score = np.array([sum(factors[k] * v for k, v in p.items()) for p in params])
    results = {"params": params}
    for i, metric in enumerate(METRICS):
        results[f"mean_test_{metric}"] = score + 0.1 * i
        results[f"std_test_{metric}"] = 0.01 * score
        for split in range(n_splits):
            results[f"split{split}_test_{metric}"] = score
    return results


@pytest.fixture
def results():
    return search_over(ablation_grid())


def lines_of(axes):
    return {container.get_label(): container.lines[0] for container in axes.containers}


@pytest.mark.parametrize("prefix", ["", "multiviewdisentangler__"])
def test_each_panel_holds_one_term_by_weight_from_the_common_start(prefix):
    results = search_over(ablation_grid(prefix=prefix), prefix=prefix)
    display = AblationDisplay.from_cv_results(results)
    for axes, factor in zip(display.axes_[0], (0.1, 0.2, 0.3), strict=True):
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "0.1", "0.5", "1"]
        lines = lines_of(axes)
        assert list(lines) == METRICS
        for i, line in enumerate(lines.values()):
            expected = factor * np.array([0, 0.1, 0.5, 1]) + 0.1 * i
            np.testing.assert_allclose(line.get_ydata().astype(float), expected)


def test_candidates_with_two_weights_are_left_out():
    full = search_over(ablation_grid(one_at_a_time=False))
    scores = AblationDisplay.from_cv_results(full).scores.sort_index()
    alone = AblationDisplay.from_cv_results(search_over(ablation_grid())).scores.sort_index()
    pd.testing.assert_frame_equal(scores, alone)


def test_a_term_without_candidates_has_no_panel():
    results = search_over(ablation_grid(alpha=[0], beta=[0]))
    labels = [axes.get_xlabel() for axes in AblationDisplay.from_cv_results(results).axes_[0]]
    assert "gamma\n(dimension-wise KL)" in labels


def test_a_failed_candidate_is_a_gap(results):
    results["mean_test_shared timbre"][3] = np.nan  # alpha = 1
    display = AblationDisplay.from_cv_results(results, metrics=["shared timbre"])
    line = lines_of(display.axes_[0, 0])["shared timbre"]
    assert np.isnan(line.get_ydata().astype(float)).tolist() == [False, False, False, True]


def test_one_fold_has_no_error_bars_and_two_have_their_deviation(results):
    assert AblationDisplay.from_cv_results(results).errors is None
    display = AblationDisplay.from_cv_results(search_over(ablation_grid(), n_splits=2))
    expected = 0.01 * (display.scores[METRICS[0]]).to_numpy()
    np.testing.assert_allclose(display.errors[METRICS[0]], expected)
    assert display.axes_[0, 0].get_ylabel() == "held-out score ± std"


def test_references_are_dotted_lines_in_their_score_s_colour(results):
    display = AblationDisplay.from_cv_results(
        results, references={"shared timbre": 0.25, "chance": 0.05}
    )
    axes = display.axes_[0, 0]
    dotted = {line.get_ydata()[0]: line.get_color() for line in axes.lines if line.get_ls() == ":"}
    assert dotted == {0.25: lines_of(axes)["shared timbre"].get_color(), 0.05: "0.4"}


def test_no_texts_overlap(results, overlaps):
    assert overlaps(AblationDisplay.from_cv_results(results).figure_) == []


def test_an_unknown_metric_is_named(results):
    with pytest.raises(ValueError, match="metrics has 'timbre', not a score of the search"):
        AblationDisplay.from_cv_results(results, metrics=["timbre"])


def test_a_search_without_single_terms_is_refused():
    results = search_over([{"alpha": [1.0], "beta": [1.0], "gamma": [0.5, 1.0]}])
    with pytest.raises(ValueError, match=r"no candidate in which one of .*ablation_grid\(\)"):
        AblationDisplay.from_cv_results(results)
