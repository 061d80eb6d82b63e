"""Partial whitening: what each principal axis is scaled by, and the way back."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from mvdisent._axes import learn_axes
from mvdisent._batches import ViewDataset
from mvdisent.nn import build_module
from mvdisent.nn._whitener import MAX_AXES, Whitener

STD = np.array([8.0, 2.0, 1.0, 0.25])


def make_whitener(n_features, power, *, rotate=False):
    return build_module(partial(Whitener, n_features, power, rotate=rotate), torch.Generator())


def draw_views(std, n=4000, seed=0):
    """Views whose principal axes are those of a random rotation."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(len(std), len(std))))[0]
    scores = rng.normal(size=(n, len(std)))
    scores = np.linalg.qr(scores - scores.mean(0))[0] * np.sqrt(n)  # of covariance 1, to a digit
    X = (scores * std) @ rotation.T + 3.0
    return X.astype(np.float32), rotation


def learn(whitener, X):
    X = X.reshape(len(X), 1, -1)
    learn_axes(
        whitener, ViewDataset(X, None, offset=0.0, scale=1.0, whitener=whitener, device="cpu")
    )


def whiten(whitener, X):
    return whitener.whiten(torch.from_numpy(X)).numpy()


@pytest.mark.parametrize("power", [0.3, 0.6, 1.0])
def test_each_axis_is_scaled_by_a_power_of_its_spread_and_the_whole_keeps_its_own(power):
    X, rotation = draw_views(STD)
    whitener = make_whitener(len(STD), power)
    learn(whitener, X)
    found = whiten(whitener, X)
    expected = STD ** (1 - power)
    expected *= np.sqrt((STD**2).sum() / (expected**2).sum())
    assert_allclose((found @ rotation).std(0), expected, rtol=1e-3)
    assert_allclose(found.mean(0), 0, atol=1e-3)


@pytest.mark.parametrize("n_features", [4, 2 * MAX_AXES])
def test_rotated_views_are_components_whose_values_vary_as_those_of_the_views(n_features):
    X, _ = draw_views(np.geomspace(10, 0.1, n_features), n=600)
    whitener = make_whitener(n_features, 0.6, rotate=True)
    learn(whitener, X)
    found = whiten(whitener, X)
    n_axes = min(n_features, MAX_AXES)
    assert found.shape == (600, n_axes)
    assert_allclose(found.var(0).mean(), X.var(0).mean(), rtol=0.01)
    gains = found.std(0) / np.geomspace(10, 0.1, n_features)[:n_axes]
    expected = np.geomspace(10, 0.1, n_features)[:n_axes] ** -0.6
    assert_allclose(gains / gains[0], expected / expected[0], rtol=0.15)
    back = whitener.restore(torch.from_numpy(found)).numpy()
    assert back.shape == X.shape
    beyond = np.geomspace(10, 0.1, n_features)[n_axes:]
    error = np.square(back - X).sum(1).mean()
    assert error == pytest.approx(np.square(beyond).sum(), rel=0.1, abs=1e-4)


@pytest.mark.parametrize("n_features", [4, 2 * MAX_AXES])
def test_the_way_back(n_features):
    X, _ = draw_views(np.geomspace(10, 0.1, n_features), n=600)
    whitener = make_whitener(n_features, 0.6)
    learn(whitener, X)
    there = torch.from_numpy(whiten(whitener, X))
    assert (there - torch.from_numpy(X)).abs().max() > 1
    assert_allclose(whitener.restore(there).numpy(), X, atol=1e-3)


def test_what_lies_beyond_the_axes_counts_as_little_as_the_widest():
    X, rotation = draw_views(np.geomspace(10, 0.1, MAX_AXES + 40), n=1200)
    whitener = make_whitener(MAX_AXES + 40, 0.6)
    learn(whitener, X)
    spread, found = X @ rotation, whiten(whitener, X) @ rotation
    ratio = found.std(0) / spread.std(0)
    assert_allclose(ratio[-20:], ratio[0], rtol=0.05)
    assert ratio[MAX_AXES - 30] > 5 * ratio[0]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_views_give_few_axes(n):
    X, _ = draw_views(STD)
    whitener = make_whitener(len(STD), 0.6)
    learn(whitener, X[:n])
    found = whiten(whitener, X)
    assert np.isfinite(found).all()
    assert_allclose(whitener.restore(torch.from_numpy(found)).numpy(), X, rtol=1e-3, atol=1e-3)


def test_views_that_are_all_alike_stay_as_they_are_less_their_mean():
    X = np.full((10, 3), 2.0, np.float32)
    whitener = make_whitener(3, 0.6)
    learn(whitener, X)
    assert_array_equal(whiten(whitener, X + 1), np.ones((10, 3)))


def test_it_starts_as_the_identity():
    X, _ = draw_views(STD)
    assert_array_equal(whiten(make_whitener(len(STD), 0.6), X), X)
