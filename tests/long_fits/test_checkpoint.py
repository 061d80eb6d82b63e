"""What a checkpoint holds, whose it is, and where it can be written."""

from __future__ import annotations

import re
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, LRScheduler

from mvdisent._checkpoint import Checkpoint
from mvdisent._net import MultiViewNet
from mvdisent.nn import MLPEncoder

from ._same import assert_same

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class PressCtrlC(Callback):
    """Interrupt the next fit after so many steps."""

    after: int | None = None

    def on_batch_end(self, net, **kwargs):
        if PressCtrlC.after is not None:
            PressCtrlC.after -= 1
            if PressCtrlC.after == 0:
                PressCtrlC.after = None
                raise KeyboardInterrupt


def interrupt(model, X, after, **fit_params):
    PressCtrlC.after = after
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, **fit_params)


CASES = {
    "marl": {"objective": "marl"},
    "swap": {"objective": "swap"},
    "transport": {"objective": "transport", "warmup_epochs": 1},
    "conv": {"encoder": "conv", "decoder": "conv"},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "sgd": {"net_params": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9}, "lr": 1e-5},
    "nadam": {"net_params": {"optimizer": torch.optim.NAdam}},
    "float64": {},
}


@pytest.mark.parametrize("after", [1, 3, 5])
@pytest.mark.parametrize("case", CASES)
def test_an_interrupted_fit_goes_on_as_if_it_never_was(make, few, case, after):
    X = few.copy() if case != "float64" else few.astype(float)
    X[::5, 1] = np.nan
    params = {**CASES[case]}
    params["net_params"] = {**params.get("net_params", {}), "callbacks": [PressCtrlC()]}
    interrupt(make(**params), X, after)
    resumed = make(**params).fit(X)
    assert_same(resumed, make(**params, checkpoint=None).fit(X), X)


def test_without_a_seed_the_checkpoint_has_it(make, few, monkeypatch):
    params = {"random_state": None, "net_params": {"callbacks": [PressCtrlC()]}}
    interrupt(make(**params), few, 4)
    resumed = make(**params).fit(few)
    monkeypatch.setattr("mvdisent._training.draw_seeds", lambda random_state: resumed._seeds)
    assert_same(resumed, make(**params, checkpoint=None).fit(few), few)


def test_a_random_state_is_told_by_what_it_draws_and_moves_on(make, few):
    states = [np.random.RandomState(0) for _ in range(3)]
    params = {"net_params": {"callbacks": [PressCtrlC()]}}
    interrupt(make(**params, random_state=states[0]), few, 4)
    resumed = make(**params, random_state=states[1]).fit(few)
    assert_same(resumed, make(**params, random_state=states[2], checkpoint=None).fit(few), few)
    assert states[1].randint(2**31) == states[2].randint(2**31)
    with pytest.raises(ValueError, match="is of a fit with random_state=a RandomState that drew"):
        make(**params, random_state=states[1]).fit(few)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_finished_checkpoint_gives_the_model_without_a_step(
    make, few, monkeypatch, early_stopping
):
    model = make(early_stopping=early_stopping).fit(few)
    before = model.checkpoint.read_bytes()
    monkeypatch.setattr(MultiViewNet, "train_step", None)
    assert_same(make(early_stopping=early_stopping).fit(few), model, few)
    assert model.checkpoint.stat().st_size == len(before)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_more_epochs_go_on_from_a_finished_checkpoint(make, few, early_stopping):
    make(early_stopping=early_stopping).fit(few)
    longer = make(early_stopping=early_stopping, max_epochs=6).fit(few)
    whole = make(early_stopping=early_stopping, max_epochs=6, checkpoint=None).fit(few)
    assert_same(longer, whole, few)


def test_what_does_not_change_the_training_may_differ(make, few, path):
    params = {"output": "shared", "view_output": "concat", "checkpoint_every": 9}
    assert make(**params, gamma=1).fit(few).n_epochs_ == 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"lr": 0.02}, "is of a fit with lr=0.01, not lr=0.02: set it back, delete the file"),
        ({"random_state": 2}, "with random_state=1, not random_state=2"),
        ({"random_state": None}, "with random_state=1, not random_state=None"),
        ({"objective": "swap"}, "with objective='transport', not objective='swap'"),
        ({"encoder": "mlp"}, "with encoder=mvdisent.nn._encoders.MLPEncoder with"),
        ({"early_stopping": True, "tol": 1}, "early_stopping=False, tol=0.0001, not early_stopp"),
        ({"net_params": {"optimizer": torch.optim.SGD}}, "not net_params={optimizer: torch.opt"),
        ({"max_epochs": 2}, "holds 3 epochs and 0 steps, more than max_epochs=2: raise max_ep"),
    ],
)
def test_a_checkpoint_of_other_parameters_is_refused_by_their_name(
    make, few, path, params, message
):
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"checkpoint='.*checkpoint' .*{re.escape(message)}"):
        make(**params).fit(few)
    assert path.read_bytes() == before


