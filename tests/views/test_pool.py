"""TimePool: what is left of time, in units of what the views of a sample share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dct
from sklearn.pipeline import make_pipeline

from mvdisent import MultiViewDisentangler
from mvdisent.views import TimePool, pair_by

RNG = np.random.default_rng(0)


def make_views(n_samples=300, n_views=2):
    """Give spectra of 3 bands and 9 frames, whose level belongs to the sample by and large."""
    own = RNG.normal(size=(n_samples, 1, 3, 1)) * [[3.0], [1.0], [0.2]]
    differ = RNG.normal(size=(n_samples, n_views, 3, 1)) * [[0.5], [2.0], [0.1]]
    return own + differ + 0.1 * RNG.normal(size=(n_samples, n_views, 3, 9)) + 40.0


def test_without_whitening_they_are_mean_spread_and_change():
    X = make_views()
    pooled = TimePool(whiten=False).fit_transform(X)
    change = np.abs(np.diff(X, axis=3)).mean(3)
    expected = np.concatenate([X.mean(3), X.std(3), change], axis=2)
    np.testing.assert_allclose(pooled, expected, rtol=1e-4, atol=1e-4)
    assert pooled.dtype == np.float32


def test_cosine_terms_tell_the_course_of_each_band():
    X = make_views()
    pooled = TimePool(whiten=False, n_cosines=3).fit_transform(X)
    terms = dct(X, norm="ortho")[..., 1:4] / 3  # of 9 frames: the term before them is the mean
    np.testing.assert_allclose(
        pooled[..., 9:], np.moveaxis(terms, 3, 2).reshape(300, 2, 9), atol=1e-4
    )


def check_white(pooled):
    """Deviations from a sample's own mean are alike in all directions."""
    pooled = pooled.astype(float)
    within = (pooled - pooled.mean(axis=1, keepdims=True)).reshape(-1, 9)
    covariance = within.T @ within / (len(pooled) * (pooled.shape[1] - 1))
    np.testing.assert_allclose(covariance, np.eye(9), atol=0.02)


@pytest.mark.parametrize("n_views", [2, 5])
def test_views_of_a_sample_differ_alike_in_all_directions(n_views):
    pooled = TimePool(ridge=1e-6).fit_transform(make_views(n_views=n_views))
    check_white(pooled)
    np.testing.assert_allclose(pooled.mean((0, 1)), 0, atol=1e-3)


def test_a_ridge_makes_less_of_directions_in_which_views_hardly_differ():
    X = make_views()
    widest = [np.abs(TimePool(ridge=r).fit_transform(X)).max() for r in (1e-6, 1.0)]
    assert widest[1] < widest[0]


def test_a_missing_view_is_left_out_and_stays_missing():
    X = make_views()
    X[::3, 1] = np.nan
    pooled = TimePool(ridge=1e-6).fit_transform(X)
    np.testing.assert_array_equal(np.isnan(pooled).all(2), np.isnan(X).all((2, 3)))
    check_white(pooled[~np.isnan(pooled).any((1, 2))])
    np.testing.assert_allclose(np.nanmean(pooled, axis=(0, 1)), 0, atol=1e-3)


@pytest.mark.parametrize("X", [np.ones((9, 2, 3, 4)), make_views()[:, :1], make_views()[:1]])
def test_views_that_tell_no_directions_stay_finite(X):
    assert np.isfinite(TimePool().fit_transform(X)).all()


@pytest.mark.parametrize("n_views", [2, 5])
def test_axes_are_kept_by_how_far_views_agree(n_views):
    X = make_views(n_views=n_views)
    pool = TimePool(n_components=4, ridge=1e-6).fit(X)
    pooled = pool.transform(X).astype(float)
    whole = TimePool(ridge=1e-6).fit_transform(X).astype(float)
    between, all_between = (Z.mean(1).T @ Z.mean(1) for Z in (pooled, whole))
    np.testing.assert_allclose(  # the largest there is, and no axis tells of another
        between, np.diag(np.linalg.eigvalsh(all_between)[:-5:-1]), rtol=1e-3, atol=1e-2
    )
    own = [9.0, 1.0, 0.04]  # variances of make_views, and of what differs: .25, 4, .01
    expected = np.array(own) / (np.array(own) + [0.25, 4.0, 0.01] + 0.01 / 9)
    np.testing.assert_allclose(pool.agreement_[:3], np.sort(expected)[::-1], atol=0.06)
    assert pool.agreement_[3] < 0.6


def test_of_one_view_the_widest_axes_are_kept():
    X = make_views(n_views=1)
    pool = TimePool(n_components=2, ridge=1.0).fit(X)
    np.testing.assert_array_equal(pool.agreement_, 0)
    variances = TimePool(ridge=1.0).fit_transform(X)[:, 0].var(0)
    np.testing.assert_allclose(
        pool.transform(X)[:, 0].var(0), np.sort(variances)[:-3:-1], rtol=1e-4
    )


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"n_cosines": 9}, r"n_cosines=9 is not below the number of frames, 9 .*\(3, 9\)"),
        ({"n_components": 10}, r"n_components=10 is above the number of features, 9 .*\(3, 9\)"),
    ],
)
def test_more_than_there_is_is_refused(params, fault):
    with pytest.raises(ValueError, match=fault):
        TimePool(**params).fit(make_views())


def test_a_source_is_read_chunk_by_chunk_and_gives_what_its_draw_gives():
    X = make_views(1500, 1)[:, 0]
    source = pair_by(X, np.arange(1500) // 3, random_state=0)
    one, two = TimePool().fit(source), TimePool().fit(np.asarray(source))
    np.testing.assert_array_equal(one.matrix_, two.matrix_)
    np.testing.assert_array_equal(one.transform(source), two.transform(np.asarray(source)))


def test_rows_round_alike_whatever_stands_beside_them():
    X = make_views(1100)
    pool = TimePool().fit(X)
    np.testing.assert_allclose(pool.transform(X)[1050:], pool.transform(X[1050:]), rtol=1e-5)


def test_a_pipeline_takes_windows_to_features():
    X = make_views()
    model = MultiViewDisentangler(2, 3, encoder="linear", decoder="linear", max_epochs=2)
    pipeline = make_pipeline(TimePool(), model.set_params(objective="swap", random_state=0)).fit(X)
    assert pipeline.transform(X[:, :1]).shape == (300, 5)
    assert pipeline.get_feature_names_out().tolist()[2:] == ["shared_0", "shared_1", "shared_2"]


def test_another_number_of_bands_is_refused():
    pool = TimePool().fit(make_views())
    with pytest.raises(ValueError, match=r"X has shape \(5, 2, 4, 9\).*\(3, 9\)"):
        pool.transform(np.ones((5, 2, 4, 9)))
    with pytest.raises(ValueError, match="The 'ridge' parameter"):
        TimePool(ridge=0).fit(make_views())
