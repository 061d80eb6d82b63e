"""What two codes tell of each other, by contrast with those of other samples."""

from __future__ import annotations

import reprlib

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
        By what the cosines of the codes are divided [2]_; above 0.

    Returns
    -------
    loss : Tensor of shape ()
        Mean cross-entropy of the choice, in nats: log n where nothing is told. log n
        less this is a lower bound of the mutual information of the two [1]_.

    Raises
    ------
    ValueError
        If the shapes differ, or the temperature is not above 0.

    References
    ----------
    .. [1] A. van den Oord, Y. Li, O. Vinyals, "Representation Learning with
       Contrastive Predictive Coding", arXiv 1807.03748, 2018.
    .. [2] T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A Simple Framework for
       Contrastive Learning of Visual Representations", ICML 2020.
    """
    if codes.shape != others.shape:
        raise ValueError(
            f"others has shape {tuple(others.shape)}, but codes {tuple(codes.shape)}: pass one "
            "counterpart to each code"
        )
    if not temperature > 0:
        raise ValueError(f"temperature={reprlib.repr(temperature)}: pass a number above 0")
    cosines = normalize(codes, dim=1) @ normalize(others, dim=1).mT
    return cross_entropy(cosines / temperature, torch.arange(len(codes), device=codes.device))
