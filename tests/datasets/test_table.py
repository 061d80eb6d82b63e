"""A table of sound files: what it lists, what it refuses, and how quickly."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GroupKFold

from mvdisent.datasets import AudioTable

from .conftest import touch


@pytest.fixture
def folder(tmp_path):
    """Hold six files, of which nothing is read."""
    touch(tmp_path, *(f"notes/{i}.wav" for i in range(6)), "README.txt")
    return tmp_path


@pytest.fixture
def notes():
    return pd.DataFrame(
        {
            "file_name": [f"notes/{i}.wav" for i in range(6)],
            "instrument": ["flute", "flute", "oboe", "oboe", "horn", "horn"],
            "pitch": [60, 62, 60, 64, 48, 50],
            "take": [0, 0, 1, 1, 2, 2],
            "fold": ["a", "b", "a", "b", "a", "b"],
            "begin": 0.5,
            "length": [1.0, 2.0] * 3,
        },
        index=range(10, 16),
    )


FACTORS = {"shared": "instrument", "private": ["pitch"], "group": "take", "split": "fold"}


@pytest.fixture
def table(folder, notes):
    return AudioTable(folder, notes, **FACTORS, offset="begin", duration="length")


def test_it_lists_paths_times_factors_and_groups(table, folder, notes):
    assert len(table) == 6
    assert table.segments["path"].tolist() == [f"{folder}/notes/{i}.wav" for i in range(6)]
    assert_array_equal(table.segments[["offset", "duration"]], notes[["begin", "length"]])
    pd.testing.assert_frame_equal(
        table.factors, notes[["instrument", "pitch"]].reset_index(drop=True)
    )
    assert_array_equal(table.groups, notes["take"])
    assert list(table.data.columns) == list(notes.columns)
    assert table.unlisted == []
    assert repr(table).startswith("AudioTable(6 clips in")


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_of_metadata_gives_the_same(table, folder, notes, suffix, tmp_path_factory):
    path = tmp_path_factory.mktemp("elsewhere") / f"notes.{suffix}"
    if suffix == "csv":
        notes.to_csv(path, index=False)
    else:
        notes.to_json(path, orient="records", lines=True)
    other = AudioTable(folder, path, **FACTORS, offset="begin", duration="length")
    pd.testing.assert_frame_equal(other.data, table.data)


def test_names_of_digits_stay_names(tmp_path):
    touch(tmp_path, "001", "1e5")
    (tmp_path / "metadata.csv").write_text("file_name,pitch\n001,60\n1e5,61\n")
    assert AudioTable(tmp_path).segments["path"].str[-3:].tolist() == ["001", "1e5"]


def test_without_metadata_all_sound_files_are_listed(folder):
    names = ["a.FLAC", "b/c.Mp3", "d.ogg", "e.aiff", "f.aifc", "g.w64", "h.au", "i.caf"]
    touch(folder, *names, ".hidden.wav", ".git/x.wav", "f.txt")
    found = AudioTable(folder)
    assert list(found.data.columns) == ["file_name"]
    assert found.data["file_name"].tolist() == [*names, *(f"notes/{i}.wav" for i in range(6))]
    assert found.factors.shape == (14, 0)
    assert found.groups is None


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("at_root", [True, False])
def test_an_audiofolder_of_hugging_face_has_its_splits(tmp_path, suffix, at_root):
    names = {"train": ["a.wav", "b.wav"], "validation": ["a.wav"], "test": ["c.wav"]}
    for split, files in names.items():
        touch(tmp_path / split, *files)
    rows = [
        {"file_name": f"{split}/{name}", "pitch": i}
        for split, files in names.items()
        for i, name in enumerate(files)
    ]
    for place in [tmp_path] if at_root else [tmp_path / split for split in names]:
        own = rows if at_root else [row for row in rows if row["file_name"].startswith(place.name)]
        own = [
            row | {"file_name": row["file_name"][0 if at_root else len(place.name) + 1 :]}
            for row in own
        ]
        text = (
            pd.DataFrame(own).to_csv(index=False)
            if suffix == "csv"
            else "\n".join(json.dumps(row) for row in own)
        )
        (place / f"metadata.{suffix}").write_text(text)
    table = AudioTable(tmp_path, private="pitch")
    assert sorted(table.data["file_name"]) == sorted(row["file_name"] for row in rows)
    assert {s: len(table.split(s)) for s in names} == {"train": 2, "validation": 1, "test": 1}
    assert table.split("train").factors["pitch"].tolist() == [0, 1]


def test_split_folders_have_the_names_that_hugging_face_knows(tmp_path):
    touch(tmp_path, "training/a.wav", "dev/b.wav", "eval/c.wav")
    table = AudioTable(tmp_path)
    assert table.data["split"].tolist() == ["validation", "test", "train"]
    touch(tmp_path, "other/d.wav")
    assert "split" not in AudioTable(tmp_path).data


def test_a_subset_is_a_table_of_its_rows(table):
    for rows in ([4, 1], np.array([4, 1], dtype=np.uint8), pd.Series([4, 1])):
        part = table.subset(rows)
        assert part.factors["pitch"].tolist() == [48, 62]
        assert part.data.index.tolist() == [0, 1]
    mask = table.data["instrument"] == "oboe"
    assert table.subset(mask).factors["pitch"].tolist() == [60, 64]
    assert table.split("b").groups.tolist() == [0, 1, 2]
    assert len(table) == 6


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], "rows is empty"),
        ([False] * 6, "rows is empty"),
        ([6], "rows has 6; pass row numbers from 0 to 5"),
        ([-1], "rows has -1"),
        ([True], "rows is of type bool"),
        ([0.5], "rows is of type float64"),
        ([[0]], r"shape \(1, 1\)"),
        ("a", "rows is of type"),
    ],
)
def test_rows_that_are_not_there_are_refused(table, rows, text):
    with pytest.raises(ValueError, match=text):
        table.subset(rows)


def test_unknown_splits_are_refused(table, folder, notes):
    with pytest.raises(ValueError, match="name='c' is no split; pass one of 'a', 'b'"):
        table.split("c")
    with pytest.raises(ValueError, match="has no splits: pass split="):
        AudioTable(folder, notes).split("a")


def test_its_groups_and_rows_serve_scikit_learn(table):
    for train, test in GroupKFold(3).split(table.factors, groups=table.groups):
        assert not {*table.subset(train).groups} & {*table.subset(test).groups}


def test_a_copy_by_pickle_is_equal(table):
    other = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(other.data, table.data)
    assert other.segments.equals(table.segments)


def test_the_frame_that_was_passed_stays_as_it_was(folder, notes):
    before = notes.copy()
    table = AudioTable(folder, notes, **FACTORS)
    table.data["pitch"] = 0
    pd.testing.assert_frame_equal(notes, before)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"shared": "timbre"}, "shared names 'timbre', but metadata has the columns 'file_name'"),
        ({"private": ["pitch", "timbre"]}, "private names 'timbre'"),
        ({"group": "track"}, "group names 'track'"),
        ({"split": "part"}, "split names 'part'"),
        ({"offset": "start"}, "offset names 'start'"),
        ({"file_column": "path"}, "file_column names 'path'"),
        ({"shared": "pitch", "private": "pitch"}, r"both name \['pitch'\]"),
        ({"shared": ["pitch", "pitch"]}, "names a column twice"),
        ({"offset": "instrument"}, "column 'instrument' of .*; pass seconds"),
    ],
)
def test_columns_that_are_not_there_are_named(folder, notes, settings, text):
    with pytest.raises(ValueError, match=text):
        AudioTable(folder, notes, **settings)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda n: n.assign(file_name=["x.wav", "y.wav", *n["file_name"][2:]]),
         "names 2 files that are not in .*, first 'x.wav', 'y.wav'"),
        (lambda n: n.assign(file_name="notes"), "names 1 files that are not in"),
        (lambda n: n.iloc[[0, 1, 0]], "lists 1 clips twice, first 'notes/0.wav' in row 2"),
        (lambda n: n.assign(file_name=["./notes/0.wav", *n["file_name"][:5]]), "1 clips twice"),
        (lambda n: n.iloc[:0], "has no rows"),
        (lambda n: n.assign(file_name=[None, *n["file_name"][1:]]), "in row 0; pass the name"),
        (lambda n: n.assign(file_name=3), "file_name has 3 in row 0"),
        (lambda n: n.set_axis(["file_name", *"aabcde"], axis=1), "two columns 'a'"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_are_named(folder, notes, change, text):
    with pytest.raises(ValueError, match=text):
        AudioTable(folder, change(notes))


@pytest.mark.parametrize(
    "name", ["../secret.wav", "notes/../../secret.wav", "/etc/passwd", "notes/.."]
)
def test_no_name_leads_out_of_the_folder(folder, name):
    inner = folder / "notes"
    touch(folder, "secret.wav")
    with pytest.raises(ValueError, match="leads out of the folder: pass names relative to it"):
        AudioTable(inner, pd.DataFrame({"file_name": ["0.wav", name]}))


def test_one_file_may_have_many_clips(folder):
    clips = pd.DataFrame({"file_name": "notes/0.wav", "begin": [0.0, 1.0]})
    with pytest.warns(UserWarning, match="5 sound files"):
        assert len(AudioTable(folder, clips, offset="begin")) == 2
    with pytest.raises(ValueError, match="twice"):
        AudioTable(folder, clips)


@pytest.mark.parametrize("value", [-1.0, np.inf])
def test_times_that_cannot_be_are_refused(folder, notes, value):
    notes.loc[12, "begin"] = value
    with pytest.raises(ValueError, match=r"begin=.* in row 2; pass seconds"):
        AudioTable(folder, notes, offset="begin")


def test_files_that_are_not_in_the_metadata_are_told(folder, notes):
    touch(folder, "new.wav", "old.flac")
    with pytest.warns(UserWarning, match=r"2 sound files .* not in metadata, first 'new\.wav'"):
        table = AudioTable(folder, notes)
    assert table.unlisted == ["new.wav", "old.flac"]


@pytest.mark.parametrize(
    ("folder_name", "metadata", "error", "text"),
    [
        ("none", None, ValueError, "is no folder"),
        ("README.txt", None, ValueError, "is no folder"),
        ("", 3, TypeError, "metadata=3; pass a DataFrame"),
        ("", "none.csv", ValueError, r"metadata='none\.csv' is no file"),
    ],
)
def test_what_is_no_folder_or_table_is_refused(folder, folder_name, metadata, error, text):
    with pytest.raises(error, match=text):
        AudioTable(folder / folder_name, metadata)


def test_a_folder_without_sounds_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no metadata and no sound files"):
        AudioTable(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("metadata.jsonl", '{"file_name": "a.wav"}\n{"file', "line 2, is no JSON"),
        ("metadata.jsonl", "[1]", "line 1, is no object"),
        ("metadata.csv", "", "is no CSV file"),
        ("metadata.csv", "a,b\n1,2,3\n1\n1,2,3,4\n", "is no CSV file|file_column names"),
    ],
)
def test_metadata_that_cannot_be_read_are_refused(folder, name, text, fault):
    (folder / name).write_text(text)
    with pytest.raises(ValueError, match=fault):
        AudioTable(folder)


def test_two_files_of_metadata_in_one_folder_are_refused(folder, notes):
    notes.to_csv(folder / "metadata.csv", index=False)
    notes.to_json(folder / "metadata.jsonl", orient="records", lines=True)
    with pytest.raises(ValueError, match=r"both metadata\.csv and metadata\.jsonl"):
        AudioTable(folder)
