"""Published data sets, from small trees of their true layout."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from mvdisent.audio import read_clips
from mvdisent.datasets import from_mirdata, from_nsynth

TINYSOL = """Path,Fold,Family,Instrument (abbr.),Instrument (in full),Technique (abbr.),\
Technique (in full),Pitch,Pitch ID,Dynamics,Dynamics ID,Instance ID,String ID (if applicable),\
Resampled
"""


class TinySOL:
    """What mirdata 1.0 has of TinySOL: an index, a table of metadata, tracks with attributes."""

    def __init__(self, data_home):
        self.data_home = str(data_home)

    def load_tracks(self):
        tracks = {}
        text = Path(self.data_home, "annotation", "TinySOL_metadata.csv").read_text()
        for line in text.splitlines()[1:]:
            row = line.split(",")
            track_id = row[0].rpartition("/")[2].removesuffix(".wav")
            tracks[track_id] = SimpleNamespace(
                track_id=track_id,
                audio_path=f"{self.data_home}/audio/{row[0]}",
                split=int(row[1]),
                family=row[2],
                instrument_full=row[4],
                pitch_id=int(row[8]),
                is_resampled=row[13] == "TRUE",
            )
        return tracks


def sound(path, rate):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, rate // 2), rate)


@pytest.fixture
def tinysol(tmp_path):
    lines = []
    for family, name, short in [("Winds", "Flute", "Fl"), ("Brass", "Bass_Tuba", "BTb")]:
        for fold, (pitch, number) in enumerate([("A#4", 70), ("C5", 72)]):
            path = f"{family}/{name}/ordinario/{short}-ord-{pitch}-mf-N-N.wav"
            sound(tmp_path / "audio" / path, 44100)
            full = name.replace("_", " ")
            lines.append(
                f"{path},{fold},{family},{short},{full},ord,ordinario,{pitch},{number},mf,2,0,,FALSE"
            )
    (tmp_path / "annotation").mkdir()
    (tmp_path / "annotation" / "TinySOL_metadata.csv").write_text(TINYSOL + "\n".join(lines))
    return TinySOL(tmp_path)


def test_tinysol_is_a_table_of_its_notes(tinysol):
    table = from_mirdata(
        tinysol, shared="instrument_full", private="pitch_id", group="family", split="split"
    )
    assert table.factors.to_dict("list") == {
        "instrument_full": ["Flute", "Flute", "Bass Tuba", "Bass Tuba"],
        "pitch_id": [70, 72, 70, 72],
    }
    assert table.data["track_id"].iloc[0] == "Fl-ord-A#4-mf-N-N"
    assert table.data["file_name"].iloc[0] == "audio/Winds/Flute/ordinario/Fl-ord-A#4-mf-N-N.wav"
    assert table.groups.tolist() == ["Winds", "Winds", "Brass", "Brass"]
    assert table.split(1).factors["pitch_id"].tolist() == [72, 72]
    assert read_clips(table, sample_rate=16000, duration=0.5).X.shape == (4, 8000)


def test_what_mirdata_does_not_have_is_named(tinysol, tmp_path):
    with pytest.raises(ValueError, match="tracks without 'timbre': name another"):
        from_mirdata(tinysol, shared="timbre")
    with pytest.raises(TypeError, match="has no load_tracks and data_home"):
        from_mirdata("tinysol", shared="instrument_full")
    (tmp_path / "audio/Winds/Flute/ordinario/Fl-ord-C5-mf-N-N.wav").unlink()
    with pytest.raises(ValueError, match="names 1 files that are not in"):
        from_mirdata(tinysol, shared="instrument_full")


def test_a_track_without_a_sound_is_named(tinysol):
    tracks = tinysol.load_tracks()
    tracks["Fl-ord-C5-mf-N-N"].audio_path = None
    tinysol.load_tracks = lambda: tracks
    with pytest.raises(ValueError, match="no sound file for the track 'Fl-ord-C5-mf-N-N'"):
        from_mirdata(tinysol)


def note(instrument, number, pitch, velocity):
    """A note as examples.json has it."""
    family, source = instrument.split("_")
    name = f"{instrument}_{number:03d}-{pitch:03d}-{velocity:03d}"
    return name, {
        "note": 7 * pitch + velocity,
        "note_str": name,
        "instrument": number,
        "instrument_str": f"{instrument}_{number:03d}",
        "pitch": pitch,
        "velocity": velocity,
        "sample_rate": 16000,
        "qualities": [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        "qualities_str": ["dark"],
        "instrument_family": 3,
        "instrument_family_str": family,
        "instrument_source": 0,
        "instrument_source_str": source,
    }


@pytest.fixture
def nsynth(tmp_path):
    for split, number in [("train", 21), ("valid", 3), ("test", 5)]:
        notes = dict(note("guitar_acoustic", number, pitch, 127) for pitch in (60, 72))
        for name in notes:
            sound(tmp_path / f"nsynth-{split}" / "audio" / f"{name}.wav", 16000)
        (tmp_path / f"nsynth-{split}" / "examples.json").write_text(json.dumps(notes))
    return tmp_path


def test_nsynth_is_a_table_of_its_notes(nsynth):
    table = from_nsynth(nsynth)
    assert len(table) == 6
    assert {s: len(table.split(s)) for s in ("train", "valid", "test")} == {
        "train": 2,
        "valid": 2,
        "test": 2,
    }
    train = from_nsynth(nsynth, split="train")
    assert train.factors.to_dict("list") == {
        "instrument_str": ["guitar_acoustic_021"] * 2,
        "instrument_family_str": ["guitar"] * 2,
        "pitch": [60, 72],
        "velocity": [127, 127],
    }
    assert train.groups.tolist() == ["guitar_acoustic_021"] * 2
    assert "qualities" not in train.data
    assert read_clips(train, sample_rate=16000, duration=0.5).X.shape == (2, 8000)


def test_what_nsynth_does_not_have_is_named(nsynth):
    with pytest.raises(ValueError, match="split='dev' is unknown; pass one of 'train', 'valid'"):
        from_nsynth(nsynth, split="dev")
    with pytest.raises(ValueError, match="has no nsynth-train or nsynth-valid or nsynth-test with"):
        from_nsynth(nsynth / "nsynth-train")
    with pytest.raises(TypeError, match="folder=3"):
        from_nsynth(3)
    (nsynth / "nsynth-test" / "examples.json").write_text('{"a": ')
    with pytest.raises(ValueError, match=r"examples\.json is no JSON"):
        from_nsynth(nsynth)
    (nsynth / "nsynth-test" / "examples.json").write_text('["a"]')
    with pytest.raises(ValueError, match="does not map names to notes"):
        from_nsynth(nsynth, split="test")
    next((nsynth / "nsynth-train" / "audio").iterdir()).unlink()
    with pytest.raises(ValueError, match="names 1 files that are not in"):
        from_nsynth(nsynth, split="train")
