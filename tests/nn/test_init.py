"""Building modules without the global random state."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn
from torch.testing import assert_close

from mvdisent.nn import ConvDecoder, ConvEncoder, MLPDecoder, MLPEncoder, build_module

FACTORIES = [
    partial(MLPEncoder, (9, 8), 6),
    partial(MLPDecoder, 6, (9, 8)),
    partial(ConvEncoder, (9, 8), 6),
    partial(ConvDecoder, 6, (9, 8)),
]


class Scaled(nn.Module):
    """A user's layer, which knows how to initialise itself."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 2)
        self.scale = nn.Parameter(torch.empty(4))

    def init_weights(self, generator):
        nn.init.normal_(self.scale, generator=generator)


class Zeroed(nn.Module):
    """A user's network, which initialises a layer of torch and one of the user's."""

    def __init__(self):
        super().__init__()
        self.head, self.scaled = nn.Linear(3, 2), Scaled()

    def init_weights(self, generator):
        for weight in (self.head.weight, self.scaled.scale):
            nn.init.zeros_(weight)


class Unknown(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))


class WithBuffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.ones(3))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def weights(factory, seed=0):
    state = build_module(factory, seeded(seed)).state_dict()
    return torch.cat([value.flatten() for value in state.values()])


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda f: f.func.__name__)
def test_the_weights_depend_on_the_generator_alone(factory):
    first = weights(factory)
    torch.rand(3)
    assert torch.equal(weights(factory), first)
    assert not torch.equal(weights(factory, seed=1), first)


def test_the_weights_are_the_same_in_four_threads():
    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(lambda _: weights(FACTORIES[2]), range(8)))
    assert all(torch.equal(each, built[0]) for each in built)


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda f: f.func.__name__)
def test_global_random_states_stay_as_they_were(factory):
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    build_module(factory, seeded())
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


@pytest.mark.parametrize(
    ("factory", "fan_in"),
    [
        (lambda: nn.Linear(400, 300), 400),
        (lambda: nn.Conv1d(40, 50, 5), 40 * 5),
        (lambda: nn.Conv2d(20, 30, 3), 20 * 9),
        (lambda: nn.Conv2d(20, 30, 3, groups=2), 10 * 9),
        # For transposed convolutions torch takes the second axis of the weight.
        (lambda: nn.ConvTranspose2d(20, 30, 3), 30 * 9),
    ],
)
def test_layers_start_as_in_torch(factory, fan_in):
    ours = build_module(factory, seeded())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = factory()
    bound = fan_in**-0.5
    for layer in (ours, theirs):
        assert bound * 0.99 < layer.weight.abs().max() <= bound
        assert bound * 0.5 < layer.bias.abs().max() <= bound
    # Uniform on (-b, b): mean 0, variance b**2 / 3.
    assert_close(ours.weight.std().item(), bound / 3**0.5, rtol=0.05, atol=0)
    assert abs(ours.weight.mean()) < 0.05 * bound


def test_a_layer_without_bias_is_built():
    assert build_module(lambda: nn.Linear(3, 2, bias=False), seeded()).bias is None


@pytest.mark.parametrize(
    "factory", [lambda: nn.LayerNorm(4), lambda: nn.BatchNorm1d(4), lambda: nn.GroupNorm(2, 4)]
)
def test_normalisation_starts_as_the_identity(factory):
    ours, theirs = build_module(factory, seeded()), factory()
    assert_close(ours.state_dict(), theirs.state_dict())


def test_a_module_of_the_user_initialises_itself():
    module = build_module(Scaled, seeded())
    assert torch.isfinite(module.scale).all()
    assert (module.scale != 0).all()
    assert (module.inner.weight.abs() <= 3**-0.5).all()
    assert (module.inner.weight != 0).all()


def test_a_module_of_the_user_has_the_last_word_on_the_layers_within():
    module = build_module(Zeroed, seeded())
    assert not module.head.weight.any()
    assert not module.scaled.scale.any()
    assert module.head.bias.any()


@pytest.mark.parametrize("unknown", [Unknown, WithBuffer, lambda: nn.Embedding(3, 2)])
def test_parameters_that_nobody_initialises_are_refused(unknown):
    with pytest.raises(TypeError, match=r"owns parameters or buffers .* init_weights\(generator\)"):
        build_module(lambda: nn.Sequential(nn.Linear(2, 2), unknown()), seeded())
