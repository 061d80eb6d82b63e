"""Views put together and taken apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal

from mvdisent.views import split_views, stack_views


@pytest.fixture
def X():
    """Three samples of two views of four features; every value differs."""
    return np.arange(24, dtype=np.float32).reshape(3, 2, 4)


@pytest.fixture
def factors():
    return pd.DataFrame(
        {
            "timbre": pd.Categorical(["sine", "square", "sine"]),
            "frequency_v0": [10, 20, 30],
            "snr": [0.5, 1.5, 2.5],
            "frequency_v1": [11, 21, 31],
        },
        index=[7, 8, 9],
    )


@pytest.mark.parametrize("kind", [list, tuple, lambda views: dict(zip("ab", views, strict=True))])
def test_stacked_views_lie_along_the_second_axis(X, kind):
    stacked = stack_views(kind([X[:, 0], X[:, 1]]))
    assert stacked.dtype == np.float32
    assert_array_equal(stacked, X)


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 4), (5, 3, 4, 2)])
def test_the_axes_of_a_view_are_kept(shape):
    views = np.random.default_rng(0).standard_normal((3, *shape))
    assert_array_equal(stack_views(list(views)), np.swapaxes(views, 0, 1).astype(np.float32))


def test_lists_tensors_and_tables_are_taken(X):
    views = [X[:, 0].tolist(), torch.from_numpy(X[:, 1]), pd.DataFrame(X[:, 0])]
    assert_array_equal(stack_views(views), X[:, [0, 1, 0]])


def test_none_and_rows_of_nan_are_missing_views(X):
    second = X[:, 1].copy()
    second[1] = np.nan
    stacked = stack_views([X[:, 0], None, second])
    assert_array_equal(stacked[:, 0], X[:, 0])
    assert_array_equal(np.isnan(stacked).all(axis=2), [[0, 1, 0], [0, 1, 1], [0, 1, 0]])


def test_the_stack_is_a_copy(X):
    views = [X[:, 0], X[:, 1]]
    stack_views(views)[:] = 0
    assert X.any()


@pytest.mark.parametrize(
    ("views", "error", "text"),
    [
        (
            [np.ones((3, 4)), np.ones((3, 5))],
            ValueError,
            r"views\[1\] has shape \(3, 5\), but views\[0\] has \(3, 4\)",
        ),
        (
            {"a": None, "b": np.ones((3, 4)), "c": np.ones((2, 4))},
            ValueError,
            r"views\['c'\] has shape \(2, 4\), but views\['b'\] has \(3, 4\)",
        ),
        ([], ValueError, "holds no array"),
        ([None, None], ValueError, "holds no array"),
        ([np.ones(4)], ValueError, r"views\[0\] has shape \(4,\)"),
        ([np.ones((3, 4), dtype=np.int16)], ValueError, r"views\[0\] has dtype int16.*32768"),
        ([np.ones((3, 4), dtype=complex)], ValueError, "Complex"),
        ([np.ones((3, 0))], ValueError, "empty"),
        (np.ones((3, 2, 4)), TypeError, "views is of type numpy.ndarray; pass a list"),
        ("ab", TypeError, "views is of type str"),
    ],
)
def test_what_cannot_be_stacked_is_refused(views, error, text):
    with pytest.raises(error, match=text):
        stack_views(views)


def test_row_i_n_views_plus_j_is_view_j_of_sample_i(X):
    X_single, factors_single, groups = split_views(X)
    assert X_single.shape == (6, 1, 4)
    for i in range(3):
        for j in range(2):
            assert_array_equal(X_single[i * 2 + j, 0], X[i, j])
    assert factors_single is None
    assert_array_equal(groups, [0, 0, 1, 1, 2, 2])


def test_splitting_makes_no_copy_and_undoes_stacking(X):
    X_single = split_views(X)[0]
    assert np.shares_memory(X_single, X)
    assert_array_equal(stack_views([X_single[0::2, 0], X_single[1::2, 0]]), X)


def test_spectra_keep_their_axes():
    assert split_views(np.zeros((5, 3, 8, 10)))[0].shape == (15, 1, 8, 10)


def test_two_axes_are_one_view(X):
    X_single, _, groups = split_views(X[:, 0])
    assert_array_equal(X_single, X[:, :1])
    assert_array_equal(groups, [0, 1, 2])


def test_each_row_gets_its_own_private_and_the_common_shared_factors(X, factors):
    expected = pd.DataFrame(
        {
            "timbre": pd.Categorical(["sine", "sine", "square", "square", "sine", "sine"]),
            "frequency": [10, 11, 20, 21, 30, 31],
            "snr": [0.5, 0.5, 1.5, 1.5, 2.5, 2.5],
        }
    )
    assert_frame_equal(split_views(X, factors)[1], expected)


def test_missing_views_leave_out_their_rows(X, factors):
    X[0, 1] = X[2, 0] = np.nan
    X[1, 0, 0] = np.nan  # a part of a view: not a missing one
    X_single, factors_single, groups = split_views(X, factors)
    assert_array_equal(X_single[:, 0], X[[0, 1, 1, 2], [0, 0, 1, 1]])
    assert factors_single["frequency"].tolist() == [10, 20, 21, 31]
    assert factors_single.index.tolist() == [0, 1, 2, 3]
    assert_array_equal(groups, [0, 1, 1, 2])


def test_a_table_without_columns_stays_one(X):
    assert split_views(X, pd.DataFrame(index=range(3)))[1].shape == (6, 0)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda table: table[:2], "factors has 2 rows, but X has 3"),
        (lambda table: table.drop(columns="frequency_v1"), "lacks 'frequency_v1'"),
        (lambda table: table.drop(columns="frequency_v0"), "lacks 'frequency_v0'"),
        (lambda table: table.assign(frequency_v2=0), "'frequency_v2', but X has 2 views"),
        (lambda table: table.assign(frequency=0), "'frequency' as a shared and a private"),
        (lambda table: table.assign(snr_v0=0, snr_v1=0), "'snr' as a shared and a private"),
    ],
)
def test_factors_that_do_not_fit_the_views_are_refused(X, factors, change, text):
    with pytest.raises(ValueError, match=text):
        split_views(X, change(factors))


def test_factors_are_a_table(X):
    with pytest.raises(TypeError, match="factors is a ndarray; pass a DataFrame"):
        split_views(X, np.zeros((3, 2)))


def test_a_list_of_views_is_sent_to_stack_views(X):
    with pytest.raises(ValueError, match="stack_views"):
        split_views([X[:, 0], X[:, 1]])


def test_values_beyond_float32_are_refused_and_not_made_infinite():
    views = {"near": np.ones((3, 2)), "far": np.full((3, 2), 1e39)}
    with pytest.raises(ValueError, match=r"views\['far'\] contains values too large for .*scale"):
        stack_views(views)
    assert np.isinf(stack_views([np.full((3, 2), np.inf)])).all()  # told by fit
