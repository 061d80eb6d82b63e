"""Eight threads at once give, bit by bit, what one gives."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline

from mvdisent import LogMel, MultiViewDisentangler

N_THREADS = 8
N_ROUNDS = 20

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def _frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Return a function that calls a job with 0 to 7, all at the same moment."""
    barrier = Barrier(N_THREADS)

    def call(job: Callable[[int], Any]) -> list[Any]:
        def wait_and_do(i: int) -> Any:
            barrier.wait(timeout=60)
            return job(i)

        with ThreadPoolExecutor(N_THREADS) as pool:
            return list(pool.map(wait_and_do, range(N_THREADS)))

    return call


@pytest.fixture(scope="module")
def waves():
    return np.random.default_rng(0).normal(size=(12, 2, 64)).astype(np.float32)


def test_pipelines_fit_and_transform_at_once_as_one_by_one(tiny, waves, at_once):
    def features(seed):
        mel = LogMel(8000, n_fft=16, hop_length=8, n_mels=3)
        model = MultiViewDisentangler(**{**tiny, "random_state": seed, "max_epochs": 5})
        return make_pipeline(mel, model).fit_transform(waves)

    expected = [features(seed) for seed in range(N_THREADS)]
    for _ in range(2):
        for found, alone in zip(at_once(features), expected, strict=True):
            assert_array_equal(found, alone)


def test_a_model_that_was_just_unpickled_serves_all_threads(tiny, X, at_once):
    model = MultiViewDisentangler(**{**tiny, "max_epochs": 5}).fit(X)
    expected, data = model.encode(X, code="mean"), pickle.dumps(model)
    for _ in range(N_ROUNDS):
        fresh = pickle.loads(data)
        nets = at_once(lambda i, fresh=fresh: (fresh.encode(X, code="mean"), fresh._live_net()))
        for codes, net in nets:
            assert net is fresh._net
            for found, alone in zip(codes, expected, strict=True):
                assert_array_equal(found, alone)
        assert pickle.dumps(fresh) == data


def test_one_model_scores_decodes_and_is_pickled_at_once(tiny, X, at_once):
    model = MultiViewDisentangler(**{**tiny, "max_epochs": 5}).fit(X)
    calls = [
        lambda m: m.transform(X),
        lambda m: m.reconstruct(X),
        lambda m: m.score(X),
        lambda m: pickle.loads(pickle.dumps(m)).transform(X),
    ]
    expected, data = [call(model) for call in calls], pickle.dumps(model)
    for _ in range(N_ROUNDS):
        fresh = pickle.loads(data)
        found = at_once(lambda i, fresh=fresh: calls[i % len(calls)](fresh))
        for i, value in enumerate(found):
            assert_array_equal(value, expected[i % len(calls)])
