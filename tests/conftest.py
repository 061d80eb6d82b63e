"""Settings that must stand before scipy, matplotlib and ray are imported, and data for all."""

from __future__ import annotations

import os
import secrets

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # or one of scikit-learn's checks is skipped
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "120")  # where all cores are busy
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # or Ray writes one in the home
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
if "PYTEST_XDIST_WORKER" in os.environ:  # the cores are shared by processes already
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from mvdisent import MultiViewDisentangler
from mvdisent.nn import MLPDecoder, MLPEncoder


class Views(NamedTuple):
    """Two views of 12 features, which share a class and differ in a level."""

    X: NDArray[np.float32]  # (n_samples, 2, 12)
    factors: pd.DataFrame  # shape, level_v0, level_v1


def draw_views(n_samples: int, seed: int) -> Views:
    rng = np.random.default_rng(seed)
    # The same directions for every seed: train and test have one distribution.
    directions = np.random.default_rng(99).standard_normal((5, 12))
    shape, level = rng.integers(4, size=n_samples), rng.uniform(-2, 2, (n_samples, 2))
    X = 2 * directions[shape, None] + level[..., None] * directions[4]
    X += 0.1 * rng.standard_normal(X.shape)
    factors = {"shape": shape, "level_v0": level[:, 0], "level_v1": level[:, 1]}
    return Views(X.astype(np.float32), pd.DataFrame(factors))


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Tests run beside one another, and their tensors are too small to share out."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def train() -> Views:
    return draw_views(700, 0)


@pytest.fixture(scope="session")
def few(train: Views) -> NDArray[np.float32]:
    """Views for tests in which nothing need be learned."""
    return train.X[:150]


@pytest.fixture(scope="session")
def unseen() -> Views:
    """More samples of the same kind: more than a chunk of the inference."""
    return draw_views(400, 1)


@pytest.fixture(scope="session")
def small() -> dict[str, Any]:
    """Parameters of a model that trains in a second or two."""
    return {
        "n_private": 4,
        "n_shared": 6,
        "encoder": partial(MLPEncoder, hidden=(32,)),
        "decoder": partial(MLPDecoder, hidden=(32,)),
        "batch_size": 64,
        "warmup_epochs": 0,
        "decoder_std": 1.0,
        "lr": 0.01,
        "random_state": 1,
    }


@pytest.fixture(scope="session")
def quick(small: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a model of which nothing need be learned."""
    return {**small, "max_epochs": 2}


@pytest.fixture(scope="session")
def fitted(train: Views, small: dict[str, Any]) -> MultiViewDisentangler:
    """A trained model; tests that change it take a copy."""
    return MultiViewDisentangler(**small, max_epochs=20).fit(train.X)


@pytest.fixture(scope="session")
def fitted_marl(train: Views, small: dict[str, Any]) -> MultiViewDisentangler:
    """The same by the paper's objective, which has no separation and needs few dimensions."""
    return MultiViewDisentangler(**small, objective="marl", max_epochs=20).fit(train.X)
