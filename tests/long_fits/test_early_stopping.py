"""What is held out, when a fit stops, and which weights it keeps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mvdisent import MultiViewDisentangler
from mvdisent._net import MultiViewNet
from mvdisent._stopping import EarlyStopping, hold_out
from mvdisent.metrics import get_scorer
from mvdisent.persistence import load, save

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning"
)


@pytest.fixture
def make(small):
    """Return a function that makes a model which overfits: few rows, many epochs."""

    def make_model(**params):
        return MultiViewDisentangler(
            **{
                **small,
                "early_stopping": True,
                "validation_fraction": 0.3,
                "n_iter_no_change": 4,
                "max_epochs": 40,
                "batch_size": 32,
                **params,
            }
        )

    return make_model


@pytest.fixture
def held_out(monkeypatch):
    """Give the rows that each fit holds out, as they are held out."""
    found = []

    def spy(*args, **kwargs):
        found.append(hold_out(*args, **kwargs))
        return found[-1]

    monkeypatch.setattr("mvdisent._training.hold_out", spy)
    return found


def test_the_held_out_loss_is_minus_the_score_of_the_held_out_rows(make, few, held_out):
    model = make().fit(few)
    rows = held_out[0][1]
    best = model.history_["validation_loss"].min()
    assert_allclose(-model.score(few[rows]), best, rtol=1e-6)
    assert model.best_epoch_ == model.history_["validation_loss"].argmin() + 1


def test_no_step_sees_a_held_out_row(make, few, held_out):
    """The held-out rows in another order, of the same mean, spread and axes, change no weight."""
    model = make(max_epochs=1).fit(few)
    other = few.copy()
    rows = held_out[0][1]
    other[rows] = few[rows][::-1]
    again = make(max_epochs=1).fit(other)
    assert_allclose(
        again._net.module_.encoder.layers[0].weight.detach().numpy(),
        model._net.module_.encoder.layers[0].weight.detach().numpy(),
        atol=1e-5,  # of the axes, which are found by other roundings
    )
    seen = few.copy()
    seen[held_out[0][0]] = few[held_out[0][0]][::-1]
    assert not np.array_equal(make(max_epochs=1).fit(seen).transform(few), model.transform(few))


def test_it_stops_after_so_many_epochs_that_are_no_better(make, few):
    model = make(lr=0.05, batch_size=16, n_private=8, tol=0.5).fit(few[:60])
    losses = model.history_["validation_loss"].to_numpy()
    assert model.n_epochs_ == model.n_epochs_done_ == len(losses) < 40
    # An epoch is better that falls below all before it by tol.
    better = [i for i in range(len(losses)) if losses[i] < min([np.inf, *losses[:i]]) - 0.5]
    assert len(losses) - 1 - better[-1] == 4
    assert all(later - earlier <= 4 for earlier, later in pairwise(better))


def test_the_weights_are_those_of_the_best_epoch(make, few):
    model = make(lr=0.05, batch_size=16, tol=0.0).fit(few[:60])
    assert model.best_epoch_ < model.n_epochs_
    short = make(lr=0.05, batch_size=16, tol=0.0, max_epochs=model.best_epoch_).fit(few[:60])
    assert short.best_epoch_ == model.best_epoch_
    assert_array_equal(short.transform(few), model.transform(few))


def test_measuring_moves_no_generator_of_the_training(make, few, monkeypatch):
    """A fit whose held-out loss is not computed has the same steps."""
    model = make(max_epochs=3).fit(few)
    monkeypatch.setattr(EarlyStopping, "measure", lambda self: -float(len(self.net.epochs_)))
    monkeypatch.setattr(EarlyStopping, "restore_best", lambda self: 3)
    other = make(max_epochs=3).fit(few)
    terms = model.history_.columns.drop("validation_loss")
    assert model.history_[terms].equals(other.history_[terms])


@pytest.mark.parametrize("labels", ["int", "str", "Series", "mixed"])
def test_groups_stay_whole(make, few, held_out, labels):
    numbers = np.arange(150) // 5
    groups = {
        "int": numbers,
        "str": [f"recording {i}" for i in numbers],
        "Series": pd.Series(numbers * 1.5),
        "mixed": [i if i % 2 else str(i) for i in numbers],
    }[labels]
    make(max_epochs=1).fit(few, groups=groups)
    train, held = held_out[0]
    assert_array_equal(np.sort([*train, *held]), np.arange(150))
    assert not set(numbers[train]) & set(numbers[held])
    assert len(set(numbers[held])) == 9  # 0.3 of 30


def test_groups_are_routed_through_a_pipeline_and_a_search(make, few, held_out):
    groups = np.arange(150) // 5
    with config_context(enable_metadata_routing=True):
        model = make(max_epochs=1).set_fit_request(groups=True)
        pipeline = make_pipeline(FunctionTransformer(), model)
        pipeline.fit(few, groups=groups)
        search = GridSearchCV(
            pipeline,
            {"multiviewdisentangler__gamma": [0.5, 1.0]},
            cv=GroupKFold(2),
            scoring=get_scorer("objective"),
        )
        search.fit(few, groups=groups)
        assert pipeline.fit_transform(few, groups=groups).shape == (150, 10)
    train, held = held_out[0]
    assert not set(groups[train]) & set(groups[held])
    assert len(held_out) == 1 + 4 + 1 + 1
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("n_rows", "params", "groups", "message"),
    [
        (150, {}, np.zeros(150), "validation_fraction=0.3 of 1 groups of 150 rows leaves fewer"),
        (150, {}, np.zeros(149), "groups has 149 rows, but X has 150: pass one row a sample"),
        (150, {}, np.zeros((150, 2)), r"groups has shape \(150, 2\); pass \(n_samples,\), one"),
        (150, {}, [None, *range(149)], "groups has 1 missing values, first in row 0"),
        (2, {}, None, "validation_fraction=0.3 of 2 rows leaves fewer than 2 rows to train on"),
        (9, {"validation_fraction": 0.9}, None, "validation_fraction=0.9 of 9 rows leaves"),
    ],
)
def test_what_cannot_be_held_out_is_told(make, few, n_rows, params, groups, message):
    with pytest.raises(ValueError, match=message):
        make(**params).fit(few[:n_rows], groups=groups)


def test_a_held_out_loss_that_is_not_finite_is_named(make, few, monkeypatch):
    monkeypatch.setattr("mvdisent._stopping.mean_loss", lambda *args: np.inf)
    with pytest.raises(FloatingPointError, match="epoch 1: validation_loss is inf"):
        make().fit(few)


def test_without_early_stopping_there_is_nothing_of_it(make, few):
    model = make(max_epochs=2).fit(few)
    model.set_params(early_stopping=False).fit(few, groups=np.arange(150))
    assert "validation_loss" not in model.history_
    assert not hasattr(model, "best_epoch_")


def test_a_model_that_stopped_early_is_saved_and_goes_on(make, few, tmp_path, small):
    networks = {name: small[name] for name in ("encoder", "decoder")}
    model = make(max_epochs=3).fit(few)
    save(model, tmp_path / "model")
    loaded = load(tmp_path / "model", **networks)
    assert loaded.best_epoch_ == model.best_epoch_
    assert loaded.history_.equals(model.history_)
    for one in (model, loaded):
        one.partial_fit(few)
    assert not hasattr(loaded, "best_epoch_")
    assert np.isnan(loaded.history_["validation_loss"].iloc[-1])
    save(loaded, tmp_path / "model")
    again = load(tmp_path / "model", **networks)
    assert again.history_.equals(model.history_)
    assert_array_equal(again.transform(few), model.transform(few))


def test_a_warm_fit_has_a_best_epoch_of_its_own(make, few):
    model = make(max_epochs=2, warm_start=True).fit(few)
    model.fit(few)
    losses = model.history_["validation_loss"]
    assert len(losses) == 4
    assert model.best_epoch_ == losses[2:].argmin() + 3


def test_a_clone_and_the_steps_of_a_net_know_nothing_of_it(make, few):
    model = make(max_epochs=1).fit(few)
    assert not hasattr(clone(model), "best_epoch_")
    assert isinstance(model._net, MultiViewNet)
    assert model._net._stopping is None
