"""How a fit warns, fails and is interrupted, and what it shows meanwhile."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from skorch.callbacks import Callback

import mvdisent
from mvdisent import MultiViewDisentangler
from mvdisent.nn import MLPEncoder
from mvdisent.objectives import MultiViewObjective
from mvdisent.persistence import load, save

# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_collapsed_block_warns_with_the_cure(few, quick):
    model = MultiViewDisentangler(**{**quick, "max_epochs": 20}, objective="marl", alpha=10.0)
    message = r"the (private|shared) block has collapsed.*lower decoder_std=1.0 or alpha=10.0"
    with pytest.warns(ConvergenceWarning, match=message) as record:
        model.fit(few)
    assert [warning.filename for warning in record] == [__file__] * 2
    assert (model.transform(few) == 0).all()


def spoil(monkeypatch, term, value, *, at_step):
    """Make one term of the loss non-finite at one step."""
    plain, steps = MultiViewObjective.terms, []

    def terms(self, *args, **kwargs):
        steps.append(None)
        good = plain(self, *args, **kwargs)
        return {**good, term: good[term] * value} if len(steps) == at_step else good

    monkeypatch.setattr(MultiViewObjective, "terms", terms)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("term", ["reconstruction", "private_tc", "shared_dwkl"])
def test_a_loss_that_is_not_finite_names_epoch_and_term(few, quick, monkeypatch, term, value):
    spoil(monkeypatch, term, value, at_step=3)
    model = MultiViewDisentangler(**{**quick, "batch_size": 75})  # two steps an epoch
    with pytest.raises(
        FloatingPointError, match=rf"epoch 2: {term} is -?{value}.*lower lr=0.01, or"
    ):
        model.fit(few)
    with pytest.raises(NotFittedError):
        model.transform(few)


@pytest.mark.parametrize("max_epochs", [1, 5])
def test_a_divergence_is_seen_even_in_the_last_step(few, small, max_epochs):
    settings = {**small, "lr": 1e30, "batch_size": 1000}  # one step an epoch
    with pytest.raises(FloatingPointError, match=r"epoch [12]: .* is (nan|inf)"):
        MultiViewDisentangler(**settings, max_epochs=max_epochs).fit(few)


DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


class HalfEncoder(MLPEncoder):
    """Works in bfloat16, as far as autocast lets it."""

    def forward(self, x):
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            return super().forward(x).float()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("more", [{}, {"encoder": HalfEncoder}], ids=["float32", "bfloat16"])
def test_fits_on_any_device_and_in_bfloat16_have_the_same_guard(few, small, device, more):
    params = {**small, **more, "device": device, "max_epochs": 2}
    model = MultiViewDisentangler(**params).fit(few)
    assert np.isfinite(model.transform(few)).all()
    with pytest.raises(FloatingPointError, match=r"epoch 1: \w+ is .*diverged"):
        model.set_params(lr=1e30).fit(few)


def test_the_cause_is_an_outlier_where_there_is_one(few, quick):
    model = MultiViewDisentangler(**quick).partial_fit(few)  # which learns the scale
    odd = few.copy()
    odd[7, 1, 3] = 1e25
    message = r"epoch 2: .* is (inf|nan); .*: a value of X lies \d\.\d+e\+24 standard dev.*: clip X"
    with pytest.raises(FloatingPointError, match=message):
        model.partial_fit(odd)


def test_the_cause_is_not_lr_in_the_first_step(few, quick, monkeypatch):
    spoil(monkeypatch, "shared_mi", torch.inf, at_step=1)
    message = "this was the first step, so it is not lr: lower the weights alpha=1.0, beta=2.0 and"
    with pytest.raises(FloatingPointError, match=f"epoch 1: shared_mi .*{message}"):
        MultiViewDisentangler(**quick, beta=2.0).fit(few)


def test_a_refit_that_fails_leaves_no_mixture_of_two_models(few, small):
    model = MultiViewDisentangler(**small).fit(few)
    with pytest.raises(FloatingPointError):
        model.set_params(lr=1e30).fit(few)
    with pytest.raises(NotFittedError):
        model.transform(few)


class PressCtrlC(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_end(self, net, **kwargs):
        if len(net.epochs_) == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_transform"])
def test_ctrl_c_is_passed_on_and_leaves_what_was_trained_so_far(few, quick, method):
    model = MultiViewDisentangler(**quick, net_params={"callbacks": [PressCtrlC(0)]})
    with pytest.raises(KeyboardInterrupt):
        getattr(model, method)(few)
    assert (model.n_epochs_done_, len(model.history_)) == (0, 0)
    weights = model._net.get_state()["module"]
    untrained = MultiViewDisentangler(**{**quick, "lr": 1e-30}).fit(few)._net.get_state()["module"]
    assert not np.array_equal(
        weights["encoder.layers.0.weight"], untrained["encoder.layers.0.weight"]
    )
    assert np.isfinite(model.encode(few, code="mean")[0]).all()


def test_ctrl_c_in_a_fit_replaces_an_earlier_one(few, quick):
    model = MultiViewDisentangler(**{**quick, "max_epochs": 4}).fit(few)
    earlier = model.encode(few, code="mean")[0]
    with pytest.raises(KeyboardInterrupt):
        model.set_params(net_params={"callbacks": [PressCtrlC(1)]}).fit(few)
    assert (model.n_epochs_done_, len(model.history_)) == (1, 1)
    assert not np.array_equal(model.encode(few, code="mean")[0], earlier)
    alone = MultiViewDisentangler(**{**quick, "max_epochs": 1}).fit(few)
    assert model.history_.equals(alone.history_)


def test_ctrl_c_before_the_first_step_leaves_nothing(few, quick, monkeypatch):
    def press(*args):
        raise KeyboardInterrupt

    model = MultiViewDisentangler(**quick).fit(few)
    monkeypatch.setattr("mvdisent._checks.measure_scale", press)
    with pytest.raises(KeyboardInterrupt):
        model.fit(few)
    with pytest.raises(NotFittedError):
        model.transform(few)


def test_ctrl_c_in_a_warm_fit_leaves_a_model_that_goes_on(few, quick):
    model = MultiViewDisentangler(
        **quick, warm_start=True, net_params={"callbacks": [PressCtrlC(3)]}
    ).fit(few)
    with pytest.raises(KeyboardInterrupt):
        model.fit(few)
    assert np.isfinite(model.transform(few)).all()
    assert model.n_epochs_done_ == len(model.history_) == 3
    assert model.set_params(net_params=None).fit(few).n_epochs_ == 5  # 2, 1 of 2, 2


def test_a_model_interrupted_in_its_first_epoch_is_saved_and_goes_on(few, quick, tmp_path):
    networks = {name: quick[name] for name in ("encoder", "decoder")}
    model = MultiViewDisentangler(**quick, net_params={"callbacks": [PressCtrlC(0)]})
    with pytest.raises(KeyboardInterrupt):
        model.fit(few)
    save(model.set_params(net_params=None), tmp_path / "model")
    loaded = load(tmp_path / "model", **networks)
    np.testing.assert_array_equal(loaded.transform(few), model.transform(few))
    assert loaded.partial_fit(few).history_.equals(model.partial_fit(few).history_)


ROOT = Path(mvdisent.__file__).parents[1]
INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np, torch
torch.set_num_threads(1)
from skorch.callbacks import Callback
import mvdisent
from mvdisent import MultiViewDisentangler
class Say(Callback):
    def on_batch_end(self, net, **kwargs):
        if len(net.epochs_) == 1 and net._n_steps == 3:
            print("training", flush=True)
X = np.random.default_rng(0).normal(size=(500, 2, 30)).astype(np.float32)
model = MultiViewDisentangler(max_epochs=10**6, batch_size=10, net_params={"callbacks": [Say()]})
try:
    model.fit(X)
except KeyboardInterrupt:
    print(model.n_epochs_done_ >= 1, model.n_epochs_done_ == len(model.history_))
    print(np.isfinite(model.transform(X)).all())
"""


