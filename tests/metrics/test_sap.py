"""SAP on codes whose best and second best predictions are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from mvdisent.metrics import sap_score

N = 4000


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_a_perfect_code_of_classes_gains_all_but_chance(rng, n_classes):
    codes = rng.integers(0, n_classes, (N, 2))
    factors = {"timbre": codes[:, 0], "pitch": codes[:, 1]}
    # Any order of the classes along the dimension will do: thresholds are no line.
    Z = rng.permutation(n_classes)[codes] + rng.uniform(-0.4, 0.4, (N, 2))
    # Noise on the chance of 1600 held-out guesses, whose greatest is taken of one: 0.04.
    assert sap_score(Z, factors, random_state=0) == pytest.approx(1 - 1 / n_classes, abs=0.04)


@pytest.mark.parametrize("angle", [0, np.pi / 8, np.pi / 4])
def test_a_rotated_code_of_numbers_has_the_gap_of_the_squared_cosines(rng, angle):
    v = rng.normal(size=(40_000, 2))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    score = sap_score(v @ turn, {"a": v[:, 0], "b": v[:, 1]})
    assert score == pytest.approx(np.cos(2 * angle), abs=0.02)


def test_a_rotated_code_of_two_classes_has_no_gap(rng):
    codes = rng.choice([-1, 1], (N, 2))
    score = sap_score(
        codes @ np.array([[1, 1], [-1, 1]]), {"a": codes[:, 0], "b": codes[:, 1]}, random_state=0
    )
    # Both dimensions are right in three of four cases.
    assert score == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize("kind", ["discrete", "continuous"])
def test_a_duplicated_code_scores_zero(rng, kind):
    code = rng.integers(0, 4, N) if kind == "discrete" else rng.normal(size=N)
    Z = np.column_stack([code, -3 * code, rng.normal(size=N)])
    assert sap_score(Z, {"f": code}, random_state=0) == pytest.approx(0, abs=1e-9)


def test_independent_noise_scores_zero(rng):
    factors = {"timbre": rng.integers(0, 4, N), "hz": rng.normal(size=N)}
    assert sap_score(rng.normal(size=(N, 6)), factors, random_state=0) == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_a_collapsed_dimension_is_right_by_chance_or_explains_nothing(rng, value):
    code = np.arange(N) % 4
    Z = np.column_stack([code, np.full(N, value)]).astype(np.float32)
    assert sap_score(Z, {"f": code}, random_state=0) == pytest.approx(0.75, abs=1e-9)
    assert sap_score(Z, {"f": code.astype(float)}) == pytest.approx(1, abs=1e-6)
    assert sap_score(Z * 0 + np.float32(value), {"f": code.astype(float)}) == 0


def test_a_rare_class_counts_as_much_as_a_frequent_one(rng):
    rare = rng.uniform(size=20_000) < 0.05
    flipped = rare ^ (rng.uniform(size=20_000) < 0.2)
    # Recall is 0.8 in both classes; plain accuracy of the constant would be 0.95.
    score = sap_score(np.column_stack([flipped, np.zeros(20_000)]), {"rare": rare}, random_state=0)
    assert score == pytest.approx(0.8 - 0.5, abs=0.04)


def test_the_score_depends_on_the_seed_alone(rng):
    codes = rng.integers(0, 3, 200)
    Z = codes[:, None] + rng.normal(size=(200, 3))
    first, again, other = (sap_score(Z, {"f": codes}, random_state=s) for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_one_dimension_is_refused(rng):
    with pytest.raises(ValueError, match="Z has 1 columns; the score needs 2 or more"):
        sap_score(np.eye(4)[:, :1], {"f": [0, 0, 1, 1]})
