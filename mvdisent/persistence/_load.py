"""Files to estimators."""

from __future__ import annotations

import os

from sklearn.base import BaseEstimator

from .. import _format, _param_checks
from .._build import Factory
from ._restore import Restoration


def load(
    path: str | os.PathLike[str],
    *,
    device: str | None = None,
    encoder: Factory | None = None,
    decoder: Factory | None = None,
) -> BaseEstimator:
    """Load an estimator from a file of `save`; nothing in it is executed.

    Parameters
    ----------
    path : str or path-like
        The file.
    device : str, default=None
        Torch device in place of the saved one; None: the saved one.
    encoder, decoder : callable, default=None
        The factories that the model was fitted with, where these were the
        user's own. Their code is not in the file.

    Returns
    -------
    estimator : LogMel, LogCQT, TimePool, MultiViewDisentangler or Pipeline
        As it was saved.

    Raises
    ------
    ValueError
        If the file is damaged, is no file of `save`, was written by a newer
        format, or contradicts itself; if the device is not there; if
        `encoder` or `decoder` is missing or of no use.
    OSError
        If the file cannot be read.

    Notes
    -----
    The bytes are compared with their hash before anything in them is used, the
    classes come from a fixed list, and the shapes are compared with those that
    the parameters imply before a module is built.

    The features on another device, or with another number of threads, are those
    of the saved model within 1e-5: sums of float32 are rounded in another order.
    On another kind of device the random draws of a later `partial_fit` start
    anew: generators of different devices have no state in common.
    """
    _param_checks.check_path(path)
    if device is not None:
        _param_checks.check_text("device", device)
    given = {"encoder": encoder, "decoder": decoder}
    for name, factory in given.items():
        if factory is not None and not callable(factory):
            raise TypeError(f"{name}={factory!r} is no factory: pass a callable, or leave it out")
    try:
        file = _format.read(path)
        factories = {name: factory for name, factory in given.items() if factory is not None}
        restoration = Restoration(file.specs, device, factories)
        estimator = restoration.run(file.document["estimator"], file.arrays)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error
    for model in restoration.models:
        model._live_net()
    return estimator
