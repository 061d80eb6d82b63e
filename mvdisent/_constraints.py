"""What each parameter of the disentangler may be, in scikit-learn's vocabulary."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from ._blocks import OUTPUTS, VIEW_OUTPUTS
from ._build import NETWORKS, OBJECTIVES
from .nn import PRECISIONS
from .objectives import KL_ESTIMATORS

CONSTRAINTS: dict[str, list[Any]] = {
    "n_private": [Interval(Integral, 1, None, closed="left")],
    "n_shared": [Interval(Integral, 1, None, closed="left")],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "beta": [Interval(Real, 0, None, closed="left")],
    "gamma": [Interval(Real, 0, None, closed="left")],
    "objective": [StrOptions(set(OBJECTIVES))],
    "delta": [Interval(Real, 0, None, closed="left")],
    "contrast": [Interval(Real, 0, None, closed="left")],
    "shared_weight": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
    "warmup_epochs": [Interval(Real, 0, None, closed="left")],
    # Bounds beyond any use, within which its square and those of their ratio stay finite.
    "decoder_std": [Interval(Real, 1e-9, 1e9, closed="both"), StrOptions({"auto"})],
    "whiten": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
    "kl_estimator": [StrOptions(set(KL_ESTIMATORS))],
    "encoder": [StrOptions(set(NETWORKS)), callable],
    "decoder": [StrOptions(set(NETWORKS)), callable],
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    # Of batches of at most 2, one would be a lone row wherever n_samples is odd.
    "batch_size": [Interval(Integral, 3, None, closed="left")],
    "lr": [Interval(Real, 0, None, closed="neither")],
    "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "checkpoint": [str, os.PathLike, None],
    "checkpoint_every": [Interval(Real, 0, None, closed="left")],
    "output": [StrOptions(set(OUTPUTS))],
    "view_output": [StrOptions(set(VIEW_OUTPUTS))],
    "device": [str],
    "precision": [StrOptions(set(PRECISIONS))],
    "distributed": ["boolean"],
    "random_state": ["random_state"],
    "warm_start": ["boolean"],
    "verbose": ["verbose"],
    "net_params": [Mapping, None],
}
