"""Searches of the real model: workers, memory, candidates that fail."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline

from mvdisent import MultiViewDisentangler
from mvdisent.audio import LogMel
from mvdisent.datasets import make_tone_views
from mvdisent.metrics import get_scorer, get_scorer_names, make_probe_scorer
from mvdisent.model_selection import FactorKFold, ablation_grid

# One epoch of a few rows teaches no block, which fit warns of.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N, FACTORS = 48, ["timbre", "frequency"]
CALLS: list[str] = []


class CountedLogMel(LogMel):
    """Log-mel that tells how often it was computed, and for what."""

    def fit_transform(self, X, y=None):
        CALLS.append("train")
        return self.fit(X)._spectra(X)

    def transform(self, X):
        CALLS.append("held out")
        return self._spectra(X)

    def _spectra(self, X):
        return super().transform(X)


@pytest.fixture(scope="module")
def tones():
    X, factors = make_tone_views(N, duration=0.02, n_frequency_classes=3, random_state=0)
    return X, factors[["timbre", "frequency_v0", "frequency_v1"]]


@pytest.fixture(scope="module")
def spectra(tones):
    return LogMel(16000, n_fft=128, hop_length=64, n_mels=8).fit_transform(tones[0])


def model(**options):
    settings = {"max_epochs": 1, "decoder_std": 0.1, "random_state": 0}
    return MultiViewDisentangler(2, 2, **{**settings, **options})


def scoring():
    found = {name: get_scorer(name) for name in get_scorer_names()}
    for name in ("probe_gap", "neg_probe_leakage", "probe_informativeness"):
        found[name].set_params(probe="knn")
    found["timbre"] = make_probe_scorer("shared", "timbre", probe="linear")
    return found


def results(search):
    table = pd.DataFrame(search.cv_results_)
    return table.filter(regex="^(split|mean|std)._test|^(split|mean|std)\\d*_test|^param")


def test_two_workers_give_the_scores_of_one(spectra, tones):
    def search(n_jobs):
        found = GridSearchCV(
            model(),
            ablation_grid(alpha=[0], beta=[0, 1], gamma=[0.5]),
            scoring=scoring(),
            refit="probe_gap",
            cv=FactorKFold(2, factor="timbre"),
            n_jobs=n_jobs,
            error_score="raise",
        )
        return found.fit(spectra, tones[1])

    one, two = search(1), search(2)
    pd.testing.assert_frame_equal(results(one), results(two), check_exact=True)
    assert len(results(one)) == 3
    np.testing.assert_array_equal(one.transform(spectra), two.transform(spectra))


def test_the_best_model_is_a_normal_fitted_estimator(spectra, tones):
    search = GridSearchCV(
        model(), {"gamma": [0.1, 1]}, scoring=scoring(), refit="mutual_info_gap", cv=2
    ).fit(spectra, tones[1])
    best = pickle.loads(pickle.dumps(search)).best_estimator_
    alone = model(**search.best_params_).fit(spectra)
    np.testing.assert_array_equal(best.transform(spectra), alone.transform(spectra))
    assert scoring()["objective"](best, spectra) == alone.score(spectra)


@pytest.mark.parametrize("remembered", [False, True])
def test_memory_keeps_the_spectra_of_the_training_rows_alone(tones, tmp_path, remembered):
    X, factors = tones
    CALLS.clear()
    log_mel = CountedLogMel(16000, n_fft=128, hop_length=64, n_mels=8)
    memory = joblib.Memory(tmp_path, verbose=0) if remembered else None
    pipeline = make_pipeline(log_mel, model(), memory=memory)
    grid = ablation_grid(alpha=[0], beta=[0], prefix="multiviewdisentangler__")
    search = GridSearchCV(pipeline, grid, scoring=scoring(), refit="probe_gap", cv=3)
    search.fit(X, factors)
    n_candidates, n_folds = len(search.cv_results_["params"]), 3
    assert n_candidates == 4
    # One more for the refit. Pipeline keeps no held-out rows: each scorer asks anew.
    assert CALLS.count("train") == (1 if remembered else n_candidates) * n_folds + 1
    assert CALLS.count("held out") == n_candidates * n_folds * len(scoring())


def test_spectra_made_before_the_search_give_the_same_scores(tones, spectra):
    X, factors = tones
    log_mel = LogMel(16000, n_fft=128, hop_length=64, n_mels=8)
    options = {"cv": FactorKFold(2, factor="timbre"), "scoring": scoring()}
    inside = cross_validate(make_pipeline(log_mel, model()), X, factors, **options)
    before = cross_validate(model(), spectra, factors, **options)
    for name in scoring():
        np.testing.assert_array_equal(inside[f"test_{name}"], before[f"test_{name}"])


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite:UserWarning")
def test_a_candidate_that_diverges_is_nan_and_the_search_goes_on(spectra, tones):
    search = GridSearchCV(
        model(), {"lr": [1e30, 1e-3]}, scoring=scoring(), refit="probe_gap", cv=KFold(2)
    )
    with pytest.warns(FitFailedWarning, match=r"(?s)2 fits failed out of a total of 4.*FloatingPo"):
        search.fit(spectra, tones[1])
    assert search.best_params_ == {"lr": 1e-3}
    for name in scoring():
        scores = search.cv_results_[f"mean_test_{name}"]
        assert np.isnan(scores[0])
        assert np.isfinite(scores[1])


def test_a_study_gives_up_a_model_that_learns_nothing_and_keeps_that_of_a_plain_fit(spectra):
    train, held_out, n_epochs = spectra[:32], spectra[32:], 4

    def judge(trial):
        estimator = model(lr=trial.suggest_categorical("lr", [1e-9, 1e-3]))
        for epoch in range(n_epochs):
            score = estimator.partial_fit(train).score(held_out)
            trial.report(score, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return score

    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=1)
    )
    for lr in (1e-3, 1e-9):
        study.enqueue_trial({"lr": lr})
    study.optimize(judge, n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED"]
    best = model(max_epochs=n_epochs, **study.best_params).fit(train)
    assert study.best_value == best.score(held_out)


@pytest.mark.parametrize("cv", [2, KFold(2, shuffle=True, random_state=0)])
def test_factors_as_y_and_routed_factors_score_alike(tones, spectra, cv):
    _, factors = tones
    by_y = cross_validate(model(), spectra, factors, cv=cv, scoring=scoring())
    with config_context(enable_metadata_routing=True):
        routed = cross_validate(
            model(), spectra, cv=cv, scoring=scoring(), params={"factors": factors}
        )
    for name in scoring():
        np.testing.assert_array_equal(by_y[f"test_{name}"], routed[f"test_{name}"])


def test_concatenated_views_have_no_single_view_and_an_error_names_the_cure(spectra, tones):
    fitted = model(view_output="concat").fit(spectra)
    with pytest.raises(ValueError, match="needs as many: pass view_output='mean'"):
        scoring()["probe_gap"](fitted, spectra, tones[1])
