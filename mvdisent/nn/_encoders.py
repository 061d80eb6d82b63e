"""Encoders and decoders: one view in, one flat code out, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ._shapes import check_view_shape, check_width, check_widths


def _as_image(view_shape: Sequence[int]) -> tuple[int, int]:
    """Height and width under which a view of any shape is convolved."""
    return int(view_shape[0]), math.prod(view_shape[1:])


def _check_channels(channels: Sequence[int]) -> list[int]:
    checked = check_widths("channels", channels)
    if not checked:
        raise ValueError("channels is empty: pass one layer or more")
    return checked


def _mlp(widths: Sequence[int]) -> nn.Sequential:
    """Stack linear layers with a SiLU between each two."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class MLPEncoder(nn.Module):
    """Encode a flattened view with fully connected layers.

    Parameters
    ----------
    view_shape : sequence of int
        Shape of one view, such as ``(n_mels, n_frames)`` or ``(n_features,)``.
    n_outputs : int
        Width of the output.
    hidden : sequence of int, default=(512, 256)
        Widths of the hidden layers.
    """

    def __init__(
        self, view_shape: Sequence[int], n_outputs: int, *, hidden: Sequence[int] = (512, 256)
    ) -> None:
        super().__init__()
        width = math.prod(check_view_shape(view_shape))
        n_outputs = check_width("n_outputs", n_outputs)
        self.layers = _mlp([width, *check_widths("hidden", hidden), n_outputs])

    def forward(self, x: Tensor) -> Tensor:
        """Map views of shape (n, *view_shape) to outputs of shape (n, n_outputs)."""
        out: Tensor = self.layers(x.flatten(1))
        return out


class MLPDecoder(nn.Module):
    """Decode a flat code to a view with fully connected layers.

    Parameters
    ----------
    n_inputs : int
        Width of the code.
    view_shape : sequence of int
        Shape of one view.
    hidden : sequence of int, default=(256, 512)
        Widths of the hidden layers.
    """

    def __init__(
        self, n_inputs: int, view_shape: Sequence[int], *, hidden: Sequence[int] = (256, 512)
    ) -> None:
        super().__init__()
        self.view_shape = check_view_shape(view_shape)
        n_inputs = check_width("n_inputs", n_inputs)
        self.layers = _mlp([n_inputs, *check_widths("hidden", hidden), math.prod(self.view_shape)])

    def forward(self, z: Tensor) -> Tensor:
        """Map codes of shape (n, n_inputs) to views of shape (n, *view_shape)."""
        out: Tensor = self.layers(z)
        return out.reshape(len(z), *self.view_shape)


class ConvEncoder(nn.Module):
    """Encode a view with strided 2-D convolutions; a flat view is one column.

    Parameters
    ----------
    view_shape : sequence of int
        Shape of one view; axes after the first are joined.
    n_outputs : int
        Width of the output.
    channels : sequence of int, default=(16, 32, 64)
        Channels of the layers; each halves both axes.
    """

    def __init__(
        self, view_shape: Sequence[int], n_outputs: int, *, channels: Sequence[int] = (16, 32, 64)
    ) -> None:
        super().__init__()
        self.image_shape = _as_image(check_view_shape(view_shape))
        channels = _check_channels(channels)
        height, width = self.image_shape
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise([1, *channels]):
            layers += [nn.Conv2d(n_in, n_out, 3, stride=2, padding=1), nn.SiLU()]
            height, width = (height + 1) // 2, (width + 1) // 2
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(channels[-1] * height * width, check_width("n_outputs", n_outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map views of shape (n, *view_shape) to outputs of shape (n, n_outputs)."""
        out: Tensor = self.head(self.layers(x.reshape(len(x), 1, *self.image_shape)).flatten(1))
        return out


class ConvDecoder(nn.Module):
    """Decode a flat code to a view with transposed convolutions.

    Parameters
    ----------
    n_inputs : int
        Width of the code.
    view_shape : sequence of int
        Shape of one view; axes after the first are joined.
    channels : sequence of int, default=(64, 32, 16)
        Channels of the layers; each doubles both axes.
    """

    def __init__(
        self, n_inputs: int, view_shape: Sequence[int], *, channels: Sequence[int] = (64, 32, 16)
    ) -> None:
        super().__init__()
        self.view_shape = check_view_shape(view_shape)
        channels = _check_channels(channels)
        sizes = [_as_image(self.view_shape)]
        for _ in channels:
            height, width = sizes[-1]
            sizes.append(((height + 1) // 2, (width + 1) // 2))
        sizes.reverse()  # from the coarsest image to the view itself
        self.coarse_shape = (channels[0], *sizes[0])
        self.head = nn.Linear(check_width("n_inputs", n_inputs), math.prod(self.coarse_shape))
        layers: list[nn.Module] = []
        for (n_in, n_out), (height, width) in zip(pairwise([*channels, 1]), sizes[1:], strict=True):
            # An even axis needs one more row than 2 * coarse - 1 gives.
            padding = ((height + 1) % 2, (width + 1) % 2)
            layers += [
                nn.SiLU(),
                nn.ConvTranspose2d(n_in, n_out, 3, stride=2, padding=1, output_padding=padding),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """Map codes of shape (n, n_inputs) to views of shape (n, *view_shape)."""
        image: Tensor = self.layers(self.head(z).unflatten(1, self.coarse_shape))
        return image.reshape(len(z), *self.view_shape)