def change(X, where, by):
    X = X.copy()
    X[where] += by
    return X


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (lambda X: X[:-1], r"another X: shape was \[150, 2, 12\], and is \[149, 2, 12\]. Pass"),
        (lambda X: X.astype(float), "another X: dtype was 'float32', and is 'float64'"),
        (lambda X: change(X, (77, 1, 3), 1e-3), "another X: mean was"),
        (lambda X: X[::-1], "another X: hash of 256 rows was"),
        (lambda X: change(X, (3, 1), np.nan), "another X: number of missing views was 0"),
    ],
)
def test_a_checkpoint_of_another_x_is_refused(make, few, path, alter, message):
    with pytest.raises(ValueError, match=message):
        make().fit(alter(few))


def test_a_checkpoint_of_other_groups_is_refused(make, few):
    model = make(early_stopping=True).fit(few, groups=np.arange(150) // 5)
    with pytest.raises(ValueError, match="another groups: groups was"):
        clone(model).fit(few, groups=np.arange(150) // 3)
    names = [f"recording {i // 5}" for i in range(150)]
    assert_same(clone(model).fit(few, groups=names), model, few)  # the same groups by name


def test_weights_of_other_networks_are_refused(make, few, path):
    def encoder(view_shape, n_outputs, hidden=32):
        return MLPEncoder(view_shape, n_outputs, hidden=(hidden,))

    path.unlink()
    make(encoder=encoder).fit(few)
    encoder.__defaults__ = (16,)
    with pytest.raises(ValueError, match="holds weights of other networks: set it back, delete"):
        make(encoder=encoder).fit(few)


class OtherFit(Callback):
    """Let another fit write the same checkpoint meanwhile."""

    def __init__(self, fit):
        self.fit = fit

    def on_batch_end(self, net, **kwargs):
        fit, self.fit = self.fit, None
        if fit:
            fit()


def test_two_fits_at_once_do_not_share_a_checkpoint(make, few, path):
    def fit_other():
        path.unlink()
        make(gamma=0.5).fit(few)

    model = make(max_epochs=5, net_params={"callbacks": [OtherFit(fit_other)]})
    path.unlink()
    with pytest.raises(ValueError, match="was written by another fit meanwhile: give each fit a"):
        model.fit(few)
    assert make(gamma=0.5).fit(few).n_epochs_ == 3  # that of the other is whole


def test_candidates_of_a_search_do_not_share_a_checkpoint(make, few):
    search = GridSearchCV(make(), {"gamma": [0.5, 1.0]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match=r"another X: .*a search shares one among its folds"):
        search.fit(few)


def test_the_time_between_two_writes_is_kept(make, few, monkeypatch):
    writes, now = [], [0.0]
    plain = Checkpoint.write
    monkeypatch.setattr(Checkpoint, "write", lambda self: writes.append(now[0]) or plain(self))

    def tick():
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr("mvdisent._checkpoint.time.monotonic", tick)
    # Looked at after each of 3 steps an epoch, but the last, and after each epoch.
    make(checkpoint_every=1000, max_epochs=4).fit(few)
    assert len(writes) == 2  # the first and the last
    writes.clear()
    make(checkpoint_every=5, max_epochs=12).fit(few)
    assert all(later - earlier >= 5 for earlier, later in pairwise(writes[:-1]))
    assert len(writes) > 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"warm_start": True}, "checkpoint=.* does not go with warm_start=True: set warm_start"),
        ({"checkpoint": "a\0b"}, r"checkpoint='a\\x00b'; pass a str or a pathlib.Path"),
        (
            {"net_params": {"callbacks": [LRScheduler()]}},
            "the callback LRScheduler, whose state no checkpoint holds: leave it out",
        ),
        ({"net_params": {"iterator_train": list}}, "'iterator_train', whose place in an epoch"),
    ],
)
def test_what_cannot_be_resumed_is_refused(make, few, params, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make(**params).fit(few)


def test_partial_fit_leaves_alone_what_is_of_fit(make, few, path):
    before = path.read_bytes()
    plain = make(checkpoint=None).partial_fit(few).partial_fit(few)
    assert_same(make(early_stopping=True).partial_fit(few).partial_fit(few), plain, few)
    assert path.read_bytes() == before


def test_the_text_of_a_factory_holds_no_address(make, few, path):
    assert b" at 0x" not in path.read_bytes()
    make(encoder=partial(MLPEncoder, hidden=(32,))).fit(few)  # another object, the same factory
