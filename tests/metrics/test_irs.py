"""IRS on designs in which the farthest move of each dimension is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from mvdisent.metrics import irs_score

GRID = np.tile(np.indices((4, 5, 6)).reshape(3, -1).T, (5, 1))
FACTORS = {"timbre": GRID[:, 0], "loudness": GRID[:, 1], "pitch": GRID[:, 2]}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_perfect_code_scores_one_with_duplicates_and_collapsed_dimensions():
    Z = np.hstack([GRID[:, ::-1], np.exp(GRID), np.full((len(GRID), 2), 0.1)])
    assert irs_score(Z, FACTORS) == pytest.approx(1, abs=1e-12)
    assert irs_score(np.full((len(GRID), 2), 0.1), FACTORS) == 0


def test_a_rare_outlier_of_the_code_does_not_decide(rng):
    Z = np.vstack([GRID] * 10).astype(float)
    Z[::1000] += 100
    factors = {name: np.tile(column, 10) for name, column in FACTORS.items()}
    assert irs_score(Z, factors) == pytest.approx(1, abs=0.05)


def test_a_sum_of_two_factors_moves_by_the_share_of_the_lesser():
    code = 3 * (2 * (GRID[:, 0] % 2) - 1) + (2 * (GRID[:, 1] > 1) - 1)
    # The mean is 0.2: the sum is at most 4.2 from it, and 1.2 once the greater is fixed.
    assert irs_score(code[:, None], FACTORS | {"half": GRID[:, 0] % 2}) == pytest.approx(
        1 - 1.2 / 4.2, abs=1e-12
    )


def test_a_dimension_weighs_by_how_far_it_moves():
    two = np.indices((2, 2)).reshape(2, -1).T
    Z = np.column_stack([two[:, 0] * 6, two.sum(axis=1)])
    # The first moves by 3 and is still; the second by 1, and by 0.5 once a factor is fixed.
    expected = (3 * 1 + 1 * 0.5) / 4
    assert irs_score(Z, {"a": two[:, 0], "b": two[:, 1]}) == pytest.approx(expected, abs=1e-2)


@pytest.mark.parametrize("n_bins", [5, 20])
def test_a_perfect_code_of_numbers_falls_short_by_the_width_of_a_bin(rng, n_bins):
    v = rng.uniform(size=(40_000, 2))
    score = irs_score(v, {"a": v[:, 0], "b": v[:, 1]}, n_bins=n_bins)
    assert score == pytest.approx(1 - 1 / n_bins, abs=0.01)


def test_a_rotated_gaussian_keeps_the_sine_of_the_angle(rng):
    v = rng.normal(size=(40_000, 2))
    angle = np.pi / 8
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    cut = {
        name: np.digitize(v[:, i], norm.ppf(np.arange(1, 50) / 50)) for i, name in enumerate("ab")
    }
    # Within 50 narrow bins of a dimension's factor, a Gaussian of the sine's scale is left.
    assert irs_score(v @ turn, cut) == pytest.approx(1 - np.sin(angle), abs=0.03)


def test_independent_noise_scores_zero(rng):
    timbre = rng.integers(0, 4, 20_000)
    score = irs_score(
        rng.normal(size=(20_000, 3)), {"timbre": timbre, "hz": rng.normal(size=20_000)}
    )
    assert score == pytest.approx(0, abs=0.03)


def test_values_count_as_often_as_they_occur():
    # Value 0, of 30 rows, leaves the dimension at -1 and 1; value 1, of 10 rows, leaves it still.
    codes = np.repeat([0, 1], [30, 10])
    Z = np.append(np.tile([-1.0, 1.0], 15), np.zeros(10))
    assert irs_score(Z[:, None], {"f": codes}) == pytest.approx(1 - 0.75)


def test_rows_that_differ_in_number_are_refused():
    with pytest.raises(ValueError, match="Z has 9 rows, but factors has 600"):
        irs_score(GRID[:9], FACTORS)


def test_booleans_are_numbers():
    codes = np.repeat([0, 1], 20)
    assert irs_score(codes[:, None] == 1, {"f": codes}) == pytest.approx(1)
