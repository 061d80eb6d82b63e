"""Separation told by the views alone: known cases and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from mvdisent.metrics import cross_view_score, get_scorer


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    common = np.repeat(rng.normal(size=(1500, 1, 2)), 2, axis=1)
    own = rng.normal(size=(1500, 2, 2))
    return common, own, np.concatenate([common, own], axis=2)


def score(private, shared, X):
    return cross_view_score(private, shared, X, random_state=0)


def test_the_true_factors_score_near_1(world):
    common, own, X = world
    result = score(own, common, X)
    assert result.shared_agreement == pytest.approx(1)
    assert abs(result.private_dependence) < 0.02
    assert result.reconstruction > 0.9
    assert result.score == pytest.approx(
        (result.reconstruction + 2 - result.private_dependence) / 3
    )


def test_the_shared_factor_in_the_private_block_shows_as_dependence(world):
    common, _, X = world
    result = score(X, common, X)
    assert result.private_dependence > 0.15
    assert result.reconstruction > 0.9


def test_the_private_factor_in_the_shared_block_shows_as_disagreement(world):
    _, own, X = world
    result = score(own, X, X)
    assert result.shared_agreement < 0.5
    assert abs(result.private_dependence) < 0.02


@pytest.mark.parametrize("block", ["private", "shared"])
def test_a_collapsed_block_scores_less(world, block):
    common, own, X = world
    blocks = {"private": own, "shared": common}
    blocks[block] = np.zeros_like(own)
    collapsed = score(*blocks.values(), X)
    assert collapsed.score < score(own, common, X).score - 0.15
    assert collapsed.reconstruction == pytest.approx(0.5, abs=0.1)


def test_the_score_orders_from_true_to_exchanged(world):
    common, own, X = world
    half = np.concatenate([own, 0.5 * common], axis=2)
    scores = [score(*pair, X).score for pair in [(own, common), (half, common), (common, own)]]
    assert scores == sorted(scores, reverse=True)


def test_more_views_than_two_are_told_by_the_others(world):
    common, _, X = world
    three = [np.concatenate([block, block[:, :1]], axis=1) for block in (common, X)]
    private = np.random.default_rng(1).normal(size=(1500, 3, 2))
    assert score(private, three[0], three[1]).shared_agreement == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"private": np.zeros((20, 3))}, r"private has shape \(20, 3\); pass \(n_samples, n_views"),
        ({"shared": np.zeros((20, 3, 2))}, "have 2, 3 and 2 views; pass the same 2 views or more"),
        ({"X": np.zeros((19, 2, 2))}, "X has 19 rows, but private has 20"),
        ({"X": np.full((20, 2, 2), np.nan)}, "X contains NaN"),
        ({"private": np.zeros((0, 2, 2))}, r"private has shape \(0, 2, 2\): it is empty"),
        ({"shared": np.zeros((20, 0, 2))}, r"shared has shape \(20, 0, 2\): it is empty"),
        ({"X": np.float32(1)}, r"X has shape \(\); pass \(n_samples, n_views"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {name: np.zeros((20, 2, 2)) for name in ("private", "shared", "X")} | change
    with pytest.raises(ValueError, match=message):
        cross_view_score(**arguments)


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="private has 5 samples; pass 10 or more"):
        cross_view_score(*[np.zeros((5, 2, 2))] * 3)


@pytest.mark.parametrize(
    ("max_samples", "error", "message"),
    [
        (9, ValueError, "max_samples == 9, must be >= 10"),
        (2.5, TypeError, "max_samples must be an instance of int"),
    ],
)
def test_a_bad_number_of_samples_is_named(max_samples, error, message):
    with pytest.raises(error, match=message):
        cross_view_score(*[np.zeros((20, 2, 2))] * 3, max_samples=max_samples)


def test_the_scorer_takes_no_factors(fitted, unseen):
    scorer = get_scorer("cross_view")
    first = scorer(fitted, unseen.X)
    assert first == scorer(fitted, unseen.X, unseen.factors)
    assert 0 < first <= 1


def test_the_scorer_sees_what_the_last_step_of_a_pipeline_takes(fitted, unseen):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    scorer = get_scorer("cross_view")
    halve = FunctionTransformer(lambda X: X / 2)
    pipeline = make_pipeline(halve, fitted)
    assert scorer(pipeline, 2 * unseen.X) == scorer(fitted, unseen.X)


def test_the_scorer_leaves_out_samples_with_a_missing_view(fitted, unseen):
    scorer = get_scorer("cross_view")
    X = np.concatenate([unseen.X, unseen.X[:50]])
    X[400:, 1] = np.nan
    assert scorer(fitted, X) == scorer(fitted, unseen.X)


@pytest.mark.parametrize(("n_views", "n_whole"), [(1, 0), (2, 0), (2, 9)])
def test_the_scorer_says_that_too_few_samples_have_two_views(fitted, unseen, n_views, n_whole):
    X = unseen.X[:, :n_views].copy()
    X[n_whole:, 1:] = np.nan
    with pytest.raises(ValueError, match=r"X has .* pass 2 views or more of 10 samples or more"):
        get_scorer("cross_view")(fitted, X)
