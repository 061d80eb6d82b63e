"""Posteriors and decodings of whole arrays, in chunks of a fixed number of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor
from torch.nn.functional import pad

from . import _checks
from ._batches import ViewDataset
from ._blocks import OUTPUTS, VIEW_OUTPUTS, BlockLayout
from ._build import build_net
from ._net import MultiViewNet
from .nn import MultiViewVAE, Posterior, draw
from .objectives import gaussian_kl

FloatArray = NDArray[np.float32]

# Every pass has this many rows, zero-padded: matrix products of one shape round
# alike, so the features of a row do not depend on its neighbours.
_CHUNK_ROWS = 256
_CODES = ("active", "mean", "draw")


def iter_posteriors(
    module: MultiViewVAE, dataset: ViewDataset
) -> Iterator[tuple[slice, Posterior]]:
    """Encode a dataset chunk by chunk, with the rows that each chunk holds."""
    module.eval()
    with torch.inference_mode():
        for start in range(0, len(dataset), _CHUNK_ROWS):
            rows = slice(start, min(start + _CHUNK_ROWS, len(dataset)))
            x, present = dataset.take(rows)
            n = len(x)
            if present is not None:
                present = _pad_rows(present)
            posterior = module.encode(_pad_rows(x), present)
            yield rows, Posterior(*(part[:n] for part in posterior))


def encode_blocks(
    module: MultiViewVAE, dataset: ViewDataset, generator: torch.Generator | None
) -> tuple[FloatArray, FloatArray]:
    """Encode a dataset to codes: means, or draws where a generator is given.

    Parameters
    ----------
    module : MultiViewVAE
        The model.
    dataset : ViewDataset
        The rows.
    generator : torch.Generator or None
        Source of the draws; None gives the means.

    Returns
    -------
    private : ndarray of float32 of shape (n_samples, n_views, n_private)
        Zero where a view is missing.
    shared : ndarray of float32 of shape (n_samples, n_shared)
        Shared codes.
    """
    n, n_views = dataset.X.shape[:2]
    private = np.empty((n, n_views, module.n_private), dtype=np.float32)
    shared = np.empty((n, module.n_shared), dtype=np.float32)
    for rows, posterior in iter_posteriors(module, dataset):
        z_private = draw(posterior.private_mean, posterior.private_log_var, generator)
        z_shared = draw(posterior.shared_mean, posterior.shared_log_var, generator)
        private[rows] = z_private.cpu().numpy()
        shared[rows] = z_shared.cpu().numpy()
    if dataset.present is not None:
        private[~dataset.present] = 0.0
    return private, shared


def mean_kl(
    module: MultiViewVAE, dataset: ViewDataset
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean KL of each private and each shared dimension to the prior, in nats."""
    private, shared = np.zeros(module.n_private), np.zeros(module.n_shared)
    for _, posterior in iter_posteriors(module, dataset):
        # A missing view's posterior is the prior: it adds no KL.
        kl_private = gaussian_kl(posterior.private_mean, posterior.private_log_var)
        kl_shared = gaussian_kl(posterior.shared_mean, posterior.shared_log_var)
        private += kl_private.double().sum((0, 1)).cpu().numpy()
        shared += kl_shared.double().sum(0).cpu().numpy()
    n_rows, n_views = dataset.X.shape[:2]
    n_present = n_rows * n_views if dataset.present is None else dataset.present.sum()
    return private / n_present, shared / n_rows


def mean_loss(net: MultiViewNet, dataset: ViewDataset, batch_size: int, seed: int) -> float:
    """Mean of the loss over the rows, with the draws of one seed, in nats."""
    net.module_.eval()
    generator = torch.Generator(net.device).manual_seed(seed)
    n, total = len(dataset), 0.0
    with torch.inference_mode():
        for rows in np.array_split(np.arange(n), math.ceil(n / batch_size)):
            loss, _ = net.loss(dataset.take(rows), n_train=n, generator=generator)
            total += float(loss) * len(rows)
    return total / n


def decode_blocks(
    module: MultiViewVAE,
    private: FloatArray,
    shared: FloatArray,
    *,
    device: str | torch.device,
    rescale: Callable[[Tensor], Tensor],
) -> FloatArray:
    """Decode codes chunk by chunk.

    Parameters
    ----------
    module : MultiViewVAE
        The model.
    private : ndarray of shape (n_samples, n_views, n_private)
        Private codes.
    shared : ndarray of shape (n_samples, n_shared)
        Shared codes.
    device : str or torch.device
        Where the model is.
    rescale : callable
        Takes the decoder's output to the units of X.

    Returns
    -------
    X : ndarray of float32 of shape (n_samples, n_views, *view_shape)
        Decoded views.
    """
    module.eval()
    chunks: list[NDArray[Any]] = []
    with torch.inference_mode():
        for start in range(0, len(private), _CHUNK_ROWS):
            z_private, z_shared = (
                torch.from_numpy(np.array(z[start : start + _CHUNK_ROWS], np.float32)).to(device)
                for z in (private, shared)
            )
            x = module.decode(_pad_rows(z_private), _pad_rows(z_shared))[: len(z_private)]
            chunks.append(rescale(x).cpu().numpy())
    return np.concatenate(chunks)


