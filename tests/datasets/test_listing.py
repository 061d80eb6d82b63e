"""Files of any name, links and number are listed, and quickly."""

from __future__ import annotations

import os
import time
import unicodedata

import numpy as np
import pandas as pd
import pytest
import soundfile
from numpy.testing import assert_array_equal

from mvdisent.audio import read_audio, read_clips
from mvdisent.datasets import AudioTable

from .conftest import touch

NAMES = [
    "a b.wav",
    "été – 音.wav",
    "x" * 251 + ".wav",
    "a\nb.wav",
    "-rf.wav",
    "a,b\"c'.wav",
    "%s{}.wav",
]


def test_any_name_is_listed_and_read_back_from_metadata(tmp_path):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 800)
    for name in NAMES:
        soundfile.write(tmp_path / name, sound, 8000)
    pd.DataFrame({"file_name": NAMES}).to_csv(tmp_path / "metadata.csv", index=False)
    table = AudioTable(tmp_path)
    assert table.data["file_name"].tolist() == NAMES
    clips = read_clips(table, sample_rate=8000, duration=0.1)
    assert_array_equal(clips.X, np.stack([read_audio(tmp_path / NAMES[0], sample_rate=8000)] * 7))


def test_accents_may_be_composed_or_not(tmp_path):
    composed, apart = (unicodedata.normalize(form, "é.wav") for form in ("NFC", "NFD"))
    touch(tmp_path, apart)
    table = AudioTable(tmp_path, pd.DataFrame({"file_name": [composed]}))
    assert table.data["file_name"].tolist() == [apart]


def test_links_are_followed_but_not_round_in_circles(tmp_path):
    touch(tmp_path, "sounds/a.wav", "elsewhere/b.wav")
    inner = tmp_path / "sounds"
    (inner / "link.wav").symlink_to(inner / "a.wav")
    (inner / "broken.wav").symlink_to("nowhere")
    (inner / "far").symlink_to(tmp_path / "elsewhere")
    (inner / "circle").symlink_to(inner)
    assert AudioTable(inner).data["file_name"].tolist() == ["a.wav", "far/b.wav", "link.wav"]
    with pytest.raises(ValueError, match=r"first 'broken\.wav'"):
        AudioTable(inner, pd.DataFrame({"file_name": ["a.wav", "broken.wav"]}))


def test_100_000_files_of_any_name_and_links_are_listed_in_seconds(tmp_path):
    touch(tmp_path, "first.wav")
    stems = ["{}", "été – 音 {}", "x" * 240 + "{}", "link {}"]
    names = [f"{i % 100}/{stems[i % 7 % 4].format(i)}.wav" for i in range(100_000)]
    for i in range(100):
        (tmp_path / str(i)).mkdir()
    for name in names:
        if "link" in name:
            (tmp_path / name).symlink_to(tmp_path / "first.wav")
        else:
            os.mknod(tmp_path / name)
    notes = pd.DataFrame({"file_name": ["first.wav", *names], "pitch": np.arange(100_001) % 88})
    began = time.perf_counter()
    table = AudioTable(tmp_path, notes, private="pitch")
    assert time.perf_counter() - began < 10
    assert table.data["file_name"].tolist() == ["first.wav", *names]
    assert table.unlisted == []
