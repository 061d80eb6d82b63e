"""From views to codes: methods of a fitted disentangler; the passes over X are in ``_passes``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from . import _checks, _param_checks
from ._arrays import find_text_column, refuse_no_columns
from ._batches import ViewDataset
from ._blocks import OUTPUTS, VIEW_OUTPUTS, BlockLayout
from ._build import build_net
from ._net import MultiViewNet
from ._passes import FloatArray, encode_blocks, mean_loss

_CODES = ("features", "active", "mean", "draw")


class BlockCodesMixin(TransformerMixin):
    """What a fitted disentangler tells of X: features, codes, the objective.

    A TransformerMixin itself: ``set_output`` reaches only methods of such classes.
    """

    batch_size: int
    output: str
    view_output: str
    n_views_in_: int
    n_features_in_: int
    view_shape_: tuple[int, ...]
    kl_private_: NDArray[np.float64]
    kl_shared_: NDArray[np.float64]
    active_private_: NDArray[np.bool_]
    active_shared_: NDArray[np.bool_]
    history_: pd.DataFrame
    n_epochs_: int
    _net: MultiViewNet
    _net_state: dict[str, Any]
    _offset: float
    _scale: float
    _seeds: list[int]

    @property
    def n_epochs_done_(self) -> int:
        """Whole epochs behind the model: less than asked for, where a fit was interrupted."""
        check_is_fitted(self)
        return self.n_epochs_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_epochs_")

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the features: means of the active dimensions, zero elsewhere.

        Of ``objective="transport"`` both blocks are separated further; see Notes of
        the class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *view_shape)
            Views, any number of them, or a single view (n_samples, *view_shape).

        Returns
        -------
        features : ndarray of float32 of shape (n_samples, n_columns)
            Columns as in ``get_feature_names_out``.
        """
        private, shared, present = self._encode(X, "features")
        layout = self._layout()
        if layout.n_views not in (None, private.shape[1]):
            raise ValueError(
                f"X has {private.shape[1]} views, fit saw {layout.n_views}, and "
                "view_output='concat' needs as many: pass view_output='mean', or missing views as "
                "NaN"
            )
        return layout.assemble(private, shared, present)

    def encode(self, X: ArrayLike, *, code: str = "active") -> tuple[FloatArray, FloatArray]:
        """Return both blocks whole.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *view_shape)
            Views, any number of them, or a single view (n_samples, *view_shape).
        code : {"features", "active", "mean", "draw"}, default="active"
            What ``transform`` returns; posterior means with zeros in the
            dimensions that are not active; raw posterior means; or one draw from
            each posterior, the same at each call.

        Returns
        -------
        private : ndarray of float32 of shape (n_samples, n_views, n_private)
            Zero where a view is missing.
        shared : ndarray of float32 of shape (n_samples, n_shared)
            Shared codes.
        """
        private, shared, _ = self._encode(X, code)
        return private, shared

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Return the objective on X, higher is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *view_shape)
            Held-out views.
        y : ignored
            Not used.

        Returns
        -------
        objective : float
            Minus the loss, a mean over samples, in nats; the draws are the same
            at each call.
        """
        check_is_fitted(self)
        views = self._validate(X, reset=False)
        dataset = self._dataset(views, _checks.find_present(views))
        loss = mean_loss(self._live_net(), dataset, self.batch_size, self._seeds[2])
        if not math.isfinite(loss):
            _param_checks.refuse_overflow("X", None, self._scale)
        return -loss

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns of ``transform``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Where fit saw 2-D X, checked against its features; not used otherwise.

        Returns
        -------
        names : ndarray of str
            ``private_0``, ... (``private_v0_0``, ... for ``view_output="concat"``),
            then ``shared_0``, ...
        """
        check_is_fitted(self)
        if self.n_views_in_ == 1 and len(self.view_shape_) == 1:  # spectra have no column names
            _checks.check_input_features(
                input_features, self.n_features_in_, getattr(self, "feature_names_in_", None)
            )
        return np.asarray(self._layout().names(), dtype=object)

    def _layout(self) -> BlockLayout:
        _checks.check_option("output", self.output, OUTPUTS)
        _checks.check_option("view_output", self.view_output, VIEW_OUTPUTS)
        n_views = self.n_views_in_ if self.view_output == "concat" else None
        return BlockLayout(len(self.kl_private_), len(self.kl_shared_), self.output, n_views)

    def _encode(
        self, X: ArrayLike, code: str
    ) -> tuple[FloatArray, FloatArray, NDArray[np.bool_] | None]:
        check_is_fitted(self)
        _checks.check_option("code", code, _CODES)
        views = self._validate(X, reset=False)
        present = _checks.find_present(views)
        net = self._live_net()
        generator = None
        if code == "draw":
            generator = torch.Generator(net.device).manual_seed(self._seeds[2])
        separated = code == "features" and net.module_.separator is not None
        private, shared = encode_blocks(
            net.module_, self._dataset(views, present), generator, separated=separated
        )
        finite = np.isfinite(private).all((1, 2)) & np.isfinite(shared).all(1)
        if not finite.all():
            _param_checks.refuse_overflow("X", int(finite.argmin()), self._scale)
        if code in ("features", "active"):
            private *= self.active_private_
            if not separated:  # else its columns are axes of agreement, not dimensions
                shared *= self.active_shared_
        return private, shared, present

    def _dataset(
        self,
        views: NDArray[Any],
        present: NDArray[np.bool_] | None,
        rows: NDArray[np.intp] | None = None,
    ) -> ViewDataset:
        net = self._live_net()
        return ViewDataset(
            views,
            present,
            offset=self._offset,
            scale=self._scale,
            whitener=net.module_.whitener,
            device=net.device,
            rows=rows,
        )

    def _validate(self, X: ArrayLike, *, reset: bool) -> NDArray[Any]:
        """Shape X as views; 2-D X goes through scikit-learn's own validation."""
        # A source of views is never held whole: its fixed draw is read chunk by chunk.
        array: Any = X.drawn() if hasattr(X, "drawn") else X
        if array is X and not hasattr(X, "columns"):
            array = _checks.as_array(X)
        n_axes = len(array.shape)  # a polars DataFrame has no ndim
        if n_axes < 2 or (n_axes == 2 and (reset or len(self.view_shape_) == 1)):
            array = self._validate_table(array, reset=reset)
        elif reset:
            self.__dict__.pop("feature_names_in_", None)
        return _checks.as_views(array, view_shape=None if reset else self.view_shape_)

    def _validate_table(self, table: Any, *, reset: bool) -> NDArray[Any]:
        refuse_no_columns(table)
        try:
            return np.asarray(validate_data(self, table, reset=reset, ensure_all_finite=False))
        except (TypeError, ValueError) as error:
            column = find_text_column(table) if hasattr(table, "columns") else None
            if column is None:
                raise
            raise type(error)(
                f"X has a column {column} that is not of real numbers "
                f"({str(error).splitlines()[0]}): drop it, or convert it to float"
            ) from error

    def _live_net(self) -> MultiViewNet:
        """Give the net, rebuilt at its first use after unpickling.

        Threads that come here together may each build one; all are given the first.
        """
        state = self.__dict__.get("_net_state")
        if "_net" not in self.__dict__ and state is not None:
            net = build_net(vars(self), self.view_shape_, self._seeds)
            net.set_state(state)
            self.__dict__.setdefault("_net", net)
            # Only now, as a thread that finds no state takes the net.
            self.__dict__.pop("_net_state", None)
        return self._net

    def __getstate__(self) -> dict[str, Any]:
        # The history as arrays: skops cannot take a DataFrame apart.
        state: dict[str, Any] = dict(super().__getstate__())
        if "_net" in state:
            state["_net_state"] = state.pop("_net").get_state()
        if "history_" in state:
            history = state["history_"]
            state["history_"] = {name: history[name].to_numpy() for name in history}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "history_" in state:
            state = {**state, "history_": pd.DataFrame(state["history_"])}
        super().__setstate__(state)
