"""The objective "swap": views decoded from what the others share, and a referee."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier

from mvdisent import MultiViewDisentangler

PARTS = ("mi", "tc", "dwkl")
# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def swapped(train, small):
    # Without warm-up the shared block may collapse, as the private block learns the shape first.
    params = {**small, "warmup_epochs": 5, "objective": "swap", "delta": 4.0}
    return MultiViewDisentangler(**params, max_epochs=20).fit(train.X)


def read(probe, model, train, unseen, block, factor):
    """Score a probe of one block of the first view, trained on rows of the fit."""
    codes = []
    for part in (train, unseen):
        private, shared = model.encode(part.X[:, :1])
        codes.append({"private": private[:, 0], "shared": shared}[block])
    probe.fit(codes[0], train.factors[factor])
    return probe.score(codes[1], unseen.factors[factor])


def test_each_block_learns_its_factor(swapped, train, unseen):
    assert read(KNeighborsClassifier(15), swapped, train, unseen, "shared", "shape") > 0.95
    assert read(LinearRegression(), swapped, train, unseen, "private", "level_v0") > 0.9


def test_no_block_keeps_the_wrong_factor(swapped, train, unseen):
    # Chance is 0 for the R2 of the level and 0.25 for the shape, 400 guesses of which scatter
    # by 0.02.
    assert read(LinearRegression(), swapped, train, unseen, "shared", "level_v0") < 0.1
    assert read(KNeighborsClassifier(15), swapped, train, unseen, "private", "shape") < 0.4


def test_decoding_another_samples_shared_code_takes_its_shape(swapped, unseen):
    private, shared = swapped.encode(unseen.X, code="mean")
    # The truth: 2 * directions[shape] + level * directions[4], as conftest draws it.
    directions = np.random.default_rng(99).standard_normal((5, 12))
    other = np.roll(np.arange(len(unseen.X)), 1)
    shape = unseen.factors["shape"].to_numpy()[other]
    level = unseen.factors[["level_v0", "level_v1"]].to_numpy()
    truth = 2 * directions[shape, None] + level[..., None] * directions[4]
    error = swapped.decode(private, shared[other]) - truth
    assert (error**2).mean() < 0.2 * truth.var()


def test_the_history_holds_the_referee_and_the_loss_its_finding(few, quick):
    params = {**quick, "warmup_epochs": 4, "batch_size": 150}  # a step an epoch: warmth 1/4, 1/2
    model = MultiViewDisentangler(**params, objective="swap", delta=3.0, alpha=0.5).fit(few)
    history = model.history_
    assert [*history.columns[-2:]] == ["dependence", "referee"]
    weights = dict(zip(PARTS, (0.5, 1, 1), strict=True))
    private, shared = (
        sum(weight * history[f"{block}_{part}"] for part, weight in weights.items())
        for block in ("private", "shared")
    )
    warm = shared + 3 * history["dependence"]
    total = history["reconstruction"] + private + [0.25, 0.5] * warm
    assert_allclose(history["loss"], total, rtol=1e-5)
    # Before it has learned anything the referee cannot tell: log 2.
    assert history["referee"][0] == pytest.approx(np.log(2), abs=0.05)


def test_without_its_weight_the_referee_looks_on(few, quick):
    model = MultiViewDisentangler(**quick, objective="swap", delta=0).fit(few)
    assert (model.history_["referee"] > 0).all()
    total = model.history_["reconstruction"] + sum(
        model.history_[f"{block}_{part}"] for block in ("private", "shared") for part in PARTS
    )
    assert_allclose(model.history_["loss"], total, rtol=1e-5)


@pytest.mark.parametrize("n_views", [1, 3])
def test_any_number_of_views_is_learned_with_some_missing(few, quick, n_views):
    X = np.repeat(few[:, :1], n_views, axis=1)
    X[::5, 1:] = np.nan
    model = MultiViewDisentangler(**quick, objective="swap").fit(X)
    assert np.isfinite(model.transform(X)).all()
    assert np.isfinite(model.score(X))


@pytest.mark.parametrize("copy", [False, True])
def test_going_on_equals_one_long_fit(few, small, copy):
    swap = {**small, "objective": "swap"}
    long = MultiViewDisentangler(**swap, max_epochs=4).fit(few)
    short = MultiViewDisentangler(**swap, max_epochs=2, warm_start=True).fit(few)
    short = deepcopy(short) if copy else short
    short.fit(few)
    assert short.history_.equals(long.history_)
    assert_array_equal(short.transform(few), long.transform(few))


@pytest.mark.parametrize(("before", "after"), [("marl", "swap"), ("swap", "marl")])
def test_a_warm_fit_keeps_its_objective(few, quick, before, after):
    model = MultiViewDisentangler(**quick, objective=before, warm_start=True).fit(few)
    codes = model.transform(few)
    with pytest.raises(ValueError, match=f"objective='{after}', but .* fitted with '{before}'"):
        model.set_params(objective=after).fit(few)
    assert_array_equal(model.set_params(objective=before).transform(few), codes)
