"""The referee: what it is asked, what it learns from, and what it finds."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.testing import assert_close

from mvdisent._net import ask_referee
from mvdisent.nn import Referee, build_module


@pytest.fixture
def referee():
    return build_module(partial(Referee, 2, 3), torch.Generator().manual_seed(0))


def codes(n=64, n_views=2):
    generator = torch.Generator().manual_seed(1)
    private = torch.randn(n, n_views, 2, generator=generator)
    return private, torch.randn(n, n_views, 3, generator=generator)


def test_judging_is_the_same_logit_without_a_gradient_to_the_referee(referee):
    private, shared = (z[:, 0].requires_grad_() for z in codes())
    logit = referee.judge(private, shared)
    assert logit.shape == (64,)
    assert_close(logit, referee(private, shared))
    logit.sum().backward()
    assert (private.grad != 0).any()
    assert all(weight.grad is None for weight in referee.parameters())


def test_each_term_reaches_one_side_alone(referee):
    private, shared = (z.requires_grad_() for z in codes())
    terms = ask_referee(referee, private, shared, None, torch.Generator().manual_seed(2))
    terms["dependence"].backward(retain_graph=True)
    assert (private.grad != 0).any()
    assert shared.grad is None
    assert all(weight.grad is None for weight in referee.parameters())
    private.grad = None
    terms["referee"].backward()
    assert private.grad is None
    assert shared.grad is None
    assert all((weight.grad != 0).any() for weight in referee.parameters())


def test_the_dependence_is_a_sum_over_the_views_that_are_there(referee):
    private, shared = codes()
    present = torch.ones(64, 2, dtype=torch.bool)
    present[:16, 1] = False
    terms = ask_referee(referee, private, shared, present, torch.Generator().manual_seed(2))
    logit = referee(private.flatten(0, 1), shared.flatten(0, 1)).unflatten(0, (64, 2))
    assert_close(terms["dependence"], (logit * present).sum() / 64)


@pytest.mark.parametrize(("noise", "nats"), [(0.0, 0.693), (50.0, 0.0)])
def test_it_finds_the_mutual_information_of_the_codes(referee, noise, nats):
    """The first private dimension tells one bit of the shared code, or next to nothing."""
    generator = torch.Generator().manual_seed(3)
    optimizer = torch.optim.Adam(referee.parameters(), lr=1e-3)
    found = []
    for _ in range(300):
        private = torch.randn(128, 1, 2, generator=generator)
        shared = torch.randn(128, 1, 3, generator=generator)
        bit = torch.sign(shared[..., 0])
        private[..., 0] = 3 * bit + noise * private[..., 0]
        terms = ask_referee(referee, private, shared, None, generator)
        optimizer.zero_grad()
        terms["referee"].backward()
        optimizer.step()
        found.append(float(terms["dependence"].detach()))
    # A mean over 50 batches of 128 has a standard error far below 0.1.
    assert sum(found[-50:]) / 50 == pytest.approx(nats, abs=0.1)
