"""A model from a folder of sound files, from the command line, ready for ``extract``."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner

from mvdisent import LogCQT, _fit_job, load
from mvdisent.__main__ import main
from mvdisent.audio._decoder import Decoder

# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RATE, SECONDS = 8000, 0.25
QUICK = ["--duration", SECONDS, "--sample-rate", RATE]
for setting in ("n_private=2", "n_shared=3", "max_epochs=2", "batch_size=8", "objective=swap"):
    QUICK += ["--set", setting]


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def folder(tmp_path):
    """Hold twelve tones of two instruments, of 0.6 s, and a table of them."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    t = np.arange(int(0.6 * RATE)) / RATE
    rows = []
    for instrument, n_harmonics in (("flute", 2), ("oboe", 6)):
        for pitch in range(60, 72, 2):
            f = 440 * 2 ** ((pitch - 69) / 12)
            name = f"{instrument}-{pitch}.wav"
            sound = sum(np.sin(2 * np.pi * f * k * t) for k in range(1, n_harmonics + 1))
            soundfile.write(folder / name, 0.1 * sound, RATE)
            rows.append({"file_name": name, "instrument": instrument})
    pd.DataFrame(rows).to_csv(folder / "metadata.csv", index=False)
    return folder


@pytest.mark.parametrize(
    ("views", "n_samples"), [("pair_by:instrument", 12), ("crops", 24), ("augment", 12)]
)
def test_each_way_of_views_gives_a_model_that_extract_takes(folder, tmp_path, views, n_samples):
    out, features = tmp_path / "model", tmp_path / "features.csv"
    table = folder / "metadata.csv" if views == "augment" else folder
    done = run("fit", table, "--views", views, "--shift", 2, "--out", out, *QUICK)
    assert done.exit_code == 0, done.output
    assert f"wrote {out}, fitted on {n_samples} samples of 2 views" in done.output
    pipeline = load(out)
    assert pipeline[0].n_features_in_ == RATE * SECONDS
    assert pipeline[-1].get_params()["objective"] == "swap"
    assert run("extract", out, folder, "--out", features).exit_code == 0
    assert pd.read_csv(features).shape == (12, 2 + 2 * 5)


def test_a_model_of_constant_q_spectra_has_a_band_a_semitone(folder, tmp_path):
    out, features = tmp_path / "model", tmp_path / "features.csv"
    settings = ["--views", "pair_by:instrument", "--spectra", "cqt", "--shift", 2]
    done = run("fit", folder, *settings, "--out", out, *QUICK)
    assert done.exit_code == 0, done.output
    assert load(out)[-1].view_shape_[0] == LogCQT(RATE).transform(np.zeros((1, 9))).shape[2]
    assert run("extract", out, folder, "--out", features).exit_code == 0
    assert pd.read_csv(features).shape == (12, 2 + 2 * 5)


@pytest.mark.parametrize("spectra", ["root-mel", "root-cqt", "fourier-cqt"])
def test_the_fourth_root_of_the_power_takes_the_place_of_decibels(folder, tmp_path, spectra):
    out = tmp_path / "model"
    settings = ["--views", "pair_by:instrument", "--spectra", spectra]
    done = run("fit", folder, *settings, "--out", out, *QUICK, "--set", "objective=transport")
    assert done.exit_code == 0, done.output
    front = load(out)[0]
    assert (front.compression, type(front).__name__[3:].lower()) == (0.25, spectra[-3:])
    assert np.load(next((tmp_path / "model.spectra").rglob("*.npy")), mmap_mode="r").min() >= 0


