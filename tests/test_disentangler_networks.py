"""Networks and optimizers of the user, and what else passes through to skorch."""

from __future__ import annotations

from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from skorch.callbacks import Callback
from torch import nn

from mvdisent import MultiViewDisentangler, load, save
from mvdisent.nn import MLPEncoder

# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    ("optimizer", "params"),
    [
        (torch.optim.SGD, {}),
        (torch.optim.SGD, {"optimizer__momentum": 0.9}),
        (torch.optim.AdamW, {"optimizer__weight_decay": 0.1}),
        (torch.optim.RMSprop, {}),  # has no fused kernel
        (torch.optim.NAdam, {}),
    ],
)
def test_any_optimizer_may_be_passed(few, quick, optimizer, params):
    net_params = {"optimizer": optimizer, **params}
    settings = {**quick, "lr": 1e-3, "max_epochs": 6, "net_params": net_params}
    model = MultiViewDisentangler(**settings, warm_start=True).fit(few)
    assert type(model._net.optimizer_) is optimizer
    assert not model._net.optimizer_.defaults.get("fused")
    assert model.history_["loss"].iloc[-1] < model.history_["loss"].iloc[0]
    going_on = deepcopy(model).fit(few).history_
    assert going_on.equals(model.fit(few).history_)


def test_settings_of_the_default_optimizer_may_be_passed(few, quick):
    settings = {"optimizer__betas": (0.5, 0.9), "lr": 0.02}
    optimizer = MultiViewDisentangler(**quick, net_params=settings).fit(few)._net.optimizer_
    assert type(optimizer) is torch.optim.Adam
    group = optimizer.param_groups[0]
    assert (group["fused"], group["betas"], group["lr"]) == (True, (0.5, 0.9), 0.02)


class CountEpochs(Callback):
    n_epochs = 0

    def on_epoch_end(self, net, **kwargs):
        assert net.history[-1, "shared_mi"] == net.epochs_[-1]["shared_mi"]
        CountEpochs.n_epochs += 1


def test_callbacks_see_every_epoch_with_its_terms(few, quick):
    CountEpochs.n_epochs = 0
    MultiViewDisentangler(**quick, net_params={"callbacks": [CountEpochs]}).fit(few)
    assert CountEpochs.n_epochs == 2


# torch's compiler silences this of its own, unless warnings are errors.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_the_networks_are_compiled_where_that_is_asked_for(few, quick, tmp_path):
    graphs = []

    def keep(graph, example_inputs):
        graphs.append(graph)
        return graph.forward

    networks = {"encoder": "mlp", "decoder": "conv"}
    plain = MultiViewDisentangler(**{**quick, **networks}).fit(few)
    settings = {"compile": True, "compile__backend": keep}
    model = MultiViewDisentangler(**{**quick, **networks}, net_params=settings).fit(few)
    assert len(graphs) >= 2  # the encoder's and the decoder's
    assert_allclose(model.transform(few), plain.transform(few), atol=1e-5)
    states = (fitted.__getstate__()["_net_state"]["module"] for fitted in (model, plain))
    assert len({tuple(state) for state in states}) == 1
    save(model.set_params(net_params=None), tmp_path / "model")  # a file starts no compiler
    assert_allclose(load(tmp_path / "model").transform(few), plain.transform(few), atol=1e-5)


class Doubled(nn.Module):
    """A user's network, with layers of its own."""

    def __init__(self, view_shape, n_outputs, width=8):
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(int(np.prod(view_shape)), width), nn.LayerNorm(width), nn.ReLU()
        )
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x):
        return self.head(self.net(x))


@pytest.mark.parametrize("encoder", [Doubled, partial(Doubled, width=3), MLPEncoder])
def test_networks_of_the_user_are_built_for_the_views(few, encoder):
    model = MultiViewDisentangler(2, 3, encoder=encoder, max_epochs=1).fit(few)
    assert isinstance(model._net.module_.encoder, getattr(encoder, "func", encoder))
    assert model.transform(few).shape == (150, 5)


def test_a_network_that_cannot_be_initialised_is_refused(few):
    with pytest.raises(TypeError, match=r"Embedding owns parameters .* init_weights\(generator\)"):
        MultiViewDisentangler(encoder=lambda shape, n: nn.Embedding(3, n)).fit(few)
