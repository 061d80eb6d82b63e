"""The multi-view VAE: posteriors, draws and decodings of a batch."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mvdisent.nn import (
    MLPDecoder,
    MLPEncoder,
    MultiViewVAE,
    build_module,
    draw,
    product_of_experts,
)

P, S = 2, 3  # private and shared dimensions


@pytest.fixture(scope="module")
def vae():
    generator = torch.Generator().manual_seed(0)
    encoder = build_module(lambda: MLPEncoder((4, 5), 2 * (P + S), hidden=(16,)), generator)
    decoder = build_module(lambda: MLPDecoder(P + S, (4, 5), hidden=(16,)), generator)
    return MultiViewVAE(encoder, decoder, n_private=P, n_shared=S)


def views(n_views, n_samples=6):
    return torch.randn(n_samples, n_views, 4, 5, generator=torch.Generator().manual_seed(1))


class Passthrough(nn.Module):
    """An encoder or decoder whose output is its input."""

    def forward(self, x):
        return x


@pytest.mark.parametrize("n_views", [1, 2, 5])
def test_posteriors_have_one_private_block_a_view_and_one_shared_a_sample(vae, n_views):
    posterior = vae.encode(views(n_views))
    assert posterior.private_mean.shape == posterior.private_log_var.shape == (6, n_views, P)
    assert posterior.shared_mean.shape == posterior.shared_log_var.shape == (6, S)


def test_swapping_the_views_swaps_private_and_keeps_shared(vae):
    there, back = vae.encode(views(2)), vae.encode(views(2).flip(1))
    assert_close(back.private_mean, there.private_mean.flip(1))
    assert_close(back.private_log_var, there.private_log_var.flip(1))
    assert_close(back[2:4], there[2:4])
    assert_close(back.expert_mean, there.expert_mean.flip(1))


def test_the_private_code_of_a_view_does_not_see_the_other_view(vae):
    x = views(2)
    other = torch.cat([x[:, :1], 3 * x[:, 1:]], 1)
    assert_close(vae.encode(other).private_mean[:, 0], vae.encode(x).private_mean[:, 0])
    assert not torch.allclose(vae.encode(other).shared_mean, vae.encode(x).shared_mean)


def test_the_encoder_output_is_means_then_log_variances_of_private_and_shared():
    vae = MultiViewVAE(Passthrough(), Passthrough(), n_private=P, n_shared=S)
    raw = torch.arange(2.0 * (P + S)).div(100).repeat(1, 2, 1)  # small: tanh leaves it as it is
    posterior = vae.encode(raw)
    close = {"rtol": 1e-3, "atol": 1e-5}
    assert_close(posterior.private_mean[0, 0], torch.tensor([0.00, 0.01]), **close)
    assert_close(posterior.private_log_var[0, 0], torch.tensor([0.05, 0.06]), **close)
    shared = product_of_experts(raw[..., 2:5], raw[..., 7:10])
    assert_close(posterior[2:4], shared, **close)
    assert_close(posterior.expert_mean, raw[..., 2:5], **close)


def test_log_variances_stay_within_12():
    vae = MultiViewVAE(Passthrough(), Passthrough(), n_private=P, n_shared=S)
    posterior = vae.encode(torch.full((1, 1, 2 * (P + S)), -1e9))
    assert_close(posterior.private_log_var, torch.full((1, 1, P), -12.0))
    assert torch.isfinite(posterior.shared_mean).all()


def test_a_missing_view_equals_one_that_was_never_there(vae):
    x = views(3)
    present = torch.tensor([True, False, True]).expand(6, 3)
    x[:, 1] = 1e6
    posterior, without = vae.encode(x, present), vae.encode(x[:, [0, 2]])
    assert_close(posterior.private_mean[:, [0, 2]], without.private_mean)
    assert_close(posterior[2:4], without[2:4])
    assert_close(posterior.expert_mean[:, [0, 2]], without.expert_mean)
    assert not posterior.expert_mean[:, 1].any()
    zero = torch.zeros(6, P)
    assert_close(posterior.private_mean[:, 1], zero)  # the prior: N(0, I)
    assert_close(posterior.private_log_var[:, 1], zero)


def test_each_view_is_decoded_from_its_private_and_the_shared_code():
    vae = MultiViewVAE(Passthrough(), Passthrough(), n_private=P, n_shared=S)
    private = torch.arange(12.0).reshape(2, 3, P)
    shared = -torch.arange(6.0).reshape(2, S)
    decoded = vae.decode(private, shared)
    assert decoded.shape == (2, 3, P + S)
    for view in range(3):
        assert_close(decoded[:, view], torch.cat([private[:, view], shared], 1))


def test_decoded_views_have_the_shape_of_views(vae):
    assert vae.decode(torch.zeros(6, 2, P), torch.zeros(6, S)).shape == (6, 2, 4, 5)


def test_draws_have_the_mean_and_the_variance_asked_for():
    n = 40_000
    mean = torch.tensor([-3.0, 0.0, 2.0]).expand(n, 3)
    log_var = torch.tensor([-4.0, 0.0, 1.5]).expand(n, 3)
    z = draw(mean, log_var, torch.Generator().manual_seed(0))
    std = (log_var[0] / 2).exp()
    assert ((z.mean(0) - mean[0]).abs() < 5 * std / n**0.5).all()  # five standard errors
    assert ((z.std(0) / std - 1).abs() < 5 / (2 * n) ** 0.5).all()


def test_without_a_generator_a_draw_is_the_mean():
    mean = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(draw(mean, torch.ones(3, 2), None), mean)


def test_draws_are_differentiable_in_mean_and_log_variance():
    mean, log_var = (torch.full((1,), 0.5, requires_grad=True) for _ in range(2))
    z = draw(mean, log_var, torch.Generator().manual_seed(0))
    z.backward()
    assert_close(mean.grad, torch.ones(1))
    assert_close(log_var.grad, (z - mean).detach() / 2)  # z - mean = noise * exp(log_var / 2)
