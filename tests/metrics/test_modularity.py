"""Modularity and explicitness on designs whose value is exact."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from mvdisent.metrics import explicitness_score, modularity_score

GRID = np.indices((4, 4, 4)).reshape(3, -1).T  # all combinations: factors exactly independent
FACTORS = {"timbre": GRID[:, 0], "loudness": GRID[:, 1], "pitch": GRID[:, 2]}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_perfect_code_is_modular_also_with_duplicates_and_collapsed_dimensions():
    Z = np.hstack([GRID, -GRID[:, :2], np.full((len(GRID), 2), 0.1)])
    assert modularity_score(Z, FACTORS) == pytest.approx(1, abs=1e-12)


def test_dimensions_that_tell_nothing_have_modularity_zero():
    assert modularity_score(np.zeros((len(GRID), 3)), FACTORS) == 0
    parity = GRID.sum(axis=1) % 2  # independent of each factor by itself
    assert modularity_score(parity[:, None], FACTORS) == 0


def test_a_dimension_of_two_of_three_factors_is_half_modular():
    both = GRID[:, 0] + 10 * GRID[:, 1]
    assert modularity_score(both[:, None], FACTORS) == pytest.approx(0.5)
    assert modularity_score(np.column_stack([both, GRID]), FACTORS) == pytest.approx(3.5 / 4)


def test_a_dimension_of_all_factors_alike_has_modularity_zero():
    whole = GRID @ [1, 10, 100]
    # More values than bins would be cut, and the first digits told best.
    assert modularity_score(whole[:, None], FACTORS, n_bins=64) == pytest.approx(0, abs=1e-12)


def test_half_the_information_of_another_factor_costs_a_quarter():
    leaking = GRID[:, 0] + 10 * (GRID[:, 1] > 1)
    factors = {"timbre": GRID[:, 0], "loudness": GRID[:, 1]}
    assert modularity_score(leaking[:, None], factors) == pytest.approx(1 - 0.5**2)


def test_a_code_rotated_by_a_half_right_angle_is_not_modular(rng):
    v = rng.uniform(size=(20_000, 2))
    Z = v @ np.array([[1, 1], [-1, 1]])
    assert modularity_score(Z, {"a": v[:, 0], "b": v[:, 1]}) == pytest.approx(0, abs=0.03)
    assert modularity_score(v, {"a": v[:, 0], "b": v[:, 1]}) == pytest.approx(1, abs=0.03)


def test_one_factor_is_refused():
    with pytest.raises(ValueError, match="factors has 1 columns; the score needs 2 or more"):
        modularity_score(GRID, {"timbre": GRID[:, 0]})


def test_a_code_of_one_dimension_a_class_is_explicit(rng):
    codes = rng.integers(0, 4, (1000, 2))
    Z = np.hstack([np.eye(4)[codes[:, 0]], np.eye(4)[codes[:, 1]]]) @ rng.normal(size=(8, 8))
    factors = {"timbre": codes[:, 0], "pitch": codes[:, 1]}
    assert explicitness_score(Z, factors, random_state=0) == pytest.approx(1)


def test_the_middle_of_three_classes_in_a_row_is_at_chance(rng):
    codes = np.arange(30_000) % 3
    # One area of the three is 0.5, since the middle is above one class and below the other.
    score = explicitness_score(codes[:, None], {"f": codes}, random_state=0)
    assert score == pytest.approx((1 + 0.5 + 1) / 3, abs=0.01)


@pytest.mark.parametrize("distance", [0.5, 2.0])
def test_two_gaussian_classes_have_the_area_of_the_normal_integral(rng, distance):
    label = np.arange(10_000) % 2 == 1
    Z = np.column_stack([rng.normal(size=10_000) + distance * label, np.full(10_000, 0.1)])
    expected = norm.cdf(distance / np.sqrt(2))
    assert explicitness_score(Z, {"f": label}, random_state=0) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("kind", ["noise", "constant"])
def test_noise_and_collapsed_dimensions_are_at_chance(rng, kind):
    Z = rng.normal(size=(4000, 3)) if kind == "noise" else np.full((4000, 3), 0.1)
    score = explicitness_score(Z, {"f": rng.integers(0, 4, 4000)}, random_state=0)
    assert score == pytest.approx(0.5, abs=0.03)


def test_a_class_of_one_row_is_left_out(rng):
    codes = np.append(np.arange(99) % 2, 2)
    assert explicitness_score(np.eye(3)[codes], {"f": codes}, random_state=0) == 1


def test_the_score_depends_on_the_seed_alone(rng):
    codes = rng.integers(0, 3, 200)
    Z = codes[:, None] + rng.normal(size=(200, 2))
    first, again, other = (explicitness_score(Z, {"f": codes}, random_state=s) for s in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (np.linspace(0, 1, 20), r"factors\['f'\] is continuous, and .* by pandas.qcut"),
        ([0] * 18 + [1, 2], r"factors\['f'\] has fewer than 2 classes with training and held-out"),
    ],
)
def test_a_factor_without_classes_to_score_is_refused(rng, factor, message):
    with pytest.raises(ValueError, match=message):
        explicitness_score(rng.normal(size=(20, 2)), {"f": factor}, random_state=0)
