"""Checks of what networks are built of, and of the tensors that they combine."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import torch
from torch import Tensor

from .._param_checks import as_names


def check_width(name: str, width: object) -> int:
    """Take a number of units, 1 or more."""
    if isinstance(width, bool) or not isinstance(width, Integral) or width < 1:
        raise ValueError(f"{name}={width!r:.60}; pass an int of 1 or more")
    return int(width)


def check_widths(name: str, widths: Sequence[int]) -> list[int]:
    """Take numbers of units, one a layer or axis."""
    return [check_width(f"{name}[{i}]", width) for i, width in enumerate(as_names(name, widths))]


def check_view_shape(view_shape: Sequence[int]) -> tuple[int, ...]:
    """Take the shape of one view, of one axis or more."""
    shape = tuple(check_widths("view_shape", view_shape))
    if not shape:
        raise ValueError("view_shape is empty: pass one axis or more, such as (n_mels, n_frames)")
    return shape


def check_gaussians(mean: Tensor, log_var: Tensor) -> None:
    """Refuse means and log variances of different shapes, which torch would broadcast."""
    for name, value in (("mean", mean), ("log_var", log_var)):
        if not isinstance(value, Tensor) or not value.is_floating_point():
            kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"{name} is of type {kind}; pass a tensor of floats")
    if mean.shape != log_var.shape:
        raise ValueError(
            f"log_var has shape {tuple(log_var.shape)}, but mean has {tuple(mean.shape)}: pass "
            "the same"
        )


def check_experts(mean: Tensor, log_var: Tensor, present: Tensor | None) -> None:
    """Refuse experts that are not (n_samples, n_views, n_latents), one view or more."""
    check_gaussians(mean, log_var)
    if mean.ndim != 3 or not mean.shape[1]:
        raise ValueError(
            f"mean has shape {tuple(mean.shape)}; pass (n_samples, n_views, n_latents)"
        )
    if present is None:
        return
    if not isinstance(present, Tensor) or present.dtype != torch.bool:
        kind = present.dtype if isinstance(present, Tensor) else type(present).__name__
        raise TypeError(f"present is of type {kind}; pass a tensor of bool, or None")
    if present.shape != mean.shape[:2]:
        raise ValueError(
            f"present has shape {tuple(present.shape)}, but mean has {tuple(mean.shape)}: pass "
            "(n_samples, n_views)"
        )
