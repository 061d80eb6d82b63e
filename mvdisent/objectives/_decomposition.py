"""The parts of the KL of an aggregated posterior, estimated from a minibatch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

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

    # torch leaves Function.apply without types.
    conditional, joint, product, prior = _LogDensities.apply(z, mean, log_var, own, other)  # type: ignore[no-untyped-call]
    return KLParts(conditional - joint, joint - product, product - prior)


class _LogDensities(torch.autograd.Function):
    """Mean log densities of draws, from whose differences the parts of the KL are made.

    Returns log q(z | x), log q(z), sum_k log q(z_k) and log p(z), means over the draws.
    The gradients are closed forms, taken in the forward pass: ops this small cost as
    much as the sums in them, so that there are few.
    """

    @staticmethod
    def forward(
        ctx: Any, z: Tensor, mean: Tensor, log_var: Tensor, own: float, other: float
    ) -> tuple[Tensor, ...]:
        n = len(z)
        # Latents first, and contiguous, so that sums over pairs run along memory.
        z, mean, log_var = (part.T.contiguous() for part in (z, mean, log_var))
        precision, constant = (-log_var).exp(), -0.5 * (log_var + _LOG_2PI)
        values, *gradients = _aggregate(z, mean, precision, constant, own, other)
        scaled = (mean - z) * precision
        square = (mean - z) * scaled
        conditional = (constant - 0.5 * square).sum()
        prior = -0.5 * (z.square() + _LOG_2PI).sum()
        zero = torch.zeros_like(z)
        # By draw, mean and log variance: of the first and of the last of the four.
        ends = (scaled, -z), (-scaled, zero), (0.5 * (square - 1), zero)
        ctx.save_for_backward(
            *(
                torch.stack([first, *between, last]).div_(n)
                for (first, last), between in zip(ends, gradients, strict=True)
            )
        )
        return conditional / n, values[0] / n, values[1] / n, prior / n

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        weights = torch.stack(grads)
        d_z, d_mean, d_log_var = (torch.tensordot(weights, d, 1).T for d in ctx.saved_tensors)
        return d_z, d_mean, d_log_var, None, None


def _aggregate(
    z: Tensor, mean: Tensor, precision: Tensor, constant: Tensor, own: float, other: float
) -> tuple[Tensor, ...]:
    """Sum the log densities of draws under the aggregated posterior, by its definition.

    Of the joint, then of the product of the marginals: the values, and the gradients by
    draw, mean and log variance, (2, latent, row) each. They come from the softmax over
    the pairs, chunk by chunk, so that no tensor of all pairs is ever kept.
    """
    n_latents, n = z.shape
    draws, mean, precision = z[..., None], mean[:, None], precision[:, None]
    constant = constant[:, None] + other
    # The latents, and after them the joint, which shares their softmax.
    values, mass = z.new_empty(n_latents + 1, n, 1), z.new_zeros(n_latents + 1, n)
    by_draw = z.new_empty(2, n_latents, n)
    by_mean, by_log_var = z.new_zeros(2, 2, n_latents, n)
    step = min(n, max(1, _MAX_PAIRS // z.numel()))
    # Memory that is new in each chunk would cost more than the sums in it.
    buffers = [z.new_empty(n_latents + extra, step, n) for extra in (0, 0, 0, 1)]
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        error, scaled, pull, share = (buffer[:, : rows.stop - start] for buffer in buffers)
        latents, joint = share[:n_latents], share[n_latents:]
        torch.sub(mean, draws[:, rows], out=error)  # (latent, i, j): draw i, posterior j
        torch.mul(error, precision, out=scaled)
        torch.addcmul(constant, error, scaled, value=-0.5, out=latents)
        # Joint: sum the latents, then average over j. Marginals: average, then sum.
        # That order is all that tells total correlation from dimension-wise KL.
        torch.sum(latents, 0, keepdim=True, out=joint).sub_((n_latents - 1) * other)
        share.diagonal(start, 1, 2).add_(own - other)
        peak = share.amax(2, keepdim=True)
        share.sub_(peak).clamp_min_(_NEGLIGIBLE).exp_()
        total = share.sum(2, keepdim=True)
        share.mul_(total.reciprocal())  # softmax over j: how much posterior j speaks for draw i
        torch.add(peak, total.log_(), out=values[:, rows])
        mass.add_(share.sum(1))
        for part, weight in enumerate((joint, latents)):
            torch.mul(weight, scaled, out=pull)
            torch.sum(pull, 2, out=by_draw[part, :, rows])
            by_mean[part].sub_(pull.sum(1))
            by_log_var[part].add_(pull.mul_(error).sum(1))
    by_log_var[0].sub_(mass[n_latents:])
    by_log_var[1].sub_(mass[:n_latents])
    sums = torch.stack([values[n_latents:].sum(), values[:n_latents].sum()])
    return sums, by_draw, by_mean, by_log_var.mul_(0.5)
