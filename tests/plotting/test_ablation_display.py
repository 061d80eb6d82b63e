"""The ablation: each score in the panel of its term, at its weight, in its block's line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mvdisent import MultiViewDisentangler
from mvdisent.model_selection import ablation_grid
from mvdisent.plotting import AblationDisplay

WEIGHTS = [0.0, 0.1, 0.5, 1.0]
METRICS = ["private timbre", "shared timbre", "private frequency", "shared frequency"]
REFERENCES = {
    "chance": {"timbre": 0.25, "frequency": 0.05},
    "paper": {"private timbre": 0.74, "shared timbre": 0.97},
}


def cv_results(grid, metrics=METRICS, prefix=""):
    """As of a search whose score tells term and weight: 10 + weight of alpha, 20 + of beta, ..."""
    candidates = list(ParameterGrid(grid))
    base = [
        sum(
            10 * (i + 1) * (p[f"{prefix}{t}"] > 0) for i, t in enumerate(("alpha", "beta", "gamma"))
        )
        + max(p[f"{prefix}{t}"] for t in ("alpha", "beta", "gamma"))
        for p in candidates
    ]
    results = {"params": candidates}
    for i, metric in enumerate(metrics):
        results[f"mean_test_{metric}"] = np.array(base) + 100 * i
        results[f"std_test_{metric}"] = np.array(base) / 100
    return results


def lines(panel):
    """The line of each block: places and scores."""
    return {c.get_label(): c.lines[0].get_xydata() for c in panel.containers}


def errors(panel, block):
    (bars,) = next(c for c in panel.containers if c.get_label() == block).lines[2]
    return [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]


def test_each_term_has_a_panel_and_each_factor_a_row():
    display = AblationDisplay.from_cv_results(cv_results(ablation_grid()), score_name="accuracy")
    titles = [panel.get_title() for panel in display.axes_[0]]
    assert titles == [
        "alpha: mutual information",
        "beta: total correlation",
        "gamma: dimension-wise KL",
    ]
    rows = [panel.get_ylabel() for panel in display.axes_[:, 0]]
    assert rows == ["timbre\naccuracy", "frequency\naccuracy"]
    assert {panel.get_xlabel() for panel in display.axes_[-1]} == {"weight"}


@pytest.mark.parametrize("one_at_a_time", [True, False])
def test_each_score_stands_at_its_weight_with_its_error(one_at_a_time):
    grid = ablation_grid(one_at_a_time=one_at_a_time)
    display = AblationDisplay.from_cv_results(cv_results(grid))
    for row, panels in enumerate(display.axes_):
        for term, panel in enumerate(panels):
            ticks = dict(zip(panel.get_xticklabels(), panel.get_xticks(), strict=True))
            assert [text.get_text() for text in ticks] == ["0", "0.1", "0.5", "1"]
            scores = np.where(np.array(WEIGHTS) > 0, 10 * (term + 1), 0) + WEIGHTS
            for column, block in enumerate(("private", "shared")):
                places, drawn = lines(panel)[block].T
                np.testing.assert_array_equal(places, list(ticks.values()))
                np.testing.assert_allclose(drawn, scores + 100 * (2 * row + column))
                np.testing.assert_allclose(errors(panel, block), scores / 100, atol=1e-12)


def test_a_single_fold_has_no_error_bars():
    results = cv_results(ablation_grid())
    results |= {name: 0 * results[name] for name in results if name.startswith("std_")}
    display = AblationDisplay.from_cv_results(results)
    assert not any(c.has_yerr for panel in display.axes_.flat for c in panel.containers)


def test_a_candidate_that_diverged_is_a_gap_that_keeps_its_place():
    results = cv_results(ablation_grid())
    lost = [p["beta"] == 0.5 for p in results["params"]]
    for metric in METRICS:
        results[f"mean_test_{metric}"][lost] = np.nan
        results[f"std_test_{metric}"][lost] = np.nan
    display = AblationDisplay.from_cv_results(results)
    for panel, n_gaps in zip(display.axes_[0], (0, 1, 0), strict=True):
        assert [np.isnan(xy[:, 1]).sum() for xy in lines(panel).values()] == [n_gaps, n_gaps]
    assert np.isnan(lines(display.axes_[0, 1])["private"][2, 1])
    low, high = display.axes_[0, 1].get_xlim()
    assert low < 0 < 3 < high


def test_scores_of_which_all_diverged_leave_an_empty_figure():
    results = cv_results(ablation_grid(), ["private timbre"])
    results["mean_test_private timbre"][:] = np.nan
    display = AblationDisplay.from_cv_results(results)
    assert display.axes_.shape == (1, 3)
    display.figure_.draw_without_rendering()


def test_chosen_metrics_alone_are_drawn():
    results = cv_results(ablation_grid())
    display = AblationDisplay.from_cv_results(results, metrics=["shared frequency"])
    assert display.axes_.shape == (1, 3)
    assert list(lines(display.axes_[0, 0])) == ["shared"]
    np.testing.assert_allclose(lines(display.axes_[0, 0])["shared"][0], [0, 300])


@pytest.mark.parametrize("name", ["private_timbre", "private timbre"])
def test_a_block_is_told_by_the_start_of_a_name(name):
    display = AblationDisplay.from_cv_results(cv_results(ablation_grid(), [name, "probe_gap"]))
    assert [p.get_ylabel() for p in display.axes_[:, 0]] == ["timbre\nscore", "probe_gap\nscore"]


def test_the_panels_of_a_row_are_on_one_scale_from_zero():
    display = AblationDisplay.from_cv_results(cv_results(ablation_grid(), METRICS[2:]))
    assert len({panel.get_ylim() for panel in display.axes_[0]}) == 1
    scores = pd.DataFrame({"term": "alpha", "weight": [0, 1], "metric": "m", "std": 0.0})
    (panel,) = AblationDisplay(scores.assign(mean=[0.8, 0.9])).plot().axes_.flat
    assert panel.get_ylim()[0] == 0
    (panel,) = AblationDisplay(scores.assign(mean=[-300.0, -290.0])).plot().axes_.flat
    assert panel.get_ylim()[1] < 0


def test_references_are_lines_in_their_row_or_of_their_block():
    results = cv_results(ablation_grid())
    display = AblationDisplay.from_cv_results(results, references=REFERENCES)

    def levels(panel):
        own = {id(c.lines[0]) for c in panel.containers}
        flat = [a for a in panel.lines if id(a) not in own and a.get_transform() != panel.transData]
        return {
            a.get_ydata()[0]: to_hex(a.get_color()) for a in flat if set(a.get_xdata()) == {0, 1}
        }

    for panel in display.axes_[0]:
        blocks = {c.get_label(): to_hex(c.lines[0].get_color()) for c in panel.containers}
        expected = {0.25: "#000000", 0.74: blocks["private"], 0.97: blocks["shared"]}
        assert levels(panel) == expected
    assert levels(display.axes_[1, 0]) == {0.05: "#000000"}
    key = display.axes_[0, -1].get_legend()
    found = {text.get_text() for text in key.get_texts()}
    assert found == {"chance", "paper", "private", "shared"}


def test_a_real_search_of_a_pipeline_is_drawn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2, 3))
    model = MultiViewDisentangler(
        2, 2, objective="marl", decoder_std=0.1, max_epochs=2, random_state=0
    )
    prefix = "multiviewdisentangler__"
    weights = {"alpha": [0, 1], "beta": [0], "gamma": [0, 0.5]}
    search = GridSearchCV(
        make_pipeline(FunctionTransformer(), model),
        ablation_grid(**weights, prefix=prefix),
        cv=2,
    ).fit(X)
    display = AblationDisplay.from_cv_results(search.cv_results_, prefix=prefix)
    at = {tuple(p.values()): i for i, p in enumerate(search.cv_results_["params"])}
    scores = display.scores.set_index(["term", "weight"])
    for term, weight, candidate in (
        ("alpha", 0, (0, 0, 0)),
        ("alpha", 1, (1, 0, 0)),
        ("beta", 0, (0, 0, 0)),
        ("gamma", 0.5, (0, 0, 0.5)),
    ):
        for statistic in ("mean", "std"):
            expected = search.cv_results_[f"{statistic}_test_score"][at[candidate]]
            assert scores.loc[(term, weight), statistic] == expected


def test_candidates_of_one_setting_can_be_picked_from_a_frame():
    grid = [{**part, "lr": [1e-3, 1e-2]} for part in ablation_grid()]
    results = cv_results(grid)
    results["param_lr"] = [p["lr"] for p in results["params"]]
    with pytest.raises(ValueError, match=r"alpha=0.0 has 2 candidates: pass the rows of one sett"):
        AblationDisplay.from_cv_results(results)
    frame = pd.DataFrame(results).query("param_lr == 0.01")
    expected = AblationDisplay.from_cv_results(cv_results(ablation_grid())).scores
    pd.testing.assert_frame_equal(AblationDisplay.from_cv_results(frame).scores, expected)


def test_a_search_over_one_term_has_one_panel():
    results = {
        "params": [{"gamma": 0.0}, {"gamma": 0.3}],
        "mean_test_score": [0.1, 0.2],
        "std_test_score": [0, 0],
    }
    assert AblationDisplay.from_cv_results(results).axes_.shape == (1, 1)


def test_a_term_without_candidates_is_named():
    grid = ablation_grid(alpha=[0.1, 1], one_at_a_time=False)
    with pytest.raises(ValueError, match="beta has no candidate whose other terms have weight 0"):
        AblationDisplay.from_cv_results(cv_results(grid))


def test_a_prefix_that_was_left_out_is_asked_for():
    results = cv_results(ablation_grid(prefix="m__"), prefix="m__")
    with pytest.raises(ValueError, match=r"no candidate has .* but m__alpha, .*: pass the prefix"):
        AblationDisplay.from_cv_results(results)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["shared pitch"]}, "metrics='shared pitch' is unknown; .*'shared timbre'"),
        (
            {"references": {"chance": {"pitch": 0.1}}},
            r"references\['chance'\]='pitch' is unknown; pass one of 'timbre', 'frequency'",
        ),
    ],
)
def test_an_unknown_name_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        AblationDisplay.from_cv_results(cv_results(ablation_grid()), **options)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"term": ["alpha"], "weight": [0]}, r"lacks \['metric', 'mean', 'std'\]: pass one row a"),
        ({name: [] for name in ("term", "weight", "metric", "mean", "std")}, r"shape \(0, 5\)"),
        (
            {"term": ["delta"], "weight": [0], "metric": ["m"], "mean": [0], "std": [0]},
            "term='delta' is unknown",
        ),
    ],
)
def test_a_table_of_another_form_is_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        AblationDisplay(pd.DataFrame(scores)).plot()


@pytest.mark.parametrize("metrics", [METRICS, METRICS[:1], ["probe_gap", *METRICS, "objective"]])
def test_no_texts_overlap(overlaps, metrics):
    references = {"chance": {metrics[0]: 0.25}}
    results = cv_results(ablation_grid(), metrics)
    display = AblationDisplay.from_cv_results(results, references=references, score_name="accuracy")
    assert overlaps(display.figure_) == []
