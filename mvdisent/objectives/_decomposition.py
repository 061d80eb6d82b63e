"""The parts of the KL of an aggregated posterior, estimated from a minibatch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._gaussian import log_normal

_LOG_2PI = math.log(2 * math.pi)
# Pair densities held at once: 512 KiB of float32 stay in a core's cache.
_MAX_PAIRS = 2**17
# What lies this far below the greatest adds nothing, and exp takes sixty times as long
# once its result is no normal float.
_NEGLIGIBLE = -60.0

KL_ESTIMATORS = ("stratified", "weighted")


class KLParts(NamedTuple):
    """The three parts of the KL to the prior, in nats; their sum estimates it."""

    mi: Tensor
    tc: Tensor
    dwkl: Tensor


def split_kl(
    z: Tensor,
    mean: Tensor,
    log_var: Tensor,
    *,
    n_train: int,
    estimator: str = "stratified",
) -> KLParts:
    """Split the KL of a Gaussian posterior to its prior into three parts.

    The density of the aggregated posterior, q(z) = mean over the training set
    of q(z | x_n), is estimated by a weighted mean over the minibatch, whose
    weights sum to one. So the three parts carry no constant that depends on
    ``n_train`` (plain minibatch-weighted sampling shifts mi, tc and dwkl by
    +1, n_latents - 1 and -n_latents times log ``n_train``; the gradients are
    the same).

    Parameters
    ----------
    z, mean, log_var : Tensor of shape (n_samples, n_latents)
        One draw from each posterior, and that posterior's parameters.
    n_train : int
        Rows of the training set from which this minibatch was drawn.
    estimator : {"stratified", "weighted"}, default="stratified"
        "stratified" weighs a draw's own posterior by 1 / n_train, its true
        share, and averages over the others: the mean over all orders of
        minibatch-stratified sampling [1]_. "weighted" weighs all alike:
        minibatch-weighted sampling [1]_, which bounds mi by log n_samples.

    Returns
    -------
    parts : KLParts of Tensor of shape ()
        Mutual information, total correlation, dimension-wise KL, in nats.

    Raises
    ------
    ValueError
        If ``n_train`` is smaller than the minibatch, ``estimator`` is unknown,
        or the stratified estimator is given a single row.

    References
    ----------
    .. [1] R. T. Q. Chen et al., "Isolating Sources of Disentanglement in
       Variational Autoencoders", NeurIPS 2018, Sec. 3 and App. C.
    """
    n = len(z)
    if n_train < n:
        raise ValueError(f"n_train={n_train} < batch size {n}; pass len(X)")
    if estimator not in KL_ESTIMATORS:
        raise ValueError(f"estimator={estimator!r} is unknown; pass one of {KL_ESTIMATORS}")
    own, other = -math.log(n), -math.log(n)
    if estimator == "stratified" and n_train > 1:
        if n < 2:
            raise ValueError("a stratified minibatch needs 2 rows or more, got 1")
        own, other = -math.log(n_train), math.log((n_train - 1) / (n_train * (n - 1)))

    joint, product = _AggregateLogDensity.apply(z, mean, log_var, own, other)  # type: ignore[no-untyped-call]
    conditional = log_normal(z, mean, log_var).sum() / n
    prior = log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum() / n
    return KLParts(conditional - joint, joint - product, product - prior)


class _AggregateLogDensity(torch.autograd.Function):
    """Mean log density of draws under the aggregated posterior, by its definition.

    Returns log q(z) and sum_k log q(z_k), means over the draws. The gradients
    are closed forms of the softmax over the pairs, taken in the forward pass
    chunk by chunk, so no tensor of all pairs is ever kept.
    """

    @staticmethod
    def forward(
        ctx: Any, z: Tensor, mean: Tensor, log_var: Tensor, own: float, other: float
    ) -> tuple[Tensor, Tensor]:
        n, n_latents = z.shape
        # Latents first, and contiguous, so that sums over pairs run along memory.
        z_t = z.T.contiguous()[..., None]  # (latent, i, 1)
        mean_t, log_var_t = mean.T.contiguous()[:, None], log_var.T.contiguous()[:, None]
        precision = (-log_var_t).exp()  # (latent, 1, j)
        constant = -0.5 * (log_var_t + _LOG_2PI) + other
        # Of the joint, then of the marginals: values, and gradients.
        sums = z.new_zeros(2)
        d_z, d_mean, d_log_var = (z.new_zeros(2, n_latents, n) for _ in range(3))
        parts = list(zip(sums, d_z, d_mean, d_log_var, strict=True))
        step = min(n, max(1, _MAX_PAIRS // mean.numel()))
        # Memory that is new in each chunk would cost more than the sums in it.
        buffers = [z.new_empty(n_latents, step, n) for _ in range(4)]
        for start in range(0, n, step):
            rows = slice(start, min(start + step, n))
            error, scaled, pairs, pull = (buffer[:, : rows.stop - start] for buffer in buffers)
            torch.sub(mean_t, z_t[:, rows], out=error)  # (latent, i, j): draw i, posterior j
            torch.mul(error, precision, out=scaled)
            torch.addcmul(constant, error, scaled, value=-0.5, out=pairs)
            # Joint: sum the latents, then average over j. Marginals: average, then sum.
            # That order is all that tells total correlation from dimension-wise KL.
            joint = pairs.sum(0, keepdim=True).sub_((n_latents - 1) * other)
            for share, part in zip((joint, pairs), parts, strict=True):
                value, by_z, by_mean, by_log_var = part
                share.diagonal(start, 1, 2).add_(own - other)
                peak = share.amax(2, keepdim=True)
                share.sub_(peak).clamp_min_(_NEGLIGIBLE).exp_()
                total = share.sum(2, keepdim=True)
                share.div_(total)  # softmax over j: how much posterior j speaks for draw i
                value.add_(peak.add_(total.log_()).sum())
                torch.mul(share, scaled, out=pull)
                by_z[:, rows] = pull.sum(2)
                by_mean.sub_(pull.sum(1))
                by_log_var.add_(pull.mul_(error).sum(1).sub_(share.sum(1)), alpha=0.5)
        ctx.save_for_backward(d_z / n, d_mean / n, d_log_var / n)
        return sums[0] / n, sums[1] / n

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        weights = torch.stack(grads)
        d_z, d_mean, d_log_var = (torch.einsum("p,pki->ik", weights, d) for d in ctx.saved_tensors)
        return d_z, d_mean, d_log_var, None, None
