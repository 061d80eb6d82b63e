"""The file from which a fit that was killed goes on."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import platform
import shutil
import sys
import time
import warnings
from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray

from . import _format, _param_checks
from ._net import MultiViewNet
from ._stopping import EarlyStopping

# Parameters that may differ where a fit goes on: they do not change what is trained.
_FREE = (
    *("max_epochs", "output", "view_output", "warm_start", "verbose"),
    *("checkpoint", "checkpoint_every"),
    *("device", "random_state"),  # told by its kind, and by what it draws
)
_N_HASHED = 256  # rows of X, evenly spread
_RTOL = 1e-9  # of the mean and the standard deviation of X: the order of a sum may differ
_CURE = "set it back, delete the file to fit anew, or give each fit a checkpoint of its own"
_OVERHEAD = 2**20  # bytes of the header, the history and the generators, at most


class Checkpoint:
    """Read, compare, take up and write the state of a fit.

    Parameters
    ----------
    path : str or path-like
        The file.
    every : float
        Seconds from one write to the next.

    Raises
    ------
    OSError
        If no file can be written there.
    ValueError
        If there is another file, or a damaged one.
    """

    def __init__(self, path: str | os.PathLike[str], every: float) -> None:
        _param_checks.check_path(path, "checkpoint")
        self.name = f"checkpoint={os.fspath(path)!r}"
        self.every = every
        try:
            self.target = _format.check_target(path)
        except (OSError, ValueError) as error:
            raise type(error)(f"{self.name}: {error}") from error
        self._file: _format.ModelFile | None = None
        self._stamp = self._read_stamp()
        if self._stamp is not None:
            try:
                self._file = _format.read(self.target, "checkpoint")
            except ValueError as error:
                raise ValueError(
                    f"{self.name} is not a checkpoint of a fit ({error}): pass another path, or "
                    "delete the file"
                ) from error
        self._due = time.monotonic() + every

    def claim(
        self, params: Mapping[str, str], data: dict[str, Any], seeds: list[int]
    ) -> tuple[dict[str, Any], list[int]]:
        """Make sure that the file is of this fit; give its description of X and its seeds."""
        self._params, self._data, self._seeds = params, data, seeds
        if self._file is not None:
            found = self._file.document["checkpoint"]
            self._compare_params(found["params"])
            self._compare_data(found["data"])
            self._data, self._seeds = found["data"], found["seeds"]
        return self._data, self._seeds

    def start(self, net: MultiViewNet, stopping: EarlyStopping | None, max_epochs: int) -> int:
        """Take up the state of the file, or write the first; give the epochs to train for."""
        self._net, self._stopping = net, stopping
        if self._file is None:
            self._check_space()
            try:
                self.write()
            except OSError as error:
                raise type(error)(
                    error.errno, f"{self.name} cannot be written ({error}): pass another path"
                ) from error
            return max_epochs
        state = self._file.document["checkpoint"]
        self._restore(state, self._file.arrays())
        self._file = None
        n_done = len(net.epochs_)
        if n_done + (state["position"]["n_steps"] > 0) > max_epochs:
            raise ValueError(
                f"{self.name} holds {n_done} epochs and {state['position']['n_steps']} steps, more "
                f"than max_epochs={max_epochs}: raise max_epochs, or delete the file"
            )
        return 0 if stopping is not None and stopping.is_over() else max_epochs - n_done

    def write_if_due(self) -> None:
        """Write, if the last time was long enough ago; a disk that is full now may not be later."""
        if time.monotonic() < self._due:
            return
        try:
            self.write()
        except OSError as error:
            warnings.warn(
                f"{self.name} could not be written ({error}): the fit goes on without it, and "
                f"tries again after {self.every} s",
                RuntimeWarning,
                stacklevel=2,
            )
        self._due = time.monotonic() + self.every

    def finish(self) -> None:
        """Write the state of a fit that has ended."""
        self._due = -math.inf
        self.write_if_due()

    def write(self) -> None:
        """Put the state of the fit in place of the file, whole or not at all."""
        stamp = self._read_stamp()
        if stamp is not None and stamp != self._stamp:
            raise ValueError(
                f"{self.name} was written by another fit meanwhile: give each fit a checkpoint of "
                "its own (a search shares one among its candidates: leave it None there)"
            )
        state = self._net.get_state()
        epochs = state["epochs"]
        terms = [*epochs[0]] if epochs else []
        best = {} if self._stopping is None else self._stopping.best_weights
        arrays = {
            "shuffle": state["shuffle"],
            "noise": state["noise"],
            **({"partners": state["partners"]} if "partners" in state else {}),
            "epochs": np.array([[epoch[term] for term in terms] for epoch in epochs], ndmin=2),
            **{f"module/{name}": value for name, value in state["module"].items()},
            **{f"best/{name}": value.cpu().numpy() for name, value in best.items()},
        }
        slots: dict[str, dict[str, Any]] = {}
        for i, values in state["optimizer"].items():
            slots[str(i)] = {}
            for name, value in values.items():
                if isinstance(value, np.ndarray):
                    arrays[f"optimizer/{i}/{name}"] = value
                else:
                    slots[str(i)][name] = _plain(value, name)
        document = {
            "params": dict(self._params),
            "data": self._data,
            "seeds": self._seeds,
            "terms": terms,
            "slots": slots,
            "position": self._net.get_position(),
        }
        head = {"format": _format.FORMAT, "versions": versions(), "checkpoint": document}
        _format.write(self.target, _format.pack(head, arrays).data)
        self._stamp = self._read_stamp()

    def _restore(self, state: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        module = self._part(arrays, "module")
        best = self._part(arrays, "best")
        own = {name: value.shape for name, value in self._net.module_.state_dict().items()}
        parts = [module] if self._stopping is None or not best else [module, best]
        if any({name: value.shape for name, value in part.items()} != own for part in parts):
            raise ValueError(f"{self.name} holds weights of other networks: {_CURE}")
        slots = {int(i): dict(values) for i, values in state["slots"].items()}
        for name, value in self._part(arrays, "optimizer").items():
            number, slot = name.split("/")
            slots[int(number)][slot] = value
        groups = self._net.optimizer_.param_groups
        weights = [weight for group in groups for weight in group["params"]]
        for i, values in slots.items():
            # A fused kernel would read beyond a slot that is too small.
            shapes = {value.shape for value in values.values() if isinstance(value, np.ndarray)}
            if groups[0].get("fused") and not shapes <= {(), weights[i].shape}:
                raise ValueError(f"{self.name} holds the state of another optimizer: {_CURE}")
        rows = arrays["epochs"].tolist() if state["terms"] else []
        self._net.set_state(
            {
                "module": module,
                "optimizer": slots,
                "shuffle": arrays["shuffle"],
                "noise": arrays["noise"],
                **({"partners": arrays["partners"].copy()} if "partners" in arrays else {}),
                "epochs": [dict(zip(state["terms"], row, strict=True)) for row in rows],
            }
        )
        self._net.set_position(state["position"])
        if self._stopping is not None:
            device = self._net.device
            self._stopping.best_weights = {
                name: torch.from_numpy(value.copy()).to(device) for name, value in best.items()
            }

    @staticmethod
    def _part(arrays: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
        start = f"{name}/"
        return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}

    def _compare_params(self, found: Mapping[str, str]) -> None:
        names = [name for name, text in self._params.items() if found.get(name) != text]
        if names:
            then = ", ".join(f"{name}={found.get(name, 'unknown')[:80]}" for name in names[:3])
            now = ", ".join(f"{name}={self._params[name][:80]}" for name in names[:3])
            raise ValueError(f"{self.name} is of a fit with {then}, not {now}: {_CURE}")

    def _compare_data(self, found: Mapping[str, Any]) -> None:
        for name, value in self._data.items():
            same = found.get(name) == value
            if name in ("mean", "std"):
                same = math.isclose(found[name], value, rel_tol=_RTOL, abs_tol=_RTOL * found["std"])
            if not same:
                argument = "groups" if name == "groups" else "X"
                raise ValueError(
                    f"{self.name} is of a fit to another {argument}: {name} was "
                    f"{found.get(name)!r:.80}, and is {value!r:.80}. Pass the same {argument}, "
                    "delete the file to fit anew, or give each fit a checkpoint of its own (a "
                    "search shares one among its folds: leave it None there)"
                )

    def _check_space(self) -> None:
        """Refuse a disk that cannot hold the file twice, as it will be while it is replaced."""
        state = self._net.module_.state_dict().values()
        n_copies = 3 if self._stopping is None else 4  # weights, Adam's two, the best
        size = n_copies * sum(value.nbytes for value in state) + _OVERHEAD
        free = shutil.disk_usage(self.target.parent).free
        if free < 2 * size:
            raise OSError(
                errno.ENOSPC,
                f"{self.name} needs {2 * size / 1e6:.0f} MB, and {self.target.parent} has "
                f"{free / 1e6:.0f} MB left: free some, or pass a path on another disk",
            )

    def _read_stamp(self) -> tuple[int, int, int] | None:
        """Tell a file from one that was put in its place; None where there is none."""
        try:
            status = os.stat(self.target)
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


def describe_params(
    params: Mapping[str, Any], device: torch.device, seeds: list[int]
) -> dict[str, str]:
    """Describe the parameters that change what is trained, as texts to compare."""
    described = {name: _text(value) for name, value in params.items() if name not in _FREE}
    seed = params["random_state"]
    if isinstance(seed, np.random.RandomState):
        described["random_state"] = f"a RandomState that drew {seeds}"
    else:
        described["random_state"] = _text(seed)
    return {**described, "device": device.type}


def describe_data(
    X: NDArray[Any],
    present: NDArray[np.bool_] | None,
    groups: NDArray[np.intp] | None,
    *,
    mean: float,
    std: float,
) -> dict[str, Any]:
    """Describe X without a pass of its own.

    Its mean and standard deviation are over all values, as fit knows them anyway;
    the hash is of 256 rows, evenly spread.
    """
    rows = np.unique(np.linspace(0, len(X) - 1, _N_HASHED).astype(np.intp))
    return {
        "shape": list(X.shape),
        "dtype": str(X.dtype),
        "number of missing views": 0 if present is None else int((~present).sum()),
        "mean": mean,
        "std": std,
        "hash of 256 rows": _hash(X[rows]),
        "groups": None if groups is None else _hash(groups),
    }


def versions() -> dict[str, str]:
    """Name what wrote a file, for those who read it; nothing depends on it."""
    # The root re-exports this module's users and cannot be imported by it.
    modules = {"mvdisent": sys.modules["mvdisent"], "numpy": np, "scikit-learn": sklearn}
    found = {name: str(module.__version__) for name, module in modules.items()}
    return {"python": platform.python_version(), "torch": str(torch.__version__), **found}


def _hash(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _text(value: Any) -> str:
    """Describe a parameter; one that is no plain data by its name alone."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | str | None):
        return repr(value)
    if isinstance(value, Real):
        return repr(int(value) if isinstance(value, Integral) else float(value)).removesuffix(".0")
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, partial):
        return f"{_text(value.func)} with {_text(value.args)} and {_text(value.keywords)}"
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _plain(value: Any, name: str) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    raise ValueError(
        f"net_params has an optimizer that keeps a {type(value).__name__} ({name}), which a "
        "checkpoint cannot hold: pass checkpoint=None, or another optimizer"
    )
