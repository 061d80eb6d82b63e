"""``whiten``: faint axes of X count more, and what is returned is in the units of X."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mvdisent import MultiViewDisentangler

# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def faint():
    """Views with a private factor of 1 % of the spread of another, and a shared one."""
    rng = np.random.default_rng(0)
    common = np.repeat(rng.normal(size=(600, 1, 1)), 2, 1)
    own = rng.normal(size=(600, 2, 2))
    X = np.concatenate([3 * common, 3 * own[..., :1], 0.03 * own[..., 1:]], 2)
    return X.astype(np.float32), own


def told(model, X, own):
    """R2 of the faint factor, from the first half of the private codes to the second."""
    private = model.encode(X, code="mean")[0].reshape(len(X) * 2, -1)
    factor, half = own[..., 1].ravel(), len(X)
    private = np.hstack([private, np.ones((2 * half, 1))])
    weights = np.linalg.lstsq(private[:half], factor[:half], rcond=None)[0]
    return 1 - np.var(factor[half:] - private[half:] @ weights) / np.var(factor[half:])


@pytest.mark.parametrize("objective", ["transport", "marl", "swap"])
def test_a_faint_factor_is_learned(faint, small, objective):
    X, own = faint
    params = {**small, "objective": objective, "decoder_std": 0.3, "max_epochs": 20}
    scores = [
        told(MultiViewDisentangler(**params, whiten=power).fit(X), X, own) for power in (0.0, 0.9)
    ]
    assert scores[0] < 0.2
    assert scores[1] > 0.6


def test_reconstructions_are_in_the_units_of_X(faint, small):
    X = 100 + 10 * faint[0]
    params = {**small, "decoder_std": 0.1, "max_epochs": 30, "objective": "swap"}
    model = MultiViewDisentangler(**params, whiten=0.9).fit(X)
    error = model.reconstruct(X) - X
    assert_allclose(error.mean((0, 1)), 0, atol=1.5)
    assert (error.std((0, 1)) < 0.5 * X.std((0, 1))).all()


def test_auto_whitens_for_transport_alone(few, quick):
    for objective, power in (("transport", 0.65), ("marl", 0.0), ("swap", 0.0)):
        auto, own = (
            MultiViewDisentangler(**quick, objective=objective, **more).fit(few)
            for more in ({}, {"whiten": power})
        )
        assert_array_equal(auto.transform(few), own.transform(few))


@pytest.mark.parametrize(("before", "after"), [(0.0, 0.5), (0.5, 0.0), (0.5, 0.7)])
def test_a_warm_fit_keeps_its_axes(few, quick, before, after):
    model = MultiViewDisentangler(**quick, whiten=before, warm_start=True).fit(few)
    gains = deepcopy(model).fit(5 * few)._live_net().module_.state_dict()
    kept = model._live_net().module_.state_dict()
    for name in (name for name in kept if name.startswith("whitener.")):
        assert_array_equal(gains[name], kept[name])
    with pytest.raises(ValueError, match=f"whiten={after}, but .* fitted with {before}: set it"):
        model.set_params(whiten=after).fit(few)
    assert np.isfinite(model.set_params(whiten=before).fit(few).transform(few)).all()


def test_missing_views_have_no_say_in_the_axes(few, quick):
    X = np.concatenate([few, np.full_like(few[:, :1], np.nan)], 1)
    axes = [
        MultiViewDisentangler(**quick).fit(views)._live_net().module_.whitener.axes.numpy()
        for views in (few, X)
    ]
    assert_allclose(np.abs(axes[0]), np.abs(axes[1]), atol=1e-5)
