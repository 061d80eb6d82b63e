"""Splits and grids, from whatever is passed for factors, groups and weights."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.model_selection import FactorKFold, ablation_grid

from ._hostile import EDGES, examples, hostile, hostile_factors, parameters
from ._property import REFUSED, attempt

N = 12
FACTORS = pd.DataFrame({"a": np.arange(N) % 2, "b": np.arange(N) // 3})
# Of scikit-learn: a class with fewer rows than splits is not in all folds.
pytestmark = pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")


def check_splits(splits, n_rows, n_splits):
    assert len(splits) == n_splits
    for train, test in splits:
        assert sorted([*train, *test]) == list(range(n_rows))


@examples(3)
@given(
    X=hostile((N, 2)),
    factors=hostile_factors(N),
    groups=st.none() | hostile((N,)),
    group=st.sampled_from([None, None, "b", "c"]),
)
def test_split(X, factors, groups, group):
    folds = FactorKFold(2, factor="a", group=group)
    splits = attempt(
        lambda: list(folds.split(X, factors, groups)), ("X", "factors", "groups"), X, groups
    )
    if splits is not REFUSED:
        check_splits(splits, len(factors), folds.get_n_splits(X, factors))


@examples(3)
@given(params=parameters(("n_splits", "factor", "group", "shuffle", "random_state")))
def test_parameters(params):
    names = (*inspect.signature(FactorKFold).parameters, "factors")
    splits = attempt(
        lambda: list(FactorKFold(**{"factor": "a", **params}).split(FACTORS, FACTORS)), names
    )
    if splits is not REFUSED:
        check_splits(splits, N, params.get("n_splits", 5))


@examples(4)
@given(
    params=st.dictionaries(
        st.sampled_from(["alpha", "beta", "gamma", "one_at_a_time", "prefix"]),
        EDGES | hostile((3,)) | st.lists(EDGES, max_size=3),
        min_size=1,
        max_size=3,
    )
)
def test_ablation_grid(params):
    grid = attempt(
        lambda: ablation_grid(**params), ("alpha", "beta", "gamma", "one_at_a_time", "prefix")
    )
    if grid is not REFUSED:
        for part in grid:
            assert all(np.isfinite(weights).all() for weights in part.values())
