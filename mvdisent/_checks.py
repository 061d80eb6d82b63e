"""Checks of arrays that several parts of the package share; each text stands once.

Checks of parameters are in ``_param_checks``, of tables of factors in
``_factor_checks``; one that a single part of the package needs lives there.
Each function takes what a user passed and the name of the argument, and returns
the checked value or raises an error that names the argument, its value and the
cure. Only numpy is imported here; torch tensors are recognised by numpy's own
``__array__`` protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arrays import read_array
from ._param_checks import as_names

# Above this many views, 3-D X at fit is taken for single-view spectrograms.
_MAX_VIEWS = 32
# Values in a chunk of a pass over X: as float64 they stay in a core's cache.
_SCAN_ELEMENTS = 2**17
# Sums of many squares of these are finite in float32.
_LARGEST = 1e15


def check_option(name: str, value: object, options: Sequence[str]) -> None:
    """Refuse a value that is not among the options."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(
            f"{name}={value!r} is unknown; pass one of {', '.join(map(repr, options))}"
        )


def as_array(X: Any, name: str = "X") -> NDArray[Any]:
    """Take X as one array; a list or dict of views gets the cure.

    Parameters
    ----------
    X : array-like, memmap or torch tensor
        Data, not copied where it is an array already.
    name : str, default="X"
        The argument's name, for errors.

    Returns
    -------
    X : ndarray
        Of any number of axes.
    """
    if hasattr(X, "tocsr"):
        raise TypeError(
            f"Sparse data was passed as {name}, but dense data is required: pass {name}.toarray()"
        )
    if isinstance(X, dict) or (
        isinstance(X, list | tuple) and len(X) > 0 and all(np.ndim(view) >= 2 for view in X)
    ):
        raise ValueError(
            f"{name} is a {type(X).__name__} of {len(X)} views; {name} is one array "
            f"(n_samples, n_views, ...): pass mvdisent.views.stack_views({name})"
        )
    return read_array(X, name)


def check_numeric(array: NDArray[Any], name: str) -> None:
    """Refuse an array that is empty or not of real numbers."""
    if array.dtype.kind not in "fiub":
        if array.dtype.kind == "c":
            raise ValueError(f"Complex data not supported: {name} has dtype {array.dtype}")
        raise ValueError(f"{name} has dtype {array.dtype}; pass real numbers, such as float32")
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}: it is empty; pass at least one sample")


def as_views(
    X: NDArray[Any], *, view_shape: tuple[int, ...] | None = None, name: str = "X"
) -> NDArray[Any]:
    """Shape X as (n_samples, n_views, *view_shape), without a copy.

    Parameters
    ----------
    X : ndarray
        Views, or a single view where that is unambiguous.
    view_shape : tuple of int, default=None
        Shape of one view as seen at fit; None at fit.
    name : str, default="X"
        The argument's name, for errors.

    Returns
    -------
    X : ndarray of shape (n_samples, n_views, *view_shape)
        A view of X.
    """
    check_numeric(X, name)
    if view_shape is None:
        if X.ndim == 2:
            return X[:, None]
        if X.ndim == 3 and X.shape[1] > _MAX_VIEWS:
            n, a, b = X.shape
            raise ValueError(
                f"{name} has 3 axes {X.shape}; a single-view spectrogram is ambiguous at fit: "
                f"pass ({n}, 1, {a}, {b}); or, for {a} views of {b} features, at most "
                f"{_MAX_VIEWS} views"
            )
        if X.ndim < 2:
            raise ValueError(f"{name} has shape {X.shape}; pass (n_samples, n_views, ...)")
        return X
    if X.shape[1:] == view_shape:
        return X[:, None]
    if X.shape[2:] == view_shape:
        return X
    shape = ", ".join(map(str, view_shape))
    raise ValueError(
        f"{name} has shape {X.shape}, but the views seen at fit have shape ({shape}): "
        f"pass (n_samples, n_views, {shape}) or a single view (n_samples, {shape})"
    )


