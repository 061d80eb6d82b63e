"""What two codes tell of each other, by contrast with those of other samples."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize


def info_nce(codes: Tensor, others: Tensor, *, temperature: float = 0.1) -> Tensor:
    """Compute InfoNCE: how badly a code's own counterpart is picked out of all.

    Parameters
    ----------
    codes : Tensor of shape (n, n_latents)
        Codes.
    others : Tensor of shape (n, n_latents)
        Their counterparts, in the same order.
    temperature : float, default=0.1
        By what the cosines of the codes are divided [2]_.

    Returns
    -------
    loss : Tensor of shape ()
        Mean cross-entropy of the choice, in nats: log n where nothing is told. log n
        less this is a lower bound of the mutual information of the two [1]_.

    References
    ----------
    .. [1] A. van den Oord, Y. Li, O. Vinyals, "Representation Learning with
       Contrastive Predictive Coding", arXiv 1807.03748, 2018.
    .. [2] T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A Simple Framework for
       Contrastive Learning of Visual Representations", ICML 2020.
    """
    cosines = normalize(codes, dim=1) @ normalize(others, dim=1).mT
    return cross_entropy(cosines / temperature, torch.arange(len(codes), device=codes.device))
