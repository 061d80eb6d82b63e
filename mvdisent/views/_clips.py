"""Clips and recordings as users pass them: checked once, never copied."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import _checks, _factor_checks

# Values in a chunk of a pass over the clips.
_SCAN_ELEMENTS = 2**20


def as_clips(X: ArrayLike, name: str = "X") -> NDArray[Any]:
    """Take single clips as one array (n_clips, ...), without a copy.

    Spectra of one view (n_clips, 1, n_mels, n_frames), as LogMel gives them, lose
    their second axis.
    """
    clips = _as_numbers(X, name)
    if clips.ndim < 2:
        raise ValueError(
            f"{name} has shape {clips.shape}; pass (n_clips, ...), one clip a row, such as "
            "(n_clips, n_mels, n_frames)"
        )
    return clips[:, 0] if clips.ndim == 4 and clips.shape[1] == 1 else clips


def as_recordings(X: Any, length: int, *, first: int = 0) -> list[NDArray[Any]]:
    """Take recordings of any lengths as a list of arrays (..., n), without a copy.

    Parameters
    ----------
    X : array-like of shape (n_recordings, ..., n), or list of arrays (..., n)
        Refused where one is not finite.
    length : int
        Instants or frames that each must have at least.
    first : int, default=0
        Number of the first recording, for errors.

    Returns
    -------
    recordings : list of ndarray of shape (..., n)
        Of one shape but for the last axis.
    """
    if not isinstance(X, list | tuple):
        recordings = list(as_clips(X))
    elif len(X) == 0:
        raise ValueError(f"X is an empty {type(X).__name__}; pass one recording or more")
    else:
        recordings = [_as_numbers(x, f"X[{i}]") for i, x in enumerate(X, first)]
    recordings = [x[0] if x.ndim == 3 and len(x) == 1 else x for x in recordings]
    shape = recordings[0].shape
    for i, recording in enumerate(recordings, first):
        if recording.ndim == 0 or recording.shape[:-1] != shape[:-1]:
            raise ValueError(
                f"X[{i}] has shape {recording.shape}, and X[{first}] has {shape}: pass recordings "
                "that differ in their last axis alone, (n_times,) or (n_mels, n_frames)"
            )
        if recording.shape[-1] < length:
            raise ValueError(
                f"X[{i}] has {recording.shape[-1]} frames or instants, fewer than length={length}: "
                "drop it, pad it, or pass a smaller length"
            )
        if not find_present(recording[None], first=i).all():
            raise ValueError(f"X[{i}] contains NaN throughout: drop this recording")
    return recordings


def find_present(X: NDArray[Any], name: str = "X", first: int = 0) -> NDArray[np.bool_]:
    """Tell clips from missing ones (NaN throughout); refuse other non-finite values.

    Parameters
    ----------
    X : ndarray of shape (n_clips, ...)
        Read in chunks of rows, so a memmap stays on disk.
    name : str, default="X"
        The argument's name, for errors.
    first : int, default=0
        Number of the first clip, for errors.

    Returns
    -------
    present : ndarray of bool of shape (n_clips,)
        False where a clip is missing.
    """
    present = np.ones(len(X), dtype=bool)
    step = max(1, _SCAN_ELEMENTS // max(1, X[0].size))
    for start in range(0, len(X), step):
        with np.errstate(over="ignore"):  # told below, as infinity
            chunk = np.asarray(X[start : start + step], dtype=np.float32)
        flat = chunk.reshape(len(chunk), -1)
        if np.isfinite(flat).all():
            continue
        nan = np.isnan(flat)
        present[start : start + step] = ~nan.all(axis=1)
        bad = np.isinf(flat).any(axis=1) | (nan.any(axis=1) & ~nan.all(axis=1))
        if bad.any():
            row = first + start + int(bad.argmax())
            raise ValueError(
                f"{name} contains infinity, or NaN in a part of clip {row}; a missing clip is NaN "
                "throughout: repair this clip, or drop it"
            )
    return present


def as_factor(values: Any, n_clips: int, name: str) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Take one factor of the clips, (n_clips,), as codes and the values that they stand for."""
    values = _factor_checks.read_column(values, name, "clip")
    _checks.check_n_rows(name, len(values), "X", n_clips)
    column = pd.Series(values)
    _checks.check_none_missing(name, column.isna().to_numpy(dtype=bool))
    if column.dtype == object:
        _factor_checks.check_hashable(name, column)
    codes, known = pd.factorize(column)
    return codes, np.asarray(known)


def _as_numbers(X: ArrayLike, name: str) -> NDArray[Any]:
    array = _checks.as_array(X, name)
    _checks.check_numeric(array, name)
    _checks.refuse_pcm(array, name)
    return array
