"""Where a checkpoint can be written, and what is told of a file that is none."""

from __future__ import annotations

import os
import re
import shutil

import pytest

from mvdisent._net import MultiViewNet
from mvdisent.persistence import load, save

from ._same import assert_same

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("kind", ["text", "empty", "model", "flipped", "cut"])
def test_another_file_is_refused_and_left_alone(make, few, path, kind):
    data = path.read_bytes()
    if kind == "model":
        save(make(checkpoint=None, encoder="mlp", decoder="mlp").fit(few), path)
    else:
        path.write_bytes(
            {
                "text": b"do not lose this text, it took years to write",
                "empty": b"",
                "flipped": data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
                "cut": data[:-9],
            }[kind]
        )
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"is not a checkpoint of a fit \(.*\): pass another path"):
        make().fit(few)
    assert path.read_bytes() == before


def test_a_checkpoint_is_not_loaded_as_a_model(path):
    with pytest.raises(ValueError, match="it is a checkpoint of a fit, not a model: pass it as ch"):
        load(path)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("absent/c", FileNotFoundError, "the folder .*absent does not exist: make it first"),
        ("file/c", FileNotFoundError, "the folder .*file does not exist"),
        (".", IsADirectoryError, "is a directory: pass the path of a file in it"),
        ("pipe", ValueError, "is no regular file: pass another path"),
        ("/dev/full", ValueError, "is no regular file: pass another path"),
    ],
)
def test_a_path_that_cannot_be_written_is_told_before_anything_else(
    make, tmp_path, name, error, message
):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(error, match=f"^checkpoint='.*': .*{message}"):
        make(checkpoint=tmp_path / name).fit("never looked at")


def test_a_disk_without_room_is_told_with_the_room_it_takes(make, few, tmp_path, monkeypatch):
    model = make(encoder="mlp", decoder="mlp")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9, 9, 10**6))
    monkeypatch.setattr(MultiViewNet, "train_step", None)
    with pytest.raises(OSError, match=r"needs (\d+) MB, and .* has 1 MB left: free some") as info:
        model.fit(few)
    assert [*tmp_path.iterdir()] == []
    monkeypatch.undo()
    model.fit(few)
    told = float(re.search(r"needs (\d+) MB", str(info.value))[1]) * 1e6
    # Room for two: the old one and the new one beside it.
    assert model.checkpoint.stat().st_size < told / 2 < 1.5 * model.checkpoint.stat().st_size


def test_a_disk_that_cannot_be_written_after_all_is_told_before_the_first_step(
    make, few, monkeypatch
):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(MultiViewNet, "train_step", None)
    with pytest.raises(OSError, match=r"cannot be written .*No space left.*: pass another path"):
        make().fit(few)


def test_a_disk_that_fills_up_meanwhile_does_not_end_the_fit(make, few, monkeypatch):
    plain, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if 4 < len(calls) < 9:
            raise OSError(28, "No space left on device")
        plain(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(RuntimeWarning, match="could not be written .*the fit goes on without it"):
        model = make().fit(few)
    assert_same(model, make(checkpoint=None).fit(few), few)
    assert_same(model, make(max_epochs=3).fit(few), few)


def test_a_model_file_names_no_checkpoint(make, few, path, tmp_path, small):
    model = make(encoder="mlp", decoder="mlp", checkpoint=tmp_path / "other").fit(few)
    save(model, tmp_path / "model")
    assert b"other" not in (tmp_path / "model").read_bytes()
    assert load(tmp_path / "model").checkpoint is None