def test_a_real_sigint_leaves_a_model_that_works():
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        assert child.stdout.readline() == "training\n"
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=60)[0].split() == ["True"] * 3
    assert child.returncode == 0


def test_the_progress_bar_shows_epochs_and_terms(few, quick, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")  # it is cut to the width of the terminal
    monkeypatch.setenv("LINES", "40")
    MultiViewDisentangler(**quick, verbose=1).fit(few)
    out, err = capsys.readouterr()
    assert "2/2" in err
    assert "shared_mi=" in err
    assert out == ""


def test_nothing_is_shown_by_default(few, quick, capsys):
    MultiViewDisentangler(**quick).fit(few)
    assert capsys.readouterr() == ("", "")


BAD = [
    *((name, value) for name in ("n_private", "n_shared", "max_epochs") for value in (0, 1.5, "8")),
    *(
        (name, value)
        for name in ("alpha", "beta", "gamma", "delta", "warmup_epochs")
        for value in (-1.0, np.nan, np.inf, None)
    ),
    *((name, value) for name in ("decoder_std", "lr") for value in (0.0, -1.0, np.nan, np.inf)),
    *(("max_grad_norm", value) for value in (0.0, -1.0, np.nan, np.inf, "1")),
    *(("validation_fraction", value) for value in (0.0, 1.0, np.nan, 3)),
    *(("n_iter_no_change", value) for value in (0, 1.5)),
    *((name, value) for name in ("tol", "checkpoint_every") for value in (-1.0, np.inf, None)),
    ("early_stopping", "yes"),
    ("checkpoint", 3),
    *(("batch_size", value) for value in (2, 2.5)),
    ("kl_estimator", "exact"),
    ("objective", "elbo"),
    ("encoder", "lstm"),
    ("decoder", None),
    ("output", "all"),
    ("view_output", "sum"),
    ("device", 0),
    ("random_state", "seed"),
    ("warm_start", "yes"),
    ("verbose", "loud"),
    ("net_params", [("lr", 1)]),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_parameter_is_named(few, name, value):
    given = re.escape(repr(value))
    message = rf"The '{name}' parameter of MultiViewDisentangler must be.* Got {given} instead"
    with pytest.raises(ValueError, match=message):
        MultiViewDisentangler(**{name: value}).fit(few)
