"""The parts of the KL against closed forms, identities and plain formulas."""

from __future__ import annotations

import math
from itertools import combinations
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from mvdisent.objectives import KL_ESTIMATORS, _decomposition, gaussian_kl, log_normal, split_kl

CLOSE = {"rtol": 1e-10, "atol": 1e-10}


class Draws(NamedTuple):
    """One draw from each posterior, and its parameters: each (n_samples, n_latents)."""

    z: Tensor
    mean: Tensor
    log_var: Tensor


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def whitened(n_samples, n_latents, seed=0):
    """Gaussian draws whose sample mean is 0 and sample covariance the identity, exactly."""
    x = noise(n_samples, n_latents, seed=seed)
    x = x - x.mean(0)
    factor = torch.linalg.cholesky(x.T @ x / n_samples)
    return torch.linalg.solve_triangular(factor, x.T, upper=False).T


@pytest.fixture
def draws():
    mean, log_var = noise(2, 40, 3)
    log_var = log_var - 1
    return Draws(mean + (log_var / 2).exp() * noise(40, 3, seed=1), mean, log_var)


def mean_log_prior(z):
    return log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1).mean()


def plain_parts(z, mean, log_var, *, n_train, estimator):
    """Write the definition out over all pairs at once."""
    n = len(z)
    own, others = 1 / n, 1 / n
    if estimator == "stratified":
        own, others = 1 / n_train, (1 - 1 / n_train) / (n - 1)
    weights = torch.full((n, n), others, dtype=z.dtype)
    weights.fill_diagonal_(own)
    pairs = log_normal(z[:, None], mean, log_var)  # (i, j, latent)
    joint = (weights * pairs.sum(2).exp()).sum(1).log().mean()
    marginals = (weights[..., None] * pairs.exp()).sum(1).log().sum(1).mean()
    conditional = log_normal(z, mean, log_var).sum(1).mean()
    return conditional - joint, joint - marginals, marginals - mean_log_prior(z)


@pytest.mark.parametrize("estimator", KL_ESTIMATORS)
@pytest.mark.parametrize("n_train", [40, 41, 5000])
def test_the_three_parts_sum_to_the_whole_kl(draws, estimator, n_train):
    whole = log_normal(*draws).sum(1).mean() - mean_log_prior(draws.z)
    assert_close(sum(split_kl(*draws, n_train=n_train, estimator=estimator)), whole, **CLOSE)


@pytest.mark.parametrize("estimator", KL_ESTIMATORS)
@pytest.mark.parametrize("n_train", [40, 5000])
def test_the_parts_are_those_of_the_definition(draws, estimator, n_train):
    settings = {"n_train": n_train, "estimator": estimator}
    assert_close(tuple(split_kl(*draws, **settings)), plain_parts(*draws, **settings), **CLOSE)


@pytest.mark.parametrize("estimator", KL_ESTIMATORS)
@pytest.mark.parametrize("n_train", [40, 5000])
def test_the_gradients_are_those_of_the_definition(draws, estimator, n_train):
    settings = {"n_train": n_train, "estimator": estimator}
    weights = torch.tensor([0.3, -1.7, 0.9], dtype=torch.float64)
    gradients = []
    for parts in (split_kl, plain_parts):
        leaves = [part.clone().requires_grad_() for part in draws]
        loss = (weights * torch.stack(tuple(parts(*leaves, **settings)))).sum()
        gradients.append(torch.autograd.grad(loss, leaves))
    assert_close(*gradients, **CLOSE)


@pytest.mark.parametrize("estimator", KL_ESTIMATORS)
def test_the_gradients_are_the_slopes(draws, estimator):
    leaves = [part[:6].clone().requires_grad_() for part in draws]
    assert torch.autograd.gradcheck(
        lambda *parts: tuple(split_kl(*parts, n_train=50, estimator=estimator)), leaves
    )