def test_pairs_differ_in_the_other_factor_that_is_named(folder, tmp_path, monkeypatch):
    """Of each instrument one clip lies a semitone off: every pair has it."""
    table = pd.read_csv(folder / "metadata.csv").assign(tuned="yes")
    table.loc[[0, 6], "tuned"] = "no"
    table.to_csv(folder / "metadata.csv", index=False)
    drawn, real = [], _fit_job.pair_by

    def pair_by(X, labels, **settings):
        drawn.append(real(np.arange(len(X))[:, None], labels, **settings))
        return real(X, labels, **settings)

    monkeypatch.setattr(_fit_job, "pair_by", pair_by)
    views = ["--views", "pair_by:instrument:tuned", "--out", tmp_path / "model"]
    done = run("fit", folder, *views, *QUICK)
    assert done.exit_code == 0, done.output
    pairs = np.asarray(drawn[0])[..., 0].astype(int)
    assert np.isin(pairs, [0, 6]).any(axis=1).all()
    assert (pairs // 6 == pairs[:, :1] // 6).all()


@pytest.mark.parametrize(
    ("views", "spectra"), [("crops", []), ("pair_by:instrument", ["--spectra", "pooled-mel"])]
)
def test_spectra_are_pooled_over_time_for_crops_and_where_asked(folder, tmp_path, views, spectra):
    """Of 12 or 24 clips a model that sees 400,000 would take minutes: epochs are set."""
    out, features = tmp_path / "model", tmp_path / "features.csv"
    sizes = [*QUICK[:4], "--set", "max_epochs=2", "--set", "n_shared=5"]
    done = run("fit", folder, "--views", views, *spectra, "--out", out, *sizes)
    assert done.exit_code == 0, done.output
    _, pool, model = load(out)
    assert pool.view_shape_ == (64, 4)
    assert model.view_shape_ == (3 * 64,)
    assert (model.encoder, model.n_private, model.n_shared) == ("linear", 16, 5)
    assert run("extract", out, folder, "--out", features).exit_code == 0
    assert pd.read_csv(features).shape == (12, 2 + 2 * 21)
    assert "TimePool()" in run("info", out).output


def test_a_model_of_few_pooled_clips_is_trained_for_more_epochs():
    assert _fit_job._pooled_model(1_000_000)["max_epochs"] == 5
    few = _fit_job._pooled_model(2000)
    assert few["max_epochs"] == few["warmup_epochs"] == 200


@pytest.mark.parametrize("views", [("crops", "--shift", 2), ("augment",)])
def test_pooled_spectra_that_cannot_be_changed_are_refused_before_the_work(folder, tmp_path, views):
    settings = ["--views", *views, "--spectra", "pooled-mel", "--out", tmp_path / "model"]
    refused = run("fit", folder, *settings, *QUICK)
    assert refused.exit_code == 2
    assert "'pooled-mel' have no bands left to shift or amplify" in " ".join(refused.output.split())
    assert not (tmp_path / "model.spectra").exists()


def test_a_gain_in_decibels_of_a_root_is_refused_before_the_work(folder, tmp_path):
    settings = ["--views", "augment", "--spectra", "root-cqt", "--out", tmp_path / "model"]
    refused = run("fit", folder, *settings, *QUICK)
    assert refused.exit_code == 2
    assert "'root-cqt' do not go with views 'augment'" in " ".join(refused.output.split())
    assert not (tmp_path / "model.spectra").exists()


def test_a_shift_of_what_no_shift_changes_is_refused_before_the_work(folder, tmp_path):
    settings = ["--views", "pair_by:instrument", "--spectra", "fourier-cqt", "--shift", 2]
    refused = run("fit", folder, *settings, "--out", tmp_path / "model", *QUICK)
    assert refused.exit_code == 2
    assert "shift of 2 bands does not go with spectra 'fourier-cqt'" in " ".join(
        refused.output.split()
    )
    assert not (tmp_path / "model.spectra").exists()


def test_the_same_command_gives_the_same_model(folder, tmp_path):
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        cache = ["--cache", tmp_path / "spectra"]
        done = run("fit", folder, "--views", "crops", "--out", out, *QUICK, *cache)
        assert done.exit_code == 0, done.output
    X = np.random.default_rng(0).uniform(-0.1, 0.1, (3, 1, int(RATE * SECONDS)))
    one, two = (load(out).transform(X) for out in outs)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("views", ["pair_by:instrument", "crops"])
def test_a_faulty_file_is_an_error_or_is_listed(folder, tmp_path, views):
    (folder / "flute-60.wav").write_bytes(b"no sound")
    out = tmp_path / "model"
    refused = run("fit", folder, "--views", views, "--out", out, *QUICK)
    assert refused.exit_code == 2
    assert "flute-60.wav" in refused.output
    assert not out.exists()
    done = run("fit", folder, "--views", views, "--out", out, *QUICK, "--skip-faulty")
    assert done.exit_code == 3, done.output
    listed = pd.read_csv(tmp_path / "model.skipped.csv")
    assert listed["file"].str.endswith("flute-60.wav").tolist() == [True]
    assert load(out)[-1].n_epochs_ == 2


def test_crops_decode_a_file_once(folder, tmp_path, monkeypatch):
    decoded, real = [], Decoder.mono

    def mono(self, start, stop):
        decoded.append(stop - start)
        return real(self, start, stop)

    monkeypatch.setattr(Decoder, "mono", mono)
    done = run("fit", folder, "--views", "crops", "--out", tmp_path / "model", *QUICK)
    assert done.exit_code == 0, done.output
    assert decoded == [int(RATE * SECONDS)] * 24


def test_crops_leave_out_silent_windows_and_list_files_without_two_others(folder, tmp_path):
    silence = np.zeros(int(0.25 * RATE))
    tone, _ = soundfile.read(folder / "oboe-60.wav", frames=len(silence))
    parts = {"flute-60": [tone, silence, tone], "oboe-60": [tone, silence, silence]}
    for name, sounds in parts.items():
        soundfile.write(folder / f"{name}.wav", np.concatenate(sounds), RATE)
    out = tmp_path / "model"
    done = run("fit", folder, "--views", "crops", "--out", out, *QUICK, "--skip-faulty")
    assert f"wrote {out}, fitted on 22 samples of 2 views" in done.output, done.output
    listed = pd.read_csv(tmp_path / "model.skipped.csv")
    assert listed["file"].str.endswith("oboe-60.wav").tolist() == [True]
    assert "too short: crops need two windows of 0.25 s" in listed["fault"][0]
    refused = run("fit", folder, "--views", "crops", "--out", out, *QUICK)
    assert refused.exit_code == 2
    assert "oboe-60.wav" in refused.output


def test_a_split_may_be_a_column_of_the_table(folder, tmp_path):
    table = pd.read_csv(folder / "metadata.csv")
    table["split"] = ["test"] * 4 + ["train"] * 8
    table.to_csv(folder / "metadata.csv", index=False)
    out = tmp_path / "model"
    done = run("fit", folder, "--views", "augment", "--split", "train", "--out", out, *QUICK)
    assert f"wrote {out}, fitted on 8 samples of 2 views" in done.output, done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--views", "pairs"], "'pairs'; pass one of pair_by:FACTOR[:OTHER], crops, augment"),
        (["--views", "pair_by:"], "'pair_by:'; pass one of"),
        (["--views", "pair_by:a:b:c"], "'pair_by:a:b:c'; pass one of"),
        (["--views", "pair_by:colour"], "colour"),
        (["--views", "pair_by:instrument:colour"], "colour"),
        (["--views", "crops", "--set", "depth=3"], "'depth=3'; pass a parameter of the model"),
        (["--views", "crops", "--set", "lr=-1"], "lr"),
        (["--views", "crops", "--duration", "0.5"], "too short: crops need two windows of 0.5 s"),
        (["--views", "crops", "--split", "train"], "split"),
        (["--views", "crops", "--out", "nowhere/model"], "nowhere does not exist: make it first"),
    ],
)
def test_a_wrong_argument_is_named(folder, tmp_path, arguments, message):
    done = run("fit", folder, "--out", tmp_path / "model", *QUICK, *arguments)
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.output.split())
    assert not (tmp_path / "model").exists()
