"""Estimators to files: written down as plain data and arrays."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .. import _format, _param_checks
from .._build import Factory
from .._checkpoint import versions
from .._disentangler import MultiViewDisentangler
from ..audio._front_end import FrontEnd
from ..views import TimePool
from ._fields import Node
from ._restore import CLASSES, CUSTOM, Arrays, Restoration


def save(estimator: BaseEstimator, path: str | os.PathLike[str]) -> None:
    """Save a fitted estimator as one file.

    The file holds all that `fit` and `partial_fit` need to go on bit by bit. It
    appears whole or not at all: until it is written, a file that was at `path`
    stays as it was.

    Parameters
    ----------
    estimator : LogMel, LogCQT, TimePool, MultiViewDisentangler or Pipeline of these
        What to save. A callable `encoder` or `decoder` is not saved: pass it to
        `load` again. Nor is `checkpoint`, a path on this machine.
    path : str or path-like
        Where to write; a file there is replaced.

    Raises
    ------
    TypeError
        If the estimator, or a step of it, is of another class, or a parameter
        is not plain data: None, bool, int, float, str, or a list or dict of
        these. A tuple is saved as a list.
    ValueError
        If parameters were changed so that they do not fit what was fitted.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    OSError
        If the folder does not exist or cannot be written.

    See Also
    --------
    load : The way back.

    Notes
    -----
    The format is safetensors: arrays, behind a header with the parameters and
    the fitted state as JSON, and a SHA-256 over the whole file. That tells
    damage, not who wrote the file.

    Examples
    --------
    >>> import os, tempfile
    >>> from mvdisent.audio import LogMel
    >>> from mvdisent.persistence import load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "front_end.mvdisent")
    ...     save(LogMel(16000, n_mels=32), path)
    ...     load(path)
    LogMel(n_mels=32, sample_rate=16000)
    """
    _param_checks.check_path(path)
    target = _format.check_target(path)
    arrays: Arrays = {}
    factories: dict[str, Factory] = {}
    node = _describe(estimator, "", arrays, factories)
    document = {"format": _format.FORMAT, "versions": versions(), "estimator": node}
    try:  # as a loader will
        file = _format.pack(document, arrays)
        Restoration(file.specs, "cpu", factories).run(file.document["estimator"], lambda: arrays)
    except ValueError as error:
        raise ValueError(
            f"the estimator cannot be saved: {error}; where parameters were changed after fit, "
            "set them back or fit again"
        ) from error
    _format.write(target, file.data)


def _describe(
    estimator: BaseEstimator, prefix: str, arrays: Arrays, factories: dict[str, Factory]
) -> Node:
    """Write an estimator down as plain data; its arrays and its factories are gathered."""
    if CLASSES.get(type(estimator).__name__) is not type(estimator):
        cls = type(estimator)
        raise TypeError(
            f"{cls.__module__}.{cls.__qualname__} cannot be saved: pass a LogMel, a LogCQT, "
            "a TimePool, a MultiViewDisentangler or a Pipeline of these"
        )
    if not isinstance(estimator, Pipeline):  # each step of which has its turn
        check_is_fitted(estimator)
    params = estimator.get_params(deep=False)
    params.pop("checkpoint", None)  # a path that whoever loads the file would write to
    node = {"class": type(estimator).__name__, "params": params}
    if isinstance(estimator, Pipeline):
        for name in ("memory", "transform_input"):
            if params.pop(name, None) is not None:
                raise TypeError(f"{name} of a Pipeline cannot be saved: set it to None")
        node["state"] = [
            [name, _describe(step, f"{prefix}{i}/", arrays, factories)]
            for i, (name, step) in enumerate(params.pop("steps"))
        ]
    elif isinstance(estimator, FrontEnd):
        node["state"] = _input_state(estimator)
    elif isinstance(estimator, TimePool):
        node["state"] = {**(_input_state(estimator) or {}), **_shape_state(estimator)}
        if hasattr(estimator, "matrix_"):
            names = [n for n in ("mean", "matrix", "agreement") if hasattr(estimator, f"{n}_")]
            arrays |= {f"{prefix}{name}": getattr(estimator, f"{name}_") for name in names}
    else:
        for name in ("encoder", "decoder"):
            if callable(params[name]):
                if factories.setdefault(name, params[name]) is not params[name]:
                    raise ValueError(f"two models with different factories {name}: save each alone")
                params[name] = CUSTOM
        node["state"] = _model_state(estimator, prefix, arrays)
    node["params"] = {name: _plain(value, name) for name, value in params.items()}
    return node


def _plain(value: Any, name: str) -> Any:
    """Give plain data as it is, numpy's numbers as Python's."""
    if isinstance(value, np.generic):
        value = value.item()
    too_large = isinstance(value, int) and abs(value) >= 10**_format.MAX_DIGITS
    if too_large or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"{name}={value} is too large or not finite to be saved: set another")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item, f"{name}[{key!r}]") for key, item in value.items()}
    raise TypeError(
        f"{name}={value!r} cannot be saved: a file holds None, bool, int, float, str, and lists "
        "and dicts of these; set it to such a value by set_params"
    )


def _shape_state(estimator: TimePool | MultiViewDisentangler) -> Node:
    """Write down the shape of one view."""
    return {"view_shape_": [int(length) for length in estimator.view_shape_]}


def _input_state(estimator: FrontEnd | TimePool | MultiViewDisentangler) -> Node | None:
    """Write down what fit saw of X; None where there was no fit."""
    if not hasattr(estimator, "n_views_in_"):
        return None
    names = getattr(estimator, "feature_names_in_", None)
    return {
        "n_views_in_": int(estimator.n_views_in_),
        "n_features_in_": int(estimator.n_features_in_),
        "feature_names_in_": None if names is None else [str(name) for name in names],
    }


def _model_state(model: MultiViewDisentangler, prefix: str, arrays: Arrays) -> Node:
    """Write down the fitted state of a disentangler."""
    net = model.__getstate__()["_net_state"]
    epochs = net["epochs"]
    terms = [*dict.fromkeys(term for epoch in epochs for term in epoch)]
    # Epochs with and without early stopping differ by a term; its place is NaN.
    table = [[epoch.get(term, math.nan) for term in terms] for epoch in epochs]
    arrays |= {
        f"{prefix}kl_private": model.kl_private_,
        f"{prefix}kl_shared": model.kl_shared_,
        f"{prefix}epochs": np.array(table, dtype=np.float64).reshape(len(epochs), len(terms)),
        f"{prefix}shuffle": net["shuffle"],
        f"{prefix}noise": net["noise"],
    }
    arrays |= {f"{prefix}module/{name}": array for name, array in net["module"].items()}
    for i, slots in net["optimizer"].items():
        arrays |= {f"{prefix}optimizer/{i}/{name}": array for name, array in slots.items()}
    return {
        **(_input_state(model) or {}),
        **_shape_state(model),
        "n_epochs_": model.n_epochs_,
        "best_epoch_": getattr(model, "best_epoch_", None),
        "terms": terms,
        "offset": float(model._offset),
        "scale": float(model._scale),
        "seeds": model._seeds,
        "set_output": getattr(model, "_sklearn_output_config", {}).get("transform"),
    }
