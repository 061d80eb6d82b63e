"""The referee's loss on logits whose value is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.testing import assert_close

from mvdisent.objectives import referee_loss


def test_who_cannot_tell_loses_log_2():
    assert_close(referee_loss(torch.zeros(5), torch.zeros(9)), torch.tensor(math.log(2)))


def test_it_is_the_cross_entropy_of_the_two_kinds():
    together, shuffled = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    labels = torch.cat([torch.ones(50), torch.zeros(50)])
    expected = binary_cross_entropy_with_logits(torch.cat([together, shuffled]), labels)
    assert_close(referee_loss(together, shuffled), expected)


@pytest.mark.parametrize("right", [True, False])
def test_extreme_logits_stay_finite(right):
    logit = torch.full((3,), 1e4 if right else -1e4)
    assert_close(referee_loss(logit, -logit), torch.tensor(0.0 if right else 1e4))


def test_it_is_least_at_the_logarithm_of_the_density_ratio():
    """Two equal bits of four pairs: p = 1/2 and 0 against 1/4 each, with a little noise."""
    equal, unequal = 0.45, 0.05  # the joint probability of each pair; 0.25 if shuffled
    logits = torch.zeros(2, requires_grad=True)  # of equal and of unequal bits
    share = torch.tensor([2 * equal, 2 * unequal])

    def loss():
        together = torch.nn.functional.softplus(-logits) * share
        return (together.sum() + torch.nn.functional.softplus(logits).mean()) / 2

    optimizer = torch.optim.LBFGS([logits], max_iter=100)

    def step():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(step)
    ratio = torch.tensor([equal / 0.25, unequal / 0.25]).log()
    assert_close(logits.detach(), ratio, rtol=0, atol=1e-3)
    # As drawn pairs, 9 in 10 of them equal, it is the same loss.
    drawn = referee_loss(logits[[0] * 9 + [1]], logits)
    assert_close(drawn, loss())