def _pad_rows(x: Tensor) -> Tensor:
    missing = _CHUNK_ROWS - len(x)
    return x if missing == 0 else pad(x, (0, 0) * (x.ndim - 1) + (0, missing))


class BlockCodesMixin(TransformerMixin):
    """What a fitted disentangler does with X: features, codes, reconstructions.

    A TransformerMixin itself: ``set_output`` reaches only methods of such classes.
    """

    n_private: int
    n_shared: int
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
    _net: MultiViewNet
    _net_state: dict[str, Any]
    _offset: float
    _scale: float
    _seeds: list[int]

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the features: means of the active dimensions, zero elsewhere.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *view_shape)
            Views, any number of them, or a single view (n_samples, *view_shape).

        Returns
        -------
        features : ndarray of float32 of shape (n_samples, n_columns)
            Columns as in ``get_feature_names_out``.
        """
        private, shared, present = self._encode(X, "active")
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
        code : {"active", "mean", "draw"}, default="active"
            Posterior means with zeros in the dimensions that are not active;
            raw posterior means; or one draw from each posterior, the same at
            each call.

        Returns
        -------
        private : ndarray of float32 of shape (n_samples, n_views, n_private)
            Zero where a view is missing.
        shared : ndarray of float32 of shape (n_samples, n_shared)
            Shared codes.
        """
        private, shared, _ = self._encode(X, code)
        return private, shared

    def decode(self, private: ArrayLike, shared: ArrayLike) -> FloatArray:
        """Return the views that codes stand for.

        Parameters
        ----------
        private : array-like of shape (n_samples, n_views, n_private)
            Private codes.
        shared : array-like of shape (n_samples, n_shared)
            Shared codes; with those of another sample, the views are swapped.

        Returns
        -------
        X : ndarray of float32 of shape (n_samples, n_views, *view_shape)
            Decoded views, in the units of X.
        """
        check_is_fitted(self)
        codes = _checks.as_codes(private, shared, self.n_private, self.n_shared)
        net = self._live_net()
        return decode_blocks(
            net.module_,
            *codes,
            device=net.device,
            rescale=lambda x: x * self._scale + self._offset,
        )

    def reconstruct(self, X: ArrayLike) -> FloatArray:
        """Encode and decode each view, through the posterior means.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *view_shape)
            Views, any number of them, or a single view (n_samples, *view_shape).

        Returns
        -------
        X_hat : ndarray of float32 of shape (n_samples, n_views, *view_shape)
            In the units of X. A missing view is filled in from the shared code
            and a private code of zero.
        """
        return self.decode(*self.encode(X, code="mean"))

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
        present = _checks.find_missing(views)
        net = self._live_net()
        generator = None
        if code == "draw":
            generator = torch.Generator(net.device).manual_seed(self._seeds[2])
        private, shared = encode_blocks(net.module_, self._dataset(views, present), generator)
        if code == "active":
            private *= self.active_private_
            shared *= self.active_shared_
        return private, shared, present

    def _dataset(self, views: NDArray[Any], present: NDArray[np.bool_] | None) -> ViewDataset:
        device = self._live_net().device
        return ViewDataset(views, present, offset=self._offset, scale=self._scale, device=device)

    def _validate(self, X: ArrayLike, *, reset: bool) -> NDArray[Any]:
        """Shape X as views; 2-D X goes through scikit-learn's own validation."""
        array: Any = X if hasattr(X, "columns") else _checks.as_array(X)
        n_axes = len(array.shape)  # a polars DataFrame has no ndim
        if n_axes < 2 or (n_axes == 2 and (reset or len(self.view_shape_) == 1)):
            array = validate_data(self, array, reset=reset, ensure_all_finite=False)
        elif reset:
            self.__dict__.pop("feature_names_in_", None)
        return _checks.as_views(array, view_shape=None if reset else self.view_shape_)

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
        if "history_" in state:
            history = state["history_"]
            state["history_"] = {name: history[name].to_numpy() for name in history}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "history_" in state:
            state = {**state, "history_": pd.DataFrame(state["history_"])}
        super().__setstate__(state)
