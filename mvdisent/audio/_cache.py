"""Spectra of a whole library, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import numpy as np

from .. import _param_checks
from ._decoder import AudioFileError, FloatArray
from ._front_end import FrontEnd
from ._recording import check_level, check_rate
from ._segments import (
    Clips,
    Segments,
    as_segments,
    check_parallel,
    read_rows,
    refuse_faults,
    report,
)
from ._store import Make, Store, stamp_of

# Another number makes all cached spectra old: for a change of what is read or computed.
_FORMAT = 3
# Waveforms of a chunk: 16 MiB, and 256 clips.
_CHUNK_VALUES, _CHUNK_CLIPS = 2**22, 256
# What of LogMel changes no spectrum.
_NO_MATTER = ("chunk_size", "device")


def cache_log_mel(
    segments: Any,
    folder: str | os.PathLike[str],
    *,
    log_mel: FrontEnd,
    duration: float | None = None,
    level: float | None = 0.2,
    n_jobs: int | None = None,
    on_error: str = "raise",
) -> Clips:
    """Compute the log-mel spectra of many segments once, and keep them on disk.

    Parameters
    ----------
    segments : AudioTable, DataFrame or sequence of path
        Where the clips lie, as `read_clips` takes them.
    folder : str or path-like
        Where the spectra are kept, for any number of libraries and settings; made if
        it is not there.
    log_mel : LogMel or LogCQT
        The front end, such as ``LogMel(16000)``; files are resampled to its
        `sample_rate`.
    duration : float, default=None
        Length of every clip, in seconds, from the segment's offset. None: as the
        segments say, all alike.
    level : float, default=0.2
        Root mean square that each clip is scaled to. None: as it is.
    n_jobs : int, default=None
        Threads that read, as joblib counts them; spectra are computed on as many
        as torch has.
    on_error : {"raise", "skip"}, default="raise"
        Whether a faulty segment is an error, or is left out and listed.

    Returns
    -------
    clips : Clips
        ``X``, the spectra of shape (n_read, n_mels, n_frames), in dB, as a read-only
        memmap; which segments they are; and the skipped ones.

    Raises
    ------
    AudioFileError
        For a faulty segment, as `read_audio` tells it, or for a file that is changed
        while it is read; if `on_error` is "skip", only where every segment is faulty.
    TypeError
        If `segments`, `folder` or `log_mel` is of another kind.
    ValueError
        If an argument is out of its range; the message names it.
    OSError
        If the folder cannot be written, or its index is damaged.

    See Also
    --------
    read_clips : The waveforms themselves, in memory.

    Notes
    -----
    Spectra are found again by the content of the files (SHA-256), the offsets, and the
    settings: a moved library is known, a changed file is read anew. A file is hashed
    again only when its size, inode or times have changed, among them the time of
    its last change, which no program can set back.

    A chunk of at most 256 clips is in memory at a time. It counts as soon as it is on disk:
    after a kill or a fault the same call goes on from there, and processes that make the same
    call share the work. Each chunk has a checksum, which is compared at every call; a
    damaged one is computed again. Skipped segments cost a second, smaller copy of the rest.

    Old spectra are never deleted: delete the folder when it is no longer needed.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, soundfile
    >>> from mvdisent.audio import LogMel, cache_log_mel
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "noise.wav")
    ...     soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 44100), 44100)
    ...     cache = os.path.join(folder, "cache")
    ...     clips = cache_log_mel([path], cache, log_mel=LogMel(16000), duration=0.5)
    ...     clips.X.shape
    (1, 64, 16)
    """
    _param_checks.check_path(folder, "folder")
    if not isinstance(log_mel, FrontEnd):
        raise TypeError(f"log_mel={log_mel!r:.60}; pass a LogMel or a LogCQT, as LogMel(16000)")
    rate, rms = check_rate(log_mel.sample_rate), check_level(level)
    where = as_segments(segments, duration, rate)
    check_parallel(n_jobs, on_error)
    n_times = round(where.duration * rate)
    shape = (len(where), *log_mel.transform(np.zeros((1, n_times), np.float32)).shape[2:])
    step = max(1, min(_CHUNK_CLIPS, _CHUNK_VALUES // n_times))
    with Store(folder) as store:
        files = store.digests(where.paths, n_jobs)
        key = _key(where, files, log_mel, n_times, rms)
        make = _maker(where, files, log_mel, n_times, rms, n_jobs, on_error)
        X, faults = store.fill(key, shape, step, make)
        refuse_faults(where, faults, on_error)
        rows = np.array([row for row in range(len(where)) if row not in faults], dtype=np.int64)
        if faults:

            def keep(start: int, stop: int) -> tuple[FloatArray, dict[int, str]]:
                return X[rows[start:stop]], {}

            kept, _ = store.fill(f"{key}-kept", (len(rows), *shape[1:]), step, keep)
            return Clips(kept, rows, report(where, faults))
    return Clips(X, rows, report(where, faults))


def _key(
    where: Segments,
    files: dict[str, tuple[str, str]],
    log_mel: FrontEnd,
    n_times: int,
    level: float | None,
) -> str:
    """Name spectra by all that they depend on."""
    params = {k: v for k, v in log_mel.get_params().items() if k not in _NO_MATTER}
    settings = [_FORMAT, n_times, level, sorted(params.items())]
    whole = hashlib.sha256(json.dumps(settings, default=float).encode())
    for path, offset, longest in zip(where.paths, where.offsets, where.durations, strict=True):
        whole.update(f"{files[path][1]} {float(offset).hex()} {float(longest).hex()}\n".encode())
    return whole.hexdigest()


def _maker(
    where: Segments,
    files: dict[str, tuple[str, str]],
    log_mel: FrontEnd,
    n_times: int,
    level: float | None,
    n_jobs: int | None,
    on_error: str,
) -> Make:
    """Give the function that reads a chunk and computes its spectra."""

    def make(start: int, stop: int) -> tuple[FloatArray, dict[int, str]]:
        rows = range(start, stop)
        clips = np.zeros((len(rows), n_times), dtype=np.float32)
        faults = read_rows(where, rows, clips, int(log_mel.sample_rate), level, n_jobs)
        for path in {where.paths[row] for row in rows}:
            if stamp_of(path) != files[path][0]:
                raise AudioFileError(path, "was changed while it was read: call again")
        if on_error == "raise":
            refuse_faults(where, faults, on_error)
        spectra = log_mel.transform(clips)[:, 0]
        spectra[[row - start for row in faults]] = np.nan
        return spectra, faults

    return make
