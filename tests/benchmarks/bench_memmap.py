"""Does a fit to a memmap stay small, and how fast is it beside one in memory?

Writes views of 64 x 32 to a file (removed at the end), then trains one epoch of the
default model on it and transforms it, in a process whose anonymous memory the
system limits (RLIMIT_DATA): what it would hold beyond that limit is a MemoryError.
Pages of the file are not counted, as the system drops them at will. Then the same
rows, from the file and from memory, take turns: medians (least to greatest) of the
ratio of the times. ``--search`` runs a GridSearchCV over the file and prints what each
worker held.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from threading import Event, Thread

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV

from mvdisent import MultiViewDisentangler
from mvdisent.views import augment

VIEWS = (2, 64, 32)
ROW_BYTES = 4 * int(np.prod(VIEWS))
BLOCK = 8192  # rows written at once


def write(path, n_rows):
    X = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, *VIEWS))
    rng = np.random.default_rng(0)
    for start in range(0, n_rows, BLOCK):
        shape = (min(BLOCK, n_rows - start), *VIEWS)
        X[start : start + BLOCK] = rng.standard_normal(shape, dtype=np.float32)
        X.flush()


def anonymous_memory(pid="self"):
    """Read the resident memory of a process that is no page of a file, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


class PeakMemory:
    """Sample the anonymous memory of this process while a block runs."""

    def __enter__(self):
        self.start = self.peak = anonymous_memory()
        self._over = Event()
        self._thread = Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._over.wait(0.01):
            self.peak = max(self.peak, anonymous_memory())

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    @property
    def added(self):
        return self.peak - self.start


def model(epochs=1):
    return MultiViewDisentangler(objective="marl", max_epochs=epochs, random_state=0)


def fit(X, epochs=1):
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of collapse: the data are noise
        fitted = model(epochs).fit(X)
    return fitted, time.perf_counter() - start


def evict(path):
    """Ask the system to forget the file's pages."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def fit_within(path, limit_mb):
    """Fit and transform in this process, within a hard limit above what it has now."""
    fitted, _ = fit(np.zeros((512, *VIEWS), np.float32) + np.arange(32, dtype=np.float32))
    fitted.transform(np.zeros((512, *VIEWS), np.float32))  # warms up
    X = np.load(path, mmap_mode="r")
    data = int(Path("/proc/self/status").read_text().split("VmData:")[1].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (data + limit_mb * 2**20, resource.RLIM_INFINITY))
    evict(path)
    with PeakMemory() as memory:
        fitted, seconds = fit(X)
    print(
        f"  fit        {memory.added:7.0f} MB above the model, {len(X) / seconds:6.0f} rows/s, "
        "the file not in memory at first"
    )
    with PeakMemory() as memory:
        start = time.perf_counter()
        features = fitted.transform(X)
        seconds = time.perf_counter() - start
    print(
        f"  transform  {memory.added:7.0f} MB, {features.nbytes / 2**20:.0f} MB of them the "
        f"features, {len(X) / seconds:6.0f} rows/s"
    )


def compare(path, arguments):
    on_disk = np.load(path, mmap_mode="r")[: arguments.rows_in_memory]
    in_memory = np.array(on_disk)
    ratios = []
    for _ in range(arguments.repeats):
        slow, fast = fit(on_disk, epochs=2)[1], fit(in_memory, epochs=2)[1]
        ratios.append(fast / slow)
    print(
        f"  {len(on_disk):,} rows, from the file: {np.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) times the speed in memory"
    )


class WatchedDisentangler(MultiViewDisentangler):
    """Say what a worker's process held while it fitted a fold."""

    def fit(self, X, y=None, groups=None):
        start = anonymous_memory()
        with PeakMemory() as memory, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            super().fit(X)
        text = f"  worker {os.getpid()}: {start:.0f} MB before, {memory.added:.0f} MB more in fit"
        print(text, flush=True)
        return self

    def score(self, X, y=None):
        return float(len(X))


def search(path, n_jobs):
    X = np.load(path, mmap_mode="r")
    grid = {"alpha": [0.5, 1.0]}
    estimator = WatchedDisentangler(max_epochs=1, random_state=0)
    for name, views in (("the memmap", X), ("augment(memmap, [])", augment(X, []))):
        print(f"search over {name}", flush=True)
        GridSearchCV(estimator, grid, cv=2, n_jobs=n_jobs, refit=False).fit(views)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--gigabytes", type=float, default=4.0, help="of the file; 16 for a long run"
    )
    parser.add_argument("--limit-mb", type=int, default=1500)
    parser.add_argument("--rows-in-memory", type=int, default=16384)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--within", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    if arguments.within:
        fit_within(arguments.within, arguments.limit_mb)
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "X.npy"
        n_rows = int(arguments.gigabytes * 2**30 / ROW_BYTES)
        write(path, n_rows)
        print(
            f"{n_rows:,} rows of {VIEWS}, {arguments.gigabytes:g} GB, "
            f"at most {arguments.limit_mb} MB of memory"
        )
        if arguments.search:
            search(path, n_jobs=2)
            return
        apart = ["--within", str(path), "--limit-mb", str(arguments.limit_mb)]
        apart += ["--threads", str(arguments.threads)]
        subprocess.run([sys.executable, __file__, *apart], check=True)
        compare(path, arguments)


if __name__ == "__main__":
    main()
