"""How far blocks move, and what the movement tells, where both are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group

from mvdisent.datasets import make_tone_views
from mvdisent.metrics import equivariance_score, invariance_score


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_block_that_stays_has_invariance_one(rng):
    Z = rng.normal(size=(50, 3)).astype(np.float32)
    assert invariance_score(Z, Z.copy()) == 1


def test_invariance_compares_the_move_with_that_to_any_other_sample(rng):
    Z, Z_changed = rng.normal(size=(30, 4)), rng.normal(3, 2, size=(30, 4))
    Z_changed += 2 * Z
    distances = cdist(Z, Z_changed, "sqeuclidean")
    expected = 1 - np.trace(distances) / 30 / distances.mean()
    assert invariance_score(Z, Z_changed) == pytest.approx(expected, abs=1e-12)


def test_invariance_of_one_dimension_is_lin_s_concordance(rng):
    a = rng.normal(size=200)
    b = 0.7 * a + 0.3 * rng.normal(size=200) + 0.5
    covariance = np.cov(a, b, bias=True)
    expected = 2 * covariance[0, 1] / (np.trace(covariance) + (a.mean() - b.mean()) ** 2)
    assert invariance_score(a[:, None], b[:, None]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_noise_on_what_stays_lowers_invariance_to_its_share_of_the_variance(rng, noise):
    kept = rng.normal(size=(40_000, 2))
    Z, Z_changed = kept + noise * rng.normal(size=(2, 40_000, 2))
    assert invariance_score(Z, Z_changed) == pytest.approx(1 / (1 + noise**2), abs=0.02)


def test_invariance_of_every_pairing_is_zero_and_of_a_mirror_image_minus_one():
    first, second = np.indices((7, 7)).reshape(2, -1, 1)
    assert invariance_score(first, second) == pytest.approx(0, abs=1e-12)
    assert invariance_score(first, 6 - first) == pytest.approx(-1, abs=1e-12)


def test_a_collapsed_block_scores_zero_wherever_it_lies(rng):
    Z = np.full((100, 3), 0.1, dtype=np.float32)
    assert invariance_score(Z, Z) == 0
    assert equivariance_score(Z, Z, rng.normal(size=100), random_state=0) == 0
    assert equivariance_score(Z, Z + 1, np.arange(100) % 2, random_state=0) == 0


def test_a_collapsed_dimension_beside_others_counts_for_nothing(rng):
    Z, Z_changed = rng.normal(size=(2, 300, 2))
    change = (Z_changed - Z)[:, 0] + rng.normal(size=300)
    wide, wide_changed = (np.hstack([z, np.full((300, 2), 0.1)]) for z in (Z, Z_changed))
    assert invariance_score(wide, wide_changed) == pytest.approx(invariance_score(Z, Z_changed))
    scores = [
        equivariance_score(*pair, change, random_state=0)
        for pair in [(Z, Z_changed), (wide, wide_changed)]
    ]
    assert scores[0] == pytest.approx(scores[1])


def test_a_code_linear_in_the_factor_is_equivariant_however_turned_and_wherever_it_starts(rng):
    pitch, new_pitch, timbre = rng.uniform(-12, 12, size=(3, 2000))
    turn = ortho_group.rvs(2, random_state=0)
    Z, Z_changed = (np.column_stack([p, timbre]) @ turn for p in (pitch, new_pitch))
    score = equivariance_score(Z, Z_changed, new_pitch - pitch, random_state=0)
    assert score == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_noise_of_the_code_hides_its_share_of_the_change(rng, noise):
    pitch, new_pitch = rng.normal(size=(2, 20_000, 1))
    Z, Z_changed = (p + noise * rng.normal(size=p.shape) for p in (pitch, new_pitch))
    score = equivariance_score(Z, Z_changed, (new_pitch - pitch)[:, 0], random_state=0)
    # The change and the noise of the movement both have twice the variance of one end.
    assert score == pytest.approx(1 / (1 + noise**2), abs=0.02)


def test_noise_and_a_block_of_other_factors_tell_no_change(rng):
    Z, Z_changed = rng.normal(size=(2, 20_000, 3))
    for change in (rng.normal(size=20_000), rng.choice(["up", "down", "down"], size=20_000)):
        assert equivariance_score(Z, Z_changed, change, random_state=0) == pytest.approx(
            0, abs=0.01
        )


def test_a_circle_of_pitch_classes_is_not_linear(rng):
    start, step = rng.uniform(0, 2 * np.pi, 20_000), rng.uniform(0, 2 * np.pi, 20_000)
    Z, Z_changed = (np.column_stack([np.cos(a), np.sin(a)]) for a in (start, start + step))
    # From a random start the mean movement is the same for each step up or down: zero.
    assert equivariance_score(Z, Z_changed, step, random_state=0) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("as_given", [list, np.array, pd.Series, pd.Categorical])
def test_kinds_of_change_are_told_by_the_direction_of_movement(rng, as_given):
    kind = rng.integers(3, size=600)
    Z = rng.normal(size=(600, 3))
    Z_changed = Z + 5 * np.eye(3)[kind]
    change = as_given(np.array(["to square", "to sine", "to sawtooth"])[kind].tolist())
    assert equivariance_score(Z, Z_changed, change, random_state=0) == 1


def test_accuracy_is_counted_from_that_of_the_most_frequent_kind(rng):
    # Half of the pairs of either kind move; those that stay are best taken for the more frequent.
    kind = rng.random(40_000) < 0.25
    moves = rng.random(40_000) < 0.5
    Z = np.zeros((40_000, 1))
    Z_changed = np.where(moves, np.where(kind, 1.0, -1.0), 0.0)[:, None]
    score = equivariance_score(Z, Z_changed, kind, random_state=0)
    accuracy, chance = 1 - 0.25 * 0.5, 0.75
    assert score == pytest.approx((accuracy - chance) / (1 - chance), abs=0.02)


def test_groups_keep_the_pairs_of_one_sample_on_one_side(rng):
    sample = np.repeat(np.arange(200), 5)
    change = rng.normal(size=200)[sample]
    # Each sample has a dimension of its own: only pairs of the same sample help.
    Z, Z_changed = np.zeros((1000, 200)), np.eye(200)[sample]
    apart = equivariance_score(Z, Z_changed, change, random_state=0)
    grouped = equivariance_score(Z, Z_changed, change, groups=sample, random_state=0)
    assert apart > 0.5
    assert grouped < 0.1


def test_the_views_of_tones_are_pairs_in_which_frequency_alone_is_changed():
    _, factors = make_tone_views(500, duration=0.001, random_state=0)
    hz = factors[["frequency_hz_v0", "frequency_hz_v1"]].to_numpy()
    semitones = 12 * np.log2(hz[:, 1] / hz[:, 0])
    private = np.log2(hz)[..., None]
    shared = np.stack([pd.get_dummies(factors["timbre"]).to_numpy(dtype=float)] * 2, axis=1)
    assert invariance_score(shared[:, 0], shared[:, 1]) == 1
    assert equivariance_score(shared[:, 0], shared[:, 1], semitones, random_state=0) == 0
    assert abs(invariance_score(private[:, 0], private[:, 1])) < 0.2
    score = equivariance_score(private[:, 0], private[:, 1], semitones, random_state=0)
    assert score == pytest.approx(1, abs=1e-4)


def test_a_seed_repeats_the_score_and_the_inputs_are_left_alone(rng):
    Z, Z_changed = rng.normal(size=(2, 100, 2))
    change = (Z_changed - Z)[:, 0] + rng.normal(size=100)
    copies = Z.copy(), Z_changed.copy(), change.copy()
    scores = {equivariance_score(Z, Z_changed, change, random_state=3) for _ in range(2)}
    assert len(scores) == 1
    for array, copy in zip((Z, Z_changed, change), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_a_series_is_matched_by_position(rng):
    Z, Z_changed = rng.normal(size=(2, 100, 1))
    change = pd.Series((Z_changed - Z)[:, 0], index=np.arange(100)[::-1])
    score = equivariance_score(Z, Z_changed, change, random_state=0)
    assert score == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("measure", [invariance_score, equivariance_score])
def test_blocks_that_are_no_pairs_are_refused(rng, measure):
    more = (np.arange(9.0),) if measure is equivariance_score else ()
    Z = rng.normal(size=(9, 2))
    broken = np.where(np.arange(9)[:, None] == 4, np.nan, Z)
    for pair, error in [
        ((Z, Z[:8]), r"Z_changed has shape \(8, 2\), but Z has \(9, 2\)"),
        ((Z, Z[:, :1]), r"Z_changed has shape \(9, 1\), but Z has \(9, 2\)"),
        ((Z[:, 0], Z[:, 0]), r"Z has shape \(9,\)"),
        ((Z, broken), "Z_changed contains NaN or infinity, first in row 4"),
        ((Z[:1], Z[:1]), "Z has 1 row; a score of pairs needs 2 or more"),
    ]:
        with pytest.raises(ValueError, match=error):
            measure(*pair, *more)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (np.arange(8.0), "change has 8 rows, but Z has 9"),
        (np.ones((9, 1)), r"change has shape \(9, 1\)"),
        (np.ones(9), "'change'. has one class or value only"),
        ([None, *"abcdefgh"], "'change'. has 1 missing values, first in row 0"),
        (["a"] * 9, "'change'. has one class or value only"),
    ],
)
def test_a_change_that_cannot_be_read_is_refused(rng, change, error):
    Z, Z_changed = rng.normal(size=(2, 9, 2))
    with pytest.raises(ValueError, match=error):
        equivariance_score(Z, Z_changed, change, random_state=0)


def test_held_out_pairs_of_one_kind_are_refused(rng):
    Z, Z_changed = rng.normal(size=(2, 100, 2))
    change = np.arange(100) == 7  # one pair, which this seed trains on
    with pytest.raises(ValueError, match="change is of one kind in all held-out pairs"):
        equivariance_score(Z, Z_changed, change, random_state=0)
