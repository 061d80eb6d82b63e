"""Sources of views and transforms, from whatever is passed for clips and settings."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import FunctionTransformer

from mvdisent.views import (
    AddNoise,
    Apply,
    DrawnViews,
    Gain,
    MelShift,
    TiltEQ,
    TimeCrop,
    ViewSource,
    ViewTransform,
    WindowFeatures,
    augment,
    crops,
    pair_by,
    render,
    window_table,
    windows,
)

from ._hostile import EDGES, examples, hostile, is_large, parameters
from ._property import REFUSED, attempt

SPECTRA = np.random.default_rng(0).uniform(-80, 0, (8, 6, 5)).astype(np.float32)
LABELS = np.arange(8) % 2
TRANSFORMS = {
    MelShift: {"max_bands": 2},
    Gain: {"db": 3.0},
    TiltEQ: {"db_per_octave": 3.0},
    AddNoise: {"snr_db": (10.0, 20.0)},
    TimeCrop: {"n_frames": 3},
    Apply: {"function": np.negative},
}


def names_of(function):
    return tuple(inspect.signature(function).parameters)


def parts_of(X):
    """Arrays of which it is seen to the bit whether they were changed."""
    return X if isinstance(X, list) else [X]


def check_source(source):
    """A source keeps what an array promises, and its views are finite or missing."""
    assert isinstance(source, ViewSource)
    assert isinstance(source.drawn(), DrawnViews)
    views = np.asarray(source)
    assert (views.shape, views.dtype) == (source.shape, source.dtype)
    flat = views.reshape(*views.shape[:2], -1)
    assert (np.isfinite(flat).all(axis=2) | np.isnan(flat).all(axis=2)).all()
    assert source[: len(source) // 2].shape[0] == len(source) // 2


@examples(3)
@given(X=hostile((8, 6, 5)) | hostile((8, 5)), labels=hostile((8,)) | st.just(LABELS) | EDGES)
def test_pair_by(X, labels):
    source = attempt(lambda: pair_by(X, labels, random_state=0), ("X", "labels"), X, labels)
    if source is not REFUSED:
        check_source(source)


@examples(3)
@given(data=st.data())
def test_pair_by_parameters(data):
    params = data.draw(parameters(("n_views", "differ", "random_state")))
    source = attempt(lambda: pair_by(SPECTRA, LABELS, **params), names_of(pair_by))
    if source is not REFUSED:
        check_source(source)


@pytest.mark.parametrize("cut", [crops, windows])
@examples(3)
@given(X=hostile((4, 6, 5)) | st.lists(hostile((6, 5)), max_size=3), length=EDGES | st.just(3))
def test_crops_and_windows(cut, X, length):
    source = attempt(lambda: cut(X, length), ("X", "length"), *parts_of(X))
    if source is not REFUSED:
        check_source(source)


@examples(3)
@given(params=parameters(("n_views", "random_state")), hop=EDGES, rate=EDGES)
def test_parameters_of_cuts(params, hop, rate):
    if not is_large(params.get("n_views")):
        source = attempt(lambda: crops(SPECTRA, 3, **params), names_of(crops))
        if source is not REFUSED:
            check_source(source)
    source = attempt(lambda: windows(SPECTRA, 3, hop=hop), ("hop",))
    if source is not REFUSED:
        check_source(source)
        attempt(lambda: window_table(source, rate=rate), ("rate",))
    attempt(lambda: window_table(hop, rate=1), ("source",))


@examples(3)
@given(
    X=hostile((8, 6, 5)) | hostile((8, 2, 6, 5)),
    transform=st.sampled_from([make(**params) for make, params in TRANSFORMS.items()]),
)
def test_augment(X, transform):
    names = ("X", "transforms", *names_of(type(transform)))
    source = attempt(lambda: augment(X, transform, random_state=0), names, X)
    if source is not REFUSED:
        check_source(source)


@examples(3)
@given(transforms=EDGES | st.lists(EDGES, max_size=2), params=parameters(("n_views",)))
def test_augment_parameters(transforms, params):
    if not is_large(params.get("n_views")):
        attempt(lambda: augment(SPECTRA, Gain(), **params), names_of(augment))
    source = attempt(lambda: augment(SPECTRA, transforms), ("transforms",))
    if source is not REFUSED:
        check_source(source)


@pytest.mark.parametrize("make", TRANSFORMS)
@examples(3)
@given(data=st.data())
def test_transforms(make, data):
    names = names_of(make)
    params = data.draw(parameters(names))
    transform = attempt(lambda: make(**{**TRANSFORMS[make], **params}), names)
    if transform is not REFUSED:
        assert isinstance(transform, ViewTransform)
    if transform is not REFUSED and make is not Apply:  # whose errors are the function's own
        source = attempt(lambda: augment(SPECTRA, transform, random_state=0), names)
        if source is not REFUSED:
            assert np.asarray(source).dtype == np.float32


# A good call starts processes: see tests/views.
@examples()
@given(
    X=hostile((3, 2, 5, 4)),
    bad=st.sampled_from([{}, {"transform": 3}, {"sample_rate": "x"}, {"n_copies": 0}]),
)
def test_render(X, bad):
    options = {"transform": np.negative, "sample_rate": 100, **bad}
    assert attempt(lambda: render(X, **options), names_of(render), X) is REFUSED


@examples(2)
@given(X=st.lists(hostile((6, 9)), max_size=3) | EDGES, length=EDGES | st.just(3))
def test_window_features(X, length):
    level = FunctionTransformer(lambda views: views.reshape(len(views), -1)[:, :1])
    pooler = WindowFeatures(level, length)
    pooled = attempt(lambda: pooler.transform(X), ("X", "length"), *parts_of(X))
    if pooled is not REFUSED:
        assert np.isfinite(pooled).all()
