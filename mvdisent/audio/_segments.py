"""Many segments at once: read in parallel, the faulty ones told or left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from .. import _checks, _param_checks
from ._decoder import AudioFileError, FloatArray
from ._recording import (
    Recording,
    check_duration,
    check_level,
    check_rate,
    check_seconds,
)

ON_ERROR = ("raise", "skip")


class Clips(NamedTuple):
    """What was read of many segments, and what could not be.

    Attributes
    ----------
    X : ndarray of float32 of shape (n_read, n_times) or (n_read, n_mels, n_frames)
        Waveforms, or spectra in dB; a read-only memmap where a cache holds them.
    rows : ndarray of int of shape (n_read,)
        Which of the segments these are: ``factors.iloc[rows]`` are theirs.
    skipped : DataFrame of columns "row", "file" and "fault"
        The other segments, and what is wrong with them.
    """

    X: FloatArray
    rows: NDArray[np.int64]
    skipped: pd.DataFrame


class Segments(NamedTuple):
    """Where each clip lies: checked, one entry a clip."""

    paths: list[str]
    offsets: NDArray[np.float64]
    durations: NDArray[np.float64]  # of what may be read; NaN: to the end of the file
    duration: float  # of every clip

    def __len__(self) -> int:
        return len(self.paths)


def read_clips(
    segments: Any,
    *,
    sample_rate: float,
    duration: float | None = None,
    level: float | None = 0.2,
    n_jobs: int | None = None,
    on_error: str = "raise",
) -> Clips:
    """Read many segments of sound files, in parallel, into one array.

    Parameters
    ----------
    segments : AudioTable, DataFrame or sequence of path
        Where the clips lie. A DataFrame has a column "path", and perhaps "offset"
        and "duration", in seconds; an AudioTable has such a frame. Of a bare path
        the clip begins at 0.
    sample_rate : float
        Instants a second to resample to; a whole number of Hz.
    duration : float, default=None
        Length of every clip, in seconds, from the segment's offset. None: as the
        segments say, all alike.
    level : float, default=0.2
        Root mean square that each clip is scaled to. None: as it is.
    n_jobs : int, default=None
        Threads that read, as joblib counts them.
    on_error : {"raise", "skip"}, default="raise"
        Whether a faulty segment is an error, or is left out and listed.

    Returns
    -------
    clips : Clips
        The waveforms, which segments they are, and the skipped ones.

    Raises
    ------
    AudioFileError
        For the first faulty segment, as `read_audio` tells it; if `on_error` is
        "skip", only where every one is faulty.
    TypeError
        If `segments` is none of these.
    ValueError
        If an argument is out of its range; the message names it.

    See Also
    --------
    cache_log_mel : Spectra of more segments than fit into memory.

    Notes
    -----
    All waveforms are in memory: an hour at 16 kHz takes 230 MB.
    """
    rate, rms = check_rate(sample_rate), check_level(level)
    where = as_segments(segments, duration, rate)
    check_parallel(n_jobs, on_error)
    X = _make_room(len(where), round(where.duration * rate))
    faults = read_rows(where, range(len(where)), X, rate, rms, n_jobs)
    skipped = report(where, faults)
    refuse_faults(where, faults, on_error)
    rows = np.array([row for row in range(len(where)) if row not in faults], dtype=np.int64)
    return Clips(X if len(rows) == len(X) else X[rows], rows, skipped)


def _make_room(n_clips: int, n_times: int) -> FloatArray:
    try:
        return np.empty((n_clips, n_times), dtype=np.float32)
    except (MemoryError, ValueError) as error:  # the second where numpy cannot even count them
        raise ValueError(
            f"segments of {n_clips} clips take {4e-9 * n_clips * n_times:.3g} GB at this duration "
            "and sample_rate, more than there is: pass fewer or shorter ones, or call cache_log_mel"
        ) from error


def read_rows(
    where: Segments,
    rows: range,
    out: FloatArray,
    rate: int,
    level: float | None,
    n_jobs: int | None,
) -> dict[int, str]:
    """Read some segments into an array; give the faults by row."""
    by_file: dict[str, list[int]] = {}
    for row in sorted(rows, key=where.offsets.__getitem__):
        by_file.setdefault(where.paths[row], []).append(row)

    def read(path: str) -> dict[int, str]:
        faults = {}
        try:
            with Recording(path) as recording:
                for row in by_file[path]:
                    try:
                        out[row - rows.start] = _read_one(recording, where, row, rate, level)
                    except AudioFileError as error:
                        faults[row] = error.fault
        except AudioFileError as error:  # of the file as such
            faults = dict.fromkeys(by_file[path], error.fault)
        return faults

    # Decoding and resampling release the GIL; threads write to one array. A file's
    # segments are read in one go, as some formats are decoded from their beginning.
    done = Parallel(n_jobs=n_jobs, require="sharedmem")(delayed(read)(path) for path in by_file)
    return {row: fault for faults in done for row, fault in faults.items()}


def _read_one(
    recording: Recording, where: Segments, row: int, rate: int, level: float | None
) -> FloatArray:
    if where.durations[row] < where.duration - 0.5 / rate:
        raise recording.error(
            f"has a segment of {where.durations[row]:g} s, too short for {where.duration:g} s"
        )
    return recording.loud_segment(rate, float(where.offsets[row]), where.duration, level)


def as_segments(segments: Any, duration: float | None, rate: int) -> Segments:
    """Take what names segments as checked lists."""
    table = getattr(segments, "segments", segments)
    if (
        isinstance(table, str | bytes | os.PathLike)
        or not isinstance(table, Iterable)
        or getattr(table, "ndim", 1) == 0
    ):
        raise TypeError(
            f"segments={segments!r:.60}; pass an AudioTable, a DataFrame with a column 'path', or "
            "a list of paths"
        )
    if not isinstance(table, pd.DataFrame):
        table = pd.DataFrame({"path": pd.Series(list(table), dtype=object)})
    if "path" not in table.columns:
        raise ValueError(
            f"segments has the columns {list(table.columns)}; pass one named 'path', as "
            "AudioTable.segments has"
        )
    if table.empty:
        raise ValueError("segments is empty: pass at least one")
    paths = table["path"].tolist()
    for row, path in enumerate(paths):
        if not isinstance(path, str | os.PathLike) or "\0" in os.fspath(path):
            raise TypeError(f"segments has {path!r:.60} for a path in row {row}; pass str or Path")
    offsets = _seconds(table, "offset", 0.0)
    durations = _seconds(table, "duration", np.nan)
    length = check_duration(duration, rate)
    if length is None:
        if not (durations == durations[0]).all():
            raise ValueError(
                "duration=None, but segments has no column 'duration' with one value: pass the "
                "length of every clip, in seconds"
            )
        length = check_duration(float(durations[0]), rate)
        assert length is not None
    return Segments([os.fspath(path) for path in paths], offsets, durations, length)


def _seconds(table: pd.DataFrame, name: str, default: float) -> NDArray[np.float64]:
    """Take a column of times, which need not be there."""
    if name not in table.columns:
        return np.full(len(table), default)
    column = table[name]
    try:
        if pd.api.types.is_complex_dtype(column):
            raise TypeError("complex numbers")
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise TypeError(f"segments has a column {name!r} of no numbers: pass seconds") from error
    values = np.where(np.isnan(values), default, values)
    for row in np.flatnonzero(~np.isnan(values)):
        try:
            check_seconds(name, float(values[row]), or_zero=name == "offset")
        except ValueError as error:
            raise ValueError(f"segments, row {row}: {error}") from error
    return values


def check_parallel(n_jobs: object, on_error: object) -> None:
    """Refuse what is no number of jobs, or no way to treat errors."""
    _param_checks.check_jobs(n_jobs)
    _checks.check_option("on_error", on_error, ON_ERROR)


def report(where: Segments, faults: dict[int, str]) -> pd.DataFrame:
    """List the faulty segments."""
    rows = sorted(faults)
    columns: dict[str, Callable[[int], Any]] = {
        "row": int,
        "file": lambda row: where.paths[row],
        "fault": lambda row: faults[row],
    }
    return pd.DataFrame({name: [value(row) for row in rows] for name, value in columns.items()})


def refuse_faults(where: Segments, faults: dict[int, str], on_error: str) -> None:
    """Raise for the first fault, or where nothing is left."""
    if faults and (on_error == "raise" or len(faults) == len(where)):
        first = min(faults)
        more = f", and {len(faults) - 1} more segments have faults" if len(faults) > 1 else ""
        cure = ': repair or drop it, or pass on_error="skip"' if on_error == "raise" else ""
        raise AudioFileError(where.paths[first], f"{faults[first]}{more}{cure}")
