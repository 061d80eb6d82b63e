"""The command line: what it prints, writes and refuses, and what an interruption leaves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

import mvdisent
from mvdisent import _reproduce
from mvdisent.__main__ import main

# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FILES = {
    "report.json",
    "mutual_info.png",
    "latents.png",
    "reconstruction.png",
    "model.safetensors",
}


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(_reproduce, "QUICK", _reproduce.Size(n_train=80, n_probe=200, max_epochs=1))


def test_version_is_the_package_s():
    assert run("--version").output == f"mvdisent, version {mvdisent.__version__}\n"


def test_help_names_every_option_with_its_default():
    text = run("reproduce", "--help").output
    for option, default in [
        ("--data", "bandlimited"),
        ("--objective", "default"),
        ("--n-samples", "32000"),
        ("--seeds", "0"),
        ("--device", "auto"),
        ("--out", "mvdisent-report"),
    ]:
        assert option in text
        assert f"default: {default}" in " ".join(text.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0,a"], "'0,a'; pass whole numbers, such as 0,1,2"),
        (["--seeds", "1,1"], "'1,1'; pass different numbers, 0 or more"),
        (["--seeds", "-1"], "'-1'; pass different numbers, 0 or more"),
        (["--n-samples", "10"], "10 is not in the range x>=2000"),
        (["--objective", "elbo"], "'elbo' is not one of 'default', 'transport', 'marl', 'swap'"),
        (["--set", "lr=-1"], "The 'lr' parameter of MultiViewDisentangler must be"),
        (["--set", "objective=swap"], "objective='swap'; pass --objective instead"),
        (["--set", "net_params={'compile': True}"], "net_params has 'compile', and a file may"),
        (["--set", "volume=1"], "'volume=1'; pass a parameter of the model, such as lr=0.002"),
        (["--data", "guitar"], "'guitar' is not one of 'paper', 'bandlimited'"),
    ],
)
def test_a_bad_option_is_refused_with_its_value(arguments, message):
    result = run("reproduce", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_an_output_folder_that_cannot_be_made_is_refused_before_the_work(tmp_path, tiny):
    blocked = tmp_path / "file"
    blocked.write_text("")
    result = run("reproduce", "--quick", "--out", blocked / "report")
    assert result.exit_code == 2
    assert "--out" in result.output
    assert "seed 0" not in result.output


def test_a_run_prints_both_tables_and_writes_all_of_it(tmp_path, tiny):
    result = run("reproduce", "--quick", "--data", "paper", "--seeds", "0,1", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == FILES
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["data"], report["seeds"], report["n_samples"]) == ("paper", [0, 1], 160)
    for block, cells in report["table"].items():
        for factor, cell in cells.items():
            assert len(cell["by_seed"]) == 2
            assert cell["mean"] == pytest.approx(np.mean(cell["by_seed"]))
            assert cell["std"] == pytest.approx(np.std(cell["by_seed"], ddof=1))
            ours = f"{cell['mean']:.3f} +- {cell['std']:.3f}"
            line = next(x for x in result.output.splitlines() if x.startswith(block))
            assert f"{_reproduce.PAPER_TABLE.loc[block, factor]:.3f}" in line
            assert ours in line
    model = mvdisent.load(tmp_path / "model.safetensors")
    assert list(report["mi"]["timbre"]) == list(model.get_feature_names_out())


def test_the_objective_reaches_the_model_and_the_report(tmp_path, tiny):
    result = run("reproduce", "--quick", "--objective", "swap", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert (
        "objective: swapped views and a referee, alpha = beta = gamma = 1; 2 private"
        in result.output
    )
    params = json.loads((tmp_path / "report.json").read_text())["params"]
    assert params["objective"] == "swap"
    assert "dependence" in mvdisent.load(tmp_path / "model.safetensors").history_


def test_parameters_that_are_set_take_the_place_of_the_job_s(tmp_path, tiny):
    params = {"precision": "bfloat16", "max_epochs": 2, "beta": 0.5}
    chosen = [part for name, value in params.items() for part in ("--set", f"{name}={value}")]
    result = run("reproduce", "--quick", "--objective", "marl", *chosen, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "alpha = 2, beta = 0.5, gamma = 2; 8 private" in result.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["max_epochs"] == 2
    model = mvdisent.load(tmp_path / "model.safetensors")
    for name, value in params.items():
        assert report["params"][name] == getattr(model, name) == value


def test_a_fit_that_diverges_says_so(tmp_path, tiny):
    result = run(
        "reproduce", "--quick", "--set", "lr=1e30", "--set", "max_epochs=9", "--out", tmp_path
    )
    assert result.exit_code == 1
    assert "the fit has diverged" in result.output
    assert isinstance(result.exception, SystemExit)


def test_partners_are_sought_in_compressed_spectra_and_drawn_in_decibels(
    tmp_path, tiny, monkeypatch
):
    drawn = []
    display = _reproduce.ReconstructionDisplay
    monkeypatch.setattr(
        _reproduce,
        "ReconstructionDisplay",
        lambda X, X_hat, **kwargs: drawn.extend([X, X_hat]) or display(X, X_hat, **kwargs),
    )
    result = run("reproduce", "--quick", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "n_mels=128, compression=0.25)" in result.output
    spectra = json.loads((tmp_path / "report.json").read_text())["spectra"]
    assert spectra == _reproduce.SPECTRA["transport"]
    assert drawn[0].shape[1:] == (128, 16)
    for picture in drawn:
        assert picture.min() >= picture.max() - 80.001
        assert picture.min() < -20  # a tone alone: most bands lie far below its peak
    assert drawn[0].max() == pytest.approx(0, abs=1e-4)


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def test_an_interruption_says_that_nothing_was_written(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(_reproduce, "run_seed", interrupt)
    result = run("reproduce", "--quick", "--out", tmp_path)
    assert result.exit_code == 130
    assert f"interrupted; nothing was written to {tmp_path}" in " ".join(result.output.split("\n"))
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_of_the_drawing_keeps_the_last_report_whole(tmp_path, tiny, monkeypatch):
    (tmp_path / "report.json").write_text("the last")
    monkeypatch.setattr(_reproduce, "_draw", interrupt)
    assert run("reproduce", "--quick", "--out", tmp_path).exit_code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert (tmp_path / "report.json").read_text() == "the last"
