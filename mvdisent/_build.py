"""A net from an estimator's parameters: networks, objective, device, seeds."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, LRScheduler, ParamMapper

from ._batches import ViewBatches
from ._net import MultiViewNet
from ._processes import SharedNet
from .nn import (
    ConvDecoder,
    ConvEncoder,
    MLPDecoder,
    MLPEncoder,
    MultiViewVAE,
    Referee,
    build_module,
)
from .nn._separator import Separator
from .nn._whitener import Whitener, count_axes
from .objectives import MultiViewObjective

Factory = Callable[..., torch.nn.Module]

#: What is maximised; ``MultiViewDisentangler`` says what each is.
OBJECTIVES = ("transport", "marl", "swap")

# Independent features that a view counts as, for decoder_std="auto"; chosen on
# validation tones (docs/benchmarks.rst).
_AUTO_FEATURES = 256

# shared_weight="auto" of "transport", in which the private codes are kept apart by other means.
_AUTO_SHARED_WEIGHT = 0.01
# whiten="auto" of "transport"; chosen on validation tones (docs/separation.rst).
_AUTO_WHITEN = 0.65

# Arguments of skorch that do nothing here, and the parts that take arguments of their own.
_UNUSED = {"criterion", "dataset", "iterator_valid", "kwargs", "max_epochs", "module"} | {
    "predict_nonlinearity",
    "train_split",
    "warm_start",
}
_NESTED = ("optimizer", "iterator_train", "callbacks", "compile")

NETWORKS: dict[str, tuple[Factory, Factory]] = {
    "mlp": (MLPEncoder, MLPDecoder),
    "conv": (ConvEncoder, ConvDecoder),
    "linear": (partial(MLPEncoder, hidden=()), partial(MLPDecoder, hidden=())),
}


def build_net(
    params: Mapping[str, Any], view_shape: Sequence[int], seeds: Sequence[int]
) -> MultiViewNet:
    """Build the net of an estimator, initialised.

    Parameters
    ----------
    params : mapping of str to object
        The parameters of ``MultiViewDisentangler``.
    view_shape : sequence of int
        Shape of one view.
    seeds : sequence of int of length 3
        Seeds of the weights, the order of the rows and the draws.

    Returns
    -------
    net : MultiViewNet
        Ready to train.
    """
    device = resolve_device(params["device"])
    weights, order = (torch.Generator().manual_seed(seed) for seed in seeds[:2])
    encoder, decoder, referee, separator, whitener = _factories(params, view_shape)
    module = MultiViewVAE(
        _build_network("encoder", encoder, weights),
        _build_network("decoder", decoder, weights),
        **_sizes(params),
        referee=build_module(referee, weights) if referee else None,
        separator=build_module(separator, weights) if separator else None,
        whitener=build_module(whitener, weights) if whitener else None,
        # Files and pickles from before there were two do not tell.
        precision=params.get("precision", "float32"),
    )
    weighed = ("alpha", "beta", "gamma", "delta", "kl_estimator")
    criterion = {name: params[name] for name in weighed}
    criterion["shared_weight"] = _resolve_shared_weight(params)
    # Files and pickles from before there was one do not tell.
    is_transport = params["objective"] == "transport"
    criterion["contrast"] = params.get("contrast", 0.0) if is_transport else 0.0
    # Of fewer values each weighs more, so that a view weighs the same.
    std_unit = math.sqrt(math.prod(_inner_shape(params, view_shape)) / math.prod(view_shape))
    criterion["decoder_std"] = std_unit * _resolve_std(params["decoder_std"], view_shape)
    given = check_net_params(params["net_params"])
    # The fused kernel belongs to the default: not every optimizer has one.
    adam = {"optimizer": torch.optim.Adam, "optimizer__fused": True}
    settings = {
        **({} if "optimizer" in given else adam),
        "lr": params["lr"],
        "batch_size": params["batch_size"],
        "iterator_train": ViewBatches,
        "iterator_train__generator": order,
        "train_split": None,
        "callbacks__print_log": None,
        "verbose": 0,
        "device": device,
        **given,
    }
    objective = partial(MultiViewObjective, **criterion)
    # Files and pickles from before there were several processes do not tell.
    net_class = SharedNet if params.get("distributed", False) else MultiViewNet
    net = net_class(module, objective, **settings)
    net.noise_generator = torch.Generator(device).manual_seed(seeds[2])
    net.warmup_epochs = params["warmup_epochs"]
    net.std_unit = std_unit
    net.partner_seed = seeds[2]
    net.max_norm = params["max_grad_norm"]
    if net.max_norm is not None:  # the gradient grows as decoder_std falls
        auto = std_unit * _resolve_std("auto", view_shape)
        ratio = max(1.0, auto / criterion["decoder_std"])
        net.max_norm *= ratio * ratio
    try:
        return net.initialize()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"net_params={reprlib.repr(given)} cannot be used ({error}): pass arguments of "
            "skorch.NeuralNet, of its optimizer and its callbacks"
        ) from error


def check_net_params(net_params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Refuse further arguments of skorch that it does not know, or that do nothing here."""
    given = dict(net_params or {})
    known = sorted(signature(NeuralNet).parameters.keys() - _UNUSED)
    prefixes = tuple(f"{part}__" for part in _NESTED)
    for name in given:
        if not isinstance(name, str) or (name not in known and not name.startswith(prefixes)):
            near = get_close_matches(str(name), known, 1)
            raise ValueError(
                f"net_params has {name!r:.60}; pass "
                + (f"{near[0]!r} or another" if near else "one")
                + f" of {', '.join(known)}, or what starts with {' or '.join(prefixes)}"
            )
    return given


