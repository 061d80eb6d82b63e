"""The separator: private codes to the places of one slice, shared codes to axes of agreement."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.testing import assert_close

from mvdisent.nn import build_module
from mvdisent.nn._separator import N_REFERENCES, Separator

LEVELS = torch.linspace(-1, 1, N_REFERENCES)


def decode(private, shared):
    """Views of three features: the first private dimension, the shared one, nothing."""
    zero = torch.zeros(len(private), 1, 1)
    return torch.cat([private[..., :1], shared[:, None, :1], zero], -1)


@pytest.fixture
def separator():
    """References with one private code a level, whose second dimension tells the slice: 5."""
    separator = build_module(partial(Separator, 2, 1, 3), torch.Generator().manual_seed(0))
    separator.basis.copy_(torch.eye(3))
    separator.anchor.fill_(7.0)
    separator.reference_codes.copy_(torch.stack([LEVELS, torch.full_like(LEVELS, 5.0)], 1))
    codes = separator.reference_codes[:, None]
    separator.reference_views.copy_(decode(codes, separator.anchor.expand(len(codes), 1))[:, 0])
    return separator


def test_private_codes_keep_what_decodes_and_take_the_rest_from_the_references(separator):
    own = torch.stack([torch.tensor([-0.5, 0.1, 0.8]), torch.tensor([1.0, 2.0, 3.0])], 1)
    separated = separator.separate_private(own, decode)
    assert_close(separated[:, 0], own[:, 0], atol=2 / N_REFERENCES, rtol=0)
    assert_close(separated[:, 1], torch.full((3,), 5.0))


def test_shared_codes_are_projected_and_rounded(separator):
    separator.shared_axes.fill_(2.0)
    separator.shared_codes.fill_(1e3)  # far from all
    separator.shared_steps.fill_(0.5)
    assert_close(
        separator.separate_shared(torch.tensor([[0.1], [0.2], [-0.37]])),
        torch.tensor([[0.0], [0.5], [-0.5]]),
    )


def test_shared_codes_move_with_those_around_them_and_elsewhere_stay(separator):
    separator.shared_axes.fill_(1.0)
    separator.shared_steps.fill_(1e-3)
    # Samples of one kind, whose views tell 3 to 5 by themselves and 4 on the whole.
    separator.shared_codes.copy_(torch.linspace(3.0, 5.0, N_REFERENCES)[:, None])
    separator.shared_moves.copy_(4.0 - separator.shared_codes)
    moved = separator.separate_shared(torch.tensor([[3.5], [4.0], [4.6], [40.0]]))
    assert_close(moved, torch.tensor([[4.0], [4.0], [4.0], [40.0]]), atol=0.05, rtol=0)


def test_a_new_separator_knows_nothing(separator):
    new = build_module(partial(Separator, 2, 3, 4), torch.Generator().manual_seed(0))
    assert new.basis.shape == (4, 4)
    assert (new.separate_shared(torch.randn(5, 3)) == 0).all()
    assert [name for name, _ in new.named_parameters()] == []
