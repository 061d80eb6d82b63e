"""Stacking and splitting of whatever is passed for views."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.views import TimePool, split_views, stack_views

from ._hostile import EDGES, examples, hostile, parameters
from ._property import REFUSED, attempt

VIEW = hostile((6, 5)) | hostile((6, 2, 3))


@examples(3)
@given(views=st.lists(hostile((6, 5)) | st.none(), max_size=3) | VIEW, named=st.booleans())
def test_stack_views(views, named):
    if named and isinstance(views, list):
        views = {f"mic {i}": view for i, view in enumerate(views)}
    X = attempt(lambda: stack_views(views), ("views",), views)
    if X is not REFUSED:
        assert X.dtype == np.float32
        assert X.shape[1] == len(views)


@st.composite
def tables(draw, n_samples):
    names = draw(
        st.lists(st.sampled_from(["a", "b_v0", "b_v1", "b", 3, "_v0", "c_v7"]), max_size=4)
    )
    if draw(st.integers(0, 5)) == 0:
        return draw(hostile((n_samples, 2)) | EDGES)
    n_rows = draw(st.sampled_from([n_samples] * 4 + [0, n_samples + 1]))
    return pd.DataFrame(np.zeros((n_rows, len(names))), columns=names)


@examples(3)
@given(X=hostile((6, 2, 5)) | hostile((6, 5)), factors=st.none() | tables(6))
def test_split_views(X, factors):
    parts = attempt(lambda: split_views(X, factors), ("X", "factors"), X, factors)
    if parts is not REFUSED:
        X_single, table, groups = parts
        assert X_single.shape[:2] == (len(groups), 1)
        assert table is None or len(table) == len(groups)


@examples(3)
@given(
    X=hostile((8, 2, 3, 5)) | hostile((8, 5)),
    again=hostile((8, 2, 3, 5)),
    params=parameters(("whiten", "ridge", "n_cosines", "n_components")),
)
def test_time_pool(X, again, params):
    pool = attempt(lambda: TimePool(**params).fit(X), ("X", *params), X)
    if pool is not REFUSED:
        features = attempt(lambda: pool.transform(again), ("X",), again)
        if features is not REFUSED:
            missing = np.isnan(features).all(2)
            assert np.isfinite(features[~missing]).all()
