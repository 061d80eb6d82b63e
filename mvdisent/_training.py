"""The course of a fit, from X to fitted attributes; its steps are taken in ``_net``."""

from __future__ import annotations

import math
import os
import warnings
from contextlib import nullcontext
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning

from . import _checks
from ._allocator import keep_freed_memory, keep_large_blocks
from ._axes import learn_axes
from ._batches import ViewDataset
from ._build import (
    build_net,
    check_net_params,
    check_resumable,
    check_structure,
    draw_seeds,
    resolve_device,
)
from ._checkpoint import Checkpoint, describe_data, describe_params
from ._decoding import DecodedViewsMixin
from ._passes import mean_kl
from ._processes import check_alike, check_group, is_first, take_from_first
from ._stopping import EarlyStopping, hold_out, number_groups
from ._terms import refuse_non_finite
from ._transport import fit_separator

# A dimension whose mean KL to the prior is below this, in nats, has collapsed.
ACTIVE_KL = 0.05
# Rows that tell which dimensions are active where a fit is interrupted: Ctrl-C answers soon.
_N_SAMPLED = 1024


class TrainingMixin(DecodedViewsMixin):
    """How a disentangler is trained: anew, from a checkpoint, or going on."""

    alpha: float
    batch_size: int
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: float
    decoder_std: float | str
    device: str
    distributed: bool
    early_stopping: bool
    max_epochs: int
    n_iter_no_change: int
    net_params: Any
    objective: str
    random_state: int | np.random.RandomState | None
    tol: float
    validation_fraction: float
    verbose: int
    best_epoch_: int
    n_epochs_: int

    def _train(
        self,
        X: ArrayLike,
        n_epochs: int,
        *,
        fresh: bool,
        one_epoch: bool = False,
        groups: Any = None,
    ) -> Self:
        resolve_device(self.device)
        check_net_params(self.net_params)
        if self.distributed:
            check_group(self.checkpoint)
        checkpoint = None
        if self.checkpoint is not None and not one_epoch:
            check_resumable(self.net_params)
            checkpoint = Checkpoint(self.checkpoint, self.checkpoint_every)
        views = self._validate(X, reset=fresh)
        present = _checks.find_present(views)
        if len(views) < 2:
            raise ValueError(f"X has n_samples = {len(views)}; fit needs 2 samples or more")
        labels, stop = None, self.early_stopping and not one_epoch
        if stop and groups is not None:
            labels = number_groups(groups, len(views))
        if fresh:
            self._start(views, present, labels, checkpoint)
        else:  # rebuilt, so that parameters set since then take effect
            check_structure(self._live_net(), vars(self))
            self._net_state = self._net.get_state()
            del self._net
        parts = self._split(views, present, labels) if stop else None
        keep_large_blocks()
        # What one call of partial_fit frees is for the next one.
        with nullcontext() if one_epoch else keep_freed_memory():
            self._run(views, present, parts, n_epochs, checkpoint)
        self._warn_of_collapse()
        return self

    def _start(
        self,
        views: NDArray[Any],
        present: NDArray[np.bool_] | None,
        labels: NDArray[np.intp] | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        """Learn what is known before the first step, and build the net."""
        self.__dict__.pop("n_epochs_", None)  # not fitted until this fit has ended
        self.n_views_in_ = views.shape[1]
        self.view_shape_ = views.shape[2:]
        self.n_features_in_ = math.prod(self.view_shape_)
        self._offset, std = _checks.measure_scale(views, present)
        self._scale = std or 1.0
        self._seeds = draw_seeds(self.random_state)
        if self.distributed:  # without a random_state each has drawn its own
            self._seeds = take_from_first(self._seeds)
        if checkpoint is not None:
            params = describe_params(
                self.get_params(deep=False), resolve_device(self.device), self._seeds
            )
            data = describe_data(views, present, labels, mean=self._offset, std=self._scale)
            data, self._seeds = checkpoint.claim(params, data, self._seeds)
            self._offset, self._scale = data["mean"], data["std"]
        self._net = build_net(vars(self), self.view_shape_, self._seeds)
        whitener = self._net.module_.whitener
        if whitener is not None:
            learn_axes(whitener, self._dataset(views, present))

    def _run(
        self,
        views: NDArray[Any],
        present: NDArray[np.bool_] | None,
        parts: tuple[ViewDataset, EarlyStopping] | None,
        n_epochs: int,
        checkpoint: Checkpoint | None,
    ) -> None:
        """Train, and learn what the trained net tells of itself."""
        net = self._live_net()
        dataset = self._dataset(views, present)
        train, stopping = parts or (dataset, None)
        self.__dict__.pop("best_epoch_", None)
        if self.distributed:
            check_alike(views, net)
        if checkpoint is not None:
            n_epochs = checkpoint.start(net, stopping, n_epochs)
        try:
            if n_epochs:
                net.train_epochs(
                    train,
                    n_epochs,
                    verbose=bool(self.verbose) and (not self.distributed or is_first()),
                    stopping=stopping,
                    between_steps=checkpoint.write_if_due if checkpoint else None,
                )
        except KeyboardInterrupt:
            rows = np.unique(np.linspace(0, len(views) - 1, _N_SAMPLED).astype(np.intp))
            kept = None if present is None else present[rows]
            self._settle(self._dataset(views[rows], kept))
            raise
        if checkpoint is not None:
            checkpoint.finish()
        if stopping is not None:
            self.best_epoch_ = stopping.restore_best()
        self._settle(dataset)

    def _split(
        self,
        views: NDArray[Any],
        present: NDArray[np.bool_] | None,
        labels: NDArray[np.intp] | None,
    ) -> tuple[ViewDataset, EarlyStopping]:
        """Hold rows out: what is trained on, and what watches the others."""
        rows, held_out = hold_out(
            len(views), labels, fraction=self.validation_fraction, seed=self._seeds[1]
        )
        stopping = EarlyStopping(
            self._live_net(),
            self._dataset(views, present, held_out),
            batch_size=self.batch_size,
            seed=self._seeds[2],
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
        )
        return self._dataset(views, present, rows), stopping

    def _settle(self, dataset: ViewDataset) -> None:
        """Take the net as it stands for what is fitted."""
        net = self._live_net()
        kl_private, kl_shared = mean_kl(net.module_, dataset)
        # The last step's loss is that of the weights before it.
        kl = {"kl_private": kl_private.sum(), "kl_shared": kl_shared.sum()}
        refuse_non_finite(kl, epoch=len(net.epochs_))
        if net.module_.separator is not None:
            rng = np.random.default_rng(self._seeds[2])
            fit_separator(net.module_.separator, net.module_, dataset, rng)
        self.kl_private_, self.kl_shared_ = kl_private, kl_shared
        self.active_private_ = kl_private > ACTIVE_KL
        self.active_shared_ = kl_shared > ACTIVE_KL
        self.history_ = pd.DataFrame(net.epochs_)
        self.n_epochs_ = len(self.history_)

    def _warn_of_collapse(self) -> None:
        for block, active in (("private", self.active_private_), ("shared", self.active_shared_)):
            if not active.any():
                warnings.warn(
                    f"the {block} block has collapsed: no dimension has a mean KL above "
                    f"{ACTIVE_KL} nats after {self.n_epochs_} epochs. Train longer (max_epochs="
                    f"{self.max_epochs}), or lower decoder_std={self.decoder_std!r} or "
                    f"alpha={self.alpha}",
                    ConvergenceWarning,
                    stacklevel=4,
                )
