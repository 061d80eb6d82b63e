"""Build a module without touching the global random state."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)

_WEIGHTED = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)


def build_module(factory: Callable[[], Module], generator: torch.Generator) -> Module:
    """Build a module whose initial weights depend on ``generator`` alone.

    torch's own layers initialise themselves from the global random state, which
    threads share. Here the module is built without storage, then each layer is
    given its weights: Kaiming uniform for linear and convolution layers (their
    default in torch), the layer's own ``reset_parameters`` for layers without
    random weights (normalisation), and ``init_weights(generator)`` for any
    other module that owns parameters. A module's ``init_weights`` comes after
    the layers within it, and may set their weights too.

    Parameters
    ----------
    factory : callable
        Returns the module; called once, on torch's meta device.
    generator : torch.Generator
        Source of the random weights, on the CPU.

    Returns
    -------
    module : nn.Module
        The module on the CPU, in float32.

    Raises
    ------
    TypeError
        If ``factory`` returns no module, ``generator`` is none, or a layer owns
        parameters and no rule above fits it.
    """
    if not callable(factory):
        raise TypeError(f"factory={factory!r:.60} cannot be called; pass one that returns a module")
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator={generator!r:.60}; pass a torch.Generator")
    with torch.device("meta"):
        module = factory()
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"factory returned a {type(module).__name__}; pass one that returns a torch.nn.Module"
        )
    module.to_empty(device="cpu")
    custom: list[Callable[[torch.Generator], object]] = []
    for layer in module.modules():
        init_weights = getattr(layer, "init_weights", None)
        if callable(init_weights):
            custom.append(init_weights)
        else:
            _init_layer(layer, generator)
    for init_weights in reversed(custom):  # from within
        init_weights(generator)
    return module


def _init_layer(layer: nn.Module, generator: torch.Generator) -> None:
    if isinstance(layer, _WEIGHTED):
        # The fan that torch uses: a = sqrt(5) gives the bound 1 / sqrt(fan_in).
        fan_in = layer.weight[0].numel()
        bound = fan_in**-0.5
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        if layer.bias is not None:
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    elif isinstance(layer, nn.LayerNorm | nn.GroupNorm | nn.modules.batchnorm._BatchNorm):
        layer.reset_parameters()
    elif [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]:
        raise TypeError(
            f"{type(layer).__name__} owns parameters or buffers that mvdisent cannot initialise "
            "without the global random state: give it a method init_weights(generator)"
        )
