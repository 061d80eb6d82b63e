"""What MultiViewDisentangler learns, from which data, and how it goes on."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression, LogisticRegression

from mvdisent import MultiViewDisentangler

TERMS = ["private_mi", "private_tc", "private_dwkl", "shared_mi", "shared_tc", "shared_dwkl"]
# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def probe(probe_model, train_codes, train_factor, codes, factor):
    return probe_model.fit(train_codes, train_factor).score(codes, factor)


def test_each_block_learns_its_factor(fitted, train, unseen):
    blocks = zip(fitted.encode(train.X), fitted.encode(unseen.X), strict=True)
    (private, new_private), (shared, new_shared) = blocks
    shape, level = (
        [part.factors[name] for part in (train, unseen)] for name in ("shape", "level_v0")
    )
    tell_shape, tell_level = LogisticRegression(max_iter=1000), LinearRegression()
    # Chance: 0.25 for the shape, 0 for the R2 of the level.
    assert probe(tell_shape, shared, shape[0], new_shared, shape[1]) > 0.95
    own = probe(tell_level, private[:, 0], level[0], new_private[:, 0], level[1])
    assert own > 0.9
    assert probe(tell_level, shared, level[0], new_shared, level[1]) < own - 0.4


def test_training_raises_the_score_on_unseen_data(fitted, train, unseen, small):
    scores = [
        MultiViewDisentangler(**small, max_epochs=n).fit(train.X).score(unseen.X) for n in (1, 4)
    ]
    assert scores[0] < scores[1] < fitted.score(unseen.X)


def test_the_score_repeats(fitted, unseen):
    assert fitted.score(unseen.X) == fitted.score(unseen.X)


def test_the_score_is_minus_the_loss_of_the_draws(fitted_marl, unseen):
    """With all weights 1: the log likelihood of the draws less their KL to the prior."""
    X = unseen.X[:50]
    private, shared = fitted_marl.encode(X, code="draw")  # one batch: the score draws the same
    error = (fitted_marl.decode(private, shared) - X) / fitted_marl._scale
    log_likelihood = -0.5 * (error**2 + np.log(2 * np.pi)).sum((1, 2)).mean()
    kl = log_likelihood - fitted_marl.score(X)
    # The Monte-Carlo KL scatters about its closed form, which is known for training data.
    expected = 2 * fitted_marl.kl_private_.sum() + fitted_marl.kl_shared_.sum()
    assert_allclose(kl, expected, rtol=0.15)


def test_the_history_holds_each_term_of_the_loss(few, quick):
    weights = {"alpha": 0.5, "beta": 2.0, "gamma": 0.1}
    history = MultiViewDisentangler(**quick, **weights, objective="marl").fit(few).history_
    assert [*history.columns] == ["loss", "reconstruction", *TERMS]
    total = history["reconstruction"]
    for (_, weight), part in zip(weights.items(), ("mi", "tc", "dwkl"), strict=True):
        total = total + weight * (history[f"private_{part}"] + history[f"shared_{part}"])
    assert_allclose(history["loss"], total, rtol=1e-5)
    assert (history["loss"].diff().dropna() < 0).all()


@pytest.mark.parametrize(("warmup_epochs", "warmth"), [(4, [0.25, 0.5, 0.75, 1, 1]), (0, [1] * 5)])
def test_the_weights_of_the_shared_block_rise_in_the_first_epochs(
    few, small, warmup_epochs, warmth
):
    params = {**small, "batch_size": 150, "warmup_epochs": warmup_epochs}  # one step an epoch
    params["objective"] = "marl"
    model = MultiViewDisentangler(**params, max_epochs=2, warm_start=True).fit(few)
    history = model.set_params(max_epochs=3).fit(few).history_  # going on does not start again
    shared = history["loss"] - history[["reconstruction", *TERMS[:3]]].sum(axis=1)
    assert_allclose(shared / history[TERMS[3:]].sum(axis=1), warmth, rtol=1e-4)


def test_a_dimension_is_active_above_0_05_nats(fitted):
    for block in ("private", "shared"):
        kl, active = getattr(fitted, f"kl_{block}_"), getattr(fitted, f"active_{block}_")
        assert (kl >= 0).all()
        assert_array_equal(active, kl > 0.05)


def test_fit_tells_the_shapes(fitted):
    assert fitted.view_shape_ == (12,)
    assert (fitted.n_views_in_, fitted.n_features_in_, fitted.n_epochs_) == (2, 12, 20)


# Data ---------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["mlp", "conv", "linear"])
@pytest.mark.parametrize("view_shape", [(9, 7), (16, 8), (5,), (2, 3, 4)], ids=str)
def test_views_of_any_shape_are_learned(network, view_shape):
    X = np.random.default_rng(0).standard_normal((20, 3, *view_shape)).astype(np.float32)
    model = MultiViewDisentangler(2, 3, encoder=network, decoder=network, max_epochs=1).fit(X)
    assert model.view_shape_ == view_shape
    assert model.transform(X).shape == (20, 5)
    assert model.reconstruct(X).shape == X.shape


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 100.0), (1e-3, 0.0), (40.0, -80.0)])
def test_the_unit_of_the_views_does_not_matter(few, quick, scale, offset):
    expected = MultiViewDisentangler(**quick).fit(few).reconstruct(few)
    scaled = (
        MultiViewDisentangler(**quick).fit(few * scale + offset).reconstruct(few * scale + offset)
    )
    # Values of 100 with a standard deviation of 2 are known to 1e-5 in single precision.
    assert_allclose((scaled - offset) / scale, expected, rtol=1e-3, atol=1e-3)


def test_missing_views_do_not_keep_it_from_learning(train, unseen, small):
    X = train.X.copy()
    X[:200, 0] = X[200:400, 1] = np.nan
    model = MultiViewDisentangler(**small, max_epochs=20).fit(X)
    shared, new_shared = model.encode(train.X)[1], model.encode(unseen.X)[1]
    shapes = train.factors["shape"], unseen.factors["shape"]
    tell_shape = LogisticRegression(max_iter=1000)
    assert probe(tell_shape, shared, shapes[0], new_shared, shapes[1]) > 0.9


def test_a_memmap_gives_the_same_model_and_stays_as_it_was(few, quick, tmp_path):
    np.save(tmp_path / "X.npy", few)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = MultiViewDisentangler(**quick).fit(X)
    assert_array_equal(model.transform(X), MultiViewDisentangler(**quick).fit_transform(few))
    assert_array_equal(np.load(tmp_path / "X.npy"), few)


@pytest.mark.parametrize("kind", [torch.from_numpy, np.float64, np.asfortranarray])
def test_fit_takes_other_kinds_of_arrays_and_leaves_them_alone(few, quick, kind):
    X = kind(few.copy())
    features = MultiViewDisentangler(**quick).fit(X).transform(few)
    assert_allclose(features, MultiViewDisentangler(**quick).fit_transform(few), atol=1e-5)
    assert_array_equal(np.asarray(X), few)


def test_true_counts_as_one_dimension(few, quick):
    model = MultiViewDisentangler(**{**quick, "n_private": True, "n_shared": True}).fit(few)
    assert model.transform(few).shape == (150, 2)


@pytest.mark.parametrize("n_samples", [2, 3, 4, 5, 7, 64, 65])
def test_no_number_of_samples_leaves_a_lone_row(few, quick, n_samples):
    model = MultiViewDisentangler(**{**quick, "batch_size": 3}).fit(few[:n_samples])
    assert np.isfinite(model.score(few[:n_samples]))
    assert np.isfinite(model.score(few[:1]))


def test_constant_views_are_learned(quick):
    X = np.full((10, 2, 5), 3.0, dtype=np.float32)
    assert np.isfinite(MultiViewDisentangler(**quick).fit(X).reconstruct(X)).all()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((50, 64, 32)), r"single-view spectrogram is ambiguous.*pass \(50, 1, 64, 32\)"),
        ([np.ones((5, 3)), np.ones((5, 3))], r"X is a list of 2 views.*stack_views\(X\)"),
        (np.ones((1, 2, 3)), "X has n_samples = 1; fit needs 2 samples or more"),
        (np.full((4, 2, 3), np.nan), "X contains NaN in every view of row 0"),
        (np.full((4, 2, 3), np.inf), "X contains infinity"),
    ],
    ids=["ambiguous", "list", "one sample", "nothing", "infinity"],
)
def test_fit_refuses_what_it_cannot_learn_from(X, message):
    with pytest.raises(ValueError, match=message):
        MultiViewDisentangler().fit(X)


# Going on -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["warm fit", "partial_fit", "warm fit after a copy"])
def test_going_on_equals_one_long_fit(few, small, method):
    long = MultiViewDisentangler(**small, max_epochs=4).fit(few)
    short = MultiViewDisentangler(**small, max_epochs=2, warm_start=True).fit(few)
    if method == "partial_fit":
        short.partial_fit(few).partial_fit(few)
    else:
        short = deepcopy(short) if "copy" in method else short
        short.fit(few)
    assert short.n_epochs_ == len(short.history_) == 4
    assert short.history_.equals(long.history_)
    assert_array_equal(short.transform(few), long.transform(few))


def test_partial_fit_alone_equals_fit(few, small):
    stepwise = MultiViewDisentangler(**small)
    for _ in range(3):
        stepwise.partial_fit(few)
    whole = MultiViewDisentangler(**small, max_epochs=3).fit(few)
    assert_array_equal(stepwise.transform(few), whole.transform(few))


def test_without_warm_start_fit_begins_anew(few, quick):
    model = MultiViewDisentangler(**quick)
    first = model.fit(few).transform(few)
    assert_array_equal(model.fit(few).transform(few), first)
    assert len(model.history_) == 2
    assert model.fit(few[..., :5]).transform(few[..., :5]).shape == first.shape


def test_a_warm_fit_takes_the_parameters_as_they_are_now(few, quick):
    model = MultiViewDisentangler(**quick, objective="marl", warm_start=True).fit(few)
    terms = model.set_params(gamma=5.0, lr=1e-9).fit(few).history_.iloc[-1]
    kl = {part: terms[f"private_{part}"] + terms[f"shared_{part}"] for part in ("mi", "tc", "dwkl")}
    expected = terms["reconstruction"] + kl["mi"] + kl["tc"] + 5 * kl["dwkl"]
    assert_allclose(terms["loss"], expected, rtol=1e-5)
    frozen = model.transform(few)
    assert_allclose(model.fit(few).transform(few), frozen, atol=1e-4)


def test_going_on_needs_views_of_the_same_shape(fitted, few):
    with pytest.raises(ValueError, match="but the views seen at fit have shape"):
        deepcopy(fitted).partial_fit(few[..., :5])