def find_present(X: NDArray[Any], name: str = "X") -> NDArray[np.bool_] | None:
    """Tell views from missing ones (NaN throughout); refuse other values that are not finite.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_views, ...)
        Read in chunks of rows, so a memmap stays on disk.
    name : str, default="X"
        The argument's name, for errors.

    Returns
    -------
    present : ndarray of bool of shape (n_samples, n_views) or None
        False where a view is missing; None if none is.
    """
    present = np.ones(X.shape[:2], dtype=bool)
    for rows in _chunks(X):
        with np.errstate(over="ignore"):  # told below, as infinity
            chunk = np.asarray(X[rows], dtype=np.float32)
        if not np.isfinite(chunk).all():
            present[rows] = _present(chunk, rows.start, name)
    return None if present.all() else present


def measure_scale(X: NDArray[Any], present: NDArray[np.bool_] | None) -> tuple[float, float]:
    """Measure the mean and standard deviation over all values of the present views.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_views, ...)
        Read in chunks of rows, so a memmap stays on disk.
    present : ndarray of bool of shape (n_samples, n_views) or None
        As ``find_present`` gives it.

    Returns
    -------
    mean, std : float
        In the units of X.
    """
    count, mean, sum_sq = 0, 0.0, 0.0
    for rows in _chunks(X):
        chunk = X[rows] if present is None else X[rows][present[rows]]
        # Chan's pairwise update: stable however far the mean is from zero.
        n, m = chunk.size, float(chunk.mean(dtype=np.float64))
        sum_sq += float(chunk.var(dtype=np.float64)) * n
        sum_sq += (m - mean) ** 2 * count * n / (count + n)
        mean += (m - mean) * n / (count + n)
        count += n
    return mean, (sum_sq / count) ** 0.5


