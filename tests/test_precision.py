"""Training with the networks' products in bfloat16."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from mvdisent import LogMel, MultiViewDisentangler, load, save
from mvdisent.datasets import make_tone_views
from mvdisent.nn import MLPDecoder, MLPEncoder, MultiViewVAE

HALF = {"precision": "bfloat16"}


def test_the_products_are_of_bfloat16_in_training_alone():
    encoder, decoder = MLPEncoder((6,), 8), MLPDecoder(4, (6,))
    vae = MultiViewVAE(encoder, decoder, n_private=2, n_shared=2, **HALF)
    seen = []
    for layer in [*encoder.modules(), *decoder.modules()]:
        if isinstance(layer, nn.Linear):
            layer.register_forward_hook(lambda layer, x, out: seen.append(out.dtype))
    for training, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        seen.clear()
        posterior = vae.train(training).encode(torch.randn(5, 2, 6))
        x_hat = vae.decode(posterior.private_mean, posterior.shared_mean)
        assert len(seen) >= 4
        assert set(seen) == {dtype}
        assert {part.dtype for part in (*posterior, x_hat)} == {torch.float32}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("objective", "network"), [("marl", "conv"), ("swap", "mlp"), ("transport", "mlp")]
)
def test_a_fit_ends_near_that_of_float32(objective, network):
    X = make_tone_views(48, transform=LogMel(16000).fit_transform, random_state=0)[0]
    params = {
        "encoder": network,
        "decoder": network,
        "objective": objective,
        "max_epochs": 2,
        "warmup_epochs": 0,
        "decoder_std": 1.0,
        "random_state": 0,
    }
    plain = MultiViewDisentangler(**params).fit(X)
    model = MultiViewDisentangler(**params, **HALF).fit(X)
    codes = [fitted.encode(X, code="mean")[0] for fitted in (model, plain)]
    assert not np.array_equal(*codes)
    assert_allclose(model.history_["loss"], plain.history_["loss"], rtol=0.02)
    assert_allclose(model.score(X), plain.score(X), rtol=0.01)


def test_weights_gradients_and_features_are_float32(few, small):
    model = MultiViewDisentangler(**small, **HALF).fit(few)
    state = model.__getstate__()["_net_state"]
    assert {array.dtype for array in state["module"].values()} == {np.dtype("float32")}
    assert model.transform(few).dtype == np.float32


def test_a_fit_repeats_and_is_saved(few, small, tmp_path):
    params = {**small, "encoder": "mlp", "decoder": "mlp", "max_epochs": 2}
    one, two = (MultiViewDisentangler(**params, **HALF).fit(few) for _ in range(2))
    assert_array_equal(one.transform(few), two.transform(few))
    save(one, tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.precision == "bfloat16"
    assert_array_equal(loaded.transform(few), one.transform(few))


@pytest.mark.parametrize("precision", ["float16", None, 16])
def test_another_precision_is_refused(few, small, precision):
    with pytest.raises(ValueError, match=r"The 'precision' parameter .* must be a str among"):
        MultiViewDisentangler(**small, precision=precision).fit(few)
    networks = MLPEncoder((6,), 8), MLPDecoder(4, (6,))
    with pytest.raises(ValueError, match="is unknown; pass one of"):
        MultiViewVAE(*networks, n_private=2, n_shared=2, precision=precision)
