"""Gaussian terms against torch.distributions."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.testing import assert_close

from mvdisent.objectives import gaussian_kl, log_normal, reconstruction_nll

STANDARD = Normal(torch.zeros((), dtype=torch.float64), 1.0)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def gaussian():
    """Mean and log variance, 50 x 4, variances from e**-6 to e**6."""
    mean, log_var = noise(2, 50, 4)
    return 3 * mean, 2 * log_var


def test_log_normal_is_the_log_density(gaussian):
    mean, log_var = gaussian
    z = 2 * noise(50, 4, seed=1)
    assert_close(log_normal(z, mean, log_var), Normal(mean, (log_var / 2).exp()).log_prob(z))


def test_log_normal_broadcasts_draws_over_posteriors(gaussian):
    mean, log_var = gaussian
    z = noise(7, 4, seed=1)
    pairs = log_normal(z[:, None], mean, log_var)
    assert pairs.shape == (7, 50, 4)
    assert_close(pairs[3, 11], log_normal(z[3], mean[11], log_var[11]))


def test_gaussian_kl_is_the_divergence_to_the_prior(gaussian):
    mean, log_var = gaussian
    expected = kl_divergence(Normal(mean, (log_var / 2).exp()), STANDARD)
    assert_close(gaussian_kl(mean, log_var), expected)


def test_gaussian_kl_is_zero_at_the_prior_and_positive_elsewhere(gaussian):
    assert (gaussian_kl(*gaussian) > 0).all()
    assert_close(gaussian_kl(*torch.zeros(2, 3, 2)), torch.zeros(3, 2))


@pytest.mark.parametrize("decoder_std", [1.0, 0.3, 4.0])
def test_the_reconstruction_is_the_negative_log_likelihood(decoder_std):
    x, x_hat = noise(2, 5, 2, 3, 4)
    expected = -Normal(x_hat, decoder_std).log_prob(x).sum((1, 2, 3)).mean()
    assert_close(reconstruction_nll(x, x_hat, decoder_std=decoder_std), expected)


def test_a_missing_view_adds_nothing_to_the_reconstruction():
    x, x_hat = noise(2, 5, 2, 3)
    present = torch.tensor([[True, True], [True, False], [False, True], [True, True], [True, True]])
    x_hat[~present] = torch.nan
    log_prob = Normal(x_hat[present], 0.7).log_prob(x[present])
    expected = -log_prob.sum() / 5  # a mean over samples, not over the views that are there
    assert_close(reconstruction_nll(x, x_hat, present, decoder_std=0.7), expected)


def test_all_views_present_equals_no_mask():
    x, x_hat = noise(2, 5, 2, 3)
    present = torch.ones(5, 2, dtype=torch.bool)
    assert_close(reconstruction_nll(x, x_hat, present), reconstruction_nll(x, x_hat))
