"""A fitted model in small, and figures that are closed after each test."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")


class FakeDisentangler:
    """What the displays ask of an estimator: 2 private and 3 shared dimensions."""

    def transform(self, X):
        return pd.DataFrame(np.asarray(X)[:, 0, 0, :5], columns=self.get_feature_names_out())

    def get_feature_names_out(self):
        return np.array(
            ["private_0", "private_1", "shared_0", "shared_1", "shared_2"], dtype=object
        )

    def reconstruct(self, X):
        return np.asarray(X) - 1


@pytest.fixture
def model():
    return FakeDisentangler()


@pytest.fixture
def X():
    return np.random.default_rng(0).uniform(-80, 0, size=(200, 2, 8, 6)).astype(np.float32)


@pytest.fixture
def factors():
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {"timbre": rng.choice(["sine", "square"], 200), "frequency_hz": rng.uniform(55, 7040, 200)}
    )


@pytest.fixture(autouse=True)
def _close_figures():
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def drawn_texts(figure):
    """The texts of a figure, without labels of ticks beyond the ends of an axis."""
    beyond = set()
    for axis in figure.findobj(mpl.axis.Axis):
        low, high = sorted(axis.get_view_interval())
        for tick, place in zip(axis.get_major_ticks(), axis.get_majorticklocs(), strict=True):
            if not low <= place <= high:
                beyond |= {tick.label1, tick.label2}
    texts = set(figure.findobj(mpl.text.Text)) - beyond
    return [text for text in texts if text.get_visible() and text.get_text()]


@pytest.fixture
def overlaps():
    """Find the pairs of texts of a figure that cover one another."""

    def find(figure):
        figure.draw_without_rendering()
        boxes = [(text.get_text(), text.get_window_extent()) for text in drawn_texts(figure)]
        pairs = itertools.combinations(boxes, 2)
        return [(a, b) for (a, box), (b, other) in pairs if box.overlaps(other)]

    return find
