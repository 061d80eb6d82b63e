"""Gaps between the blocks, from tables written by hand and from codes known by construction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mvdisent.metrics import (
    mutual_info_gap,
    mutual_info_gap_score,
    mutual_info_matrix,
    probe_gap,
    probe_gap_score,
    probe_table,
)

OWN = {"timbre": "shared", "pitch": "private"}
SWAPPED = {"timbre": "private", "pitch": "shared"}
MI = pd.DataFrame(
    [[0.1, 0.0, 1.0, 0.25], [2.0, 0.5, 0.0, 0.75], [9.0, 9.0, 9.0, 9.0]],
    index=["timbre", "pitch", "hz"],
    columns=["private_0", "private_1", "shared_0", "shared_1"],
)
TABLE = pd.DataFrame(
    {"timbre": [0.5, 0.8, 1.0, 0.2, 0.9], "pitch": [0.7, 0.0, 1.0, 0.1, 0.9]},
    index=["private", "shared", "both", "chance", "ceiling"],
)


@pytest.fixture
def codes():
    """Two factors, and a code that tells each in its own block alone."""
    rng = np.random.default_rng(0)
    factors = pd.DataFrame({"timbre": rng.integers(0, 4, 2000), "pitch": rng.integers(0, 5, 2000)})
    return factors, rng.normal(scale=0.01, size=(2000, 2)) + factors[["pitch", "timbre"]]


def test_a_gap_is_the_sum_over_the_own_block_less_that_over_the_other():
    gap = mutual_info_gap(MI, OWN)
    np.testing.assert_allclose(gap.loc["timbre", ["own", "other", "gap"]], [1.25, 0.1, 1.15])
    np.testing.assert_allclose(gap.loc["pitch", ["own", "other", "gap"]], [2.5, 0.75, 1.75])
    assert gap.index.tolist() == ["timbre", "pitch"]
    assert mutual_info_gap_score(MI, OWN) == pytest.approx((1.15 + 1.75) / 2)


def test_exchanged_blocks_change_the_sign_of_both_gaps():
    assert mutual_info_gap_score(MI, SWAPPED) == pytest.approx(-mutual_info_gap_score(MI, OWN))
    assert probe_gap_score(TABLE, SWAPPED) == pytest.approx(-probe_gap_score(TABLE, OWN))


@pytest.mark.parametrize("head", ["disentangler__", "pipe__step__"])
def test_columns_behind_a_step_s_prefix_and_one_block_a_view_are_found(head):
    names = ["private_v0_0", "private_v1_0", "shared_0", "shared_1"]
    prefixed = MI.set_axis([head + name for name in names], axis=1)
    assert mutual_info_gap(prefixed, OWN).equals(mutual_info_gap(MI, OWN))


def test_a_code_with_each_factor_in_its_block_has_a_gap_of_the_entropies(codes):
    factors, Z = codes
    mi = mutual_info_matrix(Z, factors, feature_names=["private_0", "shared_0"], random_state=0)
    expected = (np.log(4) + np.log(5)) / 2
    assert mutual_info_gap_score(mi, OWN) == pytest.approx(expected, abs=0.05)
    assert mutual_info_gap_score(mi, SWAPPED) == pytest.approx(-expected, abs=0.05)


def test_a_probe_gap_is_rescaled_from_chance_to_the_ceiling():
    gap = probe_gap(TABLE, OWN)
    columns = ["informativeness", "leakage", "gap"]
    np.testing.assert_allclose(gap.loc["timbre", columns], [6 / 7, 3 / 7, 3 / 7])
    # The shared block is below chance for pitch, which counts as chance.
    np.testing.assert_allclose(gap.loc["pitch", columns], [6 / 8, 0, 6 / 8])
    assert probe_gap_score(TABLE, OWN) == pytest.approx((3 / 7 + 6 / 8) / 2)


def test_without_a_ceiling_row_the_ceiling_is_one():
    gap = probe_gap(TABLE.drop(index="ceiling"), {"timbre": "shared"})
    np.testing.assert_allclose(gap.loc["timbre"], [6 / 8, 3 / 8, 3 / 8])


@pytest.mark.parametrize(("own", "expected"), [(OWN, 1), (SWAPPED, -1)])
def test_the_score_of_a_perfect_code_is_one_and_of_an_exchanged_one_minus_one(codes, own, expected):
    factors, Z = codes
    blocks = {"private": Z[["pitch"]], "shared": Z[["timbre"]]}
    table = probe_table(blocks, factors, probe="knn", random_state=0)
    # Chance and leakage are each within four deviations of 800 guesses, 0.06.
    assert probe_gap_score(table, own) == pytest.approx(expected, abs=0.1)


def test_a_code_in_both_blocks_has_no_gap(codes):
    factors, Z = codes
    table = probe_table({"private": Z, "shared": Z}, factors, probe="knn", random_state=0)
    assert probe_gap_score(table, OWN) == 0
    assert (probe_gap(table, OWN)["informativeness"] == 1).all()


@pytest.mark.parametrize(
    ("gap", "table", "own", "message"),
    [
        (mutual_info_gap, MI, {"timbre": "both"}, r"own\['timbre'\]='both' is unknown; pass one"),
        (mutual_info_gap, MI, {"tempo": "shared"}, r"own names 'tempo', not a row of mi: pass one"),
        (
            mutual_info_gap,
            MI.set_axis(["latent_0", "latent_1", "shared_0", "shared_1"], axis=1),
            OWN,
            r"no column of the private block .* private_0, private_1, .*feature_names",
        ),
        (probe_gap, TABLE, {"tempo": "shared"}, "own names 'tempo', not a column of the table"),
        (probe_gap, TABLE.drop(index="chance"), OWN, "the table has no row 'chance', only"),
        (probe_gap, TABLE.drop(index="private"), OWN, "the table has no row 'private', only"),
        (
            probe_gap,
            TABLE.assign(pitch=0.1),
            OWN,
            "the ceiling of 'pitch', 0.1, is not above chance, 0.1: leave",
        ),
    ],
)
def test_bad_input_is_named_with_its_cure(gap, table, own, message):
    with pytest.raises(ValueError, match=message):
        gap(table, own)


@pytest.mark.parametrize("own", [{}, "shared"])
def test_own_without_factors_is_refused(own):
    with pytest.raises(TypeError, match=r"pass a dict \{factor: block\} of one factor or more"):
        mutual_info_gap(MI, own)