@pytest.mark.parametrize("estimator", KL_ESTIMATORS)
@pytest.mark.parametrize("variance", [0.2, 1.0, 3.0])
def test_equal_posteriors_leave_only_the_dimension_wise_kl(estimator, variance):
    mean = torch.zeros(100, 3, dtype=torch.float64)
    log_var = torch.full_like(mean, math.log(variance))
    z = variance**0.5 * whitened(100, 3)
    mi, tc, dwkl = split_kl(z, mean, log_var, n_train=5000, estimator=estimator)
    assert_close(mi, torch.zeros_like(mi), **CLOSE)
    assert_close(tc, torch.zeros_like(tc), **CLOSE)
    assert_close(dwkl, gaussian_kl(mean, log_var)[0].sum(), **CLOSE)


@pytest.mark.parametrize(
    ("estimator", "n_train"), [("stratified", 1000), ("stratified", 10**6), ("weighted", 1000)]
)
@pytest.mark.parametrize("correlation", [0.0, 0.65, -0.5])
def test_a_gaussian_aggregate_has_its_closed_forms(estimator, n_train, correlation):
    """With means ~ N(0, A) and noise variances s, q(z) is N(0, C), C = A + diag(s)."""
    between = correlation * 1.5**0.5
    spread = torch.tensor([[1.0, between], [between, 1.5]], dtype=torch.float64)
    variance = torch.tensor([0.3, 0.5], dtype=torch.float64)
    white = whitened(1000, 4)
    mean = white[:, :2] @ torch.linalg.cholesky(spread).T
    z = mean + white[:, 2:] * variance.sqrt()
    parts = split_kl(z, mean, variance.log().expand(1000, 2), n_train=n_train, estimator=estimator)

    covariance = spread + variance.diag()
    log_det, diagonal = torch.logdet(covariance), covariance.diag()
    mi = 0.5 * (log_det - variance.log().sum())  # H(z) - H(z | x)
    tc = 0.5 * (diagonal.log().sum() - log_det)  # -0.5 log det of the correlations
    dwkl = 0.5 * (diagonal - 1 - diagonal.log()).sum()
    # Over seeds, 1000 rows miss these by 0.01 nats at most.
    assert_close(tuple(parts), (mi, tc, dwkl), rtol=0, atol=0.015)


@pytest.mark.parametrize(
    ("estimator", "n_train", "n_apart"), [("stratified", 5000, 5000), ("weighted", 5000, 8)]
)
def test_posteriors_far_apart_tell_the_row_and_no_more(estimator, n_train, n_apart):
    mean = 100.0 * torch.arange(8, dtype=torch.float64)[:, None].expand(8, 3)
    draws = Draws(mean + 0.1 * noise(8, 3), mean, torch.full_like(mean, math.log(0.01)))
    mi, tc, dwkl = split_kl(*draws, n_train=n_train, estimator=estimator)
    # q(z) is q(z | own row) / n_apart; the same holds for each latent by itself.
    whole = log_normal(*draws).sum(1).mean() - mean_log_prior(draws.z)
    log_n = math.log(n_apart)
    assert_close((mi.item(), tc.item()), (log_n, 2 * log_n))
    assert_close(dwkl, whole - 3 * log_n)


@pytest.mark.parametrize(("estimator", "own_share"), [("stratified", 1 / 6), ("weighted", 1 / 3)])
def test_only_the_stratified_estimate_of_the_density_is_unbiased(estimator, own_share):
    """Average the density that row 0 is given over every minibatch of 3 of 6 rows.

    A draw at the origin has the same density under all posteriors, whose means
    lie on a circle: against that, the density of any other draw can be told.
    """
    n_train, n = 6, 3
    angles = torch.tensor([0.0, 0.4, 1.3, 2.0, 3.5, 5.0], dtype=torch.float64)
    mean = torch.stack([angles.cos(), angles.sin()], 1)
    log_var = torch.full_like(mean, math.log(0.6))
    point = torch.tensor([0.7, 0.9], dtype=torch.float64)
    at_origin = log_normal(torch.zeros(2), mean[0], log_var[0]).sum().exp()

    def mean_log_joint(z, rows):
        _, tc, dwkl = split_kl(z, mean[rows], log_var[rows], n_train=n_train, estimator=estimator)
        return tc + dwkl + mean_log_prior(z)

    densities = []
    for others in combinations(range(1, n_train), n - 1):
        rows = [0, *others]
        z = torch.stack([point, point, point])
        z_origin = torch.stack([torch.zeros_like(point), point, point])
        gain = n * (mean_log_joint(z, rows) - mean_log_joint(z_origin, rows))
        densities.append(at_origin * gain.exp())

    by_row = log_normal(point, mean, log_var).sum(1).exp()
    expected = own_share * by_row[0] + (1 - own_share) * by_row[1:].mean()
    assert_close(torch.stack(densities).mean(), expected)
    # 1/6 is each row's share of the training set, hence the density itself.
    assert torch.isclose(expected, by_row.mean()) == (estimator == "stratified")


