"""Views on a device with memory of its own: held there where they fit, the same results."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import Tensor

from mvdisent import LogMel, MultiViewDisentangler, _batches, load, save
from mvdisent._batches import ViewBatches, ViewDataset
from mvdisent.views import augment

# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
SETTINGS = {"max_epochs": 3, "decoder_std": 1.0, "random_state": 0}


@pytest.fixture
def X():
    X = np.random.default_rng(0).standard_normal((90, 2, 6, 4))
    X[::9, 1] = np.nan  # a missing view
    return X


@pytest.fixture
def roomy(monkeypatch):
    """Let the processor hold views, as a device with memory of its own does; small uploads."""
    monkeypatch.setattr(_batches, "_room", lambda device: 10**6)
    monkeypatch.setattr(_batches, "_UPLOADED_VALUES", 1000)


def batches_of(X, rows):
    present = ~np.isnan(X).any((2, 3))
    dataset = ViewDataset(X, present, offset=0.1, scale=2.0, device="cpu", rows=rows)
    batches = list(ViewBatches(dataset, 16, torch.Generator().manual_seed(0)))
    return dataset, [*batches, dataset.take(slice(3, 20)), dataset.take(np.array([5, 5, 0]))]


@pytest.mark.parametrize("rows", [None, np.arange(80, 8, -3)])
def test_batches_of_held_views_are_the_same(X, rows, roomy, monkeypatch):
    dataset, held = batches_of(X, rows)
    assert isinstance(dataset._held, Tensor)
    assert len(dataset._held) == len(dataset)
    before = dataset._held.clone()
    monkeypatch.undo()
    other, gathered = batches_of(X, rows)
    assert other._held is None
    for one, two in zip(held, gathered, strict=True):
        assert_array_equal(one.x, two.x)
        assert_array_equal(one.present, two.present)
        assert one.n_rows == two.n_rows
    assert_array_equal(dataset._held, before)  # no batch is a window on it


@pytest.mark.parametrize("objective", ["marl", "swap", "transport"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fit_on_held_views_is_the_same(X, objective, early_stopping, roomy, monkeypatch):
    model = MultiViewDisentangler(2, 3, objective=objective, early_stopping=early_stopping)
    held = model.set_params(**SETTINGS).fit(X).transform(X)
    monkeypatch.undo()
    assert_array_equal(model.fit(X).transform(X), held)


def test_what_does_not_fit_is_not_held(X, monkeypatch):
    monkeypatch.setattr(_batches, "_room", lambda device: X.size * 4 - 1)
    assert batches_of(X, None)[0]._held is None
    assert batches_of(X, np.arange(80))[0]._held is not None


def test_views_that_are_drawn_afresh_are_not_held(roomy):
    source = augment(np.zeros((20, 6, 4), dtype=np.float32), [], random_state=0)
    dataset = ViewDataset(source.drawn(), None, offset=0.0, scale=1.0, device="cpu")
    dataset.hold()
    assert dataset._held is None


@needs_cuda
@pytest.mark.parametrize("objective", ["marl", "swap", "transport"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_fit_on_cuda_is_that_of_the_processor(X, objective, share, monkeypatch, tmp_path):
    monkeypatch.setattr(_batches, "_SHARE", share)
    model = MultiViewDisentangler(2, 3, objective=objective, **SETTINGS, device="cuda").fit(X)
    assert np.isfinite(model.history_.to_numpy()).all()
    save(model, tmp_path / "model")
    restored = load(tmp_path / "model").set_params(device="cpu")
    assert_allclose(restored.transform(X), model.transform(X), atol=1e-4)


@needs_cuda
def test_spectra_on_cuda_are_those_of_the_processor():
    clips = np.random.default_rng(0).standard_normal((40, 16000))
    on_cuda = LogMel(16000, device="cuda").fit_transform(clips)
    assert_allclose(on_cuda, LogMel(16000).fit_transform(clips), atol=1e-3)
