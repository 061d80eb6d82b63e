"""Features out of processes, Dask and Ray: the same table, also where a worker is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import warnings

import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner
from joblib.pool import PicklingPool
from sklearn.pipeline import make_pipeline

from mvdisent import LogMel, MultiViewDisentangler, _extract, _workers, save
from mvdisent.__main__ import main

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets of a killed worker
]

RATE, N_FILES = 8000, 30
KINDS = [kind for kind in _workers.KINDS if kind != "threads"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model"
    X = np.random.default_rng(0).normal(size=(16, 2, RATE // 4)).astype(np.float32)
    small = {"n_private": 2, "n_shared": 2, "max_epochs": 1, "random_state": 0}
    save(make_pipeline(LogMel(RATE, n_mels=16), MultiViewDisentangler(**small)).fit(X), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Hold files of ten seconds."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    for i in range(N_FILES):
        soundfile.write(folder / f"{i:02}.wav", rng.uniform(-0.5, 0.5, 10 * RATE), RATE)
    return folder


@pytest.fixture
def bases():
    """Give back what Ray changes of joblib for the whole process."""
    before = PicklingPool.__bases__
    yield
    PicklingPool.__bases__ = before


def extract(model, folder, out, *options):
    return CliRunner().invoke(
        main, list(map(str, ["extract", model, folder, "--out", out, "--n-jobs", 2, *options]))
    )


@pytest.fixture(scope="module")
def truth(model, folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("truth") / "features.csv"
    assert extract(model, folder, out).exit_code == 0
    return pd.read_csv(out)


@pytest.mark.usefixtures("bases")
@pytest.mark.parametrize("kind", KINDS)
def test_all_workers_give_the_same_table(model, folder, truth, tmp_path, kind):
    out = tmp_path / "features.csv"
    done = extract(model, folder, out, "--workers", kind)
    assert done.exit_code == 0, done.output
    pd.testing.assert_frame_equal(pd.read_csv(out), truth)


@pytest.fixture
def fatal(monkeypatch, tmp_path):
    """Let the worker that comes to a file be killed, once or every time; count the deaths."""
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    real = _extract._features_of

    def arm(times):
        def features_of(path, digest, folder, settings, name):  # travels by value
            if name == "13.wav" and len(list(deaths.iterdir())) < times:
                (deaths / str(os.getpid())).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return real(path, digest, folder, settings, name)

        monkeypatch.setattr(_extract, "_features_of", features_of)
        return deaths

    return arm


@pytest.mark.usefixtures("bases")
@pytest.mark.parametrize("kind", KINDS)
def test_where_a_worker_is_killed_no_row_is_lost_or_doubled(
    model, folder, truth, tmp_path, fatal, kind
):
    out, deaths = tmp_path / "features.csv", fatal(1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        done = extract(model, folder, out, "--workers", kind)
    assert done.exit_code == 0, done.output
    assert len(list(deaths.iterdir())) == 1
    pd.testing.assert_frame_equal(pd.read_csv(out), truth)
    # Dask does it again by itself.
    texts = [str(warning.message) for warning in told if "a worker died" in str(warning.message)]
    assert len(texts) == (kind != "dask")


def test_a_file_that_kills_every_worker_is_an_error_that_names_it(model, folder, tmp_path, fatal):
    out = tmp_path / "features.csv"
    fatal(100)
    with pytest.warns(RuntimeWarning, match="a worker died"):
        done = extract(model, folder, out, "--workers", "processes")
    assert done.exit_code == 1
    assert "workers died more than three times" in done.output
    assert "13.wav" in done.output
    assert not out.exists()
    assert (tmp_path / "features.csv.partial").exists()  # the rest is kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--address", "here:8786"], "--address here:8786 with --workers threads"),
        (["--workers", "beam"], "'beam' is not one of"),
    ],
)
def test_workers_that_are_none_are_refused(model, folder, tmp_path, options, message):
    done = extract(model, folder, tmp_path / "features.csv", *options)
    assert done.exit_code == 2
    assert message in done.output


def test_workers_of_dask_start_beside_another_cluster(model, folder, tmp_path):
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # of a cluster that is there already
            other.bind(("127.0.0.1", 8787))
            other.listen()
        done = extract(model, folder, tmp_path / "out.csv", "--workers", "dask")
    assert done.exit_code == 0, done.output  # a warning is an error here
