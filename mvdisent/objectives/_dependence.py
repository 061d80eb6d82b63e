"""Dependence between two codes by the density-ratio trick."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus


def referee_loss(together: Tensor, shuffled: Tensor) -> Tensor:
    """Compute the cross-entropy of a referee's logits.

    Parameters
    ----------
    together : Tensor of shape (n,)
        Logits of pairs of codes of one sample.
    shuffled : Tensor of shape (m,)
        Logits of pairs of codes of two samples.

    Returns
    -------
    loss : Tensor of shape ()
        Mean over both kinds, in nats: log 2 where the referee cannot tell them
        apart. Of the best referee, the logits are the logarithm of the density
        ratio, and their mean over pairs of one sample is the mutual information
        of the codes [1]_.

    References
    ----------
    .. [1] M. Sugiyama, T. Suzuki, T. Kanamori, "Density Ratio Estimation in
       Machine Learning", Cambridge University Press, 2012, Ch. 4.
    """
    return (softplus(-together).mean() + softplus(shuffled).mean()) / 2
