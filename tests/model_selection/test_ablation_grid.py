"""The grid of the paper's ablation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import ParameterGrid

from mvdisent.model_selection import ablation_grid


def candidates(**options):
    return [(c["alpha"], c["beta"], c["gamma"]) for c in ParameterGrid(ablation_grid(**options))]


def test_the_paper_s_grid_is_one_candidate_without_terms_and_three_a_term():
    ones = [0.1, 0.5, 1.0]
    expected = [(0, 0, 0), *((w, 0, 0) for w in ones)]
    expected += [(0, w, 0) for w in ones] + [(0, 0, w) for w in ones]
    assert sorted(candidates()) == sorted(expected)


def test_the_product_has_every_combination():
    found = candidates(alpha=[0, 1], beta=[0.5], gamma=[0, 0.1, 1], one_at_a_time=False)
    assert sorted(found) == [(a, 0.5, c) for a in (0, 1) for c in (0, 0.1, 1)]


@pytest.mark.parametrize(
    "weights",
    [
        {"alpha": [1, 1.0, 0, 1]},
        {"alpha": [1], "beta": [0], "gamma": [0, 2]},
        {"alpha": [0], "beta": [0], "gamma": [0]},
        {"alpha": [0.5], "beta": [0.5], "gamma": [0.5]},
        {"alpha": (0, 0, 1), "beta": (1, 1), "one_at_a_time": False},
    ],
)
def test_no_candidate_comes_twice(weights):
    found = candidates(**weights)
    assert len(found) == len(set(found)) > 0


def test_the_candidate_without_terms_is_there_only_if_a_term_asks_for_it():
    term = {"beta": [2], "gamma": [3]}
    assert sorted(candidates(alpha=[1], **term)) == [(0, 0, 3), (0, 2, 0), (1, 0, 0)]
    assert (0, 0, 0) in candidates(alpha=[0], **term)


@pytest.mark.parametrize("one_at_a_time", [True, False])
def test_a_prefix_is_put_before_each_name(one_at_a_time):
    for part in ablation_grid(prefix="model__", one_at_a_time=one_at_a_time):
        assert list(part) == ["model__alpha", "model__beta", "model__gamma"]


@pytest.mark.parametrize(
    "weight", [-0.1, float("nan"), float("inf"), "1", None, np.timedelta64(1, "s")]
)
def test_a_bad_weight_is_named(weight):
    with pytest.raises(ValueError, match=r"beta has the weight .*; pass finite numbers"):
        ablation_grid(beta=[0, weight])


def test_a_term_without_weights_is_refused():
    with pytest.raises(ValueError, match=r"gamma has no weight; pass \[0\] to leave the term out"):
        ablation_grid(gamma=[])
