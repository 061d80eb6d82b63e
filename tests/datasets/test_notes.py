"""Sampled notes: their pitch by another library, their level, and the traps of the synthesiser."""

from __future__ import annotations

import builtins
import shutil
import sys

import librosa
import numpy as np
import pandas as pd
import pytest
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal

from mvdisent import LogMel
from mvdisent.datasets import NOTE_INSTRUMENTS, NoteInstrument, make_note_views, make_notes
from mvdisent.datasets._soundfont import NoteRenderer, find_soundfont
from mvdisent.views import pair_by

RATE = 16000
FEW = {"instruments": ["flute", "cello", "alto sax"], "pitches": [60, 64, 67], "duration": 0.3}


@pytest.fixture(scope="module")
def few():
    return make_notes(**FEW)


def test_rows_are_every_note_with_its_factors_but_the_silent_one(few):
    X, factors = few
    assert X.shape == (8, 4800)
    assert X.dtype == np.float32
    assert list(factors.columns) == ["instrument", "family", "pitch", "velocity", "in_range"]
    assert factors["instrument"].tolist() == ["flute"] * 3 + ["cello"] * 3 + ["alto sax"] * 2
    assert factors["pitch"].tolist() == [60, 64, 67, 60, 64, 67, 60, 67]  # key 64 is silent
    assert factors["family"].tolist() == ["pipe"] * 3 + ["strings"] * 3 + ["reed"] * 2
    assert (factors["velocity"] == 100).all()
    assert factors["in_range"].all()


def test_the_pitch_is_what_a_pitch_tracker_hears():
    X, factors = make_notes(
        instruments=["flute", "cello", "clarinet", "trumpet"], pitches=range(60, 73, 3)
    )
    heard = librosa.yin(X, fmin=150, fmax=1000, sr=RATE, frame_length=1024)
    keys = librosa.hz_to_midi(np.median(heard, axis=1))
    assert_allclose(keys, factors["pitch"], atol=0.3)


def test_levels_are_equal_and_below_full_scale(few):
    X, _ = few
    assert_allclose(np.sqrt(np.square(X, dtype=np.float64).mean(axis=1)), 0.02, rtol=1e-5)
    struck = make_notes(instruments=["xylophone", "marimba"], pitches=[48, 84])[0]
    assert np.abs(struck).max() < 1


def test_a_note_is_the_same_whatever_is_made_before_it(few):
    X, factors = few
    row = factors.query("instrument == 'cello' and pitch == 64").index.item()
    alone, _ = make_notes(instruments=["cello"], pitches=[64], duration=0.3)
    assert_array_equal(alone[0], X[row])
    assert_array_equal(make_notes(**FEW)[0], X)


def test_no_tail_of_a_loud_note_is_in_the_next():
    renderer = NoteRenderer(None, RATE, band_limited=True)
    first = renderer.render(73, 60, 100, 4000)
    renderer.render(19, 48, 127, 4000)  # an organ, which sounds on
    assert_array_equal(renderer.render(73, 60, 100, 4000), first)
    assert np.abs(renderer.render(65, 64, 100, 4000)).max() == 0  # the silent note stays silent


