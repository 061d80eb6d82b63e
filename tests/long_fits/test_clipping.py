"""A gradient is scaled down where it is too large, and left alone elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from skorch.callbacks import Callback

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class SeeGradient(Callback):
    """Note the gradient's norm before it is clipped, and what the optimizer was given."""

    before: list[float] = []  # noqa: RUF012
    after: list[float] = []  # noqa: RUF012

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.before.append(norm(weight.grad for _, weight in named_parameters))

    def on_batch_end(self, net, **kwargs):
        self.after.append(norm(weight.grad for weight in net.module_.parameters()))


def norm(grads):
    return float(torch.cat([grad.flatten() for grad in grads]).double().norm())


@pytest.fixture
def norms():
    SeeGradient.before, SeeGradient.after = [], []
    return SeeGradient


def fit(X, **params):
    return MultiViewDisentangler(**params, net_params={"callbacks": [SeeGradient]}).fit(X)


def test_a_gradient_above_the_bound_is_scaled_to_it_and_one_below_is_not(few, quick, norms):
    fit(few, **quick, objective="marl", max_grad_norm=4.0)
    before, after = np.array(norms.before), np.array(norms.after)
    assert 0 < (before > 4).sum() < len(before)
    assert_allclose(after, np.minimum(before, 4.0), rtol=1e-4)


def test_the_bound_grows_as_the_gradient_does_where_decoder_std_is_smaller(few, quick, norms):
    # "auto" is sqrt(12 / 256): a quarter of it weighs the reconstruction 16 times.
    std = (12 / 256) ** 0.5 / 4
    fit(few, **{**quick, "decoder_std": std}, max_grad_norm=20.0)
    assert_allclose(norms.after, np.minimum(norms.before, 320.0), rtol=1e-4)
    assert max(norms.before) > 320


@pytest.mark.parametrize("max_grad_norm", [None, 1e9])
def test_without_a_bound_or_below_it_the_bits_are_the_same(few, quick, max_grad_norm):
    model = MultiViewDisentangler(**quick, max_grad_norm=max_grad_norm).fit(few)
    assert model.history_.equals(MultiViewDisentangler(**quick).fit(few).history_)


@pytest.mark.parametrize("objective", ["transport", "marl", "swap"])
@pytest.mark.parametrize("decoder_std", ["auto", 1.0])
def test_ordinary_training_stays_below_the_default(objective, decoder_std, norms):
    X, _ = make_tone_views(256, random_state=0)
    X = LogMel(16000, n_mels=32).transform(X)
    params = {"objective": objective, "decoder_std": decoder_std, "max_epochs": 4}
    fit(X, **params, batch_size=64, random_state=0)
    assert_allclose(norms.after, norms.before)


def test_one_odd_batch_does_not_spoil_the_fit(few, small, monkeypatch):
    """A gradient 1e8 times too large, in one step of 60."""
    plain, n_steps = torch.autograd.backward, []

    def spoiled(loss, *args, **kwargs):
        n_steps.append(None)
        plain(loss * 1e8 if len(n_steps) == 16 else loss, *args, **kwargs)

    monkeypatch.setattr(torch.autograd, "backward", spoiled)
    losses = {}
    for bound in (1000.0, None):
        n_steps.clear()
        model = MultiViewDisentangler(
            **small, objective="marl", max_epochs=20, max_grad_norm=bound
        ).fit(few)
        losses[bound] = model.history_["loss"]
    before = losses[None][4]  # after 15 steps
    assert losses[1000.0].iloc[-1] < before - 0.5
    assert losses[None].iloc[-1] > before + 2
