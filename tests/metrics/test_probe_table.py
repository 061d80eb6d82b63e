"""Probes on features whose right answer is known by construction."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_info

from mvdisent.metrics import PROBES, probe_table

every_probe = pytest.mark.parametrize("probe", PROBES)
N = 1200


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def timbre(rng):
    return rng.integers(0, 4, N)


@every_probe
def test_the_label_itself_scores_one_and_noise_scores_chance(rng, timbre, probe):
    blocks = {
        "label": np.eye(4)[timbre],
        "noise": rng.normal(size=(N, 4)),
        "zero": np.zeros((N, 3)),
    }
    table = probe_table(blocks, {"timbre": timbre}, probe=probe, random_state=0)["timbre"]
    assert table["label"] == 1
    # Four standard deviations of 480 guesses among 4 classes are 0.08.
    assert table[["noise", "zero", "chance"]].to_numpy() == pytest.approx(0.25, abs=0.08)


@every_probe
def test_a_continuous_factor_is_scored_by_r2(rng, probe):
    hz = rng.uniform(55, 7040, size=N)
    blocks = {"copy": np.column_stack([hz, np.zeros(N)]), "noise": rng.normal(size=(N, 2))}
    table = probe_table(blocks, {"hz": hz}, probe=probe, random_state=0)["hz"]
    assert table["copy"] > 0.99
    assert -0.4 < table["noise"] < 0.05
    assert table["chance"] == pytest.approx(0, abs=0.02)


def test_r2_of_a_linear_probe_is_the_share_of_explained_variance(rng):
    signal, noise = rng.normal(size=(2, 20_000))
    table = probe_table(
        {"z": signal[:, None]}, {"f": signal + noise}, probe="linear", random_state=0
    )
    assert table.loc["z", "f"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("probe", ["mlp", "knn", "boosting"])
def test_a_probe_finds_what_no_line_tells(rng, probe):
    Z = rng.normal(size=(4000, 2))
    options = {"factors": {"f": (Z[:, 0] > 0) ^ (Z[:, 1] > 0)}, "random_state": 0}
    assert probe_table({"z": Z}, probe=probe, **options).loc["z", "f"] > 0.9
    # A line gets three of the four quadrants at most.
    assert probe_table({"z": Z}, probe="linear", **options).loc["z", "f"] < 0.75


def test_noise_on_a_label_bounds_the_accuracy(rng, timbre):
    seen = np.where(rng.uniform(size=N) < 0.3, rng.integers(0, 4, N), timbre)
    table = probe_table({"z": np.eye(4)[seen]}, {"f": timbre}, probe="linear", random_state=0)
    assert table.loc["z", "f"] == pytest.approx(0.7 + 0.3 / 4, abs=0.08)


def test_chance_is_the_share_of_the_most_frequent_class(rng):
    rare = rng.uniform(size=4000) < 0.2
    table = probe_table({"z": np.zeros((4000, 1))}, {"rare": rare}, probe="knn", random_state=0)
    assert table.loc["chance", "rare"] == pytest.approx(0.8, abs=0.04)


@every_probe
def test_a_group_is_never_on_both_sides(probe):
    groups = np.repeat(np.arange(100), 60)
    name, label = np.eye(100)[groups], groups % 2  # a known group tells its label
    options = {"factors": {"f": label}, "probe": probe, "random_state": 0}
    assert probe_table({"z": name}, **options).loc["z", "f"] == 1
    apart = probe_table({"z": name}, groups=groups, **options)
    # Four standard deviations of the share of odd groups among 40 of 100.
    assert apart.loc["z", "f"] == pytest.approx(0.5, abs=0.25)


def test_groups_may_be_names_of_recordings(timbre):
    groups = np.array([f"take {i // 2}" for i in range(N)])
    table = probe_table({"z": np.eye(4)[timbre]}, {"f": timbre}, groups=groups, probe="linear")
    assert table.loc["z", "f"] == 1


def test_rows_are_the_blocks_then_chance_then_the_ceiling(rng, timbre):
    noise = rng.normal(size=(N, 2))
    factors = pd.DataFrame({"timbre": timbre, "hz": rng.normal(size=N)}, index=rng.permutation(N))
    options = {"probe": "linear", "random_state": 0}
    table = probe_table({"b": noise, "a": noise}, factors, **options)
    assert table.index.tolist() == ["b", "a", "chance"]
    assert table.columns.tolist() == ["timbre", "hz"]
    whole = probe_table({"b": noise, "a": noise}, factors, reference=noise, **options)
    assert whole.index.tolist() == ["b", "a", "chance", "ceiling"]
    assert whole.loc[["b", "a", "chance"]].equals(table)
    assert whole.loc["ceiling"].equals(whole.loc["b"].rename("ceiling"))


@every_probe
def test_the_ceiling_of_wide_spectra_is_reached(rng, timbre, probe):
    spectra = rng.normal(size=(4, 20, 10))[timbre] + 0.3 * rng.normal(size=(N, 20, 10))
    spectra[:, 0] = 0  # a silent band
    kept = spectra.copy()
    blocks = {"zero": np.zeros((N, 1))}
    table = probe_table(blocks, {"f": timbre}, probe=probe, reference=spectra, random_state=0)
    assert table.loc["ceiling", "f"] > 0.99
    assert (spectra == kept).all()


def test_adding_a_block_changes_no_other_cell(rng, timbre):
    a, b = rng.normal(size=(2, N, 3)) + timbre[:, None]
    options = {"factors": {"f": timbre}, "random_state": 0}
    both = probe_table({"a": a, "b": b}, **options)
    assert both.loc[["b", "chance"]].equals(probe_table({"b": b}, **options))


@pytest.mark.parametrize("backend", ["loky", "threading"])
@every_probe
def test_jobs_change_neither_the_table_nor_the_process(rng, timbre, probe, backend):
    before = [pool["num_threads"] for pool in threadpool_info()]
    blocks = {"a": rng.normal(size=(400, 3)) + timbre[:400, None], "b": rng.normal(size=(400, 3))}
    factors = {"timbre": timbre[:400], "hz": timbre[:400] + rng.normal(size=400)}
    options = {"probe": probe, "random_state": 0}
    serial = probe_table(blocks, factors, n_jobs=1, **options)
    with joblib.parallel_config(backend):
        assert probe_table(blocks, factors, n_jobs=2, **options).equals(serial)
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_another_seed_draws_another_split(rng, timbre):
    blocks, factors = {"z": rng.normal(size=(N, 2)) + timbre[:, None]}, {"f": timbre}
    one, two = (probe_table(blocks, factors, probe="knn", random_state=s) for s in (0, 1))
    assert not one.equals(two)


@every_probe
@pytest.mark.parametrize("n_rows", [8, 30])
def test_a_table_of_few_rows_and_many_classes_is_scored(rng, probe, n_rows):
    classes = np.arange(n_rows) // 2
    factors = {"class": classes, "hz": rng.normal(size=n_rows)}
    table = probe_table(
        {"z": rng.normal(size=(n_rows, 3))},
        factors,
        probe=probe,
        reference=rng.normal(size=(n_rows, 99)),
        random_state=0,
    )
    assert np.isfinite(table).all(axis=None)


ONES, TWO = np.ones((10, 2)), {"f": np.arange(10) % 2}


@pytest.mark.parametrize(
    ("blocks", "factors", "options", "message"),
    [
        (
            {"z": ONES},
            TWO,
            {"probe": "svm"},
            "probe='svm' is unknown; pass one of 'mlp', 'knn'",
        ),
        ({"z": ONES[:9]}, TWO, {}, r"blocks\['z'\] has 9 rows, but factors has 10"),
        ({"z": ONES[0]}, TWO, {}, r"blocks\['z'\] has shape \(2,\); pass \(n_samples, n_features"),
        ({"z": ONES[:, :0]}, TWO, {}, r"blocks\['z'\] has shape \(10, 0\): it is empty"),
        ({"z": ONES * np.nan}, TWO, {}, r"blocks\['z'\] contains NaN or infinity, first in row 0"),
        ({"chance": ONES}, TWO, {}, "blocks has a block named 'chance', a row of the table"),
        (
            {"z": ONES},
            {"f": ["a"] * 10},
            {},
            r"factors\['f'\] has one class .* 6 training rows",
        ),
        ({"z": ONES}, {"hz": [440.0] * 10}, {}, r"factors\['hz'\] has one class or value only"),
        ({"z": ONES}, TWO, {"groups": np.arange(9)}, "groups has 9 rows, but factors has 10"),
        ({"z": ONES}, TWO, {"reference": ONES[:9]}, "reference has 9 rows, but factors has 10"),
        ({"z": ONES}, TWO, {"reference": ONES * np.inf}, "reference contains NaN or infinity"),
    ],
)
def test_bad_input_is_named_with_its_cure(blocks, factors, options, message):
    with pytest.raises(ValueError, match=message):
        probe_table(blocks, factors, **options)


@pytest.mark.parametrize("blocks", [ONES, {}])
def test_blocks_without_names_are_refused(blocks):
    with pytest.raises(TypeError, match="pass a dict of one block or more"):
        probe_table(blocks, TWO)


def test_an_estimator_as_the_probe_scores_as_the_same_probe_by_name():
    rng = np.random.default_rng(0)
    blocks = {"a": rng.normal(size=(200, 3))}
    factors = {"f": (blocks["a"][:, 0] > 0).astype(int)}
    by_name = probe_table(blocks, factors, probe="knn", random_state=0)
    probe = KNeighborsClassifier(15)
    pd.testing.assert_frame_equal(
        by_name, probe_table(blocks, factors, probe=probe, random_state=0)
    )
    assert not hasattr(probe, "classes_")  # a clone was fitted


@pytest.mark.parametrize(
    ("probe", "factor", "needed"),
    [(KNeighborsClassifier(), np.arange(40.0), "regressor"), (Ridge(), np.arange(40) % 2, "class")],
)
def test_a_probe_that_does_not_suit_a_factor_is_refused(probe, factor, needed):
    blocks = {"a": np.arange(40.0)[:, None]}
    with pytest.raises(ValueError, match=rf"is no {needed}.*factors\['f'\]"):
        probe_table(blocks, {"f": factor}, probe=probe)


def test_what_is_no_probe_is_told_the_names():
    with pytest.raises(ValueError, match="probe=3 is unknown; pass one of 'mlp'"):
        probe_table({"a": np.zeros((4, 1))}, {"f": [0, 1, 0, 1]}, probe=3)
