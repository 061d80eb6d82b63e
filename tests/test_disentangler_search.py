"""MultiViewDisentangler in pipelines, splitters and searches."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mvdisent import MultiViewDisentangler

# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def pipeline(quick):
    """Spectra of 12 bands and one frame."""
    add_axis = FunctionTransformer(np.expand_dims, kw_args={"axis": -1})
    return make_pipeline(add_axis, MultiViewDisentangler(**quick))


def test_a_search_over_weights_gives_the_scores_of_single_fits(pipeline, train, quick):
    gammas, splitter = [0.1, 3.0], KFold(2, shuffle=True, random_state=0)
    search = GridSearchCV(
        pipeline, {"multiviewdisentangler__gamma": gammas}, cv=splitter, n_jobs=2
    ).fit(train.X, train.factors)
    for i, gamma in enumerate(gammas):
        for fold, (fit, held_out) in enumerate(splitter.split(train.X)):
            model = MultiViewDisentangler(**quick, gamma=gamma).fit(train.X[fit][..., None])
            expected = model.score(train.X[held_out][..., None])
            assert search.cv_results_[f"split{fold}_test_score"][i] == pytest.approx(expected)
    assert search.transform(train.X).shape == (700, 10)
    assert search.best_estimator_[-1].history_.notna().all(axis=None)


def test_a_search_over_the_networks_and_the_blocks(few, quick):
    grid = {"encoder": ["mlp", "conv"], "output": ["private", "shared"]}
    search = GridSearchCV(MultiViewDisentangler(**quick), grid, cv=2).fit(few)
    # The blocks that transform returns do not enter the objective.
    scores = search.cv_results_["mean_test_score"].reshape(2, 2)
    assert_array_equal(scores[:, 0], scores[:, 1])


def test_a_candidate_that_diverges_scores_nan_and_the_search_goes_on(few, quick):
    search = GridSearchCV(MultiViewDisentangler(**quick), {"lr": [1e30, 1e-3]}, cv=2)
    with (
        pytest.warns(UserWarning, match="test scores are non-finite"),
        pytest.warns(FitFailedWarning, match="FloatingPointError: epoch 1"),
    ):
        search.fit(few)
    assert_array_equal(np.isnan(search.cv_results_["mean_test_score"]), [True, False])
    assert search.best_params_ == {"lr": 1e-3}


def test_a_memmap_is_split_into_folds(few, quick, tmp_path):
    np.save(tmp_path / "X.npy", few)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = MultiViewDisentangler(**quick)
    assert_array_equal(cross_val_score(model, X, cv=3), cross_val_score(model, few, cv=3))


def test_features_feed_a_classifier(fitted, train, unseen):
    """The whole model inside a pipeline, scored by the factor that is shared."""
    model = MultiViewDisentangler(**fitted.get_params()).set_params(output="shared")
    classifier = make_pipeline(model, StandardScaler(), LogisticRegression(max_iter=1000))
    shape = train.factors["shape"]
    classifier.fit(train.X, shape)
    assert classifier.score(unseen.X, unseen.factors["shape"]) > 0.95  # chance: 0.25


def test_stratified_folds_need_one_factor(few, train, quick):
    shape = train.factors["shape"][:150]
    scores = cross_val_score(MultiViewDisentangler(**quick), few, shape, cv=StratifiedKFold(2))
    assert np.isfinite(scores).all()
