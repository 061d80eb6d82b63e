"""Where the displays draw, and what they say without matplotlib."""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mvdisent.plotting import (
    AblationDisplay,
    HistoryDisplay,
    LatentDisplay,
    MutualInfoDisplay,
    ReconstructionDisplay,
)

NAMES = ["private_0", "private_1", "shared_0"]
SPECTRA = np.random.default_rng(0).uniform(-80, 0, size=(3, 8, 6))
SCORES = pd.DataFrame(
    {
        "term": ["alpha", "gamma"],
        "weight": 0.1,
        "metric": "shared timbre",
        "mean": 0.9,
        "std": 0.0,
    }
)
# Every display, with the shape of its grid.
DISPLAYS = [
    pytest.param(AblationDisplay(SCORES), (1, 2), id="ablation"),
    pytest.param(HistoryDisplay({"loss": [2.0, 1.0]}, [0.1], [0.1]), (2, 2), id="history"),
    pytest.param(
        MutualInfoDisplay(pd.DataFrame([[0.1, 0.2, 1.5]], columns=NAMES)), (1, 2), id="mi"
    ),
    pytest.param(
        LatentDisplay({"a": np.eye(9, 2), "b": np.eye(9, 2)}, {"f": np.arange(9), "g": [0] * 9}),
        (2, 2),
        id="latents",
    ),
    pytest.param(ReconstructionDisplay(SPECTRA, SPECTRA), (2, 3), id="reconstruction"),
]
every_display = pytest.mark.parametrize(("display", "shape"), DISPLAYS)


@every_display
def test_a_display_makes_a_figure_of_its_own(display, shape):
    assert display.plot() is display
    assert display.axes_.shape == shape
    assert plt.get_fignums() == [display.figure_.number]


@every_display
def test_one_axes_gives_its_place_to_all_panels(display, shape):
    figure, (left, right) = plt.subplots(1, 2, layout="constrained", figsize=(12, 5))
    display.plot(ax=right)
    assert display.figure_ is figure
    assert display.axes_.shape == shape
    figure.draw_without_rendering()
    edge = left.get_position().x1
    assert all(panel.get_position().x0 > edge for panel in display.axes_.flat)


@every_display
def test_given_axes_are_drawn_on(display, shape):
    figure, grid = plt.subplots(*shape)
    display.plot(ax=grid)
    assert display.figure_ is figure
    assert (display.axes_.ravel() == np.ravel(grid)).all()
    display.plot(ax=list(np.ravel(grid)))
    assert display.axes_.shape == shape


def test_a_display_of_one_panel_draws_on_one_axes():
    _, ax = plt.subplots()
    display = MutualInfoDisplay(pd.DataFrame([[0.1, 0.2]], columns=["shared_0", "shared_1"]))
    assert display.plot(ax=ax).axes_[0, 0] is ax


@every_display
def test_without_matplotlib_the_error_names_the_extra(display, shape, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "mvdisent\[plot\]"'):
        display.plot()


@every_display
def test_too_few_axes_are_refused(display, shape):
    _, grid = plt.subplots(1, 5)
    with pytest.raises(ValueError, match=f"ax holds 5 Axes, .* {shape[0]} x {shape[1]} panels"):
        display.plot(ax=grid)


def test_axes_outside_a_grid_are_refused():
    ax = plt.figure().add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match="not part of a grid of subplots; pass an Axes from plt"):
        ReconstructionDisplay(SPECTRA, SPECTRA).plot(ax=ax)


def test_what_is_no_axes_is_refused():
    display = MutualInfoDisplay(pd.DataFrame([[0.1]]))
    with pytest.raises(TypeError, match="ax='here' is not a matplotlib Axes; pass one"):
        display.plot(ax="here")
