"""A model with a checkpoint, and the checkpoint of a fit that has ended."""

from __future__ import annotations

import pytest

from mvdisent import MultiViewDisentangler


@pytest.fixture
def make(small, tmp_path):
    """Return a function that makes a model of 3 steps an epoch, with a checkpoint."""

    def make_model(**params):
        return MultiViewDisentangler(
            **{
                **small,
                "max_epochs": 3,
                "warmup_epochs": 1.5,
                "checkpoint": tmp_path / "checkpoint",
                "checkpoint_every": 0,
                **params,
            }
        )

    return make_model


@pytest.fixture
def path(make, few):
    """Return the checkpoint of a fit that has ended."""
    return make().fit(few).checkpoint
