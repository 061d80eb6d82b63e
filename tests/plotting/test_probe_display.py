"""The bars show the table: each score, its error, chance and the ceiling, factor by factor."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mvdisent.metrics import probe_table
from mvdisent.plotting import ProbeDisplay

ROWS = ["private", "shared", "both", "chance", "ceiling"]


@pytest.fixture
def table():
    timbre, hz = [0.74, 0.97, 0.98, 0.25, 1.0], [0.6, -0.2, 0.5, -0.01, 0.8]
    return pd.DataFrame({"timbre": timbre, "frequency_hz": hz}, ROWS)


@pytest.fixture
def errors(table):
    return pd.DataFrame(np.arange(1, 11).reshape(5, 2) / 100, ROWS, table.columns)


def test_each_bar_is_as_high_as_its_score(table):
    bars = ProbeDisplay(table).plot().ax_.containers
    assert [block.get_label() for block in bars] == ["private", "shared", "both"]
    for block in bars:
        heights = [bar.get_height() for bar in block]
        assert heights == table.loc[block.get_label()].tolist()


def test_bars_of_a_factor_stand_about_its_tick_and_do_not_overlap(table):
    ax = ProbeDisplay(table).plot().ax_
    edges = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in np.ravel(ax.containers, "F")]
    flat = np.ravel(edges)
    assert (np.diff(flat) > -1e-9).all()
    for tick, group in zip(ax.get_xticks(), np.split(flat, 2), strict=True):
        assert group.mean() == pytest.approx(tick)


def test_chance_and_ceiling_are_lines_across_the_bars_of_each_factor(table):
    ax = ProbeDisplay(table).plot().ax_
    lines = {found.get_label(): found for found in ax.collections}
    assert list(lines) == ["chance", "ceiling"]
    first = [np.ravel(ax.containers, "F")[i] for i in (0, 2)]
    ends = first[0].get_x(), first[1].get_x() + first[1].get_width()
    for row, found in lines.items():
        segments = np.array(found.get_segments())
        assert (segments[:, :, 1] == table.loc[row].to_numpy()[:, None]).all()
        assert segments[0, :, 0] == pytest.approx(ends)


def test_a_table_without_a_ceiling_has_no_such_line(table):
    display = ProbeDisplay(table.drop(index="ceiling")).plot()
    assert [found.get_label() for found in display.ax_.collections] == ["chance"]


def test_error_bars_reach_one_standard_error_either_way(table, errors):
    ax = ProbeDisplay(table, errors[::-1][["frequency_hz", "timbre"]]).plot().ax_
    assert "standard error" in ax.get_ylabel()
    bars = [block for block in ax.containers if hasattr(block, "errorbar")]
    assert len(bars) == 3
    for block in bars:
        name = block.get_label()
        (stems,) = block.errorbar.lines[2]
        ends = np.array(stems.get_segments())[:, :, 1]
        assert ends.mean(1) == pytest.approx(table.loc[name].to_numpy())
        assert np.diff(ends)[:, 0] / 2 == pytest.approx(errors.loc[name].to_numpy())


def test_no_errors_draw_no_error_bars(table):
    ax = ProbeDisplay(table).plot().ax_
    assert [block.errorbar for block in ax.containers] == [None] * 3
    assert ax.get_ylabel() == "held-out score"


def test_each_factor_says_whether_accuracy_or_r2_is_shown(table):
    ticks = [label.get_text() for label in ProbeDisplay(table).plot().ax_.get_xticklabels()]
    assert ticks == ["timbre\n(accuracy)", "frequency_hz\n(R²)"]


def test_all_of_a_bar_and_its_error_is_seen_down_to_minus_one(table, errors):
    low, high = ProbeDisplay(table, errors).plot().ax_.get_ylim()
    assert low < -0.2 - errors.loc["shared", "frequency_hz"]
    assert high > 1
    table.loc["shared", "frequency_hz"] = -50
    assert -1.1 < ProbeDisplay(table).plot().ax_.get_ylim()[0] <= -1
    assert ProbeDisplay(table[["timbre"]]).plot().ax_.get_ylim()[0] == 0


@pytest.mark.parametrize("n_factors", [1, 2, 6])
@pytest.mark.parametrize("name", ["f", "frequency_of_the_tone_hz"])
@pytest.mark.parametrize("blocks", [["private"], ROWS[:3]])
def test_no_texts_overlap(overlaps, n_factors, name, blocks):
    factors = [f"{name}_{i}" for i in range(n_factors)]
    wide = pd.DataFrame(0.3, [*blocks, "chance", "ceiling"], factors)
    display = ProbeDisplay(wide, wide / 10).plot()
    assert overlaps(display.figure_) == []
    width = display.figure_.bbox.width
    assert display.ax_.get_legend().get_window_extent().x1 <= width


def test_bars_go_where_they_are_told(table):
    figure, axes = plt.subplots(1, 2)
    display = ProbeDisplay(table).plot(ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert not axes[0].has_data()


def test_an_estimator_is_probed_block_by_block(model, X, factors):
    groups = np.arange(200) // 2
    options = {"probe": "linear", "groups": groups, "cv": 3, "reference": X, "random_state": 0}
    display = ProbeDisplay.from_estimator(model, X, factors, **options)
    Z = model.transform(X).to_numpy()
    blocks = {"private": Z[:, :2], "shared": Z[:, 2:], "both": Z}
    table, errors = probe_table(blocks, factors, return_std_error=True, **options)
    pd.testing.assert_frame_equal(display.table, table)
    pd.testing.assert_frame_equal(display.errors, errors)
    assert "standard error" in display.ax_.get_ylabel()


def test_columns_of_no_block_are_probed_as_one(X, factors):
    class Plain:
        def transform(self, X):
            return X[:, 0, 0, :3]

        def get_feature_names_out(self):
            return ["pca0", "pca1", "private_0"]

    display = ProbeDisplay.from_estimator(Plain(), X, factors, probe="linear", test_size=0.5)
    assert display.table.index.tolist() == ["latent", "chance"]


def test_features_are_probed_and_drawn(factors):
    blocks = {"a": np.random.default_rng(0).normal(size=(200, 2))}
    options = {"probe": "knn", "test_size": 50, "random_state": 0}
    display = ProbeDisplay.from_predictions(blocks, factors, **options)
    pd.testing.assert_frame_equal(display.table, probe_table(blocks, factors, **options))
    assert display.figure_ is not None


@pytest.mark.parametrize("rows", [["private", "ceiling"], ["chance", "ceiling"]])
def test_a_table_of_other_rows_is_refused(table, rows):
    with pytest.raises(ValueError, match="pass a row 'chance' and one a block, as mvdisent"):
        ProbeDisplay(table.loc[rows]).plot()


def test_errors_of_other_factors_are_refused(table, errors):
    with pytest.raises(ValueError, match=r"errors has the columns \['timbre'\] and the rows"):
        ProbeDisplay(table, errors[["timbre"]]).plot()
