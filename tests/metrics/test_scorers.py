"""Scorers on a transformer whose blocks hold known things, in scikit-learn's searches."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from joblib.parallel import ThreadingBackend
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mvdisent.metrics import get_scorer, get_scorer_names, make_probe_scorer
from mvdisent.metrics._held_out import transform_views
from mvdisent.model_selection import FactorKFold

N = 120
FACTORS = ["timbre", "frequency"]


class Blocks(TransformerMixin, BaseEstimator):
    """A transformer of views (timbre, frequency): a column a block, mixed by `leak`."""

    def __init__(self, leak=0.0, output="both"):
        self.leak = leak
        self.output = output

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        timbre, frequency = np.moveaxis(X.mean(axis=1), 1, 0)
        shared = (1 - self.leak) * timbre + self.leak * frequency
        private = (1 - self.leak) * frequency + self.leak * timbre
        blocks = {"both": [private, shared], "private": [private], "shared": [shared]}
        return np.column_stack(blocks[self.output])

    def get_feature_names_out(self, input_features=None):
        names = ["private_0", "shared_0"]
        return {"both": names, "private": names[:1], "shared": names[1:]}[self.output]

    def score(self, X, y=None):
        return -self.leak


def in_pipeline(model):
    """Put a step before a model that has no effect, and names no columns."""
    return make_pipeline(FunctionTransformer(), model)


@pytest.fixture
def factors():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "timbre": rng.choice(["sine", "square"], N),
            "frequency_v0": rng.integers(0, 3, N),
            "frequency_v1": rng.integers(0, 3, N),
        },
        index=rng.permutation(N),
    )


@pytest.fixture
def X(factors):
    timbre = (factors["timbre"] == "sine").to_numpy(dtype=float)
    frequency = factors[["frequency_v0", "frequency_v1"]].to_numpy(dtype=float)
    noise = np.random.default_rng(1).normal(scale=0.01, size=(N, 2, 2))
    return noise + np.stack([np.repeat(timbre[:, None], 2, axis=1), frequency], axis=2)


def scorers(**options):
    """All named scorers, with a cheap probe."""
    found = {name: get_scorer(name) for name in get_scorer_names()}
    for scorer in found.values():
        known = {"probe": "knn", **options}
        scorer.set_params(**{k: v for k, v in known.items() if k in scorer.get_params()})
    return found


def probes():
    return {
        "timbre": make_probe_scorer("shared", "timbre", probe="knn"),
        "leak": make_probe_scorer("private", "timbre", probe="knn", greater_is_better=False),
    }


def test_blocks_that_hold_their_factors_alone_have_the_best_scores(X, factors):
    scores = {name: scorer(Blocks(), X, factors) for name, scorer in scorers().items()}
    assert all(type(score) is float for score in scores.values())
    assert scores["objective"] == 0
    assert scores["probe_informativeness"] == 1
    # A probe of noise is at chance: four deviations of 96 guesses among 2 and 3 classes.
    assert scores["neg_probe_leakage"] == pytest.approx(0, abs=0.3)
    assert scores["probe_gap"] == scores["probe_informativeness"] + scores["neg_probe_leakage"]
    assert scores["mutual_info_gap"] == pytest.approx((np.log(2) + np.log(3)) / 2, abs=0.15)


def test_exchanged_blocks_have_the_opposite_gaps(X, factors):
    for name, scorer in scorers().items():
        score = scorer(Blocks(leak=1), X, factors)
        expected = -1 if name == "objective" else -scorers()[name](Blocks(), X, factors)
        if name in ("objective", "probe_gap", "mutual_info_gap"):
            assert score == pytest.approx(expected)


def test_a_probe_scorer_reads_one_factor_from_one_block(X, factors):
    def score(block, factor):
        return make_probe_scorer(block, factor, probe="knn")(Blocks(), X, factors)

    assert score("shared", "timbre") == score("private", "frequency") == 1
    assert score("both", "timbre") > 0.95
    assert score("both", "frequency") > 0.95
    assert score("private", "timbre") < 0.75
    assert score("shared", "frequency") < 0.6
    leak = make_probe_scorer("private", "timbre", probe="knn", greater_is_better=False)
    assert leak(Blocks(), X, factors) == -score("private", "timbre")


def test_each_view_is_a_row_of_its_own(X, factors):
    rows = transform_views(Blocks(), X, factors, None)
    assert rows.features.shape == (2 * N, 2)
    np.testing.assert_array_equal(rows.features[3], X[1, 1][::-1])
    assert rows.groups.tolist() == np.repeat(np.arange(N), 2).tolist()
    assert rows.own == {"timbre": "shared", "frequency": "private"}
    assert rows.factors["frequency"][3] == factors["frequency_v1"].iloc[1]


def test_missing_views_are_no_rows(X, factors):
    X[5, 1] = np.nan
    rows = transform_views(Blocks(), X, factors, None)
    assert len(rows.features) == len(rows.factors) == 2 * N - 1
    assert scorers()["probe_gap"](Blocks(), X, factors) > 0.7


def test_only_the_factors_asked_for_are_looked_at(X, factors):
    more = factors.assign(take=np.arange(N), hz_v0=np.nan, constant="a")
    for name, scorer in scorers(factors=FACTORS).items():
        assert scorer(Blocks(), X, more) == scorers()[name](Blocks(), X, factors)
    probe = make_probe_scorer("shared", "timbre", probe="knn")
    assert probe(Blocks(), X, more) == probe(Blocks(), X, factors)


def test_a_score_repeats_and_another_seed_draws_another_split(X, factors):
    noisy = X + np.random.default_rng(2).normal(size=X.shape)
    for name in ("probe_gap", "neg_probe_leakage", "probe_informativeness"):
        first = scorers()[name](Blocks(), noisy, factors)
        assert first == scorers()[name](Blocks(), noisy, factors)
        assert first != scorers(random_state=1)[name](Blocks(), noisy, factors)


def test_an_estimator_of_a_table_of_features_is_given_two_axes(factors):
    X = (factors["timbre"] == "sine").to_numpy(dtype=float)[:, None]

    def two_axes(X):
        assert X.shape == (N, 1)
        return X

    model = FunctionTransformer(two_axes, feature_names_out=lambda *_: ["shared_0"]).fit(X)
    scorer = make_probe_scorer("shared", "timbre", probe="knn")
    assert scorer(model, X, factors[["timbre"]]) == 1


GRID = {"leak": [0.0, 0.45, 1.0]}


def test_a_search_takes_a_dict_of_them_and_refits_by_name(X, factors):
    scoring = {**scorers(), **probes()}
    search = GridSearchCV(Blocks(), GRID, scoring=scoring, refit="probe_gap", cv=3)
    search.fit(X, factors)
    assert search.best_params_ == {"leak": 0.0}
    for name in scoring:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()
    assert search.score(X, factors) == scoring["probe_gap"](search.best_estimator_, X, factors)


@pytest.mark.parametrize("cv", [3, KFold(3), FactorKFold(3, factor="timbre")])
@pytest.mark.parametrize("model", [Blocks(), in_pipeline(Blocks())], ids=["bare", "pipeline"])
def test_they_score_estimators_and_pipelines_in_any_folds(X, factors, cv, model):
    found = cross_validate(model, X, factors, cv=cv, scoring={**scorers(), **probes()})
    assert (found["test_timbre"] == 1).all()
    assert (found["test_probe_informativeness"] == 1).all()


def test_halving_search_and_learning_curve_take_them(X, factors):
    scorer = scorers()["probe_gap"]
    halving = HalvingGridSearchCV(
        Blocks(), GRID, scoring=scorer, cv=KFold(2), min_resources=50, random_state=0
    )
    assert halving.fit(X, factors).best_params_ == {"leak": 0.0}
    sizes, _, scores = learning_curve(
        Blocks(), X, factors, train_sizes=[0.5, 1.0], cv=3, scoring=scorer
    )
    assert sizes.tolist() == [40, 80]
    assert (scores > 0.5).all()


@pytest.mark.parametrize("name", [*get_scorer_names(), "leak"])
def test_a_pickle_and_a_clone_score_alike(X, factors, name):
    scorer = {**scorers(), **probes()}[name]
    for other in (pickle.loads(pickle.dumps(scorer)), clone(scorer)):
        assert repr(other) == repr(scorer)
        assert other(Blocks(0.3), X, factors) == scorer(Blocks(0.3), X, factors)


class NoWorkers(ThreadingBackend):
    """A cluster that refuses every job."""

    def effective_n_jobs(self, n_jobs):
        raise AssertionError("a scorer asked for workers")


@pytest.mark.parametrize("name", get_scorer_names())
def test_a_scorer_keeps_its_jobs_to_itself(X, factors, name):
    joblib.register_parallel_backend("no_workers", NoWorkers)
    with joblib.parallel_config("no_workers", n_jobs=2):
        with pytest.raises(AssertionError, match="asked for workers"):
            joblib.Parallel()([])
        assert np.isfinite(scorers()[name](Blocks(), X, factors))


def test_get_scorer_gives_each_caller_an_own_scorer():
    get_scorer("probe_gap").set_params(probe="linear")
    assert get_scorer("probe_gap").probe == "mlp"


def test_a_repr_says_what_is_scored():
    scorer = make_probe_scorer("private", "timbre", greater_is_better=False)
    assert repr(scorer) == (
        "ProbeScorer(block='private', factor='timbre', greater_is_better=False)"
    )
    assert repr(get_scorer("neg_probe_leakage")) == "ProbeGapScorer(measure='leakage')"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="timbre"), "factors has no 'timbre'; it has 'frequency'"),
        (lambda f: f[1:], "factors has 119 rows, but X has 120"),
        (lambda f: f.drop(columns="frequency_v1"), "'frequency_v0' and lacks 'frequency_v1'"),
        (lambda f: f.assign(timbre="sine"), r"factors\['timbre'\] has one class or value only"),
        (lambda f: f.assign(frequency_v0=1, frequency_v1=1), r"factors\['frequency'\] has one cl"),
        (lambda f: f.assign(timbre=None), r"factors\['timbre'\] has 240 missing values"),
        (lambda f: None, "no factors were given: pass a DataFrame as y, or as factors by"),
    ],
)
def test_bad_factors_are_named(X, factors, change, message):
    with pytest.raises(ValueError, match=message):
        scorers(factors=FACTORS)["probe_gap"](Blocks(), X, change(factors))


def test_labels_that_are_no_table_are_refused(X, factors):
    with pytest.raises(TypeError, match="the factors are a Series; pass a DataFrame"):
        get_scorer("probe_gap")(Blocks(), X, factors["timbre"])


def test_a_private_factor_is_asked_for_without_its_view(X, factors):
    with pytest.raises(
        ValueError, match=r"has no 'frequency_v0'; it has 'timbre', 'frequency': name"
    ):
        make_probe_scorer("private", "frequency_v0")(Blocks(), X, factors)


def test_a_fold_of_one_class_is_nan_with_a_warning_that_names_the_factor(X, factors):
    timbre = np.repeat(["a", "b", "c"], N // 3)  # so that no fold of three has two classes
    scoring = {"gap": scorers()["probe_gap"], "objective": get_scorer("objective")}
    with pytest.warns(UserWarning, match=r"factors\['timbre'\] has one class .*FactorKFold"):
        found = cross_validate(
            Blocks(), X, factors.assign(timbre=timbre), cv=KFold(3), scoring=scoring
        )
    assert np.isnan(found["test_gap"]).all()
    assert (found["test_objective"] == 0).all()


@pytest.mark.parametrize("name", ["probe_gap", "mutual_info_gap"])
def test_a_model_without_one_of_the_blocks_is_told_so(X, factors, name):
    with pytest.raises(ValueError, match=r"has no shared block among its columns \(private_0, .*"):
        scorers()[name](Blocks(output="private"), X, factors)
    probe = make_probe_scorer("private", "frequency", probe="knn")
    assert probe(Blocks(output="private"), X, factors) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: get_scorer("accuracy"), "name='accuracy' is unknown; pass one of 'cross_view"),
        (lambda: make_probe_scorer("all", "timbre"), "block='all' is unknown; pass one of 'pri"),
        (lambda: make_probe_scorer("both", "timbre", probe="svm"), "probe='svm' is unknown"),
        (lambda: make_probe_scorer("both", "timbre", greater_is_better=2), "better=2; pass True"),
    ],
)
def test_an_unknown_choice_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("request_it", [False, True])
def test_factors_are_routed_to_them(X, factors, request_it):
    scoring = {**scorers(), **probes()}
    if request_it:  # what is the default, in words
        for name in set(scoring) - {"cross_view", "objective"}:
            scoring[name].set_score_request(factors=True)
    search = GridSearchCV(
        in_pipeline(Blocks()),
        {"blocks__leak": GRID["leak"]},
        scoring=scoring,
        refit="probe_gap",
        cv=FactorKFold(3, factor="timbre"),
    )
    search.fit(X, factors=factors)
    assert search.best_params_ == {"blocks__leak": 0.0}
    score = search.score(X, factors=factors)
    assert score == scoring["probe_gap"](search.best_estimator_, X, factors)


@pytest.mark.usefixtures("routing")
def test_factors_are_routed_by_another_name_and_beside_a_y(X, factors):
    scorer = scorers()["probe_gap"].set_score_request(factors="table")
    y = np.zeros(N)
    found = cross_validate(Blocks(), X, y, cv=3, scoring=scorer, params={"table": factors})
    assert np.array_equal(
        found["test_score"],
        cross_validate(Blocks(), X, factors, cv=3, scoring=scorers()["probe_gap"])["test_score"],
    )
    _, _, scores = learning_curve(
        Blocks(), X, y, train_sizes=[1.0], cv=3, scoring=clone(scorer), params={"table": factors}
    )
    assert np.array_equal(scores[0], found["test_score"])
