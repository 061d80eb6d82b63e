"""The panels show the history and the KL of a fitted model as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mvdisent.plotting import HistoryDisplay


def heights(axes):
    return [[bar.get_height() for bar in container] for container in axes.containers]


def test_each_term_is_a_line_by_epoch(fitted):
    axes = HistoryDisplay.from_estimator(fitted).axes_[0]
    drawn = {
        "reconstruction": axes[0].lines[0],
        **{f"private_{t}": axes[1].lines[i] for i, t in enumerate(("mi", "tc", "dwkl"))},
        **{f"shared_{t}": axes[2].lines[i] for i, t in enumerate(("mi", "tc", "dwkl"))},
    }
    for name, line in drawn.items():
        np.testing.assert_array_equal(line.get_ydata(), fitted.history_[name])
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, fitted.n_epochs_ + 1))


def test_each_dimension_is_a_bar_and_collapsed_ones_are_hollow(fitted):
    axes = HistoryDisplay.from_estimator(fitted).axes_[0, 3]
    for values, kl in zip(heights(axes), (fitted.kl_private_, fitted.kl_shared_), strict=True):
        np.testing.assert_allclose(values, np.sort(kl)[::-1])
    filled = [bar.get_facecolor()[3] > 0 for container in axes.containers for bar in container]
    assert sum(filled) == fitted.active_private_.sum() + fitted.active_shared_.sum()
    assert axes.get_legend_handles_labels()[1][0].endswith(
        f"{fitted.active_private_.sum()} of 4 active"
    )


def test_a_pipeline_s_last_step_is_drawn(fitted):
    pipeline = make_pipeline(FunctionTransformer(), fitted)
    display = HistoryDisplay.from_estimator(pipeline)
    pd.testing.assert_frame_equal(display.history, fitted.history_)


def test_without_kl_there_is_no_such_panel(fitted):
    assert HistoryDisplay(fitted.history_).plot().axes_.shape == (1, 3)


def test_no_texts_overlap(fitted, overlaps):
    assert overlaps(HistoryDisplay.from_estimator(fitted).figure_) == []


def test_a_history_without_a_term_is_refused(fitted):
    with pytest.raises(ValueError, match="history has no column 'shared_tc', only"):
        HistoryDisplay(fitted.history_.drop(columns="shared_tc")).plot()
