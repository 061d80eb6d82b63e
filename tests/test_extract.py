"""Features of a folder from the command line: right, resumed, and with the faulty files told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from mvdisent import LogMel, MultiViewDisentangler, _extract, load, save
from mvdisent.__main__ import main
from mvdisent.audio import iter_windows

# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RATE, SECONDS = 8000, 0.1


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Save a pipeline that was fitted on pairs of clips of 0.1 s."""
    X = np.random.default_rng(0).uniform(-0.5, 0.5, (40, 2, 800)).astype(np.float32)
    pipeline = make_pipeline(
        LogMel(RATE, n_fft=128, hop_length=64, n_mels=8),
        MultiViewDisentangler(2, 3, max_epochs=2, decoder_std=1.0, warmup_epochs=0, random_state=0),
    ).fit(X)
    path = tmp_path_factory.mktemp("model") / "model"
    save(pipeline, path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Hold seven sounds of 0.5 to 1.1 s in four formats, at other rates, and a text."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "sounds"
    (folder / "more").mkdir(parents=True)
    for i, suffix in enumerate(["wav", "flac", "ogg", "mp3", "wav", "aiff", "flac"]):
        path = folder / ("more" if i % 2 else "") / f"{i}.{suffix}"
        soundfile.write(path, 0.1 * rng.standard_normal((8000 + 1600 * i, 2)), 16000)
    (folder / "notes.txt").write_text("no sound")
    return folder


def names_of(folder):
    paths = [path for path in folder.rglob("*.*") if path.suffix != ".txt"]
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def expected_windows(model, folder, hop):
    """Compute the features window by window."""
    pipeline = load(model)
    rows = [
        (name, start, pipeline.transform(clip[None])[0])
        for name in names_of(folder)
        for start, clip in iter_windows(folder / name, sample_rate=RATE, duration=SECONDS, hop=hop)
    ]
    return rows, list(pipeline[-1].get_feature_names_out())


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_a_row_a_window_has_its_time_and_its_features(model, folder, tmp_path, suffix, n_jobs):
    out = tmp_path / f"features.{suffix}"
    settings = ["--per", "window", "--hop", "0.05", "--n-jobs", n_jobs]
    result = run("extract", model, folder, "--out", out, *settings)
    assert result.exit_code == 0, result.output
    assert f"wrote {out}: 7 files" in result.output
    table = pd.read_csv(out) if suffix == "csv" else pd.read_parquet(out)
    rows, columns = expected_windows(model, folder, 0.05)
    assert list(table.columns) == ["file_name", "start", *columns]
    assert table["file_name"].tolist() == [name for name, _, _ in rows]
    assert_allclose(table["start"], [start for _, start, _ in rows])
    assert_allclose(table[columns], np.stack([row for _, _, row in rows]), atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"features.{suffix}", "sounds"]


def test_a_row_a_file_has_the_mean_and_the_spread_of_its_windows(model, folder, tmp_path):
    result = run("extract", model, folder, "--out", tmp_path / "features.parquet")
    assert result.exit_code == 0, result.output
    table = pd.read_parquet(tmp_path / "features.parquet")
    rows, columns = expected_windows(model, folder, SECONDS)
    windows = pd.DataFrame(
        np.stack([row for _, _, row in rows]), columns=columns, index=[name for name, _, _ in rows]
    )
    by_file = windows.groupby(level=0)
    assert table["file_name"].tolist() == names_of(folder)
    assert table["n_windows"].tolist() == by_file.size().tolist()
    for what, values in (("mean", by_file.mean()), ("std", by_file.std(ddof=0))):
        assert_allclose(table[[f"{name}_{what}" for name in columns]], values, atol=1e-5)
    assert len(table.columns) == 2 + 2 * len(columns)


def test_skipped_files_are_listed_and_told_by_the_exit_code(model, folder, tmp_path):
    (folder / "0.wav").write_bytes((folder / "0.wav").read_bytes()[:-100])
    soundfile.write(folder / "short.wav", np.ones(100), 16000)
    out, listed = tmp_path / "features.csv", tmp_path / "features.csv.skipped.csv"
    result = run("extract", model, folder, "--out", out)
    assert result.exit_code == 3
    assert f"skipped 2 files, listed in {listed}" in result.output
    skipped = pd.read_csv(listed)
    assert skipped["file_name"].tolist() == ["0.wav", "short.wav"]
    assert skipped["fault"][0].startswith("truncated")
    assert "too short for a window" in skipped["fault"][1]
    assert len(pd.read_csv(out)) == 6
    (folder / "0.wav").unlink()
    (folder / "short.wav").unlink()
    assert run("extract", model, folder, "--out", out).exit_code == 0
    assert not listed.exists()


def test_where_all_are_skipped_the_table_is_empty(model, folder, tmp_path):
    for name in names_of(folder):
        (folder / name).write_bytes(b"")
    result = run("extract", model, folder, "--out", tmp_path / "features.csv", "--per", "window")
    assert result.exit_code == 3
    assert len(pd.read_csv(tmp_path / "features.csv")) == 0


@pytest.fixture
def computed(monkeypatch):
    """Files whose features are computed; the one at `stop` is an interruption."""
    calls, real = [], _extract._features_of

    def features_of(path, digest, folder, settings, name):
        if len(calls) == computed_stop[0]:
            raise KeyboardInterrupt
        calls.append(name)
        return real(path, digest, folder, settings, name)

    computed_stop = [None]
    monkeypatch.setattr(_extract, "_features_of", features_of)
    return calls, computed_stop


def test_after_an_interruption_it_goes_on(model, folder, tmp_path, computed):
    calls, stop = computed
    out = tmp_path / "features.csv"
    assert run("extract", model, folder, "--out", tmp_path / "whole.csv").exit_code == 0
    del calls[:]
    stop[0] = 3
    result = run("extract", model, folder, "--out", out)
    assert result.exit_code == 130
    assert "the same command goes on from here" in result.output
    assert not out.exists()
    note = tmp_path / "features.csv.partial"
    with open(note, "a") as file:  # as a kill within a line leaves it
        file.write('{"file": "more/3.mp3", "sta')
    stop[0] = None
    assert run("extract", model, folder, "--out", out).exit_code == 0
    assert calls == names_of(folder)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not note.exists()


@pytest.mark.parametrize("change", ["file", "settings", "model", "note"])
def test_what_has_changed_meanwhile_is_computed_anew(
    model, folder, tmp_path, computed, change, small_model
):
    calls, stop = computed
    out, more = tmp_path / "features.csv", []
    stop[0] = 3
    assert run("extract", model, folder, "--out", out).exit_code == 130
    stop[0] = None
    first = calls[0]
    del calls[:]
    if change == "file":
        os.utime(folder / first, ns=(0, 0))
    elif change == "settings":
        more = ["--level", "0.1"]
    elif change == "model":
        model = small_model
    else:
        (tmp_path / "features.csv.partial").write_bytes(b"\xff\x00")
    assert run("extract", model, folder, "--out", out, *more).exit_code == 0
    names = names_of(folder)
    assert calls == ([first, *names[3:]] if change == "file" else names)


@pytest.fixture(scope="module")
def small_model(tmp_path_factory):
    X = np.random.default_rng(0).uniform(-0.5, 0.5, (40, 2, 800)).astype(np.float32)
    pipeline = make_pipeline(
        LogMel(RATE, n_fft=128, hop_length=64, n_mels=8),
        MultiViewDisentangler(1, 1, max_epochs=1, decoder_std=1.0, random_state=0),
    ).fit(X)
    path = tmp_path_factory.mktemp("small") / "model"
    save(pipeline, path)
    return path


def test_a_killed_command_goes_on_and_gives_the_same(model, tmp_path):
    folder = tmp_path / "sounds"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for i in range(30):
        soundfile.write(folder / f"{i:02}.flac", 0.1 * rng.standard_normal(48_000), 16000)
    out = tmp_path / "features.csv"
    command = [sys.executable, "-m", "mvdisent", "extract", model, folder, "--out", out]
    note = tmp_path / "features.csv.partial"
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE)
    while process.poll() is None and (not note.exists() or note.stat().st_size < 2000):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert note.exists()
    assert not out.exists()
    assert run(*command[3:]).exit_code == 0
    assert run("extract", model, folder, "--out", tmp_path / "whole.csv").exit_code == 0
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--out", "features.xls"], "pass a name that ends in .parquet or .csv"),
        (["--out", "no/such/features.csv"], "there is no such folder"),
        (["--out", "features.csv", "--n-jobs", "0"], "n_jobs=0; pass"),
        (["--out", "features.csv", "--hop", "0"], "0 is not in the range"),
        (["--out", "features.csv", "--hop", "nan"], "hop=nan; pass seconds"),
        ([], "Missing option '--out'"),
    ],
)
def test_bad_arguments_are_refused(model, folder, tmp_path, monkeypatch, arguments, text):
    monkeypatch.chdir(tmp_path)
    result = run("extract", model, folder, *arguments)
    assert result.exit_code == 2
    assert text in " ".join(result.output.split())
    assert not (tmp_path / "features.csv").exists()


