"""Forked, spawned and loky workers give the bits of one process; killed ones are told of."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import psutil
import pytest
import torch
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from mvdisent import MultiViewDisentangler

FULL = "MVDISENT_FULL_COUNTS" in os.environ
N_KILLS = 10 if FULL else 1

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # What Python 3.12 says of a fork while there are threads, be they busy or not.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """Where joblib puts the arrays that its workers map, from their start on."""
    get_reusable_executor().shutdown(wait=True, kill_workers=True)
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("joblib")
        patch.setenv("JOBLIB_TEMP_FOLDER", os.fspath(folder))
        yield folder
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


def by_process(kind: str, jobs: list, initializer: Callable[[], None] | None = None) -> list:
    """Run pairs of a function and its argument in workers of a kind."""
    if kind == "loky":
        with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
            return Parallel()(delayed(function)(X) for function, X in jobs)
    context = multiprocessing.get_context(kind)
    n = 1 if kind == "spawn" else 2  # each imports torch anew
    with ProcessPoolExecutor(n, mp_context=context, initializer=initializer) as pool:
        return [future.result(100) for future in [pool.submit(*job) for job in jobs]]


@pytest.mark.parametrize("kind", ["fork", "spawn", "loky"])
def test_workers_fit_and_transform_as_this_process_does(tiny, X, kind):
    model = MultiViewDisentangler(**{**tiny, "max_epochs": 5})
    fitted = clone(model).fit(X)
    expected = fitted.transform(X)
    # Bound methods alone: a spawned worker cannot import this file.
    jobs = [(clone(model).fit_transform, X), (fitted.transform, X)] * 2
    *found, there = by_process(kind, [*jobs, (clone(model).fit, X)])
    for features in found:
        assert_array_equal(features, expected)
    # A model that was fitted there goes on here.
    assert_array_equal(there.partial_fit(X).transform(X), fitted.partial_fit(X).transform(X))


def one_thread() -> None:
    torch.set_num_threads(1)


def test_a_fork_of_a_process_with_torch_threads_works_once_it_is_told_to_have_one():
    """Without that, OpenMP waits in it for threads that no fork takes along."""
    X = np.random.default_rng(0).normal(size=(300, 2, 16, 16)).astype(np.float32)
    torch.set_num_threads(2)
    try:
        model = MultiViewDisentangler(max_epochs=1, random_state=0).fit(X)
        expected = model.transform(X)
        (found,) = by_process("fork", [(model.transform, X)], one_thread)
    finally:
        torch.set_num_threads(1)
    assert_allclose(found, expected, rtol=0, atol=1e-5)


def traces(folder: Path) -> set[str]:
    """Name what a search could leave behind: processes and files."""
    workers = set()
    for child in psutil.Process().children(recursive=True):
        # Others than those that died meanwhile, or long ago of another test; and than loky's
        # tracker, which lives as long as this process, and cleans up after it.
        with contextlib.suppress(psutil.NoSuchProcess):
            if "resource_tracker" not in " ".join(child.cmdline()):
                workers.add(str(child.pid))
    return workers | {str(path) for path in folder.rglob("*") if path.is_file()}


def test_a_search_whose_workers_are_killed_raises_and_cleans_up(tiny, folder):
    def die_in_use(model, X, y=None):
        assert [*folder.iterdir()]
        os.kill(os.getpid(), signal.SIGKILL)

    X = np.random.default_rng(0).normal(size=(1200, 2, 128)).astype(np.float32)  # 1.2 MB: mapped
    model = MultiViewDisentangler(**{**tiny, "batch_size": 400})
    search = GridSearchCV(model, {"gamma": [0.1, 0.2]}, cv=2)
    here = clone(search).fit(X).cv_results_["mean_test_score"]
    before = traces(folder)
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        for _ in range(N_KILLS):
            with pytest.raises(TerminatedWorkerError, match="SIGKILL"):
                clone(search).set_params(scoring=die_in_use).fit(X)
            deadline = time.monotonic() + 30
            while not traces(folder) <= before and time.monotonic() < deadline:
                time.sleep(0.05)
            assert traces(folder) <= before
        # The next search runs as if nothing had been.
        assert_array_equal(search.fit(X).cv_results_["mean_test_score"], here)