def check_resumable(net_params: Mapping[str, Any] | None) -> None:
    """Refuse what has a state that no checkpoint holds."""
    given = net_params or {}
    if "iterator_train" in given:
        raise ValueError(
            "net_params has 'iterator_train', whose place in an epoch no checkpoint holds: leave "
            "it out, or pass checkpoint=None"
        )
    callbacks = given.get("callbacks") or []
    for callback in callbacks if isinstance(callbacks, list | tuple) else []:
        callback = callback[-1] if isinstance(callback, tuple) else callback
        cls = callback if isinstance(callback, type) else type(callback)
        if issubclass(cls, EarlyStopping | LRScheduler | ParamMapper):
            raise ValueError(
                f"net_params has the callback {cls.__name__}, whose state no checkpoint holds: "
                "leave it out (early_stopping=True stops early), or pass checkpoint=None"
            )


def check_structure(net: MultiViewNet, params: Mapping[str, Any]) -> None:
    """Refuse to go on with another objective, which has another network, or other axes of X."""
    whitener = net.module_.whitener
    now = {"objective": params["objective"], "whiten": _resolve_whiten(params)}
    fitted = {
        "objective": find_objective(net.module_),
        "whiten": 0.0 if whitener is None else whitener.power,
    }
    for name, value in fitted.items():
        if now[name] != value:
            raise ValueError(
                f"{name}={params[name]!r}, but the model was fitted with {value!r}: set it back, "
                "or fit anew with warm_start=False"
            )


def find_objective(module: MultiViewVAE) -> str:
    """Tell what a module was built for, by what it has beside its two networks."""
    if module.separator is not None:
        return "transport"
    return "marl" if module.referee is None else "swap"


def outline_module(params: Mapping[str, Any], view_shape: Sequence[int]) -> MultiViewVAE:
    """Build an estimator's module without storage: names, shapes and types of its state."""
    with torch.device("meta"):
        encoder, decoder, referee, separator, whitener = _factories(params, view_shape)
        return MultiViewVAE(
            encoder(),
            decoder(),
            referee=referee and referee(),
            separator=separator and separator(),
            whitener=whitener and whitener(),
            **_sizes(params),
        )


