"""Encoders and decoders for every shape of view."""

from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from mvdisent.nn import ConvDecoder, ConvEncoder, MLPDecoder, MLPEncoder, build_module

VIEW_SHAPES = [(64, 32), (65, 31), (7, 8), (1, 1), (9,), (64,), (1,), (3, 4, 5), (2, 1, 3, 1)]


def build(factory):
    return build_module(factory, torch.Generator().manual_seed(0))


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("encoder", [MLPEncoder, ConvEncoder])
@pytest.mark.parametrize("view_shape", VIEW_SHAPES, ids=str)
def test_an_encoder_gives_a_flat_code(encoder, view_shape):
    code = build(lambda: encoder(view_shape, 6))(noise(5, *view_shape))
    assert code.shape == (5, 6)
    assert code.dtype == torch.float32


@pytest.mark.parametrize("decoder", [MLPDecoder, ConvDecoder])
@pytest.mark.parametrize("view_shape", VIEW_SHAPES, ids=str)
def test_a_decoder_gives_back_the_shape_of_a_view(decoder, view_shape):
    assert build(lambda: decoder(6, view_shape))(noise(5, 6)).shape == (5, *view_shape)


@pytest.mark.parametrize("encoder", [MLPEncoder, ConvEncoder])
@pytest.mark.parametrize("view_shape", [(9, 8), (7,), (3, 4, 5)], ids=str)
def test_every_value_of_a_view_reaches_the_code(encoder, view_shape):
    x = noise(2, *view_shape).requires_grad_()
    build(lambda: encoder(view_shape, 6))(x).square().sum().backward()
    assert (x.grad != 0).all()


@pytest.mark.parametrize("decoder", [MLPDecoder, ConvDecoder])
@pytest.mark.parametrize("view_shape", [(9, 8), (7,), (3, 4, 5)], ids=str)
def test_every_value_of_a_decoded_view_depends_on_the_code(decoder, view_shape):
    module = build(lambda: decoder(6, view_shape))
    assert (module(noise(2, 6)) != module(noise(2, 6) + 1)).all()


@pytest.mark.parametrize("module", [MLPEncoder, ConvEncoder])
def test_a_row_is_encoded_by_itself(module):
    encoder = build(lambda: module((9, 8), 6))
    x = noise(5, 9, 8)
    assert_close(encoder(x)[2:3], encoder(x[2:3]))


@pytest.mark.parametrize(
    ("factory", "n_weights"),
    [
        (lambda: MLPEncoder((4, 5), 6, hidden=(7,)), (20 + 1) * 7 + (7 + 1) * 6),
        (lambda: MLPDecoder(6, (4, 5), hidden=()), (6 + 1) * 20),
        # 5 x 8 becomes 3 x 4: 9 weights a channel of the kernel, then 2 * 3 * 4 inputs.
        (lambda: ConvEncoder((5, 8), 6, channels=(2,)), (9 + 1) * 2 + (24 + 1) * 6),
        (lambda: ConvDecoder(6, (5, 8), channels=(2,)), (6 + 1) * 24 + 2 * 9 + 1),
    ],
)
def test_the_widths_are_those_asked_for(factory, n_weights):
    assert sum(math.prod(p.shape) for p in factory().parameters()) == n_weights
