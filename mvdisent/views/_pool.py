"""What of a spectrum is left when its time is pooled, in units of what a sample's views share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dct
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
    classes, and that without a label. A distance then weighs each direction by how much more
    samples differ in it than the views of one do.

    Parameters
    ----------
    whiten : bool, default=True
        Whether to rotate and scale. False: the features as they are.
    ridge : float, default=0.01
        Part of the mean variance within samples that each direction has at least;
        above 0. A smaller one makes more of directions in which views hardly differ.
    n_cosines : int, default=0
        How many terms of its cosine transform over time each band gives besides, fewer
        than there are frames. They tell the course of sounds that all begin at their onset,
        such as notes; where windows begin anywhere they tell nothing.
    n_components : int, default=None
        How many axes are kept, those along which the views of a sample agree most, in
        that order: linear discriminants [2]_ with samples as the classes. None: all of
        them, in no such order. Not used with ``whiten=False``.

    Attributes
    ----------
    mean_ : ndarray of float32 of shape (n_pooled,)
        Mean of the features, which is taken off; ``whiten=True`` only.
    matrix_ : ndarray of float32 of shape (n_pooled, n_pooled or n_components)
        What they are multiplied by; ``whiten=True`` only.
    agreement_ : ndarray of shape (n_components,)
        Intraclass correlation along each axis that is kept: the share of the variance that
        the views of a sample have in common. It is of the samples of fit, so that it flatters
        where these are few; with ``n_components`` only.
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
    place of that within them. Time grows as the cube of the number of features, three
    times the bands and more with ``n_cosines``, and memory as its square; X is read chunk by chunk.

    References
    ----------
    .. [1] A. O. Hatch, S. Kajarekar, A. Stolcke, "Within-Class Covariance Normalization
       for SVM-based Speaker Recognition", Interspeech 2006.
    .. [2] R. A. Fisher, "The Use of Multiple Measurements in Taxonomic Problems",
       Annals of Eugenics 7(2), 1936.

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
    >>> TimePool(n_components=5).fit(X).transform(X).shape
    (40, 2, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "whiten": ["boolean"],
        "ridge": [Interval(Real, 0, 1e6, closed="right")],
        "n_cosines": [Interval(Integral, 0, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        *,
        whiten: bool = True,
        ridge: float = 0.01,
        n_cosines: int = 0,
        n_components: int | None = None,
    ) -> None:
        self.whiten = whiten
        self.ridge = ridge
        self.n_cosines = n_cosines
        self.n_components = n_components

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
            If a parameter is out of range or asks for more than X has, or X is not as
            described.
        """
        self._validate_params()
        views = self._validate(X, reset=True)
        self.view_shape_, self.n_views_in_ = tuple(views.shape[2:]), views.shape[1]
        self._check_sizes()
        present = _checks.find_present(views)
        for name in ("mean_", "matrix_", "agreement_"):
            self.__dict__.pop(name, None)
        if self.whiten:
            self._learn(views, present)
        return self

    def _check_sizes(self) -> None:
        """Refuse parameters that ask for more than there is."""
        shape, width = self.view_shape_, count_pooled(self.view_shape_, self.n_cosines)
        if self.n_cosines >= shape[-1]:
            raise ValueError(
                f"n_cosines={self.n_cosines} is not below the number of frames, {shape[-1]} of "
                f"views of shape {shape}, n_features={self.n_features_in_}: lower it"
            )
        if self.whiten and self.n_components is not None and self.n_components > width:
            raise ValueError(
                f"n_components={self.n_components} is above the number of features, {width} of "
                f"views of shape {shape}: lower it"
            )

    def _learn(self, views: NDArray[Any], present: NDArray[np.bool_] | None) -> None:
        """Find the mean, and the directions in which views of a sample differ."""
        width = count_pooled(self.view_shape_, self.n_cosines)
        total, count = np.zeros(width), 0
        for x, shown in self._pooled(views, present):
            total += x.sum(axis=(0, 1), dtype=np.float64)
            count += int(shown.sum())
        mean = total / max(1, count)
        n_within = count - len(views)
        if present is not None:
            n_within = int((present.sum(axis=1) - 1).clip(0).sum())
        scatter, spread = np.zeros((width, width)), np.zeros((width, width))
        for x, shown in self._pooled(views, present):
            centred = (x - mean) * shown[..., None]
            flat = centred.reshape(-1, width)
            if self.n_components is None:  # the diagonal will do
                np.fill_diagonal(spread, spread.diagonal() + np.square(flat).sum(axis=0))
            else:
                spread += flat.T @ flat
            if n_within:  # from the mean of the sample, not from that of all
                n_shown = np.maximum(shown.sum(axis=1), 1)[:, None, None]
                centred -= centred.sum(axis=1, keepdims=True) / n_shown
                centred *= shown[..., None]
            scatter += flat.T @ flat
        covariance, spread = scatter / (n_within or max(1, count)), spread / max(1, count)
        std = np.sqrt(spread.diagonal())
        std[~(std > 0)] = 1.0
        power, axes = np.linalg.eigh(covariance / np.outer(std, std))
        power = power.clip(0.0)
        floor = self.ridge * power.mean()
        gains = 1 / np.sqrt(power + floor) if floor > 0 else np.ones(width)
        matrix = axes * gains / std[:, None]
        if self.n_components is not None:
            within = covariance if n_within else spread
            matrix, self.agreement_ = _keep(matrix, spread, within, self.n_components)
        self.mean_, self.matrix_ = mean.astype(np.float32), matrix.astype(np.float32)

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
            absolute change from frame to frame, then of each its cosine terms from the
            second on (DCT-II, in units of the mean); with ``whiten``, rotated and scaled,
            and ``n_components`` of them where that is given. NaN where a view is missing.
        """
        check_is_fitted(self, "view_shape_")
        views = self._validate(X, reset=False)
        present = _checks.find_present(views)
        width = count_pooled(self.view_shape_, self.n_cosines)
        if hasattr(self, "matrix_"):
            width = self.matrix_.shape[1]
        features = np.empty((*views.shape[:2], width), dtype=np.float32)
        start = 0
        for x, shown in self._pooled(views, present):
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

    def _pooled(
        self, views: NDArray[Any], present: NDArray[np.bool_] | None
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
        """Pool some rows at a time, (n, n_views, n_pooled); 0 where a view is missing."""
        n_frames = views.shape[-1]
        basis = dct(np.eye(n_frames), norm="ortho")[:, 1 : 1 + self.n_cosines]
        basis = (basis / math.sqrt(n_frames)).astype(np.float32)
        for start in range(0, len(views), _CHUNK):
            rows = slice(start, start + _CHUNK)
            x = np.asarray(views[rows], dtype=np.float32)
            shown = np.ones(x.shape[:2], dtype=bool) if present is None else present[rows]
            x = np.where(shown.reshape(*shown.shape, *[1] * (x.ndim - 2)), x, np.float32(0))
            x = x.reshape(*x.shape[:2], -1, n_frames)
            change = np.abs(np.diff(x, axis=3)).sum(axis=3) / max(1, n_frames - 1)
            course = np.moveaxis(x @ basis, 3, 2).reshape(*x.shape[:2], -1)
            pooled = np.concatenate([x.mean(axis=3), x.std(axis=3), change, course], axis=2)
            yield pooled.astype(np.float32, copy=False), shown

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def count_pooled(view_shape: tuple[int, ...], n_cosines: int) -> int:
    """Count the features of a view of this shape, before any are left out."""
    return (3 + n_cosines) * math.prod(view_shape[:-1])


def _keep(
    matrix: NDArray[Any], spread: NDArray[Any], within: NDArray[Any], n_kept: int
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Turn whitened axes to those along which samples differ most; keep some of them."""
    axes = np.linalg.eigh(matrix.T @ spread @ matrix)[1]
    kept = matrix @ axes[:, ::-1][:, :n_kept]
    inside, whole = (np.einsum("ij,ij->j", kept, c @ kept) for c in (within, spread))
    agreement = 1 - np.divide(inside, whole, out=np.ones_like(whole), where=whole > 0)
    return kept, agreement
