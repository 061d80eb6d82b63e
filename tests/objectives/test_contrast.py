"""InfoNCE of codes whose mutual information is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.testing import assert_close

from mvdisent.objectives import info_nce


def test_codes_that_are_all_alike_tell_nothing():
    codes = torch.ones(7, 3, dtype=torch.float64)
    assert_close(info_nce(codes, 2 * codes), torch.tensor(math.log(7), dtype=torch.float64))


def test_a_code_of_its_own_direction_is_told_for_certain():
    codes = torch.eye(4)
    assert info_nce(codes, 3 * codes, temperature=0.01) < 1e-6


def test_it_is_the_cross_entropy_of_the_cosines():
    codes, others = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    cosines = torch.cosine_similarity(codes[:, None], others[None], dim=2)
    expected = cross_entropy(cosines / 0.5, torch.arange(6))
    assert_close(info_nce(codes, others, temperature=0.5), expected)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_what_classes_tell_is_bounded_by_their_entropy(n_classes):
    classes = torch.arange(20 * n_classes) % n_classes
    codes = torch.eye(n_classes)[classes]
    told = math.log(len(codes)) - info_nce(codes, codes, temperature=0.01)
    assert_close(told, torch.tensor(math.log(n_classes)), rtol=0, atol=1e-4)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_above_0_is_refused(temperature):
    with pytest.raises(ValueError, match=f"temperature={temperature}: pass a number above 0"):
        info_nce(torch.eye(3), torch.eye(3), temperature=temperature)


def test_codes_without_counterparts_are_refused():
    with pytest.raises(ValueError, match=r"others has shape \(5, 3\), but codes \(4, 3\)"):
        info_nce(torch.ones(4, 3), torch.ones(5, 3))


def test_a_code_of_zeros_has_a_finite_gradient():
    codes = torch.zeros(3, 2, requires_grad=True)
    info_nce(codes, torch.ones(3, 2)).backward()
    assert torch.isfinite(codes.grad).all()