def _chunks(X: NDArray[Any]) -> Iterator[slice]:
    step = max(1, _SCAN_ELEMENTS // max(1, X[0].size))
    for start in range(0, len(X), step):
        yield slice(start, min(start + step, len(X)))


def _present(chunk: NDArray[np.float32], start: int, name: str) -> NDArray[np.bool_]:
    """Tell present views from missing ones (NaN throughout) in a chunk of rows."""
    flat = chunk.reshape(*chunk.shape[:2], -1)
    if np.isinf(flat).any():
        row, view = np.argwhere(np.isinf(flat).any(2))[0]
        raise ValueError(
            f"{name} contains infinity or a value too large for dtype('float32'), first in row "
            f"{start + row}, view {view}: remove or clip it"
        )
    nan = np.isnan(flat)
    missing: NDArray[np.bool_] = np.all(nan, axis=2)
    partly = nan.any(2) & ~missing
    if partly.any():
        row, view = np.argwhere(partly)[0]
        raise ValueError(
            f"{name} contains NaN in a part of view {view} of row {start + row}; a missing view is "
            "NaN throughout: impute the values, or set the whole view to NaN"
        )
    lost = missing.all(1)
    if lost.any():
        raise ValueError(
            f"{name} contains NaN in every view of row {start + int(lost.argmax())}: a row needs "
            "one view or more; drop it"
        )
    return np.logical_not(missing)


def as_codes(
    private: Any, shared: Any, n_private: int, n_shared: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Take a pair of codes, as ``encode`` returns them."""
    private, shared = as_array(private, "private"), as_array(shared, "shared")
    check_numeric(private, "private")
    check_numeric(shared, "shared")
    if (
        private.ndim != 3
        or private.shape[2] != n_private
        or shared.shape != (len(private), n_shared)
    ):
        raise ValueError(
            f"private has shape {private.shape} and shared {shared.shape}; pass (n_samples, "
            f"n_views, {n_private}) and (n_samples, {n_shared}), as encode returns"
        )
    check_finite(private, "private")
    check_finite(shared, "shared")
    return private, shared


def check_input_features(
    input_features: Any, n_features_in: int, feature_names_in: NDArray[Any] | None
) -> None:
    """Refuse names that are not those of the features seen at fit."""
    if input_features is None:
        return
    input_features = as_names("input_features", input_features)
    if feature_names_in is not None and not np.array_equal(feature_names_in, input_features):
        raise ValueError("input_features is not equal to feature_names_in_: pass None or these")
    if len(input_features) != n_features_in:
        raise ValueError(
            f"input_features should have length equal to number of features ({n_features_in}), "
            f"got {len(input_features)}: pass None or one name a feature"
        )


def refuse_pcm(X: NDArray[Any], name: str = "X") -> None:
    """Refuse integers narrower than 32 bits, which audio files hold."""
    if X.dtype.kind in "biu" and X.dtype.itemsize <= 2:
        raise ValueError(
            f"{name} has dtype {X.dtype}, but full scale is 1: convert 16-bit samples by "
            f"({name} / 32768).astype('float32'), or read files with "
            "soundfile.read(path, dtype='float32')"
        )


def as_features(X: Any, name: str) -> NDArray[Any]:
    """Take features as one finite 2-D array; rows are read in chunks."""
    features = as_array(X, name)
    if features.ndim != 2:
        raise ValueError(
            f"{name} has shape {features.shape}; pass (n_samples, n_features): of codes a view, "
            "pass one view, or the views' rows below one another"
        )
    check_numeric(features, name)
    check_finite(features, name)
    # numpy subtracts no booleans.
    return features.astype(np.float32) if features.dtype == np.bool_ else features


def check_finite(X: NDArray[Any], name: str) -> None:
    """Refuse NaN, infinity and what overflows, naming the first row that has one."""
    rows = max(1, _SCAN_ELEMENTS // X[0].size)
    for start in range(0, len(X), rows):
        chunk = X[start : start + rows].reshape(-1, X[0].size)
        with np.errstate(over="ignore"):  # of a long double, told below
            low, high = (part.astype(np.float64) for part in (chunk.min(axis=1), chunk.max(axis=1)))
        finite = np.isfinite(low) & np.isfinite(high)
        if not finite.all():
            raise ValueError(
                f"{name} contains NaN or infinity, first in row {start + int(finite.argmin())}: "
                "drop these rows or impute them"
            )
        large = (low < -_LARGEST) | (high > _LARGEST)
        if large.any():
            raise ValueError(
                f"{name} contains values beyond {_LARGEST:g}, first in row "
                f"{start + int(large.argmax())}, and their squares overflow: scale {name}"
            )


def check_n_rows(name: str, n_rows: int, other: str, n_other: int) -> None:
    """Refuse two arguments whose rows do not belong together."""
    if n_rows != n_other:
        raise ValueError(
            f"{name} has {n_rows} rows, but {other} has {n_other}: pass one row a sample in both"
        )


def check_none_missing(name: str, missing: NDArray[np.bool_]) -> None:
    """Refuse a factor with missing values."""
    if missing.any():
        raise ValueError(
            f"{name} has {int(missing.sum())} missing values, first in row "
            f"{int(missing.argmax())}: drop these rows, or leave the factor out"
        )


def check_varies(name: str, values: NDArray[Any], where: str) -> None:
    """Refuse a factor that has one value only: no probe can learn it."""
    if (values == values[0]).all():
        raise ValueError(
            f"{name} has one class or value only among the {where}: pass more rows, or leave "
            "the factor out"
        )


def check_repeats(name: str, codes: NDArray[Any]) -> None:
    """Refuse a discrete factor that no two rows share a value of."""
    if np.bincount(codes).max() == 1:
        raise ValueError(
            f"{name} is discrete and has another value in every row; pass a continuous factor as "
            "float, or leave the factor out"
        )


def check_n_names(name: str, n_names: int, other: str, n_things: int, what: str) -> None:
    """Refuse names that are not one a thing."""
    if n_names != n_things:
        raise ValueError(
            f"{name} has {n_names} names, but {other} has {n_things} {what}: pass one name each"
        )


def as_spectra(X: Any, name: str) -> NDArray[Any]:
    """Take the spectra of single views as one 3-D array."""
    spectra = as_array(X, name)
    if spectra.ndim != 3:
        raise ValueError(
            f"{name} has shape {spectra.shape}; pass (n_samples, n_mels, n_frames), one view a "
            f"sample, such as {name}[:, 0]"
        )
    check_numeric(spectra, name)
    return spectra


def check_same_shape(
    name: str, shape: tuple[int, ...], other: str, other_shape: tuple[int, ...]
) -> None:
    """Refuse two arrays of different shapes."""
    if shape != other_shape:
        raise ValueError(f"{name} has shape {shape}, but {other} has {other_shape}: pass the same")