def spectral_gap(**settings):
    """Largest difference, up to 3 kHz, of a note at 8 kHz from the same at 48 kHz, in dB."""
    low, _ = make_notes(instruments=["trumpet"], pitches=[84], sample_rate=8000, **settings)
    high, _ = make_notes(instruments=["trumpet"], pitches=[84], sample_rate=48000)
    density = [
        scipy.signal.welch(x[0], rate, nperseg=rate // 20)[1] / np.square(x).sum() * rate
        for x, rate in ((low, 8000), (high, 48000))
    ]
    edge = 150  # of 200 bins of 20 Hz each: to 3 kHz
    levels = 10 * np.log10(np.maximum([d[5:edge] for d in density], 1e-12))
    gap = levels[0] - levels[1]
    return np.abs(gap - np.median(gap)).max()


def test_what_lies_above_half_the_sample_rate_does_not_come_back():
    assert spectral_gap() < 3
    assert spectral_gap(band_limited=False) > 20


def test_notes_beyond_the_true_instrument_are_marked():
    _, factors = make_notes(instruments=["flute"], pitches=[59, 60, 96, 97], duration=0.1)
    assert factors["in_range"].tolist() == [False, True, True, False]


def test_velocities_are_a_factor(few):
    X, factors = make_notes(instruments=["flute"], pitches=[60], velocities=[40, 100], duration=0.3)
    assert factors["velocity"].tolist() == [40, 100]
    assert_array_equal(X[1], few[0][0])


def test_the_default_instruments_are_33_without_those_that_do_not_serve():
    programs = [instrument.program for instrument in NOTE_INSTRUMENTS.values()]
    assert len(programs) == len(set(programs)) == 33
    assert not set(programs) & {14, 16, 17, 18, 31, 47, 97}
    assert all(low < high for _, _, low, high in NOTE_INSTRUMENTS.values())


def test_other_programs_are_taken_by_names_of_ones_own(few):
    others = {"C flute": NOTE_INSTRUMENTS["flute"], "sitar": NoteInstrument(104, "ethnic", 48, 62)}
    X, factors = make_notes(**{**FEW, "instruments": others})
    assert factors["instrument"].tolist() == ["C flute"] * 3 + ["sitar"] * 3
    assert factors["family"].tolist() == ["pipe"] * 3 + ["ethnic"] * 3
    assert factors["in_range"].tolist()[3:] == [True, False, False]
    assert_array_equal(X[:3], few[0][:3])
    assert not np.array_equal(X[3:], few[0][3:6])


def test_every_instrument_is_another_sound():
    X, factors = make_notes(pitches=[60], duration=0.5)
    assert factors["instrument"].tolist() == list(NOTE_INSTRUMENTS)
    spectra = LogMel(RATE).fit_transform(X).reshape(len(X), -1)
    alike = np.corrcoef(spectra) - np.eye(len(X))
    assert alike.max() < 0.999


def test_a_transform_takes_the_notes_chunk_by_chunk(few, monkeypatch):
    monkeypatch.setattr("mvdisent.datasets._synthesis._CHUNK_SAMPLES", 4800 * 2)
    sizes = []

    def watch(X):
        sizes.append(len(X))
        return LogMel(RATE).fit_transform(X)

    X, factors = make_notes(**FEW, transform=watch)
    assert sizes == [2, 2, 2, 2, 1]
    assert_allclose(X, LogMel(RATE).fit_transform(few[0]), atol=1e-4)
    assert_frame_equal(factors, few[1])


def test_a_soundfont_is_taken_by_its_path(few, tmp_path):
    path = tmp_path / "other.sf2"
    shutil.copy(find_soundfont(None), path)
    assert_array_equal(make_notes(**FEW, soundfont=path)[0], few[0])
    assert_array_equal(make_notes(**FEW, soundfont=str(path))[0], few[0])


@pytest.mark.parametrize("n_views", [1, 2, 3])
def test_views_share_the_instrument_and_differ_in_pitch(n_views, few):
    settings = {**FEW, "instruments": FEW["instruments"][:2], "n_views": n_views}
    X, factors = make_note_views(50, **settings, random_state=0)
    assert X.shape == (50, n_views, 4800)
    pitch = factors[[f"pitch_v{i}" for i in range(n_views)]].to_numpy()
    assert all(len(set(row)) == n_views for row in pitch)
    bank, table = few
    for row in (0, 17, 49):
        for view in range(n_views):
            same = (table["instrument"] == factors["instrument"][row]) & (
                table["pitch"] == pitch[row, view]
            )
            assert_array_equal(X[row, view], bank[same.to_numpy()].squeeze())
    assert set(factors["instrument"]) == {"flute", "cello"}


def test_note_views_follow_from_the_seed():
    one, same, other = (make_note_views(30, **FEW, random_state=seed) for seed in (1, 1, 2))
    assert_array_equal(one[0], same[0])
    assert_frame_equal(one[1], same[1])
    assert not one[1].equals(other[1])


def test_note_views_are_transformed():
    X, factors = make_note_views(9, **FEW, transform=LogMel(RATE).fit_transform, random_state=0)
    plain, _ = make_note_views(9, **FEW, random_state=0)
    assert_allclose(X, LogMel(RATE).fit_transform(plain), atol=1e-4)
    assert len(factors) == 9


def test_notes_are_paired_afresh_each_epoch_by_pair_by(few):
    X, factors = few
    source = pair_by(X, factors["instrument"], differ=factors["pitch"], random_state=0)
    table = source.factors(factors)
    assert list(table.columns) == [
        *("instrument", "family", "pitch_v0", "pitch_v1", "velocity", "in_range")
    ]
    assert (table["pitch_v0"] != table["pitch_v1"]).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"instruments": ["kazoo"]}, ValueError, "instruments='kazoo' is unknown; pass one of"),
        ({"instruments": []}, ValueError, "instruments is empty"),
        ({"instruments": "flute"}, TypeError, "instruments is of type str; pass a list"),
        ({"instruments": ["flute"] * 2}, ValueError, "names one twice; pass each once"),
        ({"instruments": {}}, ValueError, "instruments is empty"),
        (
            {"instruments": {"sitar": 104}},
            TypeError,
            "instruments maps 'sitar' to 104; pass a name",
        ),
        (
            {"instruments": {"sitar": NoteInstrument(128, "ethnic", 48, 77)}},
            ValueError,
            r"instruments\['sitar'\].program == 128, must be <= 127",
        ),
        (
            {"instruments": {"sitar": NoteInstrument(104, "ethnic", "C3", 77)}},
            TypeError,
            r"instruments\['sitar'\].lowest must be an instance of int, not str",
        ),
        ({"pitches": [128]}, ValueError, "pitches holds 128; pass ints from 0 to 127"),
        ({"pitches": [60.5]}, ValueError, "pitches holds 60.5"),
        ({"pitches": 60}, TypeError, "pitches is of type int; pass a list"),
        ({"velocities": [0]}, ValueError, "velocities holds 0; pass ints from 1 to 127"),
        ({"velocities": []}, ValueError, "velocities is empty"),
        ({"band_limited": "no"}, TypeError, "band_limited='no'; pass True or False"),
        ({"duration": 0}, ValueError, "duration=0; pass a finite number above 0"),
        ({"sample_rate": 0}, ValueError, "sample_rate == 0, must be >= 1000"),
        ({"transform": 3}, TypeError, "transform=3 cannot be called"),
        ({"soundfont": 3}, TypeError, "path=3; pass a str"),
        ({"soundfont": "nowhere.sf2"}, FileNotFoundError, "soundfont='nowhere.sf2' is not there"),
        ({"soundfont": __file__}, ValueError, "is no SoundFont; pass a .sf2 or .sf3 file"),
        (
            {"instruments": ["alto sax"], "pitches": [64]},
            ValueError,
            "instruments holds 'alto sax', which is silent at all pitches .* leave it out",
        ),
    ],
)
def test_what_cannot_be_rendered_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        make_notes(**{**FEW, **options})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples == 0, must be >= 1"),
        ({"n_views": True}, TypeError, "n_views=True; pass an int"),
        ({"n_views": 3}, ValueError, "n_views=3, but 'alto sax' sounds at 2 of the pitches"),
        ({"random_state": -1}, ValueError, "random_state=-1; pass"),
    ],
)
def test_views_that_cannot_be_drawn_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        make_note_views(**{**FEW, **options})


@pytest.mark.parametrize(("package", "text"), [("tinysoundfont", "need"), ("pretty_midi", "is")])
def test_a_package_that_is_not_there_is_named_with_both_commands(package, text, monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == package:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=rf"{text} .*mvdisent\[notes\].*--no-deps tinysoundfont"):
        make_notes(**FEW)


def test_factors_are_plain_columns(few):
    assert isinstance(few[1], pd.DataFrame)
    assert few[1].index.tolist() == list(range(8))
    assert few[1]["in_range"].dtype == bool