def _build_network(
    name: str, factory: Callable[[], torch.nn.Module], generator: torch.Generator
) -> torch.nn.Module:
    try:
        return build_module(factory, generator)
    except TypeError as error:
        raise TypeError(
            f"{name} cannot be built ({error}): pass 'mlp', 'conv', 'linear', or a factory as "
            "MultiViewDisentangler describes it"
        ) from error


def _sizes(params: Mapping[str, Any]) -> dict[str, Any]:
    """Give the widths of the two blocks; True, which counts as 1, is none to torch."""
    return {name: int(params[name]) for name in ("n_private", "n_shared")}


def _factories(
    params: Mapping[str, Any], view_shape: Sequence[int]
) -> tuple[
    Callable[[], torch.nn.Module],
    Callable[[], torch.nn.Module],
    Callable[[], Referee] | None,
    Callable[[], Separator] | None,
    Callable[[], Whitener] | None,
]:
    encoder, decoder = (
        NETWORKS[params[name]][i] if isinstance(params[name], str) else params[name]
        for i, name in enumerate(("encoder", "decoder"))
    )
    n_private, n_shared = _sizes(params).values()
    width = n_private + n_shared
    objective, power = params["objective"], _resolve_whiten(params)
    whitener = partial(Whitener, math.prod(view_shape), power, rotate=_is_rotated(params))
    inner_shape = _inner_shape(params, view_shape)
    n_features = math.prod(inner_shape)
    return (
        partial(encoder, inner_shape, 2 * width),
        partial(decoder, width, inner_shape),
        partial(Referee, n_private, n_shared) if objective == "swap" else None,
        partial(Separator, n_private, n_shared, n_features) if objective == "transport" else None,
        whitener if power else None,
    )


def _resolve_shared_weight(params: Mapping[str, Any]) -> float:
    """Take "auto" as what each objective was tried with."""
    # Files and pickles from before there was one do not tell.
    weight = params.get("shared_weight", "auto")
    if isinstance(weight, str):
        return _AUTO_SHARED_WEIGHT if params["objective"] == "transport" else 1.0
    return float(weight)


def _resolve_whiten(params: Mapping[str, Any]) -> float:
    """Take "auto" as what each objective was tried with."""
    # Files and pickles from before there was one do not tell.
    power = params.get("whiten", 0.0)
    if isinstance(power, str):
        return _AUTO_WHITEN if params["objective"] == "transport" else 0.0
    return float(power)


def _is_rotated(params: Mapping[str, Any]) -> bool:
    """Tell whether the networks see principal components: if neither asks for views' own shape."""
    return bool(_resolve_whiten(params)) and params["encoder"] == params["decoder"] == "mlp"


def _inner_shape(params: Mapping[str, Any], view_shape: Sequence[int]) -> tuple[int, ...]:
    """Give the shape in which views come to the networks."""
    if _is_rotated(params):
        return (count_axes(math.prod(view_shape)),)
    return tuple(view_shape)


def _resolve_std(decoder_std: float | str, view_shape: Sequence[int]) -> float:
    """Take "auto" as the value that weighs the error of a view, not of each of its features."""
    if isinstance(decoder_std, str):
        return math.sqrt(math.prod(view_shape) / _AUTO_FEATURES)
    return decoder_std


def resolve_device(device: str) -> torch.device:
    """Take "auto" as CUDA where there is one, else the CPU; refuse one that is not there."""
    name = device
    if device == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.Generator(name)
        torch.empty(0, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # of torch
        raise ValueError(
            f"device={device!r:.60} is not there, or unknown to torch: pass 'cpu', 'auto' or "
            "another, such as 'cuda:0'"
        ) from error


def draw_seeds(random_state: int | np.random.RandomState | None) -> list[int]:
    """Seeds of the weights, the order and the draws; None takes fresh entropy."""
    if random_state is None:
        return [int(seed) for seed in np.random.default_rng().integers(2**31, size=3)]
    return [int(seed) for seed in check_random_state(random_state).randint(2**31 - 1, size=3)]
