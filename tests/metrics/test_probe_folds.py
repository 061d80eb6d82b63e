"""Cross-validated probes, and the strongest: means over folds that keep groups whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mvdisent.metrics import probe_table
from mvdisent.model_selection import FactorKFold

N = 600


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def Z(rng):
    return rng.normal(size=(N, 3))


@pytest.fixture
def factors(rng, Z):
    noisy = Z + rng.normal(size=Z.shape)
    return {"sign": noisy[:, 0] > 0, "hz": noisy[:, 1], "round": noisy[:, 2] ** 2 > 1}


def test_one_split_by_test_size_is_the_default(Z, factors):
    seed = np.random.RandomState(7).randint(2**31 - 1)
    split = ShuffleSplit(1, test_size=0.3, random_state=seed)
    options = {"probe": "boosting", "random_state": 7}
    expected = probe_table({"z": Z}, factors, test_size=0.3, **options)
    assert probe_table({"z": Z}, factors, cv=split, **options).equals(expected)


@pytest.mark.parametrize("cv", [KFold(4), RepeatedKFold(n_splits=3, n_repeats=2, random_state=1)])
def test_scores_are_scikit_learn_s_cross_validation_scores(Z, factors, cv):
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    knn = make_pipeline(StandardScaler(), KNeighborsRegressor(15))
    by_line = probe_table({"z": Z}, factors, probe="linear", cv=cv)
    by_knn = probe_table({"z": Z}, factors, probe="knn", cv=cv)
    expected = cross_val_score(linear, Z, factors["sign"], cv=cv).mean()
    assert by_line.loc["z", "sign"] == pytest.approx(expected, abs=1e-12)
    expected = cross_val_score(knn, Z, factors["hz"], cv=cv).mean()
    assert by_knn.loc["z", "hz"] == pytest.approx(expected, abs=1e-12)


def test_an_int_makes_that_many_shuffled_folds(Z, factors):
    seed = np.random.RandomState(0).randint(2**31 - 1)
    folds = list(KFold(4, shuffle=True, random_state=seed).split(Z))
    expected = probe_table({"z": Z}, factors, probe="knn", cv=folds, random_state=0)
    table = probe_table({"z": Z}, factors, probe="knn", cv=4, random_state=0)
    assert table.equals(expected)


def test_an_int_keeps_groups_whole():
    groups = np.repeat(np.arange(60), 10)
    name, label = np.eye(60)[groups], groups % 2  # a known group tells its label
    options = {"factors": {"f": label}, "probe": "linear", "cv": 5, "random_state": 0}
    assert probe_table({"z": name}, **options).loc["z", "f"] == 1
    apart = probe_table({"z": name}, groups=[f"take {g}" for g in groups], **options)
    # Of 60 groups, half of them odd: with the others known, no better than a guess.
    assert apart.loc["z", "f"] < 0.6


def test_a_splitter_sees_the_factors():
    rare = np.arange(N) % 100 == 0  # six rows in a row of 600, three a fold
    cv = FactorKFold(2, factor="rare", shuffle=True, random_state=0)
    table = probe_table({"z": np.zeros((N, 1))}, {"rare": rare}, probe="knn", cv=cv)
    assert table.loc["chance", "rare"] == 297 / 300


@pytest.mark.parametrize(
    ("groups", "cv", "message"),
    [
        (np.arange(N) // 2, [(np.arange(0, N, 2), np.arange(1, N, 2))], "rows of one group on"),
        (None, [(np.arange(400), np.arange(300, N))], "a row on both sides"),
        (None, 1, "cv=1 for 600 rows; pass an int"),
        (np.arange(N) % 3, 5, "cv=5 for 3 groups; pass an int from 2"),
        (None, "loo", "Expected .*cv.* as an integer"),
        (None, [(np.arange(300), np.arange(300, 301))], r"factors\['hz'\] has one .* 1 held-out"),
    ],
)
def test_folds_that_cannot_be_scored_are_refused(Z, factors, groups, cv, message):
    with pytest.raises(ValueError, match=message):
        probe_table({"z": Z}, factors, groups=groups, cv=cv)


@pytest.mark.parametrize("cv", [None, 3])
def test_the_strongest_probe_is_the_best_of_three_in_each_cell(rng, Z, factors, cv):
    options = {"reference": rng.normal(size=(N, 70)), "cv": cv, "random_state": 0}
    options |= {"factors": factors, "return_std_error": True}
    table, errors = probe_table({"z": Z}, probe="strongest", **options)
    single = [probe_table({"z": Z}, probe=p, **options) for p in ("mlp", "knn", "boosting")]
    scores, spreads = (np.stack(tables) for tables in zip(*single, strict=True))
    assert (table == scores.max(0)).all(axis=None)
    best = np.take_along_axis(spreads, scores.argmax(0)[None], 0)[0]
    assert (errors == best).all(axis=None)


def test_jobs_change_neither_scores_nor_errors(Z, factors):
    options = {"probe": "strongest", "cv": 2, "return_std_error": True, "random_state": 0}
    options |= {"groups": np.arange(N) // 2}
    serial, parallel = (probe_table({"z": Z}, factors, n_jobs=n, **options) for n in (1, 2))
    for one, other in zip(serial, parallel, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("cv", [np.array(2), 0.5, []])
def test_what_is_no_split_is_refused(Z, factors, cv):
    with pytest.raises(TypeError, match=r"cv=.*; pass None, an int, a splitter"):
        probe_table({"z": Z}, factors, cv=cv)


@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
def test_a_buffer_is_a_factor_as_its_array_is(Z, rng, dtype):
    loudness = rng.normal(size=N).astype(dtype)
    options = {"probe": "linear", "random_state": 0}
    expected = probe_table({"z": Z}, {"loudness": loudness}, **options)
    found = probe_table({"z": Z}, {"loudness": memoryview(loudness)}, **options)
    pd.testing.assert_frame_equal(expected, found)
