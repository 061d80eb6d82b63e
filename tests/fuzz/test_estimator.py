"""MultiViewDisentangler, from whatever is passed for its views and codes."""

from __future__ import annotations

import contextlib
import tempfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvdisent import MultiViewDisentangler

from ._hostile import EDGES, examples, hostile, is_large, parameters
from ._property import REFUSED, attempt, check_array, check_number, rows_of

VIEWS = hostile((12, 2, 6)) | hostile((12, 6))
PARAMS = tuple(MultiViewDisentangler().get_params())
# The loss of views or weights that are large, but in range: documented.
DIVERGED = (FloatingPointError,)


@examples(2)
@given(X=VIEWS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_fit(make_model, method, X):
    model = make_model()
    fitted = attempt(lambda: getattr(model, method)(X), ("X",), X, also=DIVERGED)
    if fitted is not REFUSED:
        assert np.isfinite(model.history_.to_numpy()).all()
        assert np.isfinite([model._offset, model._scale]).all()
        features = model.transform(X)
        check_array(features, (rows_of(X), 4))


@examples()
@given(X=VIEWS, again=VIEWS)
def test_partial_fit_goes_on(make_model, X, again):
    model = make_model()
    if attempt(lambda: model.partial_fit(X), ("X",), X, also=DIVERGED) is not REFUSED:
        attempt(lambda: model.partial_fit(again), ("X",), again, also=DIVERGED)


@examples(2)
@given(X=VIEWS, view_output=st.sampled_from(["mean", "concat"]))
@pytest.mark.parametrize("of", ["model", "flat_model"])
def test_transform(request, of, X, view_output):
    model = request.getfixturevalue(of)
    model.set_params(view_output=view_output)
    features = attempt(lambda: model.transform(X), ("X",), X)
    if features is not REFUSED:
        check_array(features, (rows_of(X), len(model.get_feature_names_out())))


@examples(2)
@given(X=VIEWS, code=st.sampled_from(["active", "mean", "draw"]) | EDGES)
def test_encode(model, X, code):
    codes = attempt(lambda: model.encode(X, code=code), ("X", "code"), X)
    if codes is not REFUSED:
        private, shared = codes
        check_array(private, (rows_of(X), private.shape[1], 2))
        check_array(shared, (rows_of(X), 2))


@examples(2)
@given(X=VIEWS)
def test_reconstruct(model, X):
    X_hat = attempt(lambda: model.reconstruct(X), ("X",), X)
    if X_hat is not REFUSED:
        check_array(X_hat, (rows_of(X), X_hat.shape[1], 6))


@examples(2)
@given(X=VIEWS, other=VIEWS)
def test_swap(model, X, other):
    names = ("X", "X_private", "X_shared")
    swapped = attempt(lambda: model.swap(X, other), names, X, other)
    if swapped is not REFUSED:
        check_array(swapped, (rows_of(X), swapped.shape[1], 6))


@examples(2)
@given(X=VIEWS, other=VIEWS, n_steps=st.integers(-1, 4) | EDGES)
def test_interpolate(model, X, other, n_steps):
    if is_large(n_steps):
        return
    names = ("X", "X_a", "X_b", "n_steps")
    steps = attempt(lambda: model.interpolate(X, other, n_steps), names, X, other)
    if steps is not REFUSED:
        check_array(steps, (rows_of(X), n_steps, steps.shape[2], 6))


@examples(2)
@given(X=VIEWS)
def test_score(model, X):
    score = attempt(lambda: model.score(X), ("X",), X)
    if score is not REFUSED:
        check_number(score)


@examples(2)
@given(private=hostile((12, 2, 2)), shared=hostile((12, 2)))
def test_decode(model, private, shared):
    X = attempt(lambda: model.decode(private, shared), ("private", "shared"), private, shared)
    if X is not REFUSED:
        check_array(X, (rows_of(shared), X.shape[1], 6))


@examples()
@given(names=EDGES | hostile((6,)))
def test_get_feature_names_out(flat_model, names):
    attempt(lambda: flat_model.get_feature_names_out(names), ("input_features",), names)


@examples(4)
@given(params=parameters(PARAMS))
def test_parameters(make_model, params: dict[str, Any]):
    if any(is_large(params.get(name)) for name in ("n_private", "n_shared", "max_epochs")):
        return
    X = np.random.default_rng(0).normal(size=(12, 2, 6))
    model = make_model(verbose=0, **{k: v for k, v in params.items() if k != "verbose"})
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # for a checkpoint
        fitted = attempt(lambda: model.fit(X), (*PARAMS, *params), also=(*DIVERGED, OSError))
    if fitted is not REFUSED:
        # A step far too large may leave weights of which the loss was finite alone.
        features = attempt(lambda: model.transform(X), ("X",))
        assert features is REFUSED or np.isfinite(features).all()
