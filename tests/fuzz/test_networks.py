"""Networks of any size, and products of whatever tensors: finite, or refused by name."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.nn import (
    ConvDecoder,
    ConvEncoder,
    MLPDecoder,
    MLPEncoder,
    MultiViewVAE,
    Referee,
    build_module,
    draw,
    leave_one_out_products,
    product_of_experts,
)

from ._hostile import EDGES, examples, is_large
from ._property import REFUSED, attempt

WIDTHS = st.integers(1, 9)
SHAPES = st.lists(WIDTHS, min_size=1, max_size=3).map(tuple)
LAYERS = st.lists(WIDTHS, min_size=1, max_size=3)
GENERATOR = partial(torch.Generator().manual_seed, 0)


@pytest.mark.parametrize(
    ("encoder", "decoder", "layers"),
    [(MLPEncoder, MLPDecoder, "hidden"), (ConvEncoder, ConvDecoder, "channels")],
)
@examples()
@given(view_shape=SHAPES, width=WIDTHS, sizes=LAYERS)
def test_networks_of_any_size(encoder, decoder, layers, view_shape, width, sizes):
    options = {layers: sizes}
    there = build_module(partial(encoder, view_shape, width, **options), GENERATOR())
    back = build_module(partial(decoder, width, view_shape, **options), GENERATOR())
    z = there(torch.ones(2, *view_shape))
    assert z.shape == (2, width)
    assert back(z).shape == (2, *view_shape)
    assert back(z).isfinite().all()


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (MLPEncoder, ("view_shape", "n_outputs", "hidden")),
        (ConvEncoder, ("view_shape", "n_outputs", "channels")),
        (MLPDecoder, ("n_inputs", "view_shape", "hidden")),
        (ConvDecoder, ("n_inputs", "view_shape", "channels")),
        (Referee, ("n_private", "n_shared")),
    ],
)
@examples()
@given(data=st.data(), value=EDGES)
def test_sizes(make, names, data, value):
    name = data.draw(st.sampled_from(names))
    sizes = {"view_shape": (4, 5)} | dict.fromkeys(("n_outputs", "n_inputs"), 3)
    sizes |= dict.fromkeys(("n_private", "n_shared"), 2)
    given_sizes = {key: sizes[key] for key in names if key in sizes} | {name: value}
    if not is_large(value):  # asked for, and more than the memory
        attempt(lambda: make(**given_sizes), (name,))


@examples()
@given(name=st.sampled_from(["n_private", "n_shared", "precision"]), value=EDGES)
def test_what_is_no_auto_encoder(name, value):
    options = {"n_private": 2, "n_shared": 2, name: value}
    attempt(lambda: MultiViewVAE(torch.nn.Identity(), torch.nn.Identity(), **options), (name,))


@examples()
@given(factory=EDGES, generator=EDGES)
def test_what_builds_no_module(factory, generator):
    if factory not in (object, len):  # what these raise is theirs
        attempt(lambda: build_module(factory, GENERATOR()), ("factory",))
    attempt(lambda: build_module(torch.nn.Identity, generator), ("generator",))


@st.composite
def tensors(draw_from):
    """A tensor of some shape and type, mostly (4, 2, 3) of floats."""
    shape = draw_from(
        st.sampled_from([(4, 2, 3)] * 6 + [(4, 1, 3), (0, 2, 3), (4, 0, 3), (4, 2), ()])
    )
    dtype = draw_from(
        st.sampled_from([torch.float32] * 4 + [torch.float64, torch.int64, torch.bool])
    )
    scale = draw_from(st.sampled_from([0.0, 1e-30, 1.0, 12.0]))
    seed = torch.Generator().manual_seed(draw_from(st.integers(0, 99)))
    return (scale * torch.randn(shape, generator=seed).clamp(-1, 1)).to(dtype)


@pytest.mark.parametrize("combine", [product_of_experts, leave_one_out_products])
@examples(2)
@given(
    mean=tensors() | EDGES,
    log_var=tensors() | EDGES,
    present=st.none()
    | EDGES
    | st.lists(st.booleans(), min_size=8, max_size=8).map(
        lambda seen: torch.tensor(seen).reshape(4, 2)
    ),
)
def test_products(combine, mean, log_var, present):
    names = ("mean", "log_var", "present")
    found = attempt(lambda: combine(mean, log_var, present), names)
    if found is not REFUSED:
        assert all(part.isfinite().all() for part in found)


@examples(2)
@given(mean=tensors() | EDGES, log_var=tensors() | EDGES)
def test_draw(mean, log_var):
    z = attempt(lambda: draw(mean, log_var, GENERATOR()), ("mean", "log_var"))
    if z is not REFUSED:
        assert z.shape == mean.shape
        assert z.isfinite().all()
