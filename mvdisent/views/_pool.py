"""What of a spectrum is left when its time is pooled, in units of what a sample's views share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import _checks
from .._arrays import refuse_no_columns

# Rows of X that are pooled at a time.
_CHUNK = 1024


class TimePool(  # type: ignore[call-arg]  # scikit-learn is untyped
    TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Mean, spread and change over time of each band, in units of what the views of a sample share.

    A recording is told by its colour and liveliness more than by any moment, so that a
    network which sees every frame learns the recordings of the fit by heart. These
    features are rotated and scaled so that the views of one sample differ alike in
    all directions, within-class covariance normalisation [1]_ with samples as the
    classes, and that without a label. A distance then counts what the views do not share.

    Parameters
    ----------
    whiten : bool, default=True
        Whether to rotate and scale. False: the features as they are.
    ridge : float, default=0.01
        Part of the mean variance within samples that each direction has at least;
        above 0. A smaller one makes more of directions in which views hardly differ.

    Attributes
    ----------
    mean_ : ndarray of float32 of shape (n_pooled,)
        Mean of the features, which is taken off; ``whiten=True`` only.
    matrix_ : ndarray of float32 of shape (n_pooled, n_pooled)
        What they are multiplied by; ``whiten=True`` only.
    view_shape_ : tuple of int
        Shape of one view, the last axis of which is time.
    n_views_in_ : int
        Views at fit.
    n_features_in_ : int
        Values of one view.
    feature_names_in_ : ndarray of str
        Column names of X, where it was a DataFrame.

    See Also
    --------
    WindowFeatures : Means over the windows of a longer recording.

    Notes
    -----
    Of X of one view, or of which no sample has two, the spread over samples takes the
    place of that within them. Time and memory grow as the square of the
    number of features, three times the bands; X is read chunk by chunk.

    References
    ----------
    .. [1] A. O. Hatch, S. Kajarekar, A. Stolcke, "Within-Class Covariance Normalization
       for SVM-based Speaker Recognition", Interspeech 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.views import TimePool
    >>> X = np.random.default_rng(0).normal(size=(40, 2, 8, 31))  # 8 bands, 31 frames
    >>> pooled = TimePool().fit_transform(X)
    >>> pooled.shape
    (40, 2, 24)
    >>> bool(np.isclose(np.diff(pooled, axis=1).var(), 2, rtol=0.05))
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "whiten": ["boolean"],
        "ridge": [Interval(Real, 0, 1e6, closed="right")],
    }

    def __init__(self, *, whiten: bool = True, ridge: float = 0.01) -> None:
        self.whiten = whiten
        self.ridge = ridge

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn how the views of a sample differ.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *bands, n_frames)
            Views of each sample, an array or a source of :mod:`mvdisent.views`, whose
            fixed draw is taken; a missing view is NaN throughout. 2-D X is one band.
        y : ignored
            Not used.

        Returns
        -------
        self : TimePool
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is out of range, or X is not as described.
        """
        self._validate_params()
        views = self._validate(X, reset=True)
        self.view_shape_, self.n_views_in_ = tuple(views.shape[2:]), views.shape[1]
        present = _checks.find_present(views)
        for name in ("mean_", "matrix_"):
            self.__dict__.pop(name, None)
        if self.whiten:
            self._learn(views, present)
        return self

    def _learn(self, views: NDArray[Any], present: NDArray[np.bool_] | None) -> None:
        """Find the mean, and the directions in which views of a sample differ."""
        width = 3 * math.prod(self.view_shape_[:-1])
        total, count = np.zeros(width), 0
        for x, shown in _pooled(views, present):
            total += x.sum(axis=(0, 1), dtype=np.float64)
            count += int(shown.sum())
        mean = total / max(1, count)
        n_within = count - len(views)
        if present is not None:
            n_within = int((present.sum(axis=1) - 1).clip(0).sum())
        scatter, squares = np.zeros((width, width)), np.zeros(width)
        for x, shown in _pooled(views, present):
            centred = (x - mean) * shown[..., None]
            squares += np.square(centred).sum(axis=(0, 1))
            if n_within:  # from the mean of the sample, not from that of all
                n_shown = np.maximum(shown.sum(axis=1), 1)[:, None, None]
                centred -= centred.sum(axis=1, keepdims=True) / n_shown
                centred *= shown[..., None]
            flat = centred.reshape(-1, width)
            scatter += flat.T @ flat
        covariance = scatter / (n_within or max(1, count))
        std = np.sqrt(squares / max(1, count))
        std[~(std > 0)] = 1.0
        power, axes = np.linalg.eigh(covariance / np.outer(std, std))
        power = power.clip(0.0)
        floor = self.ridge * power.mean()
        gains = 1 / np.sqrt(power + floor) if floor > 0 else np.ones(width)
        self.mean_ = mean.astype(np.float32)
        self.matrix_ = (axes * gains / std[:, None]).astype(np.float32)

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Pool each view.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *bands, n_frames)
            Views, any number of them, of the shape seen at fit.

        Returns
        -------
        features : ndarray of float32 of shape (n_samples, n_views, n_pooled)
            Of each band its mean, then of each its standard deviation, then of each its mean
            absolute change from frame to frame; with ``whiten``, rotated and scaled. NaN
            where a view is missing.
        """
        check_is_fitted(self, "view_shape_")
        views = self._validate(X, reset=False)
        present = _checks.find_present(views)
        width = 3 * math.prod(self.view_shape_[:-1])
        features = np.empty((*views.shape[:2], width), dtype=np.float32)
        start = 0
        for x, shown in _pooled(views, present):
            if hasattr(self, "matrix_"):
                x = (x - self.mean_) @ self.matrix_
            x[~shown] = np.nan
            features[start : start + len(x)] = x
            start += len(x)
        return features

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the second axis of the output: its views.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Where fit saw 2-D X, checked against its features; not used otherwise.

        Returns
        -------
        names : ndarray of str
            ``view_0``, ``view_1``, ...
        """
        check_is_fitted(self, "view_shape_")
        if self.n_views_in_ == 1 and len(self.view_shape_) == 1:
            _checks.check_input_features(
                input_features, self.n_features_in_, getattr(self, "feature_names_in_", None)
            )
        return np.asarray([f"view_{view}" for view in range(self.n_views_in_)], dtype=object)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Leave the output an array: a table has no room for three axes.

        It is here so that ``Pipeline.set_output`` reaches the steps after this one.

        Parameters
        ----------
        transform : str, default=None
            Ignored.

        Returns
        -------
        self : TimePool
            The transformer itself.
        """
        return self

    def _validate(self, X: Any, *, reset: bool) -> NDArray[Any]:
        """Shape X as (n_samples, n_views, *view_shape); 2-D X is one view of one band."""
        array: Any = X.drawn() if hasattr(X, "drawn") else X
        if array is X and not hasattr(X, "columns"):
            array = _checks.as_array(X)
        if len(array.shape) <= 2 and (reset or len(self.view_shape_) == 1):
            refuse_no_columns(array)
            array = validate_data(
                self, array, reset=reset, dtype="numeric", ensure_all_finite=False
            )
        elif reset:
            self.__dict__.pop("feature_names_in_", None)
        views = _checks.as_views(array, view_shape=None if reset else self.view_shape_)
        if reset:
            self.n_features_in_ = math.prod(views.shape[2:])
        return views

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _pooled(
    views: NDArray[Any], present: NDArray[np.bool_] | None
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Pool some rows at a time, (n, n_views, n_pooled); 0 where a view is missing."""
    for start in range(0, len(views), _CHUNK):
        rows = slice(start, start + _CHUNK)
        x = np.asarray(views[rows], dtype=np.float32)
        shown = np.ones(x.shape[:2], dtype=bool) if present is None else present[rows]
        x = np.where(shown.reshape(*shown.shape, *[1] * (x.ndim - 2)), x, np.float32(0))
        x = x.reshape(*x.shape[:2], -1, x.shape[-1])
        change = (
            np.abs(np.diff(x, axis=3)).mean(axis=3) if x.shape[3] > 1 else np.zeros(x.shape[:3])
        )
        pooled = np.concatenate([x.mean(axis=3), x.std(axis=3), change], axis=2)
        yield pooled.astype(np.float32, copy=False), shown
