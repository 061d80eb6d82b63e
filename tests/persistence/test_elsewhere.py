"""The same features with another number of threads, on another device, by other formats."""

from __future__ import annotations

import io
import pickle

import joblib
import numpy as np
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.persistence import load, save

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# As `load` says: absolute, for features that have a standard deviation of about 1.
TOLERANCE = 1e-5
OWN = {
    "mvdisent._disentangler.MultiViewDisentangler",
    "mvdisent.audio._logmel.LogMel",
}


@pytest.fixture(scope="module")
def spectra():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(40, 1, 16, 16))
    return (shared + 0.3 * rng.normal(size=(40, 2, 16, 16))).astype(np.float32)


@pytest.fixture(scope="module", params=["mlp", "conv", "linear"])
def wide(request, spectra, tmp_path_factory):
    """Give the file of a model wide enough for torch to share its work out to threads."""
    networks = {"encoder": request.param, "decoder": request.param}
    model = MultiViewDisentangler(max_epochs=2, decoder_std=0.1, random_state=0, **networks)
    path = tmp_path_factory.mktemp("wide") / "model"
    save(model.fit(spectra), path)
    features = model.transform(spectra)
    assert features.any()
    return path, features


@pytest.fixture
def set_threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_any_number_of_threads_gives_the_same_features(wide, spectra, set_threads, n_threads):
    path, features = wide
    set_threads(n_threads)
    assert_allclose(load(path).transform(spectra), features, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_any_device_gives_the_same_features(wide, spectra, device):
    """On a machine with CUDA, "auto" is CUDA."""
    path, features = wide
    found = load(path, device=device)
    assert_allclose(found.transform(spectra), features, rtol=0, atol=TOLERANCE)


@pytest.fixture(scope="module")
def pipeline():
    mel = LogMel(8000, n_fft=16, hop_length=8, n_mels=3)
    model = MultiViewDisentangler(1, 1, max_epochs=2, random_state=0)
    return make_pipeline(mel, model).fit(waves())


def waves():
    return np.random.default_rng(0).normal(size=(12, 2, 64)).astype(np.float32)


def test_skops_needs_trust_in_our_own_classes_alone(pipeline):
    data = skops.io.dumps(pipeline)
    assert set(skops.io.get_untrusted_types(data=data)) == OWN
    loaded = skops.io.loads(data, trusted=sorted(OWN))
    assert_array_equal(loaded.transform(waves()), pipeline.transform(waves()))
    model, again = pipeline[-1], loaded[-1]
    assert again.history_.equals(model.history_)
    assert [*again.history_.columns] == [*model.history_.columns]
    # Training goes on from it as from the model, of which a copy is trained here.
    spectra = pipeline[0].transform(waves())
    ahead, there = (
        pickle.loads(pickle.dumps(model)).partial_fit(spectra),
        again.partial_fit(spectra),
    )
    assert_array_equal(there.transform(spectra), ahead.transform(spectra))


def test_skops_refuses_without_that_trust(pipeline):
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException, match="LogMel"):
        skops.io.loads(skops.io.dumps(pipeline))


def test_a_joblib_pickle_holds_no_device(pipeline):
    """Nor a tensor: what torch would put back where it was."""
    file = io.BytesIO()
    joblib.dump(pipeline, file)
    assert b"torch" not in file.getvalue()
    file.seek(0)
    moved = joblib.load(file)
    moved[-1].set_params(device="auto")  # the net is built there at its first use
    found, expected = moved.transform(waves()), pipeline.transform(waves())
    assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
