"""Scores of latents and factors, from whatever is passed for either."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.metrics import (
    dci_score,
    dmig_score,
    explicitness_score,
    factor_vae_score,
    irs_score,
    mig_score,
    modularity_score,
    mutual_info_matrix,
    sap_score,
    xmig_score,
)

from ._hostile import EDGES, examples, hostile, hostile_factors, parameters
from ._property import REFUSED, attempt, check_number

# Shares of the profile's examples: forests take a second for four.
SCORES = {
    dci_score: 0.1,
    dmig_score: 1,
    explicitness_score: 0.5,
    factor_vae_score: 0.5,
    irs_score: 0.5,
    mig_score: 1,
    modularity_score: 1,
    mutual_info_matrix: 0.5,
    sap_score: 1,
    xmig_score: 1,
}
N = 24
Z = np.random.default_rng(1).normal(size=(N, 3))
FACTORS = {"a": np.arange(N) % 2, "b": np.arange(N) // 2 % 3}
ALL = pytest.mark.parametrize("score", SCORES, ids=lambda score: score.__name__)


def check_result(score, result):
    if isinstance(result, pd.DataFrame):
        assert np.isfinite(result.to_numpy()).all()
        assert (result.to_numpy() >= 0).all()
        return
    for number in result if isinstance(result, tuple) else [result]:
        # DMIG exceeds 1 where a second dimension tells less than its factor.
        check_number(number, high=np.inf if score is dmig_score else 1.0 + 1e-9)


def drawn(score, share, strategies, run):
    """Run with as many examples as the score's share."""

    @examples(share * SCORES[score])
    @given(**strategies)
    def body(**values):
        run(**values)

    body()


@ALL
def test_latents(score):
    def run(Z):
        result = attempt(lambda: score(Z, FACTORS), ("Z",), Z)
        if result is not REFUSED:
            check_result(score, result)

    drawn(score, 1, {"Z": hostile((N, 3))}, run)


@ALL
def test_factors(score):
    def run(factors):
        result = attempt(lambda: score(Z, factors), ("factors",), factors)
        if result is not REFUSED:
            check_result(score, result)

    drawn(score, 1, {"factors": hostile_factors(N)}, run)


@ALL
def test_parameters(score):
    names = tuple(inspect.signature(score).parameters)[2:]
    if not names:
        return

    def run(params):
        result = attempt(lambda: score(Z, FACTORS, **params), (*names, "Z"))
        if result is not REFUSED:
            check_result(score, result)

    drawn(score, 0.5, {"params": parameters(names)}, run)


@examples(2)
@given(names=EDGES | hostile((3,)) | st.lists(st.text(max_size=3), max_size=4))
def test_feature_names(names):
    mi = attempt(lambda: mutual_info_matrix(Z, FACTORS, feature_names=names), ("feature_names",))
    assert mi is REFUSED or mi.shape == (2, 3)
