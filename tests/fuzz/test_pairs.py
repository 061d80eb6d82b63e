"""Scores of two arrays or three of the same rows, from whatever is passed for any."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.metrics import (
    cross_view_score,
    equivariance_score,
    invariance_score,
    reconstruction_error,
    subspace_independence,
    swap_score,
    swap_triplets,
)

from ._hostile import EDGES, examples, hostile, hostile_factors, is_large, parameters
from ._property import REFUSED, attempt, check_number

N = 12
RNG = np.random.default_rng(2)
GOOD = {
    cross_view_score: [(N, 2, 3), (N, 2, 2), (N, 2, 5)],
    equivariance_score: [(N, 3), (N, 3), (N,)],
    invariance_score: [(N, 3), (N, 3)],
    reconstruction_error: [(N, 2, 3), (N, 2, 3)],
    subspace_independence: [(N, 3), (N, 2)],
    swap_score: [(N, 5), (N, 5), (N, 5)],
}
ALL = pytest.mark.parametrize("score", GOOD, ids=lambda score: score.__name__)


@ALL
@examples(2)
@given(data=st.data())
def test_arrays(score, data):
    names = tuple(inspect.signature(score).parameters)
    shapes = GOOD[score]
    arrays = [np.random.default_rng(i).normal(size=shape) for i, shape in enumerate(shapes)]
    for i in data.draw(st.sets(st.sampled_from(range(len(shapes))), min_size=1, max_size=2)):
        arrays[i] = data.draw(hostile(shapes[i]), label=names[i])
    result = attempt(lambda: score(*arrays), names[: len(arrays)], *arrays)
    if result is not REFUSED:
        for number in np.atleast_1d(np.asarray(result, dtype=float)):
            check_number(float(number))


@ALL
@examples()
@given(data=st.data())
def test_parameters(score, data):
    names = tuple(inspect.signature(score).parameters)
    keywords = names[len(GOOD[score]) :]
    if not keywords:
        return
    params = data.draw(parameters(keywords))
    if is_large(params.get("n_permutations")):
        return
    arrays = [np.random.default_rng(i).normal(size=shape) for i, shape in enumerate(GOOD[score])]
    result = attempt(lambda: score(*arrays, **params), names)
    assert result is REFUSED or np.isfinite(result).all()


@examples()
@given(change=hostile((N,)), groups=hostile((N,)) | st.none())
def test_equivariance_score(change, groups):
    Z, Z_changed = RNG.normal(size=(2, N, 3))
    result = attempt(
        lambda: equivariance_score(Z, Z_changed, change, groups=groups, random_state=0),
        ("change", "groups"),
        change,
        groups,
    )
    if result is not REFUSED:
        check_number(result, high=1.0)


@examples(3)
@given(
    private=hostile_factors(N, names=("pitch",)),
    shared=hostile_factors(N, names=("timbre",)),
    random_state=st.integers(0, 3) | EDGES,
)
def test_swap_triplets(private, shared, random_state):
    triplets = attempt(
        lambda: swap_triplets(private, shared, random_state=random_state),
        ("private", "shared", "factors", "random_state"),
        private,
        shared,
    )
    if triplets is not REFUSED:
        assert len({len(rows) for rows in triplets}) == 1
