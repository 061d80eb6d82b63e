"""MIG and its kin on full factorial designs, where every value is exact."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy, multivariate_normal, norm

from mvdisent.metrics import dmig_score, mig_score, xmig_score

SCORES = (mig_score, dmig_score, xmig_score)
every_score = pytest.mark.parametrize("score", SCORES)
GRID = np.indices((4, 3, 5)).reshape(3, -1).T  # all combinations: factors exactly independent
FACTORS = {"timbre": GRID[:, 0], "loudness": GRID[:, 1], "pitch": GRID[:, 2]}


@every_score
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_a_perfect_code_scores_one_in_any_order_and_sign(score, order):
    Z = np.column_stack([-2.5 * GRID[:, order], np.zeros(len(GRID))])
    assert score(Z, FACTORS) == pytest.approx(1, abs=1e-12)


def test_a_duplicated_code_scores_zero():
    Z = np.hstack([GRID, 10 - GRID])
    assert mig_score(Z, FACTORS) == pytest.approx(0, abs=1e-12)
    assert xmig_score(Z, FACTORS) == pytest.approx(0, abs=1e-12)
    assert xmig_score(GRID, FACTORS) == pytest.approx(1, abs=1e-12)


@every_score
def test_independent_noise_scores_zero(score):
    rng = np.random.default_rng(0)
    factors = {"timbre": rng.integers(0, 4, 20_000), "hz": rng.normal(size=20_000)}
    assert score(rng.normal(size=(20_000, 5)), factors) == pytest.approx(0, abs=0.01)


@every_score
def test_collapsed_dimensions_tell_nothing(score):
    assert score(np.ones((len(GRID), 4)), FACTORS) == 0
    noisy = np.column_stack([np.ones((len(GRID), 4)), GRID[:, 0]])
    # One factor of three is told, and by one dimension alone.
    assert score(noisy, FACTORS) == pytest.approx(1 / 3, abs=1e-12)


def test_a_coarser_second_dimension_leaves_the_share_of_the_entropy_that_it_lacks():
    Z = np.column_stack([GRID[:, 0], GRID[:, 0] > 1])
    factors = {"timbre": GRID[:, 0]}
    for score in SCORES:
        assert score(Z, factors) == pytest.approx((np.log(4) - np.log(2)) / np.log(4))


def test_a_rotated_code_has_the_gap_of_the_integral():
    rng = np.random.default_rng(0)
    v = rng.normal(size=(40_000, 2))
    angle, n_bins = np.pi / 8, 6
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

    edges = np.append(norm.ppf(np.arange(n_bins) / n_bins), 9).clip(-9)
    corners = np.stack(np.meshgrid(edges, edges, indexing="ij"), axis=-1)

    def binned(rho):
        whole = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(corners)
        cells = np.diff(np.diff(whole, axis=0), axis=1).clip(0)
        return 2 * np.log(n_bins) - entropy(cells.ravel())

    expected = (binned(np.cos(angle)) - binned(np.sin(angle))) / np.log(n_bins)
    found = mig_score(v @ turn, {"a": v[:, 0], "b": v[:, 1]}, n_bins=n_bins)
    assert 0.1 < expected < 0.9
    assert found == pytest.approx(expected, abs=0.01)


def test_a_code_rotated_by_a_half_right_angle_scores_zero():
    rng = np.random.default_rng(0)
    v = rng.uniform(size=(20_000, 2))
    Z = v @ np.array([[1, 1], [-1, 1]])
    assert mig_score(Z, {"a": v[:, 0], "b": v[:, 1]}) == pytest.approx(0, abs=0.02)


@every_score
@pytest.mark.parametrize("sizes", [[10, 490, 500], [500, 490, 10]])
def test_a_rare_value_has_a_bin_of_its_own(score, sizes):
    timbre = np.repeat([0, 1, 2], sizes)
    Z = np.column_stack([timbre, np.zeros(1000)])
    assert score(Z, {"timbre": timbre}) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("n_bins", [2, 20])
def test_a_continuous_factor_is_cut_into_bins_of_equal_size(n_bins):
    hz = np.random.default_rng(0).permutation(1000.0 ** np.linspace(0, 1, 2000))
    Z = np.column_stack([np.log(hz), hz > np.median(hz)])
    expected = (np.log(n_bins) - np.log(2)) / np.log(n_bins)
    assert mig_score(Z, {"hz": hz}, n_bins=n_bins) == pytest.approx(expected, abs=1e-9)


DEPENDENT = np.array([(a, 2 * a + b) for a in range(3) for b in range(3)])
FAMILY, PITCH = {"family": DEPENDENT[:, 0]}, {"pitch": DEPENDENT[:, 1]}


def test_of_dependent_factors_a_perfect_code_scores_one_by_dmig_and_less_by_mig():
    h_family = np.log(3)
    h_pitch = entropy(np.bincount(DEPENDENT[:, 1]))
    shared = h_pitch - np.log(3)  # given the family, three pitches are equally likely
    expected = 1 - (shared / h_family + shared / h_pitch) / 2
    assert mig_score(DEPENDENT, FAMILY | PITCH) == pytest.approx(expected)
    assert dmig_score(DEPENDENT, FAMILY | PITCH) == pytest.approx(1)
    assert xmig_score(DEPENDENT, FAMILY | PITCH) == pytest.approx(1)


def test_dmig_is_mig_where_the_second_dimension_belongs_to_no_factor():
    Z = np.column_stack([DEPENDENT, DEPENDENT])  # each copy is the second of its own factor
    assert dmig_score(Z, FAMILY | PITCH) == pytest.approx(0)
    Z = np.column_stack([GRID, GRID[:, 0] > 1])
    assert dmig_score(Z, FACTORS) == pytest.approx(mig_score(Z, FACTORS))
    assert mig_score(Z, FACTORS) == pytest.approx((0.5 + 1 + 1) / 3)


def test_xmig_does_not_see_what_leaks_between_factors_dimensions():
    leaking = np.column_stack([GRID[:, 0] + 10 * (GRID[:, 1] > 0), GRID[:, 1:]])
    assert xmig_score(leaking, FACTORS) == pytest.approx(1)
    assert mig_score(leaking, FACTORS) < 0.9


@pytest.mark.parametrize(
    ("score", "Z", "factors", "options", "message"),
    [
        (mig_score, GRID[:, :1], FACTORS, {}, "Z has 1 columns; the score needs 2 or more"),
        (dmig_score, GRID[:, :1], FACTORS, {}, "Z has 1 columns; the score needs 2 or more"),
        (xmig_score, GRID[:9], FACTORS, {}, "Z has 9 rows, but factors has 60"),
        (mig_score, GRID, {"f": np.zeros(60, int)}, {}, r"factors\['f'\] has one class or value"),
        (mig_score, GRID, {"f": np.arange(60)}, {}, r"factors\['f'\] is discrete and has another"),
        (mig_score, GRID, FACTORS, {"n_bins": 1}, "n_bins == 1, must be >= 2"),
        (
            dmig_score,
            GRID[:, [2, 0]],
            {"pitch": GRID[:, 2] * 10 + GRID[:, 0], "timbre": GRID[:, 0]},
            {},
            r"factors\['timbre'\] is determined by factors\['pitch'\]",
        ),
    ],
)
def test_bad_input_is_named_with_its_cure(score, Z, factors, options, message):
    with pytest.raises(ValueError, match=message):
        score(Z, factors, **options)
