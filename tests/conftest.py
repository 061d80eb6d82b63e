"""Settings that must stand before numpy, scipy and matplotlib are imported."""

from __future__ import annotations

import os

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # or one of scikit-learn's checks is skipped
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Tests run beside one another, and their tensors are too small to share out."""
    torch.set_num_threads(1)