def test_the_weighted_parts_do_not_depend_on_n_train(draws):
    few, many = (split_kl(*draws, n_train=n, estimator="weighted") for n in (40, 10**6))
    assert_close(few, many, **CLOSE)


@pytest.mark.parametrize("estimator", KL_ESTIMATORS)
def test_the_order_of_the_rows_and_of_the_latents_does_not_matter(draws, estimator):
    rows = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    shuffled = [part[rows][:, [2, 0, 1]] for part in draws]
    expected = split_kl(*draws, n_train=99, estimator=estimator)
    assert_close(split_kl(*shuffled, n_train=99, estimator=estimator), expected, **CLOSE)


@pytest.mark.parametrize("max_pairs", [1, 3 * 40 * 7, 3 * 40 * 40, 10**9])
def test_the_size_of_the_chunks_does_not_matter(draws, max_pairs, monkeypatch):
    def parts_and_gradients():
        leaves = [part.clone().requires_grad_() for part in draws]
        parts = split_kl(*leaves, n_train=99)
        return [*parts, *torch.autograd.grad(parts.mi + 2 * parts.tc + 3 * parts.dwkl, leaves)]

    expected = parts_and_gradients()
    monkeypatch.setattr(_decomposition, "_MAX_PAIRS", max_pairs)
    assert_close(parts_and_gradients(), expected, **CLOSE)


def test_single_precision_is_enough(draws):
    single = split_kl(*(part.float() for part in draws), n_train=5000)
    assert [part.dtype for part in single] == [torch.float32] * 3
    assert_close(single, split_kl(*draws, n_train=5000), check_dtype=False, rtol=1e-5, atol=1e-5)


def test_draws_that_no_posterior_explains_stay_finite(draws):
    leaves = [(1e4 * draws.z).float(), draws.mean.float(), torch.full((40, 3), -12.0)]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    parts = split_kl(*leaves, n_train=5000)
    gradients = torch.autograd.grad(sum(parts), leaves)
    assert all(torch.isfinite(value).all() for value in (*parts, *gradients))


class LargestTensor(TorchDispatchMode):
    """Watch every tensor that is made."""

    n_values = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, Tensor):
                self.n_values = max(self.n_values, tensor.numel())
        return out


def test_a_batch_of_4096_never_holds_all_its_pairs():
    mean = noise(4096, 8).float().requires_grad_()
    log_var = torch.full_like(mean, -2.0)
    with LargestTensor() as largest:
        parts = split_kl(mean + 0.4 * noise(4096, 8, seed=1).float(), mean, log_var, n_train=32000)
        (parts.mi + parts.tc).backward()
    assert torch.isfinite(mean.grad).all()
    assert mean.numel() <= largest.n_values <= 9 * 2**14  # 8 latents, the joint; all pairs: 2**27


def test_a_lone_row_is_its_own_aggregate(draws):
    row = [part[:1] for part in draws]
    mi, tc, dwkl = split_kl(*row, n_train=1)
    assert (mi, tc) == (0, 0)
    assert_close(dwkl, log_normal(*row).sum() - mean_log_prior(row[0]))


@pytest.mark.parametrize(
    ("n_rows", "settings", "message"),
    [
        (40, {"n_train": 39}, r"n_train=39 < batch size 40; pass len\(X\)"),
        (40, {"n_train": 40, "estimator": "exact"}, "estimator='exact' is unknown.*stratified"),
        (1, {"n_train": 40}, "needs 2 rows or more, got 1"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(draws, n_rows, settings, message):
    with pytest.raises(ValueError, match=message):
        split_kl(*(part[:n_rows] for part in draws), **settings)
