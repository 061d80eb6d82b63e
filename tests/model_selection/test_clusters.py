"""Searches on real local clusters: one process's scores, one torch thread a worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import joblib
import numpy as np
import pandas as pd
import pytest
import ray
import torch
from dask.distributed import Client, LocalCluster
from joblib import Parallel, delayed
from joblib.pool import PicklingPool
from ray.util.joblib import register_ray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.metrics import get_scorer
from mvdisent.model_selection import FactorKFold, ablation_grid

# One epoch of a few rows teaches no block, which fit warns of.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@contextmanager
def loky_workers() -> Iterator[None]:
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        yield


@contextmanager
def dask_workers() -> Iterator[None]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster),
        joblib.parallel_config("dask"),
    ):
        yield


@contextmanager
def ray_workers() -> Iterator[None]:
    """Two CPUs, and two GPUs by name alone: Ray shares out their numbers."""
    bases = PicklingPool.__bases__  # Ray's backend changes them for the whole process
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
    ray.init(num_cpus=2, num_gpus=2, object_store_memory=100 * 2**20, **quiet)
    register_ray()
    try:
        with joblib.parallel_config("ray", n_jobs=2, ray_remote_args={"num_gpus": 1}):
            yield
    finally:
        ray.shutdown()
        PicklingPool.__bases__ = bases


WORKERS = {"loky": loky_workers, "dask": dask_workers, "ray": ray_workers}


@pytest.fixture(scope="module", params=WORKERS)
def backend(request):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            patch.delenv(name, raising=False)  # or the workers would have it from here
        with WORKERS[request.param]():
            yield request.param


@pytest.fixture(scope="module")
def seen(backend):
    """What the workers see, in calls long enough for both to get some."""

    def look(X):
        time.sleep(0.2)
        return {
            "process": os.getpid(),
            "threads": torch.get_num_threads(),
            "type": type(X).__name__,
            "gpu": os.environ.get("CUDA_VISIBLE_DEVICES"),
        }

    X = np.zeros((100, 2, 64, 32), np.float32)  # 1.6 MB
    with threads(2):
        return pd.DataFrame(Parallel()(delayed(look)(X) for _ in range(8)))


@contextmanager
def threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def spectra():
    log_mel = LogMel(16000, n_fft=128, hop_length=64, n_mels=8)
    X, factors = make_tone_views(
        48, duration=0.02, n_frequency_classes=3, transform=log_mel.fit_transform, random_state=0
    )
    return X, factors[["timbre", "frequency_v0", "frequency_v1"]]


def scores(search):
    return pd.DataFrame(search.cv_results_).filter(regex="^(split|mean|std).*_test_")


@pytest.mark.parametrize("backend", ["dask", "ray"], indirect=True)
def test_a_search_on_a_cluster_gives_the_scores_of_one_process(backend, spectra):
    def process(model, X, y=None):
        return os.getpid()

    scoring = {name: get_scorer(name) for name in ("probe_gap", "mutual_info_gap", "objective")}
    scoring["probe_gap"].set_params(probe="knn")
    search = GridSearchCV(
        MultiViewDisentangler(2, 2, max_epochs=1, decoder_std=0.1, random_state=0),
        ablation_grid(alpha=[0], beta=[0], gamma=[0.1, 0.5]),
        scoring={**scoring, "process": process},
        refit="probe_gap",
        cv=FactorKFold(2, factor="timbre"),
        error_score="raise",
    )
    there = clone(search).fit(*spectra)
    used = scores(there).filter(regex="^split._test_process")
    assert used.shape == (3, 2)
    assert not (used == os.getpid()).any(axis=None)

    with joblib.parallel_config("sequential"):
        here = search.set_params(scoring=scoring).fit(*spectra)
    pd.testing.assert_frame_equal(
        scores(there).filter(regex="^(?!.*process)"), scores(here), check_exact=True
    )
    assert there.best_params_ == here.best_params_
    np.testing.assert_array_equal(there.transform(spectra[0]), here.transform(spectra[0]))


def test_each_worker_has_one_torch_thread_whatever_this_process_has(seen):
    assert seen["process"].nunique() == 2
    assert os.getpid() not in set(seen["process"])
    assert set(seen["threads"]) == {1}


def test_loky_maps_a_large_array_and_the_clusters_get_it_whole(seen, backend):
    assert set(seen["type"]) == {"memmap" if backend == "loky" else "ndarray"}


@pytest.mark.parametrize("backend", ["ray"], indirect=True)
def test_each_worker_of_ray_has_a_gpu_of_its_own(seen, backend):
    pairs = seen[["process", "gpu"]].drop_duplicates()
    assert sorted(pairs["gpu"]) == ["0", "1"]


@pytest.mark.parametrize("backend", ["ray"], indirect=True)
def test_without_n_jobs_ray_leaves_the_work_to_this_process(backend):
    with joblib.parallel_config("ray", n_jobs=None):
        assert set(Parallel()(delayed(os.getpid)() for _ in range(4))) == {os.getpid()}


@pytest.mark.parametrize("n", [1, 2])
def test_threads_as_workers_have_the_torch_threads_of_this_process(n):
    with threads(n), joblib.parallel_config("threading", n_jobs=2):
        assert Parallel()(delayed(torch.get_num_threads)() for _ in range(4)) == [n] * 4


def test_a_search_on_dask_whose_worker_is_killed_gives_the_same_scores(tmp_path):
    class Mortal(MultiViewDisentangler):  # travels by value
        def fit(self, X, y=None):
            if self.n_private == 2 and not (tmp_path / "died").exists():
                (tmp_path / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().fit(X)

    X = np.random.default_rng(0).normal(size=(24, 2, 5)).astype(np.float32)
    search = GridSearchCV(
        Mortal(n_shared=1, max_epochs=1, random_state=0),
        {"n_private": [1, 2, 3]},
        scoring=lambda model, X: float(model.transform(X).std()),
        cv=2,
        refit=False,
    )
    with dask_workers():
        search.fit(X)
    assert (tmp_path / "died").exists()  # so the search here does not die
    alone = clone(search).fit(X)
    for key in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(search.cv_results_[key], alone.cv_results_[key])
