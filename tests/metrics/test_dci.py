"""DCI on codes whose importances are known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from mvdisent.metrics import dci_score

N = 1000


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def factors(rng):
    return {"timbre": rng.integers(0, 4, N), "pitch": rng.integers(0, 6, N)}


@pytest.fixture
def codes(factors):
    return np.column_stack(list(factors.values())).astype(float)


def test_a_perfect_code_scores_one_in_all_three(rng, factors, codes):
    Z = np.column_stack([rng.normal(size=N), -codes[:, 1], np.zeros(N), codes[:, 0]])
    assert dci_score(Z, factors, random_state=0) == pytest.approx((1, 1, 1), abs=1e-9)


def test_a_perfect_code_of_numbers_scores_about_one(rng):
    v = rng.uniform(size=(N, 2))
    Z = np.column_stack([np.exp(v[:, 1]), v[:, 0] ** 3, rng.normal(size=N)])
    scores = dci_score(Z, {"a": v[:, 0], "b": v[:, 1]}, random_state=0)
    assert scores == pytest.approx((1, 1, 1), abs=0.01)


def test_noise_on_a_code_costs_informativeness_alone(rng):
    codes = rng.integers(0, [4, 6], (4000, 2))
    noisy = np.where(rng.uniform(size=codes.shape) < 0.2, rng.permuted(codes, axis=0), codes)
    Z = np.column_stack([noisy, rng.normal(size=(4000, 2))])
    scores = dci_score(Z, {"timbre": codes[:, 0], "pitch": codes[:, 1]}, random_state=0)
    right = np.mean([0.8 + 0.2 / 4, 0.8 + 0.2 / 6])
    # Four deviations of the mean of two times 800 guesses are 0.04.
    assert scores.informativeness == pytest.approx(right, abs=0.04)
    assert scores[:2] == pytest.approx((1, 1), abs=0.1)


def test_many_classes_of_few_rows_are_told_apart(rng):
    classes = rng.integers(0, 60, (N, 2))
    scores = dci_score(classes, {"a": classes[:, 0], "b": classes[:, 1]}, random_state=0)
    assert scores.disentanglement > 0.95
    assert scores.informativeness > 0.95


def test_a_duplicated_code_is_disentangled_but_half_as_complete(factors, codes):
    scores = dci_score(np.hstack([codes, codes]), factors, random_state=0)
    # Two of four dimensions, evenly: an entropy of log 2 out of log 4.
    assert scores == pytest.approx((1, 0.5, 1), abs=0.03)


def test_two_factors_in_one_dimension_are_complete_but_not_disentangled(rng, factors, codes):
    Z = np.column_stack([codes[:, 0] * 10 + codes[:, 1], rng.normal(size=N)])
    scores = dci_score(Z, factors, random_state=0)
    assert scores.disentanglement == pytest.approx(0, abs=0.01)
    assert scores.completeness == pytest.approx(1, abs=0.01)
    assert scores.informativeness == 1


def test_a_code_rotated_by_a_half_right_angle_is_neither(rng):
    v = rng.normal(size=(2000, 2))
    scores = dci_score(
        v @ np.array([[1, 1], [-1, 1]]), {"a": v[:, 0], "b": v[:, 1]}, random_state=0
    )
    assert scores.disentanglement == pytest.approx(0, abs=0.02)
    assert scores.completeness == pytest.approx(0, abs=0.02)
    assert scores.informativeness > 0.95


def test_independent_noise_is_neither_and_tells_chance(rng, factors):
    scores = dci_score(rng.normal(size=(N, 5)), factors, random_state=0)
    # Four deviations of 200 guesses are 0.12 for a single factor.
    assert scores == pytest.approx((0, 0, (1 / 4 + 1 / 6) / 2), abs=0.09)


def test_collapsed_dimensions_count_for_nothing(rng, factors, codes):
    Z = np.column_stack([codes, np.full((N, 3), 0.1)])
    assert dci_score(Z, factors, random_state=0) == pytest.approx((1, 1, 1), abs=1e-9)
    scores = dci_score(np.zeros((N, 3)), factors, random_state=0)
    assert scores[:2] == (0, 0)
    assert scores.informativeness == pytest.approx((1 / 4 + 1 / 6) / 2, abs=0.09)


def test_the_scores_are_the_paper_s_formulas_of_the_importances(monkeypatch, rng):
    importances = iter([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5]])

    class Forest:
        def __init__(self, n_trees, *, max_depth, **options):
            self.depth = max_depth

        def fit(self, X, y):
            if self.depth == 4:  # which scores best
                self.feature_importances_ = np.array(next(importances))
            return self

        def set_params(self, **options):
            return self

        def score(self, X, y):
            return 0.5 * (self.depth == 4)

    monkeypatch.setitem(dci_score.__globals__, "RandomForestClassifier", Forest)
    factors = {"a": rng.integers(0, 2, 50), "b": rng.integers(0, 2, 50)}
    scores = dci_score(rng.normal(size=(50, 3)), factors)
    completeness = 1 - (entropy([0.7, 0.2, 0.1], base=3) + entropy([0.5, 0.5], base=3)) / 2
    by_latent = 1 - np.array([0, entropy([2 / 7, 5 / 7], base=2), entropy([1 / 6, 5 / 6], base=2)])
    disentanglement = (0.7 * by_latent[0] + 0.7 * by_latent[1] + 0.6 * by_latent[2]) / 2
    assert scores == pytest.approx((disentanglement, completeness, 0.5))


def test_the_scores_depend_on_the_seed_alone(rng):
    factors = {"timbre": rng.integers(0, 3, 200), "hz": rng.normal(size=200)}
    Z = np.column_stack(list(factors.values())) + rng.normal(size=(200, 2))
    first = dci_score(Z, factors, random_state=0)
    assert dci_score(Z, factors, random_state=0, n_jobs=2) == first
    assert dci_score(Z, factors, random_state=1) != first


def test_one_factor_or_one_dimension_is_refused(codes, factors):
    with pytest.raises(ValueError, match="factors has 1 columns; the score needs 2 or more"):
        dci_score(codes, {"timbre": factors["timbre"]})
    with pytest.raises(ValueError, match="Z has 1 columns; the score needs 2 or more"):
        dci_score(codes[:, :1], factors)
