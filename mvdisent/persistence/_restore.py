"""Plain data and arrays back to estimators: every key, type and shape is checked first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import check_scalar

from .._build import Factory, outline_module, resolve_device
from .._disentangler import MultiViewDisentangler
from .._format import DTYPES, Spec, check_keys
from .._training import ACTIVE_KL
from ..audio import LogCQT, LogMel
from ..views import TimePool
from ..views._pool import count_pooled
from ._fields import (
    INPUT_STATE,
    MAX_WIDTH,
    Node,
    check_view_shape,
    count,
    list_of,
    set_input,
    short,
)
from ._net_params import check_saved_net_params

CLASSES = {cls.__name__: cls for cls in (LogCQT, LogMel, MultiViewDisentangler, Pipeline, TimePool)}
CUSTOM = "custom"  # stands for an encoder or a decoder of the user

Arrays = dict[str, NDArray[Any]]

# Of parameters that have another default now than files had that lack them.
_BEFORE = {"objective": "marl", "whiten": 0.0}
_OWN_BUFFERS = ("separator.", "whitener.")
_DEVICES = ("cpu", "cuda", "mps", "xpu")
_SET_OUTPUT = (None, "default", "pandas", "polars")
_MODEL_STATE = (
    *INPUT_STATE,
    "view_shape_",
    "n_epochs_",
    "best_epoch_",
    "terms",
    "offset",
    "scale",
    "seeds",
    "set_output",
)
_MAX_STEPS = 64
_MAX_TERMS = 64
_MAX_GENERATOR = 2**13  # bytes in the state of a generator


class Restoration:
    """One estimator on its way back: parameters, then shapes, then arrays.

    Parameters
    ----------
    specs : mapping of str to Spec
        Type and shape of each array of the file.
    device : str or None
        Device in place of the saved ones.
    factories : mapping of str to callable
        The user's "encoder" and "decoder".

    Attributes
    ----------
    models : list of MultiViewDisentangler
        The disentanglers found; their nets are not built yet.
    """

    def __init__(
        self, specs: Mapping[str, Spec], device: str | None, factories: Mapping[str, Factory]
    ) -> None:
        self.specs = specs
        self.device = device
        self.factories = factories
        self.models: list[MultiViewDisentangler] = []
        self._known: set[str] = set()
        self._used: set[str] = set()
        self._fills: list[Callable[[Arrays], None]] = []

    def run(self, node: Any, take_arrays: Callable[[], Arrays]) -> BaseEstimator:
        """Build the estimator; take the arrays once all they should be is known."""
        estimator = self._build(node, "")
        if unused := sorted(self.factories.keys() - self._used):
            name = unused[0]
            raise ValueError(f"{name} is not the user's own in this model: load without {name}=")
        if unknown := sorted(self.specs.keys() - self._known):
            raise ValueError(f"there is an array {unknown[0]!r} that belongs to nothing")
        arrays = take_arrays()
        for fill in self._fills:
            fill(arrays)
        return estimator

    def _build(self, node: Any, prefix: str) -> BaseEstimator:
        check_keys(node, ("class", "params", "state"), "an estimator")
        cls = CLASSES.get(node["class"]) if isinstance(node["class"], str) else None
        if cls is None:
            raise ValueError(f"class {short(node['class'])} is none of {', '.join(CLASSES)}")
        params, state = node["params"], node["state"]
        # The memory of a Pipeline names a folder from which joblib unpickles; a checkpoint names
        # a file that fit replaces.
        known = (
            {"verbose"} if cls is Pipeline else signature(cls).parameters.keys() - {"checkpoint"}
        )
        unknown = sorted(params.keys() - known) if isinstance(params, dict) else params
        if unknown or not isinstance(params, dict):
            raise ValueError(
                f"{short(unknown)} are not parameters of a {node['class']} in a file; a newer "
                "mvdisent may know them"
            )
        if cls is Pipeline:
            params = {**params, "steps": self._build_steps(state, prefix)}
        elif cls is MultiViewDisentangler:
            params = {**_BEFORE, **params, **self._custom_factories(params)}
        estimator = cls(**params)
        estimator._validate_params()
        if isinstance(estimator, Pipeline):
            return estimator
        if hasattr(estimator, "device"):
            name = estimator.device if self.device is None else self.device
            device = _check_device(name)
            estimator.device = str(device) if isinstance(estimator, LogMel) else name
        if isinstance(estimator, MultiViewDisentangler):
            self._build_model(estimator, state, prefix)
        elif isinstance(estimator, TimePool):
            self._build_pool(estimator, state, prefix)
        elif state is not None:
            check_keys(state, INPUT_STATE, f"the state of a {cls.__name__}")
            set_input(estimator, state)
        return estimator

    def _build_steps(self, state: Any, prefix: str) -> list[tuple[str, BaseEstimator]]:
        if not isinstance(state, list) or not 1 <= len(state) <= _MAX_STEPS:
            raise ValueError(f"a Pipeline has not 1 to {_MAX_STEPS} steps")
        if not all(isinstance(s, list) and len(s) == 2 and isinstance(s[0], str) for s in state):
            raise ValueError("a step of a Pipeline is no pair of a name and an estimator")
        names = [name for name, _ in state]
        if len(set(names)) < len(names) or any("__" in name for name in names):
            raise ValueError(f"the steps of a Pipeline have the names {short(names)}")
        return [(name, self._build(step, f"{prefix}{i}/")) for i, (name, step) in enumerate(state)]

    def _custom_factories(self, params: Node) -> dict[str, Factory]:
        names = [name for name in ("encoder", "decoder") if params.get(name) == CUSTOM]
        for name in names:
            if name not in self.factories:
                raise ValueError(
                    f"the {name} is the user's own, and its code is not in the file: pass "
                    f"load(path, {name}=...) the factory that the model was fitted with"
                )
        self._used.update(names)
        return {name: self.factories[name] for name in names}

    def _build_model(self, model: MultiViewDisentangler, state: Any, prefix: str) -> None:
        check_saved_net_params(model.net_params)
        if isinstance(state, dict):  # files from before there was early stopping
            state = {"best_epoch_": None, **state}
        _check_model_state(state)
        n_private = count(model.n_private, "n_private", MAX_WIDTH)
        n_shared = count(model.n_shared, "n_shared", MAX_WIDTH)
        self._require(f"{prefix}kl_private", "F64", (n_private,))
        self._require(f"{prefix}kl_shared", "F64", (n_shared,))
        n_trained = self._length(f"{prefix}epochs")
        self._require(f"{prefix}epochs", "F64", (n_trained, len(state["terms"])))
        count(state["n_epochs_"], "n_epochs_", n_trained, low=0)
        if state["best_epoch_"] is not None:
            count(state["best_epoch_"], "best_epoch_", n_trained)
        self._require(f"{prefix}shuffle", "U8", tuple(torch.Generator().get_state().shape))
        n_noise = count(self._length(f"{prefix}noise"), "length of the noise", _MAX_GENERATOR)
        self._require(f"{prefix}noise", "U8", (n_noise,))
        # Only now, as a module's size follows from numbers of the file.
        outline = outline_module(vars(model), state["view_shape_"])
        for name, tensor in outline.state_dict().items():
            self._require(f"{prefix}module/{name}", *_spec_of(tensor))
        weights = dict(outline.named_parameters(remove_duplicate=False))
        for i, tensor in enumerate(weights.values()):
            start = f"{prefix}optimizer/{i}/"
            if f"{start}step" in self.specs:  # else the parameter never had a gradient
                self._require(f"{start}step", "F32", ())
                for slot in _slots(model):
                    self._require(start + slot, *_spec_of(tensor))
        # A user's own buffer may hold an infinity.
        checked = [*weights, *(n for n in outline.state_dict() if n.startswith(_OWN_BUFFERS))]
        finite = ["kl_private", "kl_shared", "epochs", *(f"module/{name}" for name in checked)]
        self.models.append(model)
        self._fills.append(partial(_fill_model, model, state, prefix, finite))

    def _build_pool(self, pool: TimePool, state: Any, prefix: str) -> None:
        check_keys(state, (*INPUT_STATE, "view_shape_"), "the state of a TimePool")
        shape = check_view_shape(state)
        set_input(pool, state)
        pool.view_shape_ = tuple(shape)
        pool._check_sizes()
        width = count_pooled(pool.view_shape_, pool.n_cosines)
        count(width, "features of a TimePool", MAX_WIDTH)
        if pool.whiten:
            n_out = pool.n_components or width
            self._require(f"{prefix}mean", "F32", (width,))
            self._require(f"{prefix}matrix", "F32", (width, n_out))
            if pool.n_components is not None:
                self._require(f"{prefix}agreement", "F64", (n_out,))
        self._fills.append(partial(_fill_pool, pool, prefix))

    def _length(self, name: str) -> int:
        """Give the first axis of an array, 0 where there is none."""
        shape = self.specs[name][1] if name in self.specs else ()
        return shape[0] if shape else 0

    def _require(self, name: str, dtype: str, shape: tuple[int, ...]) -> None:
        found = self.specs.get(name)
        if found != (dtype, shape):
            raise ValueError(
                f"array {name!r} is {found or 'missing'}, but the parameters imply {(dtype, shape)}"
            )
        self._known.add(name)


def _fill_model(
    model: MultiViewDisentangler, state: Node, prefix: str, finite: list[str], arrays: Arrays
) -> None:
    """Give a model its state, from arrays whose shapes are right."""
    own = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    terms = state["terms"]
    kept = [i for i, term in enumerate(terms) if term != "validation_loss"]
    for name in finite:
        values = own[name][:, kept] if name == "epochs" else own[name]
        if not np.isfinite(values).all():
            raise ValueError(f"array {name!r} has a value that is not finite")
    set_input(model, state)
    model.view_shape_ = tuple(state["view_shape_"])
    model._offset, model._scale, model._seeds = state["offset"], state["scale"], state["seeds"]
    model.kl_private_, model.kl_shared_ = own["kl_private"].copy(), own["kl_shared"].copy()
    model.active_private_ = model.kl_private_ > ACTIVE_KL
    model.active_shared_ = model.kl_shared_ > ACTIVE_KL
    epochs = [
        {term: value for term, value in zip(terms, row, strict=True) if not math.isnan(value)}
        for row in own["epochs"].tolist()
    ]
    # A fit that was interrupted has trained for more epochs than it has told.
    model.n_epochs_ = state["n_epochs_"]
    model.history_ = pd.DataFrame(epochs[: model.n_epochs_])
    if state["best_epoch_"] is not None:
        model.best_epoch_ = state["best_epoch_"]
    optimizer: dict[int, Arrays] = {}
    for name in own:
        if name.startswith("optimizer/"):
            _, i, slot = name.split("/")
            optimizer.setdefault(int(i), {})[slot] = own[name]
    new_seed = model._seeds[2] + len(epochs)
    model._net_state = {
        "module": {k.removeprefix("module/"): v for k, v in own.items() if k.startswith("module/")},
        "optimizer": optimizer,
        "shuffle": _generator_state(own["shuffle"], torch.device("cpu"), new_seed),
        "noise": _generator_state(own["noise"], resolve_device(model.device), new_seed),
        "epochs": epochs,
    }
    if state["set_output"] is not None:
        model.set_output(transform=state["set_output"])


def _fill_pool(pool: TimePool, prefix: str, arrays: Arrays) -> None:
    """Give a TimePool its arrays, whose shapes are right."""
    names = ("mean", "matrix", "agreement") if pool.n_components else ("mean", "matrix")
    for name in names if pool.whiten else ():
        values = arrays[f"{prefix}{name}"]
        if not np.isfinite(values).all():
            raise ValueError(f"array {name!r} has a value that is not finite")
        setattr(pool, f"{name}_", values.copy())


def _check_model_state(state: Any) -> None:
    """Check the state of a disentangler as far as it is no array."""
    check_keys(state, _MODEL_STATE, "the state of a MultiViewDisentangler")
    check_view_shape(state)
    terms = list_of(str, state["terms"], "terms", _MAX_TERMS) if state["terms"] != [] else []
    if len(set(terms)) < len(terms):
        raise ValueError(f"terms={short(terms)} has one twice")
    if len(list_of(int, state["seeds"], "seeds", 3)) != 3 or not all(
        0 <= seed < 2**32 for seed in state["seeds"]
    ):
        raise ValueError(f"seeds={short(state['seeds'])} are not three integers of 32 bits")
    check_scalar(state["offset"], "offset", float)
    check_scalar(state["scale"], "scale", float, min_val=0, include_boundaries="neither")
    if state["set_output"] not in _SET_OUTPUT:
        raise ValueError(f"set_output={short(state['set_output'])} is none of {_SET_OUTPUT}")


def _slots(model: MultiViewDisentangler) -> list[str]:
    """Name what Adam keeps of the shape of each parameter."""
    amsgrad = (model.net_params or {}).get("optimizer__amsgrad", False)
    return ["exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if amsgrad else [])]


def _check_device(name: str) -> torch.device:
    """Refuse a device that is not there."""
    try:
        device = resolve_device(name)
    except ValueError as error:
        raise ValueError(
            f"device={short(name)} is not there: pass load(path, device='cpu') or another"
        ) from error
    if device.type not in _DEVICES:
        raise ValueError(f"device={short(name)} is none of {', '.join(_DEVICES)}")
    return device


def _generator_state(state: NDArray[Any], device: torch.device, seed: int) -> NDArray[Any]:
    """Check the state of a generator; one of another kind of device starts anew."""
    generator = torch.Generator(device)
    if tuple(generator.get_state().shape) != state.shape:
        return np.asarray(generator.manual_seed(seed).get_state().numpy())
    try:
        generator.set_state(torch.from_numpy(state.copy()))
    except RuntimeError as error:
        raise ValueError(f"the state of a random generator is not valid: {error}") from error
    return state


def _spec_of(tensor: torch.Tensor) -> Spec:
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise ValueError(f"an array of {name} has no place in the file")
    return DTYPES[name], tuple(tensor.shape)
