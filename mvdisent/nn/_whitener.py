"""Views in units in which what varies little counts more: partial whitening."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

#: Principal axes that have a gain of their own, at most.
MAX_AXES = 128
# Part of the largest standard deviation below which an axis gains no more.
_FLOOR = 1e-3
_BLOCK = 256


class Whitener(nn.Module):
    """Scale the principal axes of views, each by a power of its standard deviation.

    The mean variance of a value stays.

    Parameters
    ----------
    n_features : int
        Values of one view.
    power : float
        From 0, which changes nothing, to 1, whitening: all axes vary alike.
    rotate : bool
        Whether the values are those along the axes, PCA, and what lies beyond these
        is left out; else views keep their shape, ZCA, and what lies beyond counts as
        little as the widest axis [1]_.

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
       The American Statistician 72, 2018.
    """

    mean: Tensor
    axes: Tensor
    gains: Tensor
    rest: Tensor

    def __init__(self, n_features: int, power: float, *, rotate: bool) -> None:
        super().__init__()
        self.power = power
        self.rotate = rotate
        n_axes = count_axes(n_features)
        shapes = {
            "mean": (n_features,),
            "axes": (n_features, n_axes),
            "gains": (n_axes,),
            "rest": (),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.empty(shape))

    def init_weights(self, generator: torch.Generator) -> None:
        """Start with nothing known."""
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
        self.axes[:, : len(std)].copy_(torch.from_numpy(np.ascontiguousarray(axes.T)))
        if not std[0] > 0:  # views that are all alike
            return
        gains = np.maximum(std, _FLOOR * std[0]) ** -self.power
        whole = float(np.square(gains * std).sum())
        if self.rotate:
            variance *= self.axes.shape[1] / self.axes.shape[0]
        else:
            whole += max(0.0, variance - float(np.square(std).sum())) * gains[0] ** 2
        gains *= math.sqrt(variance / whole)
        self.rest.fill_(float(gains[0]))
        self.gains.fill_(float(gains[0]))
        self.gains[: len(std)].copy_(torch.from_numpy(gains))

    def whiten(self, x: Tensor) -> Tensor:
        """Take views (n, *view_shape) to whitened ones: (n, n_axes), or of their own shape."""
        return self._by_block(self._whiten, x)

    def restore(self, x: Tensor) -> Tensor:
        """Take whitened views, (n, n_axes) or (n, *view_shape), back: (n, n_features) or so."""
        return self._by_block(self._restore, x)

    def _whiten(self, x: Tensor) -> Tensor:
        x = x - self.mean
        if self.rotate:
            return (x @ self.axes) * self.gains
        return torch.addmm(x * self.rest, (x @ self.axes) * (self.gains - self.rest), self.axes.T)

    def _restore(self, x: Tensor) -> Tensor:
        if self.rotate:
            return torch.addmm(self.mean, x / self.gains, self.axes.T)
        along = (x @ self.axes) * (1 / self.gains - 1 / self.rest)
        return torch.addmm(x / self.rest + self.mean, along, self.axes.T)

    def _by_block(self, scale: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """Scale so many views at a time as ever: they round alike whatever stands beside them."""
        blocks = []
        for start in range(0, max(1, len(x)), _BLOCK):
            block = x[start : start + _BLOCK].flatten(1)
            blocks.append(scale(pad(block, (0, 0, 0, _BLOCK - len(block))))[: len(block)])
        scaled = torch.cat(blocks)
        return scaled if self.rotate else scaled.reshape(x.shape)


def count_axes(n_features: int) -> int:
    """Give the number of axes that views of so many values may have."""
    return min(n_features, MAX_AXES)
