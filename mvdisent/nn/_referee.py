"""The referee: a classifier that tells codes that belong together from shuffled ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ._shapes import check_width

_WIDTH = 256


class Referee(nn.Module):
    """Tell a private and a shared code of one sample from those of two samples.

    Its logit estimates the logarithm of the density ratio
    q(z_p, z_s) / (q(z_p) q(z_s)) [1]_.

    Parameters
    ----------
    n_private, n_shared : int
        Dimensions of the two blocks.

    References
    ----------
    .. [1] H. Kim and A. Mnih, "Disentangling by Factorising", ICML 2018,
       Sec. 3 and Table 4 (its network).
    """

    def __init__(self, n_private: int, n_shared: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_inputs = check_width("n_private", n_private) + check_width("n_shared", n_shared)
        for _ in range(3):
            layers += [nn.Linear(n_inputs, _WIDTH), nn.LeakyReLU(0.2)]
            n_inputs = _WIDTH
        self.layers = nn.Sequential(*layers, nn.Linear(n_inputs, 1))

    def forward(self, private: Tensor, shared: Tensor) -> Tensor:
        """Give the logit that each pair of codes is of one sample.

        Parameters
        ----------
        private : Tensor of shape (n, n_private)
            Private codes.
        shared : Tensor of shape (n, n_shared)
            Shared codes.

        Returns
        -------
        logit : Tensor of shape (n,)
            In nats; above 0 where they seem to belong together.
        """
        logit: Tensor = self.layers(torch.cat([private, shared], -1))
        return logit[:, 0]

    def judge(self, private: Tensor, shared: Tensor) -> Tensor:
        """Give the logits of a referee that does not learn from being asked.

        Parameters
        ----------
        private, shared : Tensor of shape (n, n_private) and (n, n_shared)
            Codes, to which gradients flow back.

        Returns
        -------
        logit : Tensor of shape (n,)
            As ``forward``; no gradient reaches the referee's own weights.
        """
        frozen = {name: weight.detach() for name, weight in self.named_parameters()}
        logit: Tensor = functional_call(self, frozen, (private, shared))
        return logit
