"""A folder of spectra on disk, safe from kills, from other writers and from damage."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from ._containers import FRESH_NS

FloatArray = NDArray[np.float32]
#: Makes rows start to stop: their spectra, and the faults among them by row.
Make = Callable[[int, int], tuple[FloatArray, dict[int, str]]]

_INDEX = "index.sqlite"
_TABLES = """
CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, stamp TEXT, digest TEXT);
CREATE TABLE IF NOT EXISTS chunks
    (key TEXT, start INTEGER, checksum INTEGER, faults TEXT, PRIMARY KEY (key, start));
"""
_WAIT_S = 600.0
_BLOCK = 2**20
_MAX_REPAIRS = 3


class Store:
    """Arrays of spectra in one folder, written chunk by chunk; a context manager.

    An index says which chunks are written, with a checksum each. A chunk is written
    and entered while the index is locked, and entered after its bytes are on disk. So
    a killed process leaves whole chunks, and two processes share the work.

    Parameters
    ----------
    folder : str or path-like
        Made if it is not there.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = os.fspath(folder)
        os.makedirs(self._folder, exist_ok=True)
        path = os.path.join(self._folder, _INDEX)
        # isolation_level=None: transactions begin and end where this file says so.
        self._index = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
        try:
            self._index.executescript(_TABLES)
        except sqlite3.DatabaseError as error:
            self._index.close()
            raise OSError(
                f"{path} is damaged ({error}): remove it, and the spectra are computed anew"
            ) from error

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._index.close()

    def digests(self, paths: list[str], n_jobs: int | None) -> dict[str, tuple[str, str]]:
        """Give each file's stamp and the hash of its content.

        A hash is kept for as long as the file's stamp (size, times, inode) stays.
        """
        names = list(dict.fromkeys(paths))
        known = {path: (stamp, digest) for path, stamp, digest in self._index.execute(
            "SELECT path, stamp, digest FROM files"
        )}  # fmt: skip
        found = {path: (stamp_of(path), "") for path in names}
        for path, (stamp, _) in found.items():
            old = known.get(os.fsencode(os.path.abspath(path)))
            if old is not None and old[0] == stamp:
                found[path] = old
        unknown = [path for path in names if not found[path][1]]
        made = Parallel(n_jobs=n_jobs, require="sharedmem")(
            delayed(_digest)(path) for path in unknown
        )
        now = time.time_ns()
        entries = []
        for path, digest in zip(unknown, made, strict=True):
            stamp = found[path][0]
            found[path] = stamp, digest
            if stamp and now - int(stamp.rpartition(" ")[2]) > FRESH_NS:
                entries.append((os.fsencode(os.path.abspath(path)), stamp, digest))
        with self._locked():
            self._index.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", entries)
        return found

    def fill(
        self, key: str, shape: tuple[int, ...], step: int, make: Make
    ) -> tuple[FloatArray, dict[int, str]]:
        """Make what is missing of an array, and check all of it.

        Parameters
        ----------
        key : str
            Names the array by all that it depends on.
        shape : tuple of int
            Of the array; its first axis is cut into chunks.
        step : int
            Rows of a chunk.
        make : callable
            Makes a chunk.

        Returns
        -------
        X : memmap of float32, read-only
            The array.
        faults : dict of int to str
            What `make` told, by row.
        """
        path = os.path.join(self._folder, f"{key}.npy")
        starts = range(0, shape[0], step)
        for _ in range(_MAX_REPAIRS):
            offset = self._ensure(path, key, shape)
            while pending := sorted(set(starts) - self._written(key).keys()):
                # Another process begins elsewhere, and meets this one.
                start = pending[os.getpid() % len(pending)]
                stop = min(start + step, shape[0])
                chunk, faults = make(start, stop)
                self._put(path, key, start, offset, chunk, faults)
            if whole := self._open_whole(path, key, shape, step):
                return whole
        raise OSError(f"{path} does not hold what was written to it: use another disk or folder")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers out; what is entered counts if all went well."""
        self._index.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._index.execute("ROLLBACK")
            raise
        self._index.execute("COMMIT")

    def _written(self, key: str) -> dict[int, tuple[int, str]]:
        query = "SELECT start, checksum, faults FROM chunks WHERE key = ?"
        return {
            start: (checksum, told) for start, checksum, told in self._index.execute(query, (key,))
        }

    def _ensure(self, path: str, key: str, shape: tuple[int, ...]) -> int:
        """Have a file of the right form; give the byte at which its rows begin."""
        with self._locked():
            X = _open(path, shape)
            if X is None:
                self._index.execute("DELETE FROM chunks WHERE key = ?", (key,))
                fresh = f"{path}.new"
                np.lib.format.open_memmap(fresh, mode="w+", dtype=np.float32, shape=shape).flush()
                os.replace(fresh, path)
                X = _open(path, shape)
                assert X is not None
            return int(X.offset)

    def _put(
        self,
        path: str,
        key: str,
        start: int,
        offset: int,
        chunk: FloatArray,
        faults: dict[int, str],
    ) -> None:
        with self._locked():
            if start in self._written(key):  # by another process, meanwhile
                return
            data = np.ascontiguousarray(chunk, dtype=np.float32).tobytes()
            # Not through a memmap: on a full disk that ends the process.
            with open(path, "r+b") as file:
                file.seek(offset + start * chunk[0].nbytes)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            entry = (key, start, zlib.crc32(data), json.dumps(faults))
            self._index.execute("INSERT INTO chunks VALUES (?, ?, ?, ?)", entry)

    def _open_whole(
        self, path: str, key: str, shape: tuple[int, ...], step: int
    ) -> tuple[FloatArray, dict[int, str]] | None:
        """Open an array whose chunks match their checksums; forget those that do not."""
        X, written = _open(path, shape), self._written(key)
        if X is None:
            return None
        row_bytes = X[0].nbytes
        damaged = []
        with open(path, "rb") as file:  # through the memmap all of it would seem to be in memory
            for start, (checksum, _) in written.items():
                file.seek(X.offset + start * row_bytes)
                if zlib.crc32(file.read(step * row_bytes)) != checksum:
                    damaged.append((key, start))
        if damaged:
            with self._locked():
                self._index.executemany("DELETE FROM chunks WHERE key = ? AND start = ?", damaged)
            return None
        told: dict[str, str] = {}
        for _, faults in written.values():
            told |= json.loads(faults)
        return X, {int(row): fault for row, fault in told.items()}


def _open(path: str, shape: tuple[int, ...]) -> Any:
    """Map a file of spectra; None if there is none of this form."""
    try:
        X = np.lib.format.open_memmap(path, mode="r")
    except (FileNotFoundError, ValueError):  # numpy's word for a damaged header or length
        return None
    right = X.shape == shape and X.dtype == np.float32 and X.flags.c_contiguous
    return X if right else None


def stamp_of(path: str) -> str:
    """Tell a file from what it was before: size, times, inode; "" if it is not there.

    The time of its last change of any kind comes last: no program sets that.
    """
    try:
        stat = os.stat(path)
    except OSError:
        return ""
    return f"{stat.st_dev} {stat.st_ino} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"


def _digest(path: str) -> str:
    """Hash the content of a file; a word where it cannot be read."""
    whole = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                whole.update(block)
    except OSError:
        return "unreadable"
    return whole.hexdigest()
