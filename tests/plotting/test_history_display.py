"""The history: each term in its panel, and the dimensions that are in use."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mvdisent import MultiViewDisentangler
from mvdisent.plotting import HistoryDisplay

TERMS = [
    "loss",
    "reconstruction",
    *(f"{block}_{part}" for block in ("private", "shared") for part in ("mi", "tc", "dwkl")),
]


@pytest.fixture
def history():
    return pd.DataFrame(np.random.default_rng(0).normal(size=(12, 8)), columns=TERMS)


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(64, 1, 4)), 2, axis=1)
    return MultiViewDisentangler(
        2, 3, objective="marl", decoder_std=0.1, max_epochs=3, random_state=0
    ).fit(X)


def bars(panel):
    """The bars of the dimensions; those of the key alone have no height."""
    return [patch for patch in panel.patches if patch.get_height()]


def key(panel):
    return [text.get_text() for text in panel.get_legend().get_texts()]


def test_each_term_is_a_line_by_epoch_in_the_panel_of_its_block(history):
    panels = HistoryDisplay(history, [1], [1]).plot().axes_.ravel()
    parts = ["mutual information", "total correlation", "dimension-wise KL"]
    for i, columns, names in (
        (0, TERMS[:2], TERMS[:2]),
        (2, TERMS[2:5], parts),
        (3, TERMS[5:], parts),
    ):
        assert key(panels[i]) == names
        for line, column in zip(panels[i].lines, columns, strict=True):
            np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 13))
            np.testing.assert_array_equal(line.get_ydata(), history[column])


def test_a_term_of_another_name_finds_its_panel(history):
    history = history.assign(shared_gap_x=1.0, separation=2.0)
    panels = HistoryDisplay(history, [1], [1]).plot().axes_
    assert key(panels[1, 1])[-1] == "gap x"
    assert key(panels[0, 0])[-1] == "separation"


def test_the_referee_has_its_lines_beside_terms_of_its_size(history):
    history = history.assign(dependence=0.1, referee=0.7)
    panel = HistoryDisplay(history, [1], [1]).plot().axes_[1, 1]
    assert key(panel)[-2:] == ["dependence", "referee"]
    assert panel.get_title() == "Shared terms and the referee's"


def test_the_scales_are_in_nats(history):
    panels = HistoryDisplay(history, [1], [1]).plot().axes_.ravel()
    unit = "nats a sample"
    assert [panel.get_ylabel() for panel in panels] == [unit, "nats", unit, unit]
    assert [p.get_xlabel() for p in panels] == ["epoch", "dimension", "epoch", "epoch"]


@pytest.mark.parametrize("n_epochs", [1, 2, 12])
def test_epochs_are_whole_numbers(history, n_epochs):
    display = HistoryDisplay(history[:n_epochs], [1], [1]).plot()
    ticks = display.axes_[0, 0].get_xticks()
    low, high = display.axes_[0, 0].get_xlim()
    seen = ticks[(ticks > low) & (ticks < high)]
    assert set(seen) <= set(range(1, n_epochs + 1))
    assert len(seen)


def test_bars_are_the_kl_and_filled_where_the_dimension_is_active(history):
    kl_private, kl_shared = [2.0, 0.051, 0.049], [0.01, 0.5]
    panel = HistoryDisplay(history, kl_private, kl_shared).plot().axes_[0, 1]
    drawn = bars(panel)
    np.testing.assert_allclose([bar.get_height() for bar in drawn], kl_private + kl_shared)
    white = mpl.colors.to_rgba("white")
    filled = [bar.get_facecolor() != white for bar in drawn]
    assert filled == [True, True, False, False, True]
    edges = [bar.get_edgecolor() for bar in drawn]
    assert len(set(edges[:3])) == len(set(edges[3:])) == 1
    assert edges[0] != edges[3]
    assert {"private: 2 of 3 active", "shared: 1 of 2 active", "collapsed"} < set(key(panel))


def test_the_threshold_of_an_active_dimension_is_a_line(history):
    panel = HistoryDisplay(history, [1], [1]).plot().axes_[0, 1]
    (line,) = panel.lines
    assert set(line.get_ydata()) == {0.05}
    assert line.get_label() == "active above 0.05 nats"


@pytest.mark.parametrize("kl", [0.0, 1e-4, 30.0])
def test_bars_of_every_height_are_below_the_key(history, kl):
    display = HistoryDisplay(history, np.full(40, kl), np.full(4, kl / 2)).plot()
    display.figure_.draw_without_rendering()
    panel = display.axes_[0, 1]
    floor = panel.get_legend().get_window_extent().y0
    assert all(bar.get_window_extent().y1 < floor for bar in panel.patches)


def test_bars_are_numbered_within_their_block(history):
    panel = HistoryDisplay(history, np.ones(3), np.ones(2)).plot().axes_[0, 1]
    assert [label.get_text() for label in panel.get_xticklabels()] == list("01201")
    places = [bar.get_x() + bar.get_width() / 2 for bar in bars(panel)]
    np.testing.assert_allclose(panel.get_xticks(), places)


def test_a_fitted_model_is_drawn_with_its_own_verdict_on_its_dimensions(fitted):
    display = HistoryDisplay.from_estimator(fitted)
    pd.testing.assert_frame_equal(display.history, fitted.history_)
    texts = key(display.axes_[0, 1])
    assert f"private: {fitted.active_private_.sum()} of 2 active" in texts
    assert f"shared: {fitted.active_shared_.sum()} of 3 active" in texts
    assert [len(panel.lines) for panel in display.axes_[1]] == [3, 3]


def test_a_pipeline_is_told_to_pass_its_step(fitted):
    pipeline = make_pipeline(FunctionTransformer(), fitted)
    with pytest.raises(TypeError, match=r"Pipeline has no history_: .* such as pipeline\[-1\]"):
        HistoryDisplay.from_estimator(pipeline)


def test_a_model_that_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        HistoryDisplay.from_estimator(MultiViewDisentangler())


@pytest.mark.parametrize("kl", [[], [[0.1]], 0.1])
def test_kl_that_is_not_one_a_dimension_is_refused(history, kl):
    with pytest.raises(ValueError, match=r"kl_shared has shape .*; pass one KL a dimension"):
        HistoryDisplay(history, [0.1], kl).plot()


@pytest.mark.parametrize(("n_private", "n_shared"), [(8, 8), (1, 1), (64, 16)])
def test_no_texts_overlap(history, overlaps, n_private, n_shared):
    rng = np.random.default_rng(1)
    for n_epochs in (1, 12):
        display = HistoryDisplay(
            100 * history[:n_epochs], rng.uniform(0, 3, n_private), rng.uniform(0, 0.1, n_shared)
        )
        assert overlaps(display.plot().figure_) == []
