"""Which columns are private and which shared."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mvdisent._blocks import OUTPUTS, BlockLayout, block_columns

N, V, P, S = 5, 3, 2, 4


@pytest.fixture
def codes():
    rng = np.random.default_rng(0)
    return (
        rng.standard_normal((N, V, P)).astype(np.float32),
        rng.standard_normal((N, S)).astype(np.float32),
    )


@pytest.mark.parametrize(
    ("layout", "names"),
    [
        (BlockLayout(2, 1), ["private_0", "private_1", "shared_0"]),
        (BlockLayout(2, 1, "private"), ["private_0", "private_1"]),
        (BlockLayout(2, 3, "shared"), ["shared_0", "shared_1", "shared_2"]),
        (BlockLayout(1, 1, n_views=2), ["private_v0_0", "private_v1_0", "shared_0"]),
        (BlockLayout(2, 1, "private", 1), ["private_v0_0", "private_v0_1"]),
        (BlockLayout(2, 1, "shared", 7), ["shared_0"]),
    ],
)
def test_columns_are_named_private_then_shared(layout, names):
    assert layout.names() == names


@pytest.mark.parametrize("n_views", [None, V])
@pytest.mark.parametrize("output", OUTPUTS)
def test_there_are_as_many_names_as_columns(codes, output, n_views):
    layout = BlockLayout(P, S, output, n_views)
    assert layout.assemble(*codes, None).shape == (N, len(layout.names()))


@pytest.mark.parametrize("n_views", [None, V])
def test_both_is_private_beside_shared(codes, n_views):
    both, private, shared = (
        BlockLayout(P, S, output, n_views).assemble(*codes, None) for output in OUTPUTS
    )
    assert_array_equal(both, np.hstack([private, shared]))
    assert_array_equal(shared, codes[1])


def test_the_private_block_is_the_mean_over_the_views(codes):
    private = BlockLayout(P, S, "private").assemble(*codes, None)
    assert_allclose(private, codes[0].mean(axis=1), rtol=1e-6)
    assert private.dtype == np.float32


def test_the_mean_leaves_missing_views_out(codes):
    present = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 0, 1]], dtype=bool)
    codes[0][~present] = 0.0
    private = BlockLayout(P, S, "private").assemble(*codes, present)
    expected = [
        view_codes[here].mean(axis=0) for view_codes, here in zip(codes[0], present, strict=True)
    ]
    assert_allclose(private, expected, rtol=1e-6)
    assert private.dtype == np.float32


def test_concatenated_columns_hold_the_view_and_the_dimension_of_their_names(codes):
    layout = BlockLayout(P, S, "both", V)
    features = dict(zip(layout.names(), layout.assemble(*codes, None).T, strict=True))
    for view in range(V):
        for i in range(P):
            assert_array_equal(features[f"private_v{view}_{i}"], codes[0][:, view, i])
    for i in range(S):
        assert_array_equal(features[f"shared_{i}"], codes[1][:, i])


@pytest.mark.parametrize("n_views", [None, V])
@pytest.mark.parametrize("prefix", ["", "model__", "outer__shared__", "private__"])
def test_blocks_are_found_by_name_behind_any_prefix(prefix, n_views):
    names = [prefix + name for name in BlockLayout(2, 3, n_views=n_views).names()]
    n_private = 2 * (n_views or 1)
    assert block_columns(names) == {
        "private": list(range(n_private)),
        "shared": list(range(n_private, n_private + 3)),
    }


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["shared_0", "pitch", "private_0", "x1__shared_1"], {"private": [2], "shared": [0, 3]}),
        (["shared_0"], {"shared": [0]}),
        (["pitch", "x0", "privately_0", "__"], {}),
        ([], {}),
    ],
)
def test_other_columns_belong_to_no_block(names, columns):
    assert block_columns(names) == columns
