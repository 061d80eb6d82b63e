"""Views on disk are read batch by batch, and never held whole."""

from __future__ import annotations

import contextlib
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mvdisent import MultiViewDisentangler, _training
from mvdisent.views import augment

# One epoch of noise teaches no block.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class LargestTensor(TorchDispatchMode):
    """Watch every tensor that torch makes, in bytes."""

    n_bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, Tensor):
                self.n_bytes = max(self.n_bytes, tensor.nbytes)
        return out


@pytest.fixture(scope="module", autouse=True)
def imported():
    """Let torch import what a first fit needs, which takes memory too."""
    MultiViewDisentangler(2, 2, max_epochs=1).fit(np.zeros((8, 2, 4)) + np.arange(4))


@pytest.fixture(autouse=True)
def no_hint(monkeypatch):
    """Leave out the blocks by which a fit has the allocator keep memory: they stay untouched."""
    monkeypatch.setattr(_training, "keep_large_blocks", lambda: None)
    monkeypatch.setattr(_training, "keep_freed_memory", contextlib.nullcontext)


@pytest.fixture(scope="module", params=["f4", ">f8"])
def on_disk(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("memmap") / "X.npy"
    X = np.random.default_rng(0).standard_normal((2000, 2, 2048), dtype=np.float32)
    X[::50, 1] = np.nan  # a missing view
    np.save(path, X.astype(request.param))
    return np.load(path, mmap_mode="r")


def added_memory(call):
    """Give the peak of what numpy added, and the largest tensor of torch, in bytes."""
    tracemalloc.start()
    try:
        with LargestTensor() as largest:
            result = call()
        return result, tracemalloc.get_traced_memory()[1], largest.n_bytes
    finally:
        tracemalloc.stop()


# A copy as float32 would be the whole of it, or half.
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fit_to_a_memmap_holds_a_small_part_of_it(on_disk, early_stopping):
    settings = {"max_epochs": 1, "batch_size": 128, "random_state": 0}
    model = MultiViewDisentangler(2, 2, objective="marl", early_stopping=early_stopping, **settings)
    fitted, numpy_peak, largest = added_memory(lambda: model.fit(on_disk))
    assert fitted.n_epochs_ == 1
    assert numpy_peak < on_disk.nbytes / 3
    assert largest < on_disk.nbytes / 3

    features, numpy_peak, largest = added_memory(lambda: fitted.transform(on_disk))
    assert max(numpy_peak, largest) < on_disk.nbytes / 3
    assert_array_equal(features, fitted.transform(np.array(on_disk)))


def test_what_partners_axes_and_references_take_does_not_grow_with_the_rows(on_disk):
    model = MultiViewDisentangler(2, 2, max_epochs=2, warmup_epochs=1, random_state=0)
    peaks = [added_memory(lambda n=n: model.fit(on_disk[:n]))[1:] for n in (600, 1800)]
    for few, many in zip(*peaks, strict=True):
        assert many < few + on_disk[:1200].nbytes / 4


def test_a_memmap_gives_the_bits_of_an_array(on_disk):
    settings = {"max_epochs": 1, "batch_size": 512, "random_state": 0}
    from_disk = MultiViewDisentangler(2, 2, **settings).fit(on_disk[:500])
    in_memory = MultiViewDisentangler(2, 2, **settings).fit(np.array(on_disk[:500]))
    assert_array_equal(from_disk.history_, in_memory.history_)


def test_a_search_over_a_source_copies_no_fold(on_disk):
    X = on_disk.reshape(len(on_disk), 2, 64, 32)
    source = augment(X, [])
    assert_array_equal(source[7:99], X[7:99])
    model = MultiViewDisentangler(2, 2, objective="marl", max_epochs=1, random_state=0)
    search = GridSearchCV(model, {"alpha": [0.5]}, cv=2, refit=False)
    searched, numpy_peak, largest = added_memory(lambda: search.fit(source))
    assert np.isfinite(searched.cv_results_["mean_test_score"]).all()
    assert max(numpy_peak, largest) < 0.45 * on_disk.nbytes  # a fold of it: half
