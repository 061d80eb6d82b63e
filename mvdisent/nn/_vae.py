"""The multi-view variational auto-encoder."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .. import _checks
from ._experts import leave_one_out_products, product_of_experts
from ._referee import Referee
from ._separator import Separator
from ._shapes import check_gaussians, check_width
from ._whitener import Whitener

# Standard deviations stay within exp(-6) and exp(6): no exp over- or underflows in float32.
_MAX_ABS_LOG_VAR = 12.0

#: What the products of the networks are computed in, in training.
PRECISIONS = ("float32", "bfloat16")


class Posterior(NamedTuple):
    """Gaussian posteriors of a batch: private a view, shared a sample.

    From the other views alone (see ``encode``), shared ones too are one a view.
    """

    private_mean: Tensor  # (n_samples, n_views, n_private)
    private_log_var: Tensor  # (n_samples, n_views, n_private)
    shared_mean: Tensor  # (n_samples, [n_views,] n_shared)
    shared_log_var: Tensor  # (n_samples, [n_views,] n_shared)
    expert_mean: Tensor  # (n_samples, n_views, n_shared): what each view tells by itself


def draw(mean: Tensor, log_var: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw once from each Gaussian by the reparametrisation trick.

    Parameters
    ----------
    mean, log_var : Tensor of any one shape
        Means and log variances.
    generator : torch.Generator or None
        Source of the noise. None returns the means.

    Returns
    -------
    z : Tensor of the same shape
        The draws, differentiable in both arguments.

    Raises
    ------
    TypeError
        If an argument is no tensor of floats.
    ValueError
        If the shapes differ.
    """
    check_gaussians(mean, log_var)
    if generator is None:
        return mean
    noise = torch.empty_like(mean).normal_(generator=generator)
    return torch.addcmul(mean, noise, (0.5 * log_var).exp())


class MultiViewVAE(nn.Module):
    """One encoder and one decoder for all views; private and shared posteriors.

    Parameters
    ----------
    encoder : nn.Module
        Maps (n, *view_shape) to (n, 2 * (n_private + n_shared)).
    decoder : nn.Module
        Maps (n, n_private + n_shared) to (n, *view_shape).
    n_private, n_shared : int
        Dimensions of the two blocks.
    referee : Referee, default=None
        Trained with the two, where the objective asks for it.
    separator : Separator, default=None
        Set once the others are trained, where the objective asks for it.
    whitener : Whitener, default=None
        What views go through before they come here, and back, kept with the networks.
    precision : {"float32", "bfloat16"}, default="float32"
        Of the products of encoder and decoder in training; their results and all
        else are float32.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        n_private: int,
        n_shared: int,
        referee: Referee | None = None,
        separator: Separator | None = None,
        whitener: Whitener | None = None,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.n_private = check_width("n_private", n_private)
        self.n_shared = check_width("n_shared", n_shared)
        self.referee = referee
        self.separator = separator
        self.whitener = whitener
        _checks.check_option("precision", precision, PRECISIONS)
        self.precision = precision

    def encode(
        self, x: Tensor, present: Tensor | None = None, *, from_others: bool = False
    ) -> Posterior:
        """Infer the posteriors of a batch.

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_views, *view_shape)
            The views; a missing one holds any finite values.
        present : Tensor of bool of shape (n_samples, n_views), default=None
            False where a view is missing. None: all present.
        from_others : bool, default=False
            Whether each view has a shared posterior of its own, told by the
            other views alone, in place of one a sample, told by all.

        Returns
        -------
        posterior : Posterior
            A missing view's private posterior is the prior, N(0, I).
        """
        p, s = self.n_private, self.n_shared
        raw = self._run(self.encoder, x.flatten(0, 1)).unflatten(0, x.shape[:2])
        private_mean, shared_mean, private_raw, shared_raw = raw.split([p, s, p, s], dim=-1)
        private_log_var, shared_log_var = (
            _MAX_ABS_LOG_VAR * torch.tanh(v / _MAX_ABS_LOG_VAR) for v in (private_raw, shared_raw)
        )
        combine = leave_one_out_products if from_others else product_of_experts
        shared = combine(shared_mean, shared_log_var, present)
        if present is not None:
            absent = ~present[..., None]
            private_mean = private_mean.masked_fill(absent, 0.0)
            private_log_var = private_log_var.masked_fill(absent, 0.0)
            shared_mean = shared_mean.masked_fill(absent, 0.0)
        return Posterior(private_mean, private_log_var, *shared, shared_mean)

    def decode(self, private: Tensor, shared: Tensor) -> Tensor:
        """Decode each view from its private code and a shared code.

        Parameters
        ----------
        private : Tensor of shape (n_samples, n_views, n_private)
            Private codes.
        shared : Tensor of shape (n_samples, n_shared) or (n_samples, n_views, n_shared)
            Shared codes, one a sample or one a view.

        Returns
        -------
        x : Tensor of shape (n_samples, n_views, *view_shape)
            The decoder's means.
        """
        if shared.ndim == 2:
            shared = shared[:, None].expand(-1, private.shape[1], -1)
        code = torch.cat([private, shared], -1)
        views: Tensor = self._run(self.decoder, code.flatten(0, 1))
        return views.reshape(*code.shape[:2], *views.shape[1:])

    def _run(self, network: nn.Module, x: Tensor) -> Any:
        """Run a network, in training in the precision that was asked for."""
        lower = self.training and self.precision == "bfloat16"
        with torch.autocast(x.device.type, torch.bfloat16) if lower else nullcontext():
            out = network(x)
        return out.float() if lower else out