def test_a_folder_without_sounds_is_refused(model, tmp_path):
    result = run("extract", model, tmp_path, "--out", tmp_path / "features.csv")
    assert result.exit_code == 2
    assert "has no sound files" in result.output


def test_what_is_no_such_model_is_refused(folder, tmp_path):
    save(LogMel(RATE), tmp_path / "front")
    (tmp_path / "text").write_text("no model")
    for name, text in (("front", "holds LogMel: save a pipeline"), ("text", "text")):
        for command in (["info"], ["extract", "--out", tmp_path / "features.csv"]):
            result = run(*command, tmp_path / name, *([folder] if len(command) > 1 else []))
            assert result.exit_code == 2
            assert text in " ".join(result.output.split())


def test_info_tells_what_the_model_expects_and_gives(model):
    result = run("info", model)
    assert result.exit_code == 0
    pipeline = load(model)
    for text in (
        "window         0.1 s at 8000 Hz",
        "views at fit   2",
        f"private        2 dimensions, {pipeline[-1].active_private_.sum()} active",
        f"shared         3 dimensions, {pipeline[-1].active_shared_.sum()} active",
        "columns        private_0, private_1, shared_0, shared_1, shared_2",
    ):
        assert text in result.output


def test_names_that_are_no_text_are_written_so_that_any_table_holds_them(model, folder, tmp_path):
    (folder / "0.wav").rename(folder / os.fsdecode(b"\xff.wav"))
    result = run("extract", model, folder, "--out", tmp_path / "features.parquet")
    assert result.exit_code == 0, result.output
    assert "\\udcff.wav" in pd.read_parquet(tmp_path / "features.parquet")["file_name"].tolist()


def test_a_disk_that_fails_is_told_and_the_command_goes_on(model, folder, tmp_path, monkeypatch):
    write_table, out = _extract._write_table, tmp_path / "features.csv"

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_extract, "_write_table", fail)
    result = run("extract", model, folder, "--out", out)
    assert result.exit_code == 1
    assert "No space left on device" in result.output
    assert "the same command goes on from here" in result.output
    monkeypatch.setattr(_extract, "_write_table", write_table)
    assert run("extract", model, folder, "--out", out).exit_code == 0
