"""Scorers, from whatever is passed for held-out views and factors."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.metrics import get_scorer, get_scorer_names, make_probe_scorer

from ._hostile import EDGES, examples, hostile, hostile_factors, parameters
from ._property import REFUSED, attempt, check_number

N = 12
X = np.random.default_rng(3).normal(size=(N, 2, 6)).astype("f4")
FACTORS = pd.DataFrame(
    {"timbre": np.arange(N) % 2, "pitch_v0": np.arange(N) % 3, "pitch_v1": np.arange(N) // 2 % 3}
)
SETTINGS = {"probe": "linear", "random_state": 0}
NAMES = ("X", "y", "factors", "cross_view", "groups", "estimator")


@pytest.fixture(scope="session", params=[*get_scorer_names(), "probe"])
def scorer(request):
    if request.param == "probe":
        return make_probe_scorer("shared", "timbre", probe="linear")
    found = get_scorer(request.param)
    known = found.get_params()
    return found.set_params(**{name: v for name, v in SETTINGS.items() if name in known})


@examples(0.7)
@given(X=hostile((N, 2, 6)) | hostile((N, 6)))
def test_views(scorer, model, X):
    model.set_params(view_output="mean")
    score = attempt(lambda: scorer(model, X, FACTORS), NAMES, X)
    if score is not REFUSED:
        check_number(score)


@examples(0.7)
@given(factors=hostile_factors(N, names=("timbre", "pitch_v0", "pitch_v1")))
def test_factors(scorer, model, factors):
    model.set_params(view_output="mean")
    score = attempt(lambda: scorer(model, X, factors), NAMES, factors)
    if score is not REFUSED:
        check_number(score)


@examples(2)
@given(name=st.sampled_from(get_scorer_names()) | EDGES)
def test_get_scorer(name):
    assert attempt(lambda: get_scorer(name), ("name",)) is REFUSED or name in get_scorer_names()


@examples(2)
@given(params=parameters(tuple(inspect.signature(make_probe_scorer).parameters)))
def test_make_probe_scorer(model, params):
    given_params = {"block": "shared", "factor": "timbre", **SETTINGS, **params}
    names = (*given_params, "factors")
    scorer = attempt(lambda: make_probe_scorer(**given_params), names)
    if scorer is not REFUSED:
        score = attempt(lambda: scorer(model, X, FACTORS), names)
        assert score is REFUSED or np.isfinite(score)
