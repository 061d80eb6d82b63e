"""A file appears whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mvdisent import _format
from mvdisent.audio import LogMel
from mvdisent.persistence import load, save

N_KILLS = 200

OLD, NEW = LogMel(8000, n_mels=2), LogMel(16000, n_mels=3)


@pytest.fixture
def path(tmp_path) -> Path:
    save(OLD, tmp_path / "model")
    return tmp_path / "model"


def fail(error):
    def failing(*args, **kwargs):
        raise error

    return failing


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()], ids=repr
)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_where_writing_fails_the_old_file_stays_and_nothing_else(path, monkeypatch, step, error):
    monkeypatch.setattr(os, step, fail(error))
    with pytest.raises(type(error)):
        save(NEW, path)
    monkeypatch.undo()
    assert repr(load(path)) == repr(OLD)
    assert [*path.parent.iterdir()] == [path]


def test_the_order_is_write_sync_rename_sync(path, monkeypatch):
    calls = []

    def record(name):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args: calls.append(name) or real(*args))

    record("fsync")
    record("replace")
    save(NEW, path)
    assert calls == ["fsync", "replace", "fsync"]
    assert repr(load(path)) == repr(NEW)


def test_a_process_killed_while_it_writes_leaves_an_old_or_a_new_file(path, tmp_path):
    """Kill a writer with SIGKILL at random times, many times over."""
    script = f"""
import importlib.util, os, random, signal, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("_format", {_format.__file__!r})
_format = importlib.util.module_from_spec(spec)
sys.modules["_format"] = _format
spec.loader.exec_module(_format)
target = Path({os.fspath(path)!r})
import numpy as np
document = {{"format": 1, "versions": {{}}}}
files = [
    _format.pack({{**document, "estimator": i}}, {{"a": np.full(100_000, i, np.float32)}}).data
    for i in range(2)
]
began = time.perf_counter()
for _ in range(10):
    _format.write(target, files[0])
one = (time.perf_counter() - began) / 10
clock, seen = random.Random(0), []
for trial in range({N_KILLS}):
    child = os.fork()
    if child == 0:
        while True:
            for data in (files[trial % 2], files[1 - trial % 2]):
                _format.write(target, data)
    time.sleep(clock.uniform(0, 2.5 * one))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    file = _format.read(target)
    assert (file.arrays()["a"] == file.document["estimator"]).all()
    seen.append(file.document["estimator"])
print(len(seen), sum(seen), sum(1 for _ in target.parent.glob(".mvdisent-*.tmp")))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stderr == ""
    n_kills, n_new, n_left = map(int, done.stdout.split())
    assert n_kills == N_KILLS
    assert 0 < n_new < N_KILLS
    assert n_left > 10  # so many were killed in the midst of a file
    assert {p.name for p in tmp_path.iterdir() if p.suffix != ".tmp"} == {"model"}


@pytest.mark.parametrize(
    ("name", "error", "problem"),
    [
        ("", IsADirectoryError, "is a directory: pass the path of a file in it"),
        ("absent/model", FileNotFoundError, "the folder .*absent does not exist: make it first"),
        ("model/model", FileNotFoundError, "the folder .*model does not exist"),
        ("pipe", ValueError, "pipe is no regular file: pass another path"),
    ],
)
def test_a_path_that_cannot_be_written_is_told_before_any_work(
    path, monkeypatch, name, error, problem
):
    os.mkfifo(path.parent / "pipe")
    monkeypatch.setattr("mvdisent.persistence._save._describe", fail(AssertionError("worked")))
    with pytest.raises(error, match=problem):
        save(NEW, path.parent / name)


def test_a_read_only_folder_is_told_before_any_work(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda folder, mode: False)  # root may write anywhere
    with pytest.raises(PermissionError, match="is read-only: pass another path"):
        save(NEW, path)


def test_a_link_stays_and_its_file_is_replaced(path, tmp_path):
    (tmp_path / "link").symlink_to(path)
    save(NEW, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert repr(load(path)) == repr(NEW)


def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(path, tmp_path):
    (tmp_path / "usual").touch()
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode
    path.chmod(0o600)
    save(NEW, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_path_may_be_a_string(path):
    save(NEW, os.fspath(path))
    assert repr(load(os.fspath(path))) == repr(NEW)


def test_a_file_beyond_the_bounds_is_refused_at_save_and_at_load(path, monkeypatch):
    monkeypatch.setattr(_format, "_MAX_FILE", 100)
    with pytest.raises(ValueError, match=r"cannot be saved: it has \d+ bytes, more than 100"):
        save(NEW, path)
    with pytest.raises(ValueError, match=r"model: it has \d+ bytes, more than 100"):
        load(path)


def test_saving_and_loading_leave_the_global_random_states_alone(small, tmp_path):
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    save(load(small.path, **small.networks), tmp_path / "model")
    after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
