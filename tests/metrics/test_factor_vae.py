"""The FactorVAE score of codes whose votes are known by construction."""

from __future__ import annotations

import numpy as np
import pytest

from mvdisent.metrics import factor_vae_score

GRID = np.tile(np.indices((4, 5, 6)).reshape(3, -1).T, (10, 1))
FACTORS = {"timbre": GRID[:, 0], "loudness": GRID[:, 1], "pitch": GRID[:, 2]}
CHANCE = 1 / 3
# Four standard deviations of 800 guesses among 3 factors, and the choice of a majority.
NOISE = 0.08


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_perfect_code_scores_one_whatever_its_scale(rng):
    Z = np.column_stack([1e-4 * GRID[:, 2], GRID[:, 0], -1e4 * GRID[:, 1], rng.normal(size=1200)])
    assert factor_vae_score(Z, FACTORS, random_state=0) == 1


def test_a_perfect_code_of_numbers_scores_one(rng):
    v = rng.uniform(size=(4000, 2))
    Z = np.column_stack([np.exp(v[:, 1]), v[:, 0]])
    assert factor_vae_score(Z, {"a": v[:, 0], "b": v[:, 1]}, random_state=0) == 1


def test_a_duplicated_code_and_collapsed_dimensions_cost_nothing():
    Z = np.hstack([GRID, -GRID, np.full((len(GRID), 2), 0.1)]).astype(np.float32)
    assert factor_vae_score(Z, FACTORS, random_state=0) == 1
    assert factor_vae_score(np.full((len(GRID), 2), 0.1), FACTORS) == 0


def test_independent_noise_scores_chance(rng):
    Z = rng.normal(size=(len(GRID), 4))
    assert factor_vae_score(Z, FACTORS, random_state=0) == pytest.approx(CHANCE, abs=NOISE)


def test_a_code_rotated_by_a_half_right_angle_scores_chance(rng):
    v = rng.normal(size=(4000, 2))
    Z = v @ np.array([[1, 1], [-1, 1]])
    score = factor_vae_score(Z, {"a": v[:, 0], "b": v[:, 1]}, random_state=0)
    # Both dimensions lose half of their variance, whichever factor is held.
    assert score == pytest.approx(1 / 2, abs=NOISE)


def test_one_dimension_of_two_factors_is_right_for_the_more_frequent_vote():
    # The one dimension votes for one of three factors, always.
    score = factor_vae_score(GRID @ [[100], [10], [1]], FACTORS, random_state=0)
    assert score == pytest.approx(CHANCE, abs=NOISE)


def test_a_factor_told_by_no_dimension_costs_its_share(rng):
    Z = np.column_stack([GRID[:, :2], rng.normal(size=len(GRID))])
    factors = {**FACTORS, "pitch": rng.permutation(FACTORS["pitch"])}
    # Where it is held, one of three dimensions is least by chance, and the noise
    # dimension alone has no other votes.
    score = factor_vae_score(Z, factors, random_state=0)
    assert score == pytest.approx((1 + 1 + 1 / 3) / 3, abs=0.12)


def test_rows_of_a_vote_share_the_value_that_is_held():
    draw = factor_vae_score.__globals__["_draw_rows"]
    codes = np.array([3, 0, 1, 3, 0, 3, 2])
    rows = draw(codes, 500, np.random.RandomState(0))
    drawn = codes[rows]
    assert (drawn == drawn[:, :1]).all()
    assert set(drawn[:, 0]) == {0, 3}  # 1 and 2 have one row
    assert set(rows.ravel()) == {0, 1, 3, 4, 5}
    # 0 has two of the five rows: four deviations of 500 draws are 0.09.
    assert (drawn[:, 0] == 0).mean() == pytest.approx(2 / 5, abs=0.09)


def test_the_score_depends_on_the_seed_alone(rng):
    Z = GRID + 2 * rng.normal(size=GRID.shape)
    first, again, other = (factor_vae_score(Z, FACTORS, random_state=s) for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_one_factor_is_refused():
    with pytest.raises(ValueError, match="factors has 1 columns; the score needs 2 or more"):
        factor_vae_score(GRID, {"timbre": GRID[:, 0]})


def test_dimensions_whose_spread_no_float_holds_have_no_vote():
    Z = np.zeros((24, 2))
    Z[::2] = 5e-324
    factors = {"a": np.arange(24) % 2, "b": np.arange(24) % 3}
    assert factor_vae_score(Z, factors, random_state=0) == 0
