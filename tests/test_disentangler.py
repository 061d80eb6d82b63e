"""What a fitted MultiViewDisentangler gives: features, codes, reconstructions."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from mvdisent import MultiViewDisentangler
from mvdisent.audio import LogMel

P, S = 4, 6
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def with_output(fitted, **params):
    return deepcopy(fitted).set_params(**params)


def without_view(X, rows, view):
    X = X.copy()
    X[rows, view] = np.nan
    return X


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({}, [*(f"private_{i}" for i in range(P)), *(f"shared_{i}" for i in range(S))]),
        ({"output": "private"}, [f"private_{i}" for i in range(P)]),
        ({"output": "shared"}, [f"shared_{i}" for i in range(S)]),
        (
            {"view_output": "concat", "output": "private"},
            [f"private_v{view}_{i}" for view in range(2) for i in range(P)],
        ),
        ({"view_output": "concat", "output": "shared"}, [f"shared_{i}" for i in range(S)]),
    ],
    ids=str,
)
def test_the_features_have_a_named_column_a_dimension(fitted, unseen, params, names):
    model = with_output(fitted, **params)
    features = model.transform(unseen.X)
    assert features.shape == (400, len(names))
    assert features.dtype == np.float32
    assert [*model.get_feature_names_out()] == names


def test_the_features_are_the_codes_side_by_side(fitted, unseen):
    private, shared = fitted.encode(unseen.X, code="features")
    assert private.shape == (400, 2, P)
    assert shared.shape == (400, S)
    side_by_side = np.hstack([private.mean(axis=1), shared])
    assert_allclose(fitted.transform(unseen.X), side_by_side, rtol=1e-6)
    concat = with_output(fitted, view_output="concat")
    by_view = np.hstack([private[:, 0], private[:, 1], shared])
    assert_array_equal(concat.transform(unseen.X), by_view)


@pytest.mark.parametrize("n_views", [1, 3, 7])
def test_any_number_of_views_may_follow(fitted, unseen, n_views):
    X = np.repeat(unseen.X, 4, axis=1)[:, :n_views]
    assert fitted.transform(X).shape == (400, P + S)
    assert fitted.encode(X)[0].shape == (400, n_views, P)
    assert fitted.reconstruct(X).shape == (400, n_views, 12)


def test_a_single_view_may_come_without_its_axis(fitted, unseen):
    assert_array_equal(fitted.transform(unseen.X[:, 0]), fitted.transform(unseen.X[:, :1]))


def test_concatenated_blocks_need_the_views_of_fit(fitted, unseen):
    model = with_output(fitted, view_output="concat")
    message = "X has 1 views, fit saw 2, and view_output='concat' needs as many.*missing views as"
    with pytest.raises(ValueError, match=message):
        model.transform(unseen.X[:, 0])
    assert model.transform(without_view(unseen.X, slice(None), 1)).shape == (400, 2 * P + S)


@pytest.mark.parametrize("view", [0, 1])
def test_a_missing_view_equals_a_view_that_is_not_passed(fitted, unseen, view):
    X = without_view(unseen.X, slice(None), view)
    assert_allclose(fitted.transform(X), fitted.transform(unseen.X[:, 1 - view]), **CLOSE)
    private, shared = fitted.encode(X)
    alone_private, alone_shared = fitted.encode(unseen.X[:, 1 - view])
    assert_allclose(private[:, 1 - view], alone_private[:, 0], **CLOSE)
    assert_allclose(shared, alone_shared, **CLOSE)


def test_views_may_be_missing_in_some_rows(fitted, unseen):
    X = without_view(unseen.X, slice(0, None, 3), 0)
    features = fitted.transform(X)
    assert_allclose(features[0::3], fitted.transform(unseen.X[0::3, 1]), **CLOSE)
    for start in (1, 2):
        assert_allclose(features[start::3], fitted.transform(unseen.X[start::3]), **CLOSE)


@pytest.mark.parametrize("code", ["active", "mean", "draw"])
def test_the_private_code_of_a_missing_view_is_zero(fitted, unseen, code):
    private, _ = fitted.encode(without_view(unseen.X, slice(0, 9), 1), code=code)
    assert (private[:9, 1] == 0).all()
    assert (private[9:, 1] != 0).any(axis=1).all()


def test_the_kind_of_the_array_does_not_matter(fitted, unseen, tmp_path):
    np.save(tmp_path / "X.npy", unseen.X)
    same = [
        np.load(tmp_path / "X.npy", mmap_mode="r"),
        torch.from_numpy(unseen.X).requires_grad_(),
        unseen.X.astype(np.float64),
        unseen.X.astype(">f4"),
        np.asfortranarray(unseen.X),
        np.repeat(unseen.X, 2, axis=2)[..., ::2],
    ]
    expected = fitted.transform(unseen.X)
    for X in same:
        assert_array_equal(fitted.transform(X), expected)


def test_a_row_does_not_depend_on_its_neighbours(fitted, unseen):
    features, reconstruction = fitted.transform(unseen.X), fitted.reconstruct(unseen.X)
    for rows in (slice(0, 1), slice(3, 290), [399, 7]):
        assert_array_equal(fitted.transform(unseen.X[rows]), features[rows])
        assert_array_equal(fitted.reconstruct(unseen.X[rows]), reconstruction[rows])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: list(X.swapaxes(0, 1)), r"X is a list of 2 views.*stack_views\(X\)"),
        (lambda X: {"a": X[:, 0], "b": X[:, 1]}, r"X is a dict of 2 views.*stack_views\(X\)"),
        (lambda X: X[..., :5], r"X has shape \(400, 2, 5\), but the views seen at fit have shape"),
        (lambda X: without_view(X, 3, slice(None)), "NaN in every view of row 3"),
        (lambda X: np.where(np.arange(12) == 5, np.nan, X), "NaN in a part of view 0 of row 0"),
        (lambda X: np.where(np.arange(12) == 5, np.inf, X), "X contains infinity.*row 0, view 0"),
    ],
    ids=["list", "dict", "shape", "row", "part", "infinity"],
)
@pytest.mark.parametrize("method", ["transform", "encode", "reconstruct", "score"])
def test_bad_views_are_refused_with_the_cure(fitted, unseen, method, change, message):
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(change(unseen.X))


@pytest.mark.parametrize("method", ["transform", "encode", "reconstruct", "score"])
def test_a_model_must_be_fitted_first(unseen, method):
    with pytest.raises(NotFittedError):
        getattr(MultiViewDisentangler(), method)(unseen.X)


def test_inactive_dimensions_are_exactly_zero(fitted_marl, unseen):
    features = fitted_marl.transform(unseen.X)
    active = np.concatenate([fitted_marl.active_private_, fitted_marl.active_shared_])
    assert 0 < fitted_marl.active_shared_.sum() < S
    assert 0 < fitted_marl.active_private_.sum() < P
    assert (features[:, ~active] == 0).all()
    assert (features[:, active] != 0).any(axis=0).all()


def test_active_codes_are_means_without_the_inactive_dimensions(fitted_marl, unseen):
    means = fitted_marl.encode(unseen.X, code="mean")
    masks = fitted_marl.active_private_, fitted_marl.active_shared_
    for code, mean, mask in zip(fitted_marl.encode(unseen.X), means, masks, strict=True):
        assert_array_equal(code, mean * mask)
        assert (mean[..., ~mask] != 0).all()


def test_draws_repeat_and_scatter_about_the_means(fitted_marl, unseen):
    draws, again = (fitted_marl.encode(unseen.X, code="draw") for _ in range(2))
    means = fitted_marl.encode(unseen.X, code="mean")
    for draw, repeat, mean in zip(draws, again, means, strict=True):
        assert_array_equal(draw, repeat)
        scatter = (draw - mean).reshape(-1, mean.shape[-1])
        standard_error = scatter.std(axis=0) / len(scatter) ** 0.5
        assert (np.abs(scatter.mean(axis=0)) < 4 * standard_error).all()
    # A dimension that has collapsed is drawn from the prior.
    collapsed = draws[1][:, fitted_marl.kl_shared_.argmin()]
    assert not fitted_marl.active_shared_.all()
    assert kstest(collapsed, "norm").pvalue > 0.001


def test_an_unknown_code_is_refused(fitted, unseen):
    with pytest.raises(ValueError, match="code='raw' is unknown; pass one of 'features', 'active'"):
        fitted.encode(unseen.X, code="raw")


def test_reconstructing_is_decoding_the_means(fitted, unseen):
    decoded = fitted.decode(*fitted.encode(unseen.X, code="mean"))
    assert decoded.shape == unseen.X.shape
    assert decoded.dtype == np.float32
    assert_array_equal(fitted.reconstruct(unseen.X), decoded)


def test_reconstructions_are_near_the_views(fitted, unseen):
    error = fitted.reconstruct(unseen.X) - unseen.X
    assert error.var() < 0.1 * unseen.X.var()


def test_a_missing_view_is_filled_in_from_the_others(fitted, unseen):
    filled = fitted.reconstruct(without_view(unseen.X, slice(None), 1))
    private = np.zeros((400, 1, P))
    from_shared = fitted.decode(private, fitted.encode(unseen.X[:, 0], code="mean")[1])
    assert_allclose(filled[:, 1:], from_shared, **CLOSE)
    # All but the level, which is private: closer than the mean over the data.
    assert (filled[:, 1] - unseen.X[:, 1]).var() < (unseen.X[:, 1] - unseen.X.mean((0, 1))).var()


def test_swapping_shared_codes_swaps_what_is_shared(fitted, train, unseen):
    """A classifier that never saw the model tells the shape of the decoded views."""
    tell_shape = LogisticRegression(max_iter=1000).fit(train.X[:, 0], train.factors["shape"])
    giver = np.random.default_rng(0).permutation(400)
    swapped = fitted.swap(unseen.X, unseen.X[giver])
    shape = unseen.factors["shape"].to_numpy()
    assert tell_shape.score(unseen.X[:, 0], shape) > 0.99
    assert tell_shape.score(swapped[:, 0], shape[giver]) > 0.8


def test_between_two_shared_codes_lie_reconstruction_and_swap_at_the_ends(fitted, unseen):
    """In the middle is what the mean of both shared codes stands for."""
    X_a, X_b = unseen.X[:40], unseen.X[40:80]
    steps = fitted.interpolate(X_a, X_b, n_steps=3)
    assert steps.shape == (40, 3, *X_a.shape[1:])
    assert_allclose(steps[:, 0], fitted.reconstruct(X_a), **CLOSE)
    assert_allclose(steps[:, 2], fitted.swap(X_a, X_b), **CLOSE)
    private, shared = fitted.encode(unseen.X[:80], code="mean")
    between = (shared[:40] + shared[40:]) / 2
    assert_allclose(steps[:, 1], fitted.decode(private[:40], between), **CLOSE)


@pytest.mark.parametrize("n_steps", [1, 2.5])
def test_a_line_of_less_than_two_steps_is_refused(fitted, unseen, n_steps):
    with pytest.raises((TypeError, ValueError), match="n_steps"):
        fitted.interpolate(unseen.X[:4], unseen.X[4:8], n_steps=n_steps)


def test_other_numbers_of_samples_are_refused_by_name(fitted, unseen):
    with pytest.raises(ValueError, match="X_private has 4 samples and X_shared 5"):
        fitted.swap(unseen.X[:4], unseen.X[:5])
    with pytest.raises(ValueError, match="X_a has 4 samples and X_b 5"):
        fitted.interpolate(unseen.X[:4], unseen.X[:5])


@pytest.mark.parametrize(("private", "shared"), [((3, 2), (3, S)), ((3, 2, P), (3, S + 1))])
def test_codes_of_another_shape_are_refused(fitted, private, shared):
    with pytest.raises(ValueError, match=r"pass \(n_samples, n_views, 4\) and \(n_samples, 6\)"):
        fitted.decode(np.zeros(private), np.zeros(shared))


def test_a_width_that_was_set_since_the_fit_changes_no_code_of_it(fitted, unseen):
    model = deepcopy(fitted)
    codes = model.encode(unseen.X)
    model.set_params(n_private=P + 1, n_shared=1)
    assert_array_equal(model.decode(*codes), fitted.decode(*codes))


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_features_of_spectra_become_a_named_table(fitted, unseen, container):
    model = deepcopy(fitted).set_output(transform=container)
    table = model.transform(unseen.X)
    assert type(table).__module__.split(".")[0] == container
    assert [*table.columns] == [*model.get_feature_names_out()]
    assert_array_equal(table.to_numpy(), fitted.transform(unseen.X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_pipeline_names_the_features_after_names_of_spectra(small):
    X = np.random.default_rng(0).standard_normal((8, 2, 800)).astype(np.float32)
    log_mel = LogMel(8000, n_fft=256, hop_length=128, n_mels=8)
    pipeline = make_pipeline(log_mel, MultiViewDisentangler(**small, max_epochs=1)).fit(X)
    assert [*pipeline.get_feature_names_out()] == [*pipeline[-1].get_feature_names_out()]
    table = pipeline.set_output(transform="pandas").transform(X)
    assert [*table.columns] == [*pipeline[-1].get_feature_names_out()]


def test_names_that_are_not_of_the_columns_are_refused(small, train):
    model = MultiViewDisentangler(**small, objective="marl", max_epochs=1).fit(train.X[:, 0])
    assert len(model.get_feature_names_out([f"x{i}" for i in range(12)])) == P + S
    with pytest.raises(ValueError, match=r"number of features \(12\), got 3"):
        model.get_feature_names_out(["a", "b", "c"])
