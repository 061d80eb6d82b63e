"""The last step to features: codes of one sample to codes that tell one block's factors alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

#: Views to whose private codes all others are taken.
N_REFERENCES = 2048
#: Axes on which decoded views are compared, at most.
MAX_AXES = 80
# References among which a view is placed; the ridge of their weights, as a part of the squared
# distances to them; and how often it is placed: the more of the two last, the less of what lies
# across the references is left, and the less of where it lies along them.
_N_NEAREST = 16
_RIDGE = 0.02
_N_PASSES = 4
# So that references that all decode alike have equal weights.
_TINY = 1e-12
# How near a reference's shared code must be, in units of what the views of a sample differ by.
_BANDWIDTH = 0.8
_N_MOVES = 24


class Separator(nn.Module):
    """Take private codes to those of one slice, and shared codes to what siblings agree in.

    Private codes of views that share different things lie beside each other, a
    little apart, and that little tells what is shared. So each code is decoded
    with *one* shared code, the anchor, and takes the place of the codes of the
    reference views, which do share that, that decode most alike.

    Shared codes are projected on the axes in which the views of a sample agree,
    in units of what they differ by; moved 24 times, as the codes of views
    around are on their way to those of the other views of their samples; and
    rounded: finer digits tell what is private.

    Parameters
    ----------
    n_private, n_shared : int
        Dimensions of the two blocks.
    n_features : int
        Values of one view.

    Attributes
    ----------
    anchor : Tensor of shape (n_shared,)
        The shared code that all are decoded with.
    basis : Tensor of shape (n_features, n_axes)
        Principal axes of the decoded references, scaled so that these vary alike along each.
    reference_views : Tensor of shape (2048, n_axes)
        The references, decoded with the anchor.
    reference_codes : Tensor of shape (2048, n_private)
        Their private codes.
    shared_axes : Tensor of shape (n_shared, n_shared)
        Axes of agreement, a column each, best first; zero where views disagree.
    shared_codes : Tensor of shape (2048, n_shared)
        What some views tell by themselves, on these axes.
    shared_moves : Tensor of shape (2048, n_shared)
        From there to what another view of the sample tells.
    shared_steps : Tensor of shape (n_shared,)
        To what the axes are rounded.
    """

    anchor: Tensor
    basis: Tensor
    reference_views: Tensor
    reference_codes: Tensor
    shared_axes: Tensor
    shared_codes: Tensor
    shared_moves: Tensor
    shared_steps: Tensor

    def __init__(self, n_private: int, n_shared: int, n_features: int) -> None:
        super().__init__()
        n_axes = min(n_features, MAX_AXES)
        shapes = {
            "anchor": (n_shared,),
            "basis": (n_features, n_axes),
            "reference_views": (N_REFERENCES, n_axes),
            "reference_codes": (N_REFERENCES, n_private),
            "shared_axes": (n_shared, n_shared),
            "shared_codes": (N_REFERENCES, n_shared),
            "shared_moves": (N_REFERENCES, n_shared),
            "shared_steps": (n_shared,),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.empty(shape))

    def init_weights(self, generator: torch.Generator) -> None:
        """Start from nothing known."""
        for buffer in self.buffers():
            buffer.zero_()
        self.shared_steps.fill_(1.0)

    def separate_private(
        self, private: Tensor, decode: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor:
        """Give each private code the place of those that decode most alike.

        Parameters
        ----------
        private : Tensor of shape (n, n_private)
            Private codes.
        decode : callable
            Takes private codes (n, 1, n_private) and shared codes (n, n_shared) to
            views (n, 1, *view_shape).

        Returns
        -------
        separated : Tensor of shape (n, n_private)
            Means of the codes of the sixteen nearest references, by the weights that
            rebuild the decoded view from theirs, as in locally linear embedding
            [1]_; four times in a row, so that what lies across the references fades.

        References
        ----------
        .. [1] S. T. Roweis and L. K. Saul, "Nonlinear Dimensionality Reduction by
           Locally Linear Embedding", Science 290, 2000.
        """
        for _ in range(_N_PASSES):
            private = self._place(private, decode)
        return private

    def _place(self, private: Tensor, decode: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Place private codes among those of the references that decode most alike."""
        views = decode(private[:, None], self.anchor.expand(len(private), -1)).flatten(1)
        places = views @ self.basis
        nearest = torch.cdist(places, self.reference_views).topk(_N_NEAREST, largest=False).indices
        ways = self.reference_views[nearest] - places[:, None]  # (n, n_nearest, n_axes)
        gram = ways @ ways.mT
        ridge = _RIDGE * gram.diagonal(dim1=1, dim2=2).sum(1).clamp_min(_TINY)
        gram.diagonal(dim1=1, dim2=2).add_(ridge[:, None])
        weights = torch.linalg.solve(gram, torch.ones_like(gram[..., 0]))
        weights = weights / weights.sum(1, keepdim=True)
        placed: Tensor = (weights[..., None] * self.reference_codes[nearest]).sum(1)
        return placed

    def separate_shared(self, shared: Tensor) -> Tensor:
        """Take shared codes of shape (n, n_shared) to the axes of agreement, rounded."""
        codes = shared @ self.shared_axes
        for _ in range(_N_MOVES):
            distances = torch.cdist(codes, self.shared_codes)
            nearness = torch.exp(-0.5 * (distances / _BANDWIDTH) ** 2)
            # Far from all references nothing is known, and nothing is moved.
            codes = codes + nearness @ self.shared_moves / (1 + nearness.sum(1, keepdim=True))
        return torch.round(codes / self.shared_steps) * self.shared_steps
