"""Probes, and the gaps between blocks, from whatever is passed for blocks and tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.metrics import (
    mutual_info_gap,
    mutual_info_gap_score,
    probe_gap,
    probe_gap_score,
    probe_table,
)

from ._hostile import EDGES, examples, hostile, hostile_factors, parameters
from ._property import REFUSED, attempt

N = 24
BLOCKS = {
    "private": np.random.default_rng(0).normal(size=(N, 2)),
    "shared": np.random.default_rng(1).normal(size=(N, 3)),
}
FACTORS = {"a": np.arange(N) % 2, "b": np.linspace(0, 1, N)}
NAMES = ("blocks", "factors", "probe", "groups", "test_size", "cv", "reference")
PARAMS = (*NAMES[2:], "return_std_error", "random_state", "n_jobs")


def check_table(table, n_factors):
    assert table.shape[1] == n_factors
    assert np.isfinite(table.to_numpy()).all()
    assert (table.to_numpy() <= 1).all()


@examples(1.5)
@given(private=hostile((N, 2)), shared=hostile((N, 3)), probe=st.sampled_from(["linear", "knn"]))
def test_blocks(private, shared, probe):
    blocks = {"private": private, "shared": shared}
    table = attempt(lambda: probe_table(blocks, FACTORS, probe=probe), NAMES, blocks)
    if table is not REFUSED:
        check_table(table, 2)


@examples(1.5)
@given(factors=hostile_factors(N), probe=st.sampled_from(["linear", "knn"]))
def test_factors(factors, probe):
    table = attempt(
        lambda: probe_table(BLOCKS, factors, probe=probe, random_state=0), NAMES, factors
    )
    if table is not REFUSED:
        check_table(table, table.shape[1])


@examples()
@given(reference=hostile((N, 80)), groups=hostile((N,)))
def test_reference_and_groups(reference, groups):
    table = attempt(
        lambda: probe_table(BLOCKS, FACTORS, probe="knn", reference=reference, groups=groups),
        NAMES,
        reference,
        groups,
    )
    if table is not REFUSED:
        check_table(table, 2)


@examples(2)
@given(params=parameters(PARAMS), blocks=EDGES | st.just(BLOCKS))
def test_parameters(params, blocks):
    tables = attempt(
        lambda: probe_table(blocks, FACTORS, **{"probe": "linear", **params}), (*PARAMS, *NAMES)
    )
    if tables is not REFUSED:
        for table in tables if isinstance(tables, tuple) else [tables]:
            check_table(table, 2)


CELLS = st.sampled_from([0.0, 0.25, 0.5, 1.0, -1.0, np.nan, np.inf, None, "x", 1e300])
ROWS = st.lists(st.sampled_from(["private", "shared", "chance", "ceiling", "x"]), max_size=5)
COLUMNS = st.lists(st.sampled_from(["private_0", "shared_0", "shared_1", "f", 3]), max_size=3)


@st.composite
def tables(draw, index, columns):
    if draw(st.integers(0, 5)) == 0:
        return draw(hostile((3, 2)) | EDGES)
    rows, names = draw(index), draw(columns)
    table = np.linspace(0, 1, len(rows) * len(names)).reshape(len(rows), len(names))
    frame = pd.DataFrame(table, index=rows, columns=names)
    if table.size and draw(st.booleans()):
        frame = frame.astype(object)
        frame.iloc[0, 0] = draw(CELLS)
    return frame


OWN = (
    st.dictionaries(
        st.sampled_from(["f", "private", 3]), st.sampled_from(["private", "shared", "x"])
    )
    | EDGES
)


@pytest.mark.parametrize("gap", [probe_gap, probe_gap_score])
@examples(3)
@given(
    table=tables(st.just(["private", "shared", "chance"]) | ROWS, st.just(["f"]) | COLUMNS),
    own=st.just({"f": "shared"}) | OWN,
)
def test_probe_gap(gap, table, own):
    result = attempt(lambda: gap(table, own), ("table", "own"), table)
    assert result is REFUSED or np.isfinite(np.asarray(result)).all()


@pytest.mark.parametrize("gap", [mutual_info_gap, mutual_info_gap_score])
@examples(3)
@given(
    mi=tables(st.just(["f"]) | ROWS, st.just(["private_0", "shared_0"]) | COLUMNS),
    own=st.just({"f": "shared"}) | OWN,
)
def test_mutual_info_gap(gap, mi, own):
    result = attempt(lambda: gap(mi, own), ("mi", "own"), mi)
    assert result is REFUSED or np.isfinite(np.asarray(result)).all()
