"""How many examples a run takes, and one fitted model for all tests of inference."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from mvdisent import MultiViewDisentangler
from mvdisent.nn import MLPDecoder, MLPEncoder

# Per test, before the share that a slow one takes of it. "ci" is the same in each run;
# ``HYPOTHESIS_PROFILE=night pytest tests/fuzz`` looks for what it has not seen.
PROFILES: dict[str, dict[str, Any]] = {
    "ci": {"max_examples": 16, "derandomize": True, "database": None},
    "night": {"max_examples": 480, "print_blob": True},
}
for name, profile in PROFILES.items():
    settings.register_profile(
        name,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        **profile,
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def tiny_model(**params: Any) -> MultiViewDisentangler:
    """A model that fits in milliseconds."""
    return MultiViewDisentangler(
        **{
            "n_private": 2,
            "n_shared": 2,
            "max_epochs": 1,
            "batch_size": 12,
            "encoder": partial(MLPEncoder, hidden=(4,)),
            "decoder": partial(MLPDecoder, hidden=(4,)),
            "random_state": 0,
            **params,
        }
    )


@pytest.fixture(scope="session")
def make_model() -> Any:
    return tiny_model


@pytest.fixture(scope="session")
def model() -> MultiViewDisentangler:
    """Fitted on two views of six features."""
    X = np.random.default_rng(0).normal(size=(24, 2, 6)).astype(np.float32)
    return tiny_model(max_epochs=8, lr=0.01, warmup_epochs=0).fit(X)


@pytest.fixture(scope="session")
def flat_model() -> MultiViewDisentangler:
    """Fitted on single views: rows of six features."""
    X = np.random.default_rng(0).normal(size=(24, 6)).astype(np.float32)
    return tiny_model(max_epochs=8, lr=0.01, warmup_epochs=0).fit(X)


# What a user is told beside a result, as documented: a model that has hardly been trained has
# collapsed; scikit-learn compares the names of columns.
TOLD = (
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X has feature names, but:UserWarning",
    "ignore:X does not have valid feature names:UserWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = os.path.dirname(__file__)
    for item in items:
        if str(item.path).startswith(here):
            for told in TOLD:
                item.add_marker(pytest.mark.filterwarnings(told))
