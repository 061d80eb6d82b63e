"""The heat map shows the matrix: each number in its place, on one scale, in nats."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from mvdisent.metrics import mutual_info_matrix
from mvdisent.plotting import MutualInfoDisplay


def matrix(names, n_factors=2):
    values = np.linspace(0, 2.5, n_factors * len(names)).reshape(n_factors, -1)
    return pd.DataFrame(values, [f"factor {i}" for i in range(n_factors)], names)


NAMES = [f"private_{i}" for i in range(8)] + [f"shared_{i}" for i in range(4)]


def test_each_value_stands_in_its_cell():
    mi = matrix(NAMES)
    display = MutualInfoDisplay(mi).plot()
    for panel, block in zip(display.axes_[0], ("private", "shared"), strict=True):
        columns = mi[[name for name in NAMES if name.startswith(block)]].to_numpy()
        assert panel.get_title() == block
        assert len(panel.texts) == columns.size
        for text in panel.texts:
            column, row = text.get_position()
            assert float(text.get_text()) == pytest.approx(columns[row, column], abs=0.005)


def test_both_panels_are_on_one_scale_that_starts_at_zero():
    display = MutualInfoDisplay(matrix(NAMES)).plot()
    assert [panel.images[0].get_clim() for panel in display.axes_[0]] == [(0, 2.5)] * 2


def test_the_colour_bar_is_in_nats():
    display = MutualInfoDisplay(matrix(NAMES)).plot()
    (bar,) = [axes for axes in display.figure_.axes if axes not in display.axes_]
    assert "(nats)" in bar.get_ylabel()


def luminance(color):
    """Relative luminance of an sRGB colour (WCAG 2.1)."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_a_number_stands_out_from_its_cell():
    panel = MutualInfoDisplay(matrix(["latent_0"], 200)).plot().axes_[0, 0]
    cells = panel.images[0].to_rgba(panel.images[0].get_array())
    for text in panel.texts:
        column, row = text.get_position()
        levels = luminance(cells[row, column, :3]), luminance(text.get_color())
        assert (max(levels) + 0.05) / (min(levels) + 0.05) > 4.5  # WCAG 2.1, level AA


def test_estimates_of_nothing_look_like_nothing():
    display = MutualInfoDisplay(matrix(NAMES) / 1000).plot()
    assert display.axes_[0, 0].images[0].get_clim() == (0, 0.1)


def test_blocks_are_found_behind_a_step_s_prefix_and_in_views():
    names = ["m__private_v0_0", "m__private_v1_0", "m__shared_0"]
    panels = MutualInfoDisplay(matrix(names)).plot().axes_[0]
    ticks = [[label.get_text() for label in panel.get_xticklabels()] for panel in panels]
    assert ticks == [["v0 0", "v1 0"], ["0"]]


@pytest.mark.parametrize("names", [["latent_0", "latent_1"], ["private_0", "loudness"]])
def test_columns_of_no_block_make_one_panel(names):
    (panel,) = MutualInfoDisplay(matrix(names)).plot().axes_[0]
    assert panel.images[0].get_array().shape == (2, 2)


def test_a_wide_matrix_shows_colours_alone():
    display = MutualInfoDisplay(matrix([f"latent_{i}" for i in range(64)])).plot()
    assert len(display.axes_[0, 0].texts) == 0


def test_a_figure_of_many_dimensions_is_no_wider_and_names_some(overlaps):
    wide = [f"private_v{v}_{i}" for v in range(4) for i in range(32)] + NAMES[8:]
    display = MutualInfoDisplay(matrix(wide)).plot()
    widest = MutualInfoDisplay(matrix(wide[:40])).plot()
    assert display.figure_.get_figwidth() == widest.figure_.get_figwidth()
    places = display.axes_[0, 0].get_xticks()
    labels = [label.get_text() for label in display.axes_[0, 0].get_xticklabels()]
    assert labels == [f"v{int(i) // 32} {int(i) % 32}" for i in places]
    assert overlaps(display.figure_) == []


@pytest.mark.parametrize("n_factors", [1, 2, 6])
def test_no_texts_overlap(overlaps, n_factors):
    assert overlaps(MutualInfoDisplay(matrix(NAMES, n_factors)).plot().figure_) == []
    names = [f"private_v{v}_{i}" for v in range(2) for i in range(8)] + NAMES[8:]
    assert overlaps(MutualInfoDisplay(matrix(names, n_factors)).plot().figure_) == []


def test_an_estimator_is_measured_as_its_features_are(model, X, factors):
    display = MutualInfoDisplay.from_estimator(model, X, factors, random_state=0)
    expected = mutual_info_matrix(model.transform(X), factors, random_state=0)
    pd.testing.assert_frame_equal(display.mi, expected)
    assert display.axes_.shape == (1, 2)


def test_features_are_measured_and_drawn(factors):
    Z = np.random.default_rng(0).normal(size=(200, 2))
    options = {"feature_names": ["private_0", "shared_0"], "n_neighbors": 5, "random_state": 0}
    display = MutualInfoDisplay.from_predictions(Z, factors, **options)
    pd.testing.assert_frame_equal(display.mi, mutual_info_matrix(Z, factors, **options))
    assert display.figure_ is not None
