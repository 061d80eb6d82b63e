"""What every front end has in common: waveforms in, spectrograms out."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_scalar
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from .. import _checks
from .._arrays import refuse_no_columns
from . import _clips
from ._mel import to_decibels

FloatArray = NDArray[np.float32]

#: Most clips that are computed at a time.
MAX_CHUNK = 256
#: What the parameter ``compression`` may be.
COMPRESSION = [Interval(Real, 0, 1, closed="right"), None]


class FrontEnd(  # type: ignore[call-arg]  # scikit-learn is untyped
    TransformerMixin, BaseEstimator, ABC, auto_wrap_output_keys=None
):
    """Turn waveforms into spectrograms, clip by clip; nothing is learned."""

    sample_rate: float
    hop_length: int
    ref: str | float
    top_db: float | None
    compression: float | None

    def fit(self, X: ArrayLike, y: object = None) -> FrontEnd:
        """Check the settings and the waveforms; nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_times) or (n_samples, n_views, n_times)
            Waveforms, full scale = 1.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : object
            The transformer itself.

        Raises
        ------
        ValueError
            For settings or waveforms that `transform` refuses.
        """
        self._count_bands()
        clips = self._validate(X, reset=True)
        self.n_views_in_ = clips.shape[1]
        step = max(1, MAX_CHUNK // clips.shape[1])
        for start in range(0, len(clips), step):
            _clips.missing_clips(clips[start : start + step], start)
        return self

    def transform(
        self, X: ArrayLike, *, out: FloatArray | str | os.PathLike[str] | None = None
    ) -> FloatArray:
        """Compute the spectrogram of each clip.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_times) or (n_samples, n_views, n_times)
            Waveforms, full scale = 1; 2-D X is one view. A memmap is read chunk
            by chunk. A view that is NaN throughout is missing, and its spectrogram
            is NaN. Integers of 32 or 64 bits are taken as they stand.
        out : ndarray, memmap or path, default=None
            Where to write: a float32 array of the result's shape, or the path of
            a ``.npy`` file to make. An error on the way leaves it partly written.

        Returns
        -------
        spectra : ndarray of shape (n_samples, n_views, n_bands, n_frames), float32
            In dB, or compressed; `out` itself where given, a memmap where that is a path.

        Raises
        ------
        ValueError
            If a clip is empty, partly NaN, infinite, too loud for float32 or of
            integers narrower than 32 bits; if a setting is out of range; if `out`
            has another shape or type.
        """
        n_bands = self._count_bands()
        clips = self._validate(X, reset=False)
        n_samples, n_views, n_times = clips.shape
        shape = (n_samples, n_views, n_bands, self._count_frames(n_times))
        if isinstance(out, str | os.PathLike):
            out = np.lib.format.open_memmap(out, mode="w+", dtype=np.float32, shape=shape)
        elif out is None:
            out = np.empty(shape, dtype=np.float32)
        else:
            _clips.check_out(out, shape)
        self._write(clips, out)
        if isinstance(out, np.memmap):
            out.flush()
        return out

    def inverse_transform(self, X: ArrayLike, *, n_iter: int = 32) -> FloatArray:
        """Find waveforms that have these spectrograms, nearly.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, n_bands, n_frames)
            Spectrograms as `transform` gives them, such as a model decoded. A view
            that is NaN throughout stays so.
        n_iter : int, default=32
            Rounds of Griffin and Lim's search for the phases, which a
            spectrogram does not have.

        Returns
        -------
        waveforms : ndarray of shape (n_samples, n_views, n_times), float32
            As long as the clips of `fit` where the frames agree, else as the
            frames span. The level is that of X; with `ref` "max", which keeps
            none, each clip's peak is 0.5.

        Raises
        ------
        ValueError
            If X is of another shape, not finite within a view, or above 300 dB, or
            `n_iter` is below 1.
        """
        n_bands = self._count_bands()
        check_scalar(n_iter, "n_iter", Integral, min_val=1)
        spectra = _clips.check_spectra(X, n_bands, self._bands_param)
        present = _checks.find_present(spectra)
        shown = np.ones(spectra.shape[:2], dtype=bool) if present is None else present
        n_times = getattr(self, "n_features_in_", None)
        if n_times is None or self._count_frames(n_times) != spectra.shape[3]:
            n_times = self._span(max(spectra.shape[3], 2))  # a single frame has no span
        waves = np.full((*spectra.shape[:2], n_times), np.nan, dtype=np.float32)
        if shown.any():
            waves[shown] = self._invert(spectra[shown], n_iter=n_iter, n_times=n_times)
        return waves

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Name the second axis of the output: its views.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Checked against the features seen at fit; None: not checked.

        Returns
        -------
        names : ndarray of str
            ``view_0``, ``view_1``, ...
        """
        check_is_fitted(self, "n_views_in_")
        _checks.check_input_features(
            input_features, self.n_features_in_, getattr(self, "feature_names_in_", None)
        )
        return np.asarray([f"view_{view}" for view in range(self.n_views_in_)], dtype=object)

    def set_output(self, *, transform: str | None = None) -> FrontEnd:
        """Leave the output an array: a table has no room for four axes.

        It is here so that ``Pipeline.set_output`` reaches the steps after this one.

        Parameters
        ----------
        transform : str, default=None
            Ignored.

        Returns
        -------
        self : object
            The transformer itself.
        """
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    #: Name of the parameter that says how many bands there are, for errors.
    _bands_param: str

    @abstractmethod
    def _count_bands(self) -> int:
        """Check the settings and give the number of bands."""

    @abstractmethod
    def _write(self, clips: NDArray[Any], out: FloatArray) -> None:
        """Write the spectrogram of each clip, a chunk at a time."""

    @abstractmethod
    def _invert(self, spectra: NDArray[Any], *, n_iter: int, n_times: int) -> FloatArray:
        """Find waveforms (n_clips, n_times) of spectrograms (n_clips, n_bands, n_frames)."""

    def _scale(self, power: Tensor, peak: Tensor) -> FloatArray:
        """Turn power spectrograms, whose peaks are given, into dB, or compress them."""
        ref = self.ref if isinstance(self.ref, str) else float(self.ref)
        top_db = None if self.top_db is None else float(self.top_db)
        spectra = to_decibels(power, peak, ref, top_db)
        if self.compression is not None:
            spectra.mul_(self.compression * math.log(10) / 10).exp_()
        scaled: FloatArray = spectra.cpu().numpy()
        return scaled

    def _count_frames(self, n_times: int) -> int:
        return 1 + int(n_times // self.hop_length)

    def _span(self, n_frames: int) -> int:
        """Give the fewest instants that have so many frames."""
        return (n_frames - 1) * int(self.hop_length)

    def _validate(self, X: Any, *, reset: bool) -> NDArray[Any]:
        """Shape X as (n_samples, n_views, n_times), without a copy."""
        if not hasattr(X, "columns"):  # a table's names are read below
            X = _checks.as_array(X)
        if hasattr(X, "columns") or X.ndim <= 2:
            refuse_no_columns(X)
            X = validate_data(self, X, reset=reset, dtype="numeric", ensure_all_finite=False)
            return _clips.check_clips(X[:, None])
        clips = _clips.check_clips(X)
        validate_data(self, clips[:, 0], reset=reset, skip_check_array=True)
        return clips
