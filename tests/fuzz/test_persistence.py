"""Saving and loading, from whatever is passed for estimators and paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from mvdisent import LogMel, MultiViewDisentangler, load, save

from ._hostile import EDGES, examples, hostile, parameters
from ._property import REFUSED, attempt

ESTIMATORS = [
    *(LogMel(800), LogMel(None), LogMel(800, n_mels=[1]), LogMel(float("inf"))),
    *(MultiViewDisentangler(), LinearRegression(), make_pipeline(LogMel(800)), make_pipeline(None)),
    make_pipeline(LogMel(800), LinearRegression()),
]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@examples(2)
@given(estimator=st.sampled_from(ESTIMATORS) | EDGES | hostile((3, 2)))
def test_estimators(folder, estimator):
    target = folder / "estimator"
    names = ("estimator", "LogMel", "Pipeline", "MultiViewDisentangler", *LogMel(1).get_params())
    saved = attempt(lambda: save(estimator, target), names)
    if saved is not REFUSED:
        assert repr(load(target)) == repr(estimator)


@examples(3)
@given(params=parameters(tuple(LogMel(1).get_params())))
def test_parameters(folder, params):
    target = folder / "front_end"
    front_end = LogMel(**{"sample_rate": 800, **params})
    saved = attempt(lambda: save(front_end, target), tuple(front_end.get_params()))
    if saved is not REFUSED:
        loaded = attempt(lambda: load(target), ("device",))
        assert loaded is REFUSED or isinstance(loaded, LogMel)


BAD_PATHS = st.sampled_from(["", ".", "no/such/folder/x", "\0", "x" * 300, b"\xff", Path("/")])


@examples(3)
@given(path=EDGES | BAD_PATHS | hostile((3,)))
def test_paths(folder, monkeypatch_session, path):
    attempt(lambda: save(LogMel(800), path), ("path", "file", "folder"), also=(OSError,))
    attempt(lambda: load(path), ("path", "file", "folder", str(path)[:9]), also=(OSError,))


@pytest.fixture(scope="session")
def monkeypatch_session(folder):
    """Relative paths lie in the test's own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield patch


@examples(4)
@given(content=st.binary(max_size=200) | st.sampled_from([b"{}", b"\x08" + b"\0" * 7 + b"{}"]))
def test_content(folder, content):
    file = folder / "content"
    file.write_bytes(content)
    assert attempt(lambda: load(file), (str(file),)) is REFUSED


@examples(2)
@given(device=EDGES, encoder=EDGES, decoder=EDGES)
def test_load_parameters(folder, device, encoder, decoder):
    target = folder / "whole"
    save(LogMel(800), target)
    attempt(
        lambda: load(target, device=device, encoder=encoder, decoder=decoder),
        ("device", "encoder", "decoder"),
    )
