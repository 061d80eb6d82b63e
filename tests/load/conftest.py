"""Models that cost milliseconds, so that hundreds of them can be fitted."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mvdisent.nn import MLPDecoder, MLPEncoder


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    """Parameters of a model of which one epoch takes some 10 ms."""
    return {
        "objective": "marl",  # a separation takes a tenth of a second
        "n_private": 1,
        "n_shared": 1,
        "encoder": partial(MLPEncoder, hidden=(2,)),
        "decoder": partial(MLPDecoder, hidden=(2,)),
        "max_epochs": 1,
        "random_state": 0,
    }


@pytest.fixture(scope="session")
def X() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(12, 2, 4)).astype(np.float32)
