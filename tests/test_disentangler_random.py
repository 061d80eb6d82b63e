"""One random_state, one model: in threads and in copies too."""

from __future__ import annotations

import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone

from mvdisent import MultiViewDisentangler

# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fit(few, quick, **params):
    return MultiViewDisentangler(**{**quick, **params}).fit(few)


def bits(model, X):
    """Everything that a model gives for X, in one vector."""
    codes = [code for kind in ("mean", "draw") for code in model.encode(X, code=kind)]
    given = [*codes, model.transform(X), model.reconstruct(X), model.history_, model.score(X)]
    return np.concatenate([np.ravel(values) for values in given])


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_the_same_seed_gives_the_same_bits(few, quick, network):
    params = {"encoder": network, "decoder": network, "batch_size": 50}
    first, second = (bits(fit(few, quick, **params), few) for _ in range(2))
    assert_array_equal(first, second)


@pytest.mark.parametrize("other", [1000, None])
def test_another_seed_or_none_gives_another_model(few, quick, other):
    first, second = (bits(fit(few, quick, random_state=seed), few) for seed in (0, other))
    assert not np.allclose(first, second)
    again = bits(fit(few, quick, random_state=other), few)
    assert np.array_equal(second, again) == (other is not None)


def test_a_random_state_instance_moves_on(few, quick):
    shared = np.random.RandomState(0)
    first, second = (bits(fit(few, quick, random_state=shared), few) for _ in range(2))
    assert not np.allclose(first, second)
    fresh = bits(fit(few, quick, random_state=np.random.RandomState(0)), few)
    assert_array_equal(fresh, first)


def test_four_threads_give_the_bits_of_one(few, quick):
    def by_seed(seed):
        return bits(fit(few, quick, random_state=seed), few)

    seeds = [0, 1, 2, 3] * 2
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(by_seed, seeds))
    for seed, result in zip(seeds, threaded, strict=True):
        assert_array_equal(result, by_seed(seed))


@pytest.mark.parametrize("seed", [0, None])
def test_global_random_states_are_neither_read_nor_moved(few, quick, seed):
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    model = fit(few, quick, random_state=seed, encoder="conv")
    bits(model.partial_fit(few), few)
    bits(pickle.loads(pickle.dumps(model)), few)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


@pytest.mark.parametrize("copy", [lambda m: pickle.loads(pickle.dumps(m)), deepcopy])
def test_a_copy_gives_the_same_bits(fitted, unseen, copy):
    assert_array_equal(bits(copy(fitted), unseen.X), bits(fitted, unseen.X))
    assert_array_equal(bits(copy(copy(fitted)), unseen.X), bits(fitted, unseen.X))


def test_a_pickle_holds_nothing_of_torch(few, quick):
    model = fit(few, quick, encoder="conv", decoder="mlp").partial_fit(few)
    assert b"torch" not in pickle.dumps(model)
    reread = pickle.loads(pickle.dumps(model))
    assert b"torch" not in pickle.dumps(reread)
    reread.transform(few)
    assert b"torch" not in pickle.dumps(reread)


def test_a_copy_goes_its_own_way(few, quick):
    model = fit(few, quick)
    before = bits(model, few)
    ahead = pickle.loads(pickle.dumps(model)).partial_fit(few)
    assert_array_equal(bits(model, few), before)
    assert ahead.n_epochs_ == 3
    assert_array_equal(bits(model.partial_fit(few), few), bits(ahead, few))


def test_a_model_that_is_not_fitted_is_pickled(quick):
    model = MultiViewDisentangler(**quick)
    assert pickle.loads(pickle.dumps(model)).get_params().keys() == model.get_params().keys()


def test_a_clone_has_the_parameters_and_nothing_learned(few, quick):
    model = fit(few, quick)
    copy = clone(model)
    assert not hasattr(copy, "n_epochs_")
    assert_array_equal(bits(copy.fit(few), few), bits(model, few))
