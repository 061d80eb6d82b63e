"""Parameters that several metrics take."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

from .. import _param_checks


def as_random_state(random_state: int | np.random.RandomState | None) -> np.random.RandomState:
    """Take a seed as scikit-learn does, and refuse others by the argument's name."""
    _param_checks.check_seed(random_state)
    rng: np.random.RandomState = check_random_state(random_state)
    return rng
