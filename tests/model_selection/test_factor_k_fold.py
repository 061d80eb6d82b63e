"""Folds of factors, against scikit-learn's of one column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_validate,
)

from mvdisent.model_selection import FactorKFold

N = 60


@pytest.fixture
def factors():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "timbre": np.repeat(["sine", "square", "saw"], [30, 20, 10]),
            "take": np.arange(N) // 3,
            "hz_v0": rng.uniform(55, 7040, N),
        },
        index=rng.permutation(N),
    )


@pytest.fixture
def X():
    return np.zeros((N, 2, 3))


def same(found, expected):
    return all(
        np.array_equal(a, b)
        for one, other in zip(found, expected, strict=True)
        for a, b in zip(one, other, strict=True)
    )


SHUFFLES = [{}, {"shuffle": True, "random_state": 3}]


@pytest.mark.parametrize("options", SHUFFLES)
def test_folds_are_those_of_scikit_learn_for_the_column(X, factors, options):
    found = FactorKFold(4, factor="timbre", **options).split(X, factors)
    expected = StratifiedKFold(4, **options).split(X, factors["timbre"])
    assert same(found, expected)


@pytest.mark.parametrize("options", SHUFFLES)
def test_grouped_folds_are_those_of_scikit_learn(X, factors, options):
    take = factors["take"].to_numpy()
    expected = list(StratifiedGroupKFold(4, **options).split(X, factors["timbre"], take))
    by_column = FactorKFold(4, factor="timbre", group="take", **options)
    assert same(by_column.split(X, factors), expected)
    by_argument = FactorKFold(4, factor="timbre", **options)
    assert same(by_argument.split(X, factors, take), expected)
    for train, test in expected:
        assert set(take[train]).isdisjoint(take[test])


def test_each_fold_holds_the_classes_in_equal_shares(X, factors):
    for _, test in FactorKFold(5, factor="timbre").split(X, factors):
        counts = factors["timbre"].iloc[test].value_counts()
        assert counts.to_dict() == {"sine": 6, "square": 4, "saw": 2}


def test_codes_that_are_whole_floats_are_classes(X, factors):
    table = factors.assign(timbre=pd.factorize(factors["timbre"])[0].astype(float))
    assert same(
        FactorKFold(factor="timbre").split(X, table), FactorKFold(factor="timbre").split(X, factors)
    )


def test_a_clone_and_a_repr_hold_the_settings(X, factors):
    folds = FactorKFold(3, factor="timbre", shuffle=True, random_state=1)
    assert same(clone(folds, safe=False).split(X, factors), folds.split(X, factors))
    assert " ".join(repr(folds).split()) == (
        "FactorKFold(factor='timbre', group=None, n_splits=3, random_state=1, shuffle=True)"
    )
    assert folds.get_n_splits() == 3


def test_a_search_splits_by_it(factors):
    X = np.arange(2.0 * N).reshape(N, 2)
    folds = FactorKFold(3, factor="timbre")
    y = factors[["hz_v0"]].assign(timbre=pd.factorize(factors["timbre"])[0])
    splits = list(StratifiedKFold(3).split(X, y["timbre"]))
    one = GridSearchCV(Ridge(), {"alpha": [0.1, 1]}, cv=folds).fit(X, y)
    other = GridSearchCV(Ridge(), {"alpha": [0.1, 1]}, cv=splits).fit(X, y)
    for key in ("split0_test_score", "split1_test_score", "split2_test_score"):
        assert np.array_equal(one.cv_results_[key], other.cv_results_[key])


def test_factors_and_groups_are_routed_to_the_split(factors):
    X, y = np.random.default_rng(0).normal(size=(N, 2)), np.arange(N)
    take = factors["take"].to_numpy()
    expected = list(StratifiedGroupKFold(3).split(X, factors["timbre"], take))
    with config_context(enable_metadata_routing=True):
        found = cross_validate(
            Ridge(),
            X,
            y,
            cv=FactorKFold(3, factor="timbre"),
            params={"factors": factors, "groups": take},
            return_indices=True,
        )["indices"]
    assert same(zip(found["train"], found["test"], strict=True), expected)


def test_missing_factors_are_refused(X):
    with pytest.raises(ValueError, match="no factors were given: pass a DataFrame as y"):
        next(FactorKFold(factor="timbre").split(X))
    with pytest.raises(TypeError, match="the factors are a ndarray; pass a DataFrame"):
        next(FactorKFold(factor="timbre").split(X, np.zeros(N)))


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"factor": "pitch"}, {}, "factors has no 'pitch'; it has 'timbre', 'take', 'hz_v0'"),
        ({"group": "player"}, {}, "factors has no 'player'"),
        ({"factor": "hz_v0"}, {}, r"factors\['hz_v0'\] is continuous: stratify by a discrete"),
        ({}, {"timbre": [None] * 2 + ["a"] * 58}, r"factors\['timbre'\] has 2 missing values"),
        ({"group": "take"}, {"take": [np.nan] + [1] * 59}, r"factors\['take'\] has 1 missing"),
        ({}, {"timbre": range(N)}, r"factors\['timbre'\] has at most 1 rows of a class, fewer"),
    ],
)
def test_a_bad_column_is_named(X, factors, options, change, message):
    folds = FactorKFold(**{"factor": "timbre", **options})
    with pytest.raises(ValueError, match=message):
        next(folds.split(X, factors.assign(**change)))


def test_rows_of_a_sparse_matrix_are_counted(X, factors):
    folds = FactorKFold(factor="timbre")
    sparse = csr_array(np.ones((N, 2)))
    assert same(folds.split(sparse, factors), folds.split(X, factors))


@pytest.mark.parametrize("X", [None, 3.5, np.float32(1)])
def test_what_has_no_rows_is_refused(X, factors):
    with pytest.raises(TypeError, match=r"X is of type .*; pass an array, one row a sample"):
        next(FactorKFold(factor="timbre").split(X, factors))


def test_rows_and_groups_that_do_not_fit_are_refused(X, factors):
    with pytest.raises(ValueError, match="factors has 59 rows, but X has 60"):
        next(FactorKFold(factor="timbre").split(X, factors[1:]))
    with pytest.raises(ValueError, match="groups is given, and group='take' as well"):
        next(FactorKFold(factor="timbre", group="take").split(X, factors, np.zeros(N)))


@pytest.mark.parametrize("options", [{"n_splits": 1}, {"random_state": 0}, {"n_splits": 2.5}])
def test_settings_without_sense_are_refused_at_once(options):
    with pytest.raises((TypeError, ValueError), match=r"n_splits == 1|has no effect|e of int"):
        FactorKFold(factor="timbre", **options)
