"""Early stopping: which rows are held out, what the loss on them says, the best weights."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from torch import Tensor

from . import _checks
from ._batches import ViewDataset
from ._net import MultiViewNet
from ._passes import mean_loss
from ._terms import refuse_non_finite


class EarlyStopping:
    """Measure the loss on held-out rows after each epoch, and keep the best weights.

    Parameters
    ----------
    net : MultiViewNet
        The net that is trained, with the epochs that it has behind it.
    held_out : ViewDataset
        The rows.
    batch_size : int
        Rows of a batch.
    seed : int
        Seed of the draws, the same after each epoch.
    tol : float
        By how much the loss must fall to count as better, in nats.
    n_iter_no_change : int
        After so many epochs in a row that are no better the fit is over.

    Attributes
    ----------
    best_weights : dict of str to Tensor
        State of the module after the best epoch; empty before the first.
    """

    def __init__(
        self,
        net: MultiViewNet,
        held_out: ViewDataset,
        *,
        batch_size: int,
        seed: int,
        tol: float,
        n_iter_no_change: int,
    ) -> None:
        self.net = net
        self.held_out = held_out
        self.batch_size = batch_size
        self.seed = seed
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.best_weights: dict[str, Tensor] = {}
        self._n_before = len(net.epochs_)

    def measure(self) -> float:
        """Measure the loss; its draws move no generator of the training."""
        loss = self.net.agree(mean_loss(self.net, self.held_out, self.batch_size, self.seed))
        refuse_non_finite({"validation_loss": loss}, epoch=len(self.net.epochs_) + 1)
        if loss < min(self._losses(), default=math.inf):
            state = self.net.module_.state_dict()
            self.best_weights = {name: value.clone() for name, value in state.items()}
        return loss

    def is_over(self) -> bool:
        """Tell whether the loss has stopped falling."""
        best, n_flat = math.inf, 0
        for loss in self._losses():
            n_flat = 0 if loss < best - self.tol else n_flat + 1
            best = min(best, loss)
        return n_flat >= self.n_iter_no_change

    def restore_best(self) -> int:
        """Give the module its best weights, and return the epoch that they are of."""
        self.net.module_.load_state_dict(self.best_weights)
        return self._n_before + int(np.argmin(self._losses())) + 1

    def _losses(self) -> list[float]:
        return [epoch["validation_loss"] for epoch in self.net.epochs_[self._n_before :]]


def number_groups(groups: ArrayLike, n_rows: int) -> NDArray[np.intp]:
    """Give the groups of the rows numbers, in the order in which they come."""
    column = np.asarray(groups, dtype=object)
    if column.ndim != 1:
        raise ValueError(
            f"groups has shape {column.shape}; pass (n_samples,), one label a sample, or None"
        )
    _checks.check_n_rows("groups", len(column), "X", n_rows)
    codes = pd.factorize(column)[0]
    _checks.check_none_missing("groups", codes < 0)
    return codes


def hold_out(
    n_rows: int, groups: NDArray[np.intp] | None, *, fraction: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split rows into those to train on and those to be held out; groups stay whole.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    groups : ndarray of int of shape (n_rows,) or None
        Group of each row. None: each is its own.
    fraction : float
        Share of the groups that is held out.
    seed : int
        Seed of the split.

    Returns
    -------
    train, held_out : ndarray of int
        Row numbers, in order.

    Raises
    ------
    ValueError
        If a side has too few rows.
    """
    units = np.arange(n_rows) if groups is None else groups
    splitter = ShuffleSplit if groups is None else GroupShuffleSplit
    n_units = int(units.max()) + 1
    n_held_out = math.ceil(fraction * n_units)
    if n_held_out < n_units:
        split = splitter(n_splits=1, test_size=n_held_out, random_state=seed)
        train, held_out = (np.sort(rows) for rows in next(split.split(units, groups=groups)))
        if len(train) >= 2:
            return train, held_out
    what = "rows" if groups is None else f"groups of {n_rows} rows"
    raise ValueError(
        f"validation_fraction={fraction} of {n_units} {what} leaves fewer than 2 rows to train on: "
        "lower it, or pass more rows or groups in X"
    )
