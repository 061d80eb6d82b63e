"""The makers of sounds, from whatever is passed for their parameters."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.datasets import (
    AudioTable,
    from_mirdata,
    from_nsynth,
    make_harmonic_views,
    make_note_views,
    make_notes,
    make_tone_views,
)

from ._hostile import EDGES, examples, hostile, is_large, parameters
from ._property import REFUSED, attempt

SMALL = {"n_samples": 3, "n_frequency_classes": 5, "sample_rate": 4000, "duration": 0.02}
NOTES = {"instruments": ["flute"], "pitches": [60, 67], "sample_rate": 8000, "duration": 0.02}
LONG = ("n_samples", "n_frequency_classes", "n_timbres", "duration", "sample_rate")


def names_of(maker):
    return tuple(inspect.signature(maker).parameters)


@pytest.mark.parametrize("maker", [make_tone_views, make_harmonic_views])
@examples(5)
@given(data=st.data())
def test_parameters(maker, data):
    params = data.draw(parameters(names_of(maker)))
    if any(is_large(params.get(name)) for name in LONG):
        return
    if params.get("transform") is object:  # what a caller's own function raises is the caller's
        return
    made = attempt(lambda: maker(**{**SMALL, "f_max": 880.0, **params}), names_of(maker))
    if made is not REFUSED:
        X, factors = made
        assert len(X) == len(factors)
        assert X.dtype == np.float32
        assert np.isfinite(X).all()
        assert factors.notna().all(axis=None)


@pytest.mark.parametrize("maker", [make_tone_views, make_harmonic_views])
@examples()
@given(transformed=hostile((3, 2, 4)) | EDGES)
def test_transform(maker, transformed):
    made = attempt(
        lambda: maker(**SMALL, f_max=880.0, transform=lambda X: transformed), ("transform",)
    )
    assert made is REFUSED or len(made[0]) == 3


@examples(2)
@given(timbres=hostile((3,)) | EDGES)
def test_timbres(timbres):
    made = attempt(
        lambda: make_harmonic_views(**SMALL, f_max=880.0, n_timbres=4, timbres=timbres),
        ("timbres",),
        timbres,
    )
    assert made is REFUSED or set(made[1]["timbre"]) <= set(range(4))


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    for name in "abc":
        (folder / f"{name}.wav").touch()
    return folder


COLUMNS = [
    *(
        "a.wav",
        "../a.wav",
        "/a.wav",
        "",
        "\0",
        "x" * 300,
        b"a.wav",
        None,
        0.5,
        -1,
        1j,
        True,
        object,
    ),
    *(
        float("nan"),
        float("inf"),
        ["a.wav", "b.wav", "c.wav"],
        ["a.wav", None, 3],
        [(1,), [2], {3}],
    ),
    *(
        pd.Categorical(["a.wav", "b.wav", "c.wav"]),
        pd.date_range("2020", periods=3),
        [0.1, 0.2, 0.3],
    ),
]
SETTINGS = ("shared", "private", "group", "split", "offset", "duration", "file_column")


@examples(8)
@given(
    column=st.sampled_from(["file_name", "begin", "pitch", 3, None]),
    values=st.sampled_from(COLUMNS),
    params=parameters(SETTINGS) | st.just({"offset": "begin", "private": "pitch"}),
)
def test_tables(folder, column, values, params):
    notes = pd.DataFrame({"file_name": ["a.wav", "b.wav", "c.wav"], "begin": 0.0, "pitch": 60})
    if column is not None:
        notes[column] = values
    table = attempt(
        lambda: AudioTable(folder, notes, **params), (*SETTINGS, "file_name", "metadata")
    )
    if table is not REFUSED:
        assert len(table.segments) == len(table.factors) == 3
        assert table.segments["path"].str.startswith(f"{folder}/").all()


@examples(2)
@given(folder=EDGES, metadata=EDGES)
def test_folders_and_metadata(folder, metadata, tmp_path_factory):
    attempt(lambda: AudioTable(folder, metadata), ("folder", "metadata"))
    attempt(lambda: from_nsynth(folder, split=metadata), ("folder", "split"))
    attempt(lambda: from_mirdata(folder, shared=metadata), ("dataset", "shared"))


@pytest.mark.parametrize("maker", [make_notes, make_note_views])
@examples(2)
@given(data=st.data())
def test_notes(maker, data):
    params = data.draw(parameters(names_of(maker)))
    if any(is_large(params.get(name)) for name in LONG):
        return
    few = {"n_samples": 3} if maker is make_note_views else {}
    # A path that is a file, or none, is refused as such.
    made = attempt(
        lambda: maker(**{**NOTES, **few, **params}),
        (*names_of(maker), "path"),
        also=(FileNotFoundError,),
    )
    if made is not REFUSED:
        X, factors = made
        assert len(X) == len(factors)
        assert np.isfinite(X).all()
