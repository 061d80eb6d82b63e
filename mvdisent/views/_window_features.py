"""Features of recordings of any length, through those of their windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import _checks
from .._arrays import refuse_no_columns
from ._clips import as_recordings
from ._crops import cut_windows
from ._source import ViewSource

# Windows that are transformed at a time.
_CHUNK_WINDOWS = 256


class WindowFeatures(MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    """Mean and spread, over a recording's windows, of what a fitted model makes of each.

    A model that was trained on one second serves a track of five minutes so.

    Parameters
    ----------
    estimator : transformer
        Fitted; takes windows (n_windows, 1, ..., length), such as a
        ``MultiViewDisentangler`` of spectra, or of a Pipeline with ``LogMel`` of
        waveforms. It is used as it is, and never fitted.
    length : int
        Instants or frames of a window: those of a view in training.
    hop : int, default=None
        Instants or frames from one window's start to the next; None: ``length``.

    Attributes
    ----------
    n_features_in_ : int
        Second axis of the array that `fit` saw, if it was one.
    feature_names_in_ : ndarray of str
        Its column names, where it was a DataFrame.

    See Also
    --------
    windows : One row a window.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from mvdisent.views import WindowFeatures
    >>> level = FunctionTransformer(lambda X: X.mean(axis=(1, 3)))  # of each band
    >>> tracks = [np.zeros((8, 500)), np.ones((8, 90))]
    >>> WindowFeatures(level, 16, hop=8).transform(tracks).shape
    (2, 16)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods("transform")],
        "length": [Interval(Integral, 1, None, closed="left")],
        "hop": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, estimator: Any, length: int, *, hop: int | None = None) -> None:
        self.estimator = estimator
        self.length = length
        self.hop = hop

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check that the estimator is fitted; nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_recordings, ..., n), or iterable of arrays (..., n)
            Recordings. An array is checked, and `transform` then refuses one of another
            number of features; an iterable is not looked at.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : WindowFeatures
            The transformer itself.
        """
        self._validate_params()
        check_is_fitted(self.estimator)
        if not _is_iterable_of_arrays(X):
            refuse_no_columns(X)
            validate_data(self, X, reset=True, dtype="numeric", allow_nd=True)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Pool the features of each recording's windows.

        Parameters
        ----------
        X : array-like of shape (n_recordings, ..., n), or iterable of arrays (..., n)
            Waveforms (n_times,) or spectra (n_mels, n_frames) of any lengths. An
            iterable, such as a generator that reads files, is read one by one: no
            more than one recording, and 256 windows of it, are held.

        Returns
        -------
        features : ndarray of shape (n_recordings, 2 * n_columns)
            Means over windows of each of the estimator's columns, then standard
            deviations.

        Raises
        ------
        ValueError
            If a parameter is out of range, or a recording is not finite or shorter than
            a window, or there is none.
        """
        self._validate_params()
        check_is_fitted(self.estimator)
        if isinstance(X, str | bytes | Mapping):
            raise TypeError(f"X is a {type(X).__name__}; pass a list of arrays, one a recording")
        if not _is_iterable_of_arrays(X):
            refuse_no_columns(X)
            X = validate_data(self, X, reset=False, dtype="numeric", allow_nd=True)
        length = int(self.length)  # True, which counts as 1, is no shape to numpy
        hop = length if self.hop is None else int(self.hop)
        rows = [
            self._pool(cut_windows(as_recordings([x], length, first=i), length, hop))
            for i, x in enumerate(X)
        ]
        if not rows:
            raise ValueError("X holds no recording; pass one or more")
        return np.stack(rows)

    def _pool(self, source: ViewSource) -> NDArray[np.float64]:
        drawn = source.drawn()
        chunks = [
            np.asarray(self.estimator.transform(drawn[start : start + _CHUNK_WINDOWS]), dtype=float)
            for start in range(0, len(drawn), _CHUNK_WINDOWS)
        ]
        features = np.concatenate(chunks)
        return np.concatenate([features.mean(axis=0), features.std(axis=0)])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns of ``transform``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Checked against those of fit, where it saw an array; not used otherwise.

        Returns
        -------
        names : ndarray of str
            ``shared_0_mean``, ..., then ``shared_0_std``, ...
        """
        if hasattr(self, "n_features_in_"):
            _checks.check_input_features(
                input_features, self.n_features_in_, getattr(self, "feature_names_in_", None)
            )
        names = self.estimator.get_feature_names_out()
        return np.asarray([f"{name}_{of}" for of in ("mean", "std") for name in names], object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.three_d_array = True
        return tags


def _is_iterable_of_arrays(X: Any) -> bool:
    """Tell recordings of any lengths from one array of them, which has one shape."""
    if isinstance(X, np.ndarray):
        return X.dtype == object and X.ndim == 1 and all(isinstance(x, np.ndarray) for x in X)
    if isinstance(X, list | tuple):
        return not X or any(hasattr(x, "shape") for x in X)
    return isinstance(X, Iterator)
