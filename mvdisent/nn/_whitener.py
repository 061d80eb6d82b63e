"""Views in units in which what varies little counts more: partial whitening."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

#: Principal axes that have a gain of their own, at most.
MAX_AXES = 128
# Part of the largest standard deviation below which an axis gains no more.
_FLOOR = 1e-3


class Whitener(nn.Module):
    """Scale the principal axes of views, each by a power of its standard deviation.

    The variance of all values together stays. What lies beyond the axes counts as
    little as the widest of them.

    Parameters
    ----------
    n_features : int
        Values of one view.
    power : float
        From 0, which changes nothing, to 1, whitening: all axes vary alike.

    Attributes
    ----------
    mean : Tensor of shape (n_features,)
        The mean view.
    axes : Tensor of shape (n_features, n_axes)
        Orthonormal principal axes, widest first; zero where there are fewer.
    gains : Tensor of shape (n_axes,)
        What each is scaled by.
    rest : Tensor of shape ()
        What all that lies beyond them is scaled by.

    References
    ----------
    .. [1] A. Kessy, A. Lewin, K. Strimmer, "Optimal Whitening and Decorrelation",
       The American Statistician 72, 2018: ZCA, here to a power.
    """

    mean: Tensor
    axes: Tensor
    gains: Tensor
    rest: Tensor

    def __init__(self, n_features: int, power: float) -> None:
        super().__init__()
        self.power = power
        n_axes = min(n_features, MAX_AXES)
        shapes = {
            "mean": (n_features,),
            "axes": (n_features, n_axes),
            "gains": (n_axes,),
            "rest": (),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.empty(shape))

    def init_weights(self, generator: torch.Generator) -> None:
        """Start as the identity."""
        self.mean.zero_()
        self.axes.zero_()
        self.gains.fill_(1.0)
        self.rest.fill_(1.0)

    def set_axes(
        self,
        mean: NDArray[np.floating],
        axes: NDArray[np.floating],
        std: NDArray[np.floating],
        variance: float,
    ) -> None:
        """Take over principal axes, and find their gains.

        Parameters
        ----------
        mean : ndarray of shape (n_features,)
            The mean view.
        axes : ndarray of shape (n_found, n_features)
            Orthonormal axes, a row each, widest first; as many as there are, or fewer.
        std : ndarray of shape (n_found,)
            Standard deviation along each.
        variance : float
            Of all features, summed.
        """
        self.mean.copy_(torch.from_numpy(mean))
        if not std[0] > 0:  # views that are all alike
            return
        gains = np.maximum(std, _FLOOR * std[0]) ** -self.power
        beyond = max(0.0, variance - float(np.square(std).sum()))
        whole = float(np.square(gains * std).sum()) + beyond * gains[0] ** 2
        gains *= np.sqrt(variance / whole)
        self.axes[:, : len(std)].copy_(torch.from_numpy(np.ascontiguousarray(axes.T)))
        self.rest.fill_(float(gains[0]))
        self.gains.fill_(float(gains[0]))
        self.gains[: len(std)].copy_(torch.from_numpy(gains))

    def whiten(self, x: Tensor) -> Tensor:
        """Take views (n, n_features) to whitened ones."""
        x = x - self.mean
        along = (x @ self.axes) * (self.gains - self.rest)
        return torch.addmm(x * self.rest, along, self.axes.T)

    def restore(self, x: Tensor) -> Tensor:
        """Take whitened views (n, n_features) back."""
        along = (x @ self.axes) * (1 / self.gains - 1 / self.rest)
        return torch.addmm(x / self.rest + self.mean, along, self.axes.T)
