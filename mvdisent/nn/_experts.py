"""Products of Gaussian experts."""

from __future__ import annotations

import torch
from torch import Tensor

from ._shapes import check_experts


def product_of_experts(
    mean: Tensor, log_var: Tensor, present: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Multiply Gaussian experts, one a view, with a standard normal prior expert.

    Parameters
    ----------
    mean, log_var : Tensor of shape (n_samples, n_views, n_latents)
        Mean and log variance of each view's expert.
    present : Tensor of bool of shape (n_samples, n_views), default=None
        False where a view is missing: its expert drops out. None: all present.

    Returns
    -------
    mean, log_var : Tensor of shape (n_samples, n_latents)
        Mean and log variance of the product. With no expert present it is the
        prior, N(0, I).

    Raises
    ------
    TypeError
        If an argument is no tensor of floats, or ``present`` none of bool.
    ValueError
        If the shapes are not as described.

    References
    ----------
    .. [1] M. Wu and N. Goodman, "Multimodal Generative Models for Scalable
       Weakly-Supervised Learning", NeurIPS 2018, Sec. 2.2.
    """
    check_experts(mean, log_var, present)
    log_precision = -log_var
    if present is not None:
        log_precision = log_precision.masked_fill(~present[..., None], -torch.inf)
        mean = mean.masked_fill(~present[..., None], 0.0)
    prior = torch.zeros_like(log_precision[:, :1])
    # In logarithms: no precision, however large or small, overflows.
    log_total = torch.cat([prior, log_precision], 1).logsumexp(1)
    weights = (log_precision - log_total[:, None]).exp()
    return (weights * mean).sum(1), -log_total


def leave_one_out_products(
    mean: Tensor, log_var: Tensor, present: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Multiply, for each view, the experts of the other views.

    Parameters
    ----------
    mean, log_var : Tensor of shape (n_samples, n_views, n_latents)
        Mean and log variance of each view's expert.
    present : Tensor of bool of shape (n_samples, n_views), default=None
        False where a view is missing: its expert drops out. None: all present.

    Returns
    -------
    mean, log_var : Tensor of shape (n_samples, n_views, n_latents)
        Mean and log variance of each product. Where no other view is present,
        it is that of the view's own expert.

    Raises
    ------
    TypeError
        If an argument is no tensor of floats, or ``present`` none of bool.
    ValueError
        If the shapes are not as described.
    """
    check_experts(mean, log_var, present)
    if present is None:
        present = mean.new_ones(mean.shape[:2], dtype=torch.bool)
    products = []
    for view in range(mean.shape[1]):
        others = present.clone()
        others[:, view] &= present.sum(1) == 1
        products.append(product_of_experts(mean, log_var, others))
    means, log_vars = zip(*products, strict=True)
    return torch.stack(means, 1), torch.stack(log_vars, 1)
