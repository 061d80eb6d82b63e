"""The parts of the KL of an aggregated posterior, estimated from a minibatch."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ._gaussian import log_normal

# Above this many pair densities at once, rows are taken in chunks and recomputed
# in the backward pass: 2**24 float32 values are 64 MiB.
_MAX_PAIRS = 2**24

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

    rows = max(1, _MAX_PAIRS // mean.numel())
    if rows >= n:
        joint, marginals = _log_aggregate(z, mean, log_var, own, other, 0)
    else:
        chunks = [
            checkpoint(
                _log_aggregate,
                chunk,
                mean,
                log_var,
                own,
                other,
                i * rows,
                use_reentrant=False,
                preserve_rng_state=False,
            )
            for i, chunk in enumerate(torch.split(z, rows))
        ]
        joint, marginals = (torch.cat(parts) for parts in zip(*chunks, strict=True))
    conditional = log_normal(z, mean, log_var).sum(1)
    prior = log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
    product = marginals.sum(1)
    return KLParts((conditional - joint).mean(), (joint - product).mean(), (product - prior).mean())


def _log_aggregate(
    z: Tensor, mean: Tensor, log_var: Tensor, own: float, other: float, first: int
) -> tuple[Tensor, Tensor]:
    """Log density of draws under the aggregated posterior: joint, and by dimension.

    ``z`` holds the draws of rows ``first, first + 1, ...`` of the minibatch.
    """
    pairs = log_normal(z[:, None], mean, log_var)  # (i, j, latent): draw i, posterior j
    log_weights = torch.full(pairs.shape[:2], other, dtype=z.dtype, device=z.device)
    log_weights.diagonal(first).fill_(own)
    # Joint: sum the latents, then average over j. Marginals: average, then sum.
    # That order is all that tells total correlation from dimension-wise KL.
    joint = (pairs.sum(2) + log_weights).logsumexp(1)
    return joint, (pairs + log_weights[..., None]).logsumexp(1)
