"""Input checks: what is taken, what is refused, and whether the text names the cure."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix

from mvdisent import _checks


@pytest.fixture
def views():
    """Six samples of two views of 3 x 4."""
    return np.random.default_rng(0).standard_normal((6, 2, 3, 4)).astype(np.float32)


@pytest.fixture
def many_chunks(monkeypatch):
    """Read two samples at a time."""
    monkeypatch.setattr(_checks, "_SCAN_ELEMENTS", 2 * 24)


# as_array ---------------------------------------------------------------------


def test_an_array_is_not_copied(views):
    assert _checks.as_array(views) is views


def test_a_memmap_stays_a_memmap(views, tmp_path):
    np.save(tmp_path / "X.npy", views)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert isinstance(_checks.as_views(_checks.as_array(X)), np.memmap)


def test_a_tensor_in_a_graph_becomes_an_array(views):
    tensor = torch.from_numpy(views).requires_grad_() * 1
    assert_array_equal(_checks.as_array(tensor), views)


def test_nested_lists_of_numbers_are_one_array():
    assert _checks.as_array([[1.0, 2.0], [3.0, 4.0]]).shape == (2, 2)


@pytest.mark.parametrize("container", [list, tuple, lambda X: dict(enumerate(X))])
def test_a_container_of_views_names_stack_views(views, container):
    by_view = container(views.swapaxes(0, 1))
    message = rf"X is a {type(by_view).__name__} of 2 views.*mvdisent\.views\.stack_views\(X\)"
    with pytest.raises(ValueError, match=message):
        _checks.as_array(by_view)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (csr_matrix(np.eye(3)), r"Sparse data was passed as X.*pass X\.toarray\(\)"),
        (np.ma.masked_invalid([[1.0, np.nan]]), r"X is a masked array.*pass X\.filled\(nan\)"),
    ],
)
def test_sparse_and_masked_arrays_are_refused(X, message):
    with pytest.raises(TypeError, match=message):
        _checks.as_array(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([["a"]]), r"X has dtype <U1; pass real numbers"),
        (np.ones((2, 2, 2), dtype=complex), "Complex data not supported: X has dtype complex128"),
        (np.ones((0, 2)), r"X has shape \(0, 2\): it is empty; pass at least one sample"),
        (np.ones((3, 2, 0)), r"X has shape \(3, 2, 0\): it is empty"),
    ],
)
def test_what_is_not_numbers_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        _checks.check_numeric(X, "X")


# as_views ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((6, 5), (6, 1, 5)),
        ((6, 2, 5), (6, 2, 5)),
        ((6, 32, 5), (6, 32, 5)),
        ((6, 2, 64, 32), (6, 2, 64, 32)),
        ((6, 1, 2, 3, 4), (6, 1, 2, 3, 4)),
    ],
)
def test_at_fit_the_second_axis_counts_views(shape, expected):
    assert _checks.as_views(np.ones(shape)).shape == expected


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((6, 3, 4), (6, 1, 3, 4)), ((6, 2, 3, 4), (6, 2, 3, 4)), ((6, 50, 3, 4), (6, 50, 3, 4))],
)
def test_after_fit_the_shape_of_a_view_is_known(shape, expected):
    assert _checks.as_views(np.ones(shape), view_shape=(3, 4)).shape == expected


def test_after_fit_flat_views_may_come_alone():
    assert _checks.as_views(np.ones((6, 4)), view_shape=(4,)).shape == (6, 1, 4)


def test_views_are_not_copied(views):
    assert np.shares_memory(_checks.as_views(views[:, 0], view_shape=(3, 4)), views)


def test_a_single_view_spectrogram_is_ambiguous_at_fit():
    message = (
        r"X has 3 axes \(500, 64, 32\); a single-view spectrogram is ambiguous at fit: "
        r"pass \(500, 1, 64, 32\); or, for 64 views of 32 features, at most 32 views"
    )
    with pytest.raises(ValueError, match=message):
        _checks.as_views(np.ones((500, 64, 32)))


def test_a_vector_is_refused():
    with pytest.raises(ValueError, match=r"X has shape \(7,\); pass \(n_samples, n_views, ...\)"):
        _checks.as_views(np.ones(7))


@pytest.mark.parametrize("shape", [(6, 4, 3), (6, 2, 4, 3), (6, 12), (6, 2, 12), (6,)])
def test_another_view_shape_is_refused(shape):
    message = (
        r"X has shape \(6,.*but the views seen at fit have shape \(3, 4\): pass \(n_samples, "
        r"n_views, 3, 4\) or a single view \(n_samples, 3, 4\)"
    )
    with pytest.raises(ValueError, match=message):
        _checks.as_views(np.ones(shape), view_shape=(3, 4))


# find_present and measure_scale -------------------------------------------------


def test_nothing_missing_gives_no_mask(views):
    assert _checks.find_present(views) is None


@pytest.mark.usefixtures("many_chunks")
def test_missing_views_are_found_in_every_chunk(views):
    expected = np.ones((6, 2), dtype=bool)
    expected[[0, 3, 5], [1, 0, 1]] = False
    views[~expected] = np.nan
    assert_array_equal(_checks.find_present(views), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("offset", [0, 10**6])
@pytest.mark.usefixtures("many_chunks")
def test_the_scale_is_the_mean_and_standard_deviation(views, offset, dtype):
    X = (100 * views.astype(np.float64) + offset).astype(dtype)
    mean, std = _checks.measure_scale(X, None)
    assert_allclose([mean, std], [X.mean(dtype=np.float64), X.std(dtype=np.float64)])


@pytest.mark.usefixtures("many_chunks")
def test_the_scale_leaves_missing_views_out(views):
    views[[0, 3, 4], [1, 0, 0]] = np.nan
    scale = _checks.measure_scale(views, _checks.find_present(views))
    assert_allclose(scale, [np.nanmean(views), np.nanstd(views)], rtol=1e-5)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ((4, 1, 0, 2), "X contains NaN in a part of view 1 of row 4; a missing view is NaN thr"),
        (3, "X contains NaN in every view of row 3: a row needs one view or more; drop it"),
    ],
)
@pytest.mark.usefixtures("many_chunks")
def test_other_nans_are_refused_where_they_are(views, where, message):
    views[where] = np.nan
    with pytest.raises(ValueError, match=message):
        _checks.find_present(views)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
@pytest.mark.usefixtures("many_chunks")
def test_infinity_is_refused_where_it_is(views, value):
    X = views.astype(np.float64)
    X[5, 0, 1, 1] = value
    message = r"X contains infinity or a value too large for dtype\('float32'\).*row 5, view 0"
    with pytest.raises(ValueError, match=message):
        _checks.find_present(X)


# as_codes and check_input_features ------------------------------------------------


def test_codes_are_taken_as_encode_returns_them():
    private, shared = _checks.as_codes(np.ones((6, 2, 3)), torch.ones(6, 4), 3, 4)
    assert (private.shape, shared.shape) == ((6, 2, 3), (6, 4))


@pytest.mark.parametrize(
    ("private", "shared"),
    [((6, 3), (6, 4)), ((6, 2, 5), (6, 4)), ((6, 2, 3), (6, 3)), ((6, 2, 3), (5, 4))],
)
def test_codes_of_another_shape_are_refused(private, shared):
    message = r"private has shape .* and shared .*; pass \(n_samples, n_views, 3\) and \(n_samples,"
    with pytest.raises(ValueError, match=message):
        _checks.as_codes(np.ones(private), np.ones(shared), 3, 4)


@pytest.mark.parametrize("names", [None, ["a", "b"]])
def test_the_names_of_the_features_are_taken(names):
    _checks.check_input_features(names, 2, np.array(["a", "b"]))


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (None, r"length equal to number of features \(2\), got 3: pass None"),
        (np.array(["a", "b"]), "not equal to feature_names_in_: pass None or these"),
    ],
)
def test_other_names_are_refused(seen, message):
    with pytest.raises(ValueError, match=message):
        _checks.check_input_features(["a", "b", "c"], 2, seen)


def test_an_unknown_option_is_told_the_known_ones():
    with pytest.raises(ValueError, match="code='raw' is unknown; pass one of 'active', 'mean'"):
        _checks.check_option("code", "raw", ("active", "mean"))
