"""Hundreds of fits and thousands of transforms leave nothing behind."""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from mvdisent import MultiViewDisentangler
from mvdisent.persistence import load, save

FULL = "MVDISENT_FULL_COUNTS" in os.environ
N_FITS = 300
N_TRANSFORMS = 10_000 if FULL else 2000
N_FILES = 300 if FULL else 50
_ROLLUP = Path("/proc/self/smaps_rollup")
MAX_BYTES = 500_000  # the leftovers of a fit are then 1.7 kB at most, of a transform 50 bytes

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Usage(NamedTuple):
    n_bytes: int  # that are this process's own, and no file's
    n_threads: int
    n_files: int


def usage() -> Usage:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # or what other tests freed would hide a leak
    # Pages of files, such as libraries, come and go as the system pleases.
    anonymous = re.search(r"^Anonymous: +(\d+) kB", _ROLLUP.read_text(), re.MULTILINE)
    process = psutil.Process()
    return Usage(1024 * int(anonymous[1]), process.num_threads(), process.num_fds())


def growth(job: Callable[[], object], n: int) -> Usage:
    """Run a job n times, after a tenth as many that fill the caches."""
    for _ in range(n // 10):
        job()
    before = usage()
    for _ in range(n):
        job()
    return Usage(*(now - then for now, then in zip(usage(), before, strict=True)))


def assert_flat(grown: Usage) -> None:
    print(grown)
    assert grown.n_threads <= 0
    assert grown.n_files <= 0
    assert grown.n_bytes < MAX_BYTES


def test_a_leak_would_be_seen():
    kept = []
    grown = growth(lambda: kept.append((bytearray(5000), open(os.devnull))), N_FITS)  # noqa: SIM115
    for _, file in kept:
        file.close()
    assert grown.n_bytes > MAX_BYTES
    assert grown.n_files == N_FITS


@pytest.mark.parametrize("objective", ["transport", "marl"])
def test_fits_leave_nothing_behind(tiny, X, objective):
    model = MultiViewDisentangler(**{**tiny, "objective": objective})
    growth(lambda: model.fit(X), N_FITS // 2)  # what the allocators keep to themselves
    assert_flat(growth(lambda: model.fit(X), N_FITS))


def test_transforms_leave_nothing_behind(tiny, X):
    model = MultiViewDisentangler(**tiny).fit(X)
    assert_flat(growth(lambda: model.transform(X), N_TRANSFORMS))


def test_files_and_pickles_leave_nothing_behind(tiny, X, tmp_path):
    model = MultiViewDisentangler(**tiny).fit(X)
    networks = {name: tiny[name] for name in ("encoder", "decoder")}

    def there_and_back():
        save(model, tmp_path / "model")
        load(tmp_path / "model", **networks)
        pickle.loads(pickle.dumps(model)).transform(X)

    assert_flat(growth(there_and_back, N_FILES))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
