"""Products of experts against their definition, with views that are missing."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal
from torch.testing import assert_close

from mvdisent.nn import leave_one_out_products, product_of_experts


def experts(n_views, *, n_samples=7, n_latents=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mean, log_var = torch.randn(
        2, n_samples, n_views, n_latents, generator=generator, dtype=torch.float64
    )
    return mean, 2 * log_var


def by_precisions(mean, log_var):
    """Precisions add up; the mean is weighed by them. The prior has precision 1 and mean 0."""
    precision = 1 / log_var.exp()
    total = 1 + precision.sum(1)
    return (precision * mean).sum(1) / total, torch.log(1 / total)


@pytest.mark.parametrize("n_views", [1, 2, 3, 5])
def test_it_is_the_precision_weighted_mean(n_views):
    assert_close(product_of_experts(*experts(n_views)), by_precisions(*experts(n_views)))


@pytest.mark.parametrize("n_views", [1, 2, 4])
def test_its_log_density_is_the_sum_of_the_experts_and_the_prior_up_to_a_constant(n_views):
    mean, log_var = experts(n_views)
    product_mean, product_log_var = product_of_experts(mean, log_var)
    z = torch.linspace(-3, 3, 11, dtype=torch.float64)[:, None, None]  # (point, sample, latent)
    summed = Normal(0.0, 1.0).log_prob(z)
    for view in range(n_views):
        summed = summed + Normal(mean[:, view], (log_var[:, view] / 2).exp()).log_prob(z)
    excess = summed - Normal(product_mean, (product_log_var / 2).exp()).log_prob(z)
    assert_close(excess, excess[:1].expand_as(excess))


@pytest.mark.parametrize("values", [(1e30, -60.0), (torch.nan, torch.nan)])
def test_a_missing_view_drops_out_whatever_it_holds(values):
    mean, log_var = experts(3)
    mean[:, 1], log_var[:, 1] = values
    present = torch.tensor([[True, False, True]]).expand(7, 3)
    others = [0, 2]
    assert_close(
        product_of_experts(mean, log_var, present),
        product_of_experts(mean[:, others], log_var[:, others]),
    )


def test_each_row_has_its_own_missing_views():
    mean, log_var = experts(2, n_samples=3)
    present = torch.tensor([[True, True], [True, False], [False, True]])
    product = torch.stack(product_of_experts(mean, log_var, present))
    rows = [
        product_of_experts(mean[i : i + 1, p], log_var[i : i + 1, p]) for i, p in enumerate(present)
    ]
    assert_close(product, torch.cat([torch.stack(row) for row in rows], 1))


def test_without_any_expert_it_is_the_prior():
    mean, log_var = experts(2)
    absent = torch.zeros(7, 2, dtype=torch.bool)
    zero = torch.zeros(7, 3, dtype=torch.float64)
    assert_close(product_of_experts(mean, log_var, absent), (zero, zero))


def test_an_expert_who_knows_nothing_changes_nothing():
    mean, log_var = experts(2)
    vague = (torch.full((7, 1, 3), 5.0), torch.full((7, 1, 3), 700.0))
    with_vague = [torch.cat([a, b], 1) for a, b in zip((mean, log_var), vague, strict=True)]
    assert_close(product_of_experts(*with_vague), product_of_experts(mean, log_var))


def test_the_order_of_the_views_does_not_matter():
    mean, log_var = experts(4)
    order = [2, 0, 3, 1]
    assert_close(
        product_of_experts(mean[:, order], log_var[:, order]), product_of_experts(mean, log_var)
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_variances_stay_finite_and_right(dtype):
    log_var = torch.tensor([[[80.0, -80.0, -80.0, 80.0]], [[-80.0, -80.0, 80.0, 80.0]]])
    log_var = log_var.transpose(0, 1).to(dtype)  # one sample, two views, four latents
    mean = torch.tensor([[[3.0] * 4, [5.0] * 4]], dtype=dtype)
    mean.requires_grad_()
    log_var.requires_grad_()
    product_mean, product_log_var = product_of_experts(mean, log_var)
    # The sure view wins, two equally sure ones meet halfway, two unsure ones leave the prior.
    assert_close(product_mean, torch.tensor([[5.0, 4.0, 3.0, 0.0]], dtype=dtype))
    halved = -80.0 - torch.log(torch.tensor(2.0))
    assert_close(product_log_var, torch.tensor([[-80.0, halved, -80.0, 0.0]], dtype=dtype))
    (product_mean.sum() + product_log_var.sum()).backward()
    assert torch.isfinite(mean.grad).all()
    assert torch.isfinite(log_var.grad).all()


def test_gradients_pass_through_the_mask():
    mean, log_var = (part.requires_grad_() for part in experts(2, n_samples=2, n_latents=2))
    present = torch.tensor([[True, True], [False, True]])
    assert torch.autograd.gradcheck(lambda *p: product_of_experts(*p, present), (mean, log_var))
    sum(part.sum() for part in product_of_experts(mean, log_var, present)).backward()
    assert (mean.grad[1, 0] == 0).all()
    assert (mean.grad[0] != 0).all()


@pytest.mark.parametrize("n_views", [2, 3, 5])
def test_a_view_left_out_is_a_view_that_is_missing(n_views):
    mean, log_var = experts(n_views)
    products = torch.stack(leave_one_out_products(mean, log_var))
    for view in range(n_views):
        others = [v for v in range(n_views) if v != view]
        expected = torch.stack(product_of_experts(mean[:, others], log_var[:, others]))
        assert_close(products[:, :, view], expected)


def test_a_lone_view_speaks_for_itself():
    mean, log_var = experts(3, n_samples=2)
    present = torch.tensor([[False, True, False], [True, True, False]])
    products = torch.stack(leave_one_out_products(mean, log_var, present))
    alone = torch.stack(product_of_experts(mean[:1, 1:2], log_var[:1, 1:2]))
    assert_close(products[:, :1, 1], alone)
    assert_close(products[:, :1, 0], alone)  # and for the views that are missing
    other = torch.stack(product_of_experts(mean[1:, :1], log_var[1:, :1]))
    assert_close(products[:, 1:, 1], other)


def test_one_view_has_its_own_product():
    mean, log_var = experts(1)
    product = torch.stack(product_of_experts(mean, log_var))
    assert_close(torch.stack(leave_one_out_products(mean, log_var))[:, :, 0], product)


def test_what_a_view_holds_does_not_reach_its_own_product():
    mean, log_var = (part.requires_grad_() for part in experts(3))
    leave_one_out_products(mean, log_var)[0][:, 1].sum().backward()
    assert (mean.grad[:, 1] == 0).all()
    assert (log_var.grad[:, 1] == 0).all()
    assert (mean.grad[:, [0, 2]] != 0).all()
