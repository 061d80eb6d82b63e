"""Many segments: in parallel what they are one by one, with the faulty ones listed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
from numpy.testing import assert_array_equal

from mvdisent.audio import AudioFileError, read_audio, read_clips


@pytest.fixture
def folder(tmp_path):
    """Six noises of 1 s in four formats."""
    rng = np.random.default_rng(0)
    for i, suffix in enumerate(["wav", "flac", "ogg", "mp3", "wav", "aiff"]):
        soundfile.write(tmp_path / f"{i}.{suffix}", 0.1 * rng.standard_normal((44100, 2)), 44100)
    return tmp_path


@pytest.fixture
def segments(folder):
    """Three segments of each file, in no order."""
    files = sorted(map(str, folder.iterdir())) * 3
    offsets = np.repeat([0.4, 0.0, 0.5], 6)
    return pd.DataFrame({"path": files, "offset": offsets, "duration": 0.25}).sample(
        frac=1, random_state=0
    )


@pytest.mark.parametrize("n_jobs", [None, 2, 4])
def test_each_row_is_its_segment(segments, n_jobs):
    clips = read_clips(segments, sample_rate=16000, n_jobs=n_jobs)
    assert clips.X.dtype == np.float32
    assert_array_equal(clips.rows, np.arange(18))
    assert clips.skipped.empty
    assert list(clips.skipped.columns) == ["row", "file", "fault"]
    for clip, segment in zip(clips.X, segments.itertuples(), strict=True):
        expected = read_audio(segment.path, sample_rate=16000, offset=segment.offset, duration=0.25)
        assert_array_equal(clip, expected)


def test_paths_and_tables_and_what_has_segments_give_the_same(segments):
    segments["offset"] = 0.0
    expected = read_clips(segments, sample_rate=8000, duration=0.25)
    for other in (segments["path"].tolist(), SimpleNamespace(segments=segments)):
        assert_array_equal(read_clips(other, sample_rate=8000, duration=0.25).X, expected.X)


def test_skipped_segments_are_listed_with_their_faults(segments, folder):
    (folder / "1.flac").write_bytes((folder / "1.flac").read_bytes()[:-100])
    segments.iloc[3, segments.columns.get_loc("path")] = str(folder / "none.wav")
    segments.iloc[4, segments.columns.get_loc("offset")] = 0.9
    bad = {3: "is not there", 4: "has 1 s, too short for 0.25 s from 0.9 s"}
    bad |= dict.fromkeys(np.flatnonzero(segments["path"].str.endswith("1.flac")), "truncated")
    clips = read_clips(segments, sample_rate=16000, on_error="skip", n_jobs=2)
    assert clips.skipped["row"].tolist() == sorted(bad)
    assert clips.skipped["file"].tolist() == segments["path"].iloc[sorted(bad)].tolist()
    for row, fault in zip(clips.skipped["row"], clips.skipped["fault"], strict=True):
        assert bad[row] in fault
    assert sorted([*clips.rows, *bad]) == list(range(18))
    good = read_clips(segments.iloc[clips.rows], sample_rate=16000)
    assert_array_equal(clips.X, good.X)


def test_a_fault_is_an_error_unless_skipped(segments, folder):
    (folder / "4.wav").write_bytes(b"RIFF")
    with pytest.raises(AudioFileError, match=r"4\.wav: no sound .*2 more segments .*\"skip\""):
        read_clips(segments, sample_rate=16000)


def test_where_nothing_is_left_skipping_is_an_error(tmp_path):
    with pytest.raises(AudioFileError, match=r"a\.wav: is not there, and 1 more segments"):
        read_clips(
            [tmp_path / "a.wav", tmp_path / "b.wav"],
            sample_rate=16000,
            duration=1.0,
            on_error="skip",
        )


def test_a_clip_does_not_go_beyond_its_segment(segments):
    with pytest.raises(AudioFileError, match=r"has a segment of 0\.25 s, too short for 0\.3 s"):
        read_clips(segments, sample_rate=16000, duration=0.3)
    assert read_clips(segments, sample_rate=16000, duration=0.2).X.shape == (18, 3200)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda s: s["path"].iloc[0], TypeError, r"segments='.*; pass an AudioTable"),
        (lambda s: 3, TypeError, "segments=3; pass"),
        (lambda s: np.array(2), TypeError, r"segments=array\(2\); pass"),
        (lambda s: [1, 2], TypeError, "segments has 1 for a path in row 0"),
        (lambda s: [], ValueError, "segments is empty"),
        (lambda s: s.drop(columns="path"), ValueError, "pass one named 'path'"),
        (lambda s: s.assign(offset="x"), TypeError, "column 'offset' of no numbers"),
        (lambda s: s.assign(offset=-1.0), ValueError, r"row 0: offset=-1\.0; pass seconds"),
        (lambda s: s.assign(duration=0.0), ValueError, "row 0: duration="),
        (lambda s: s.assign(duration=np.arange(1, 19)), ValueError, "duration=None, but segments"),
        (lambda s: s.drop(columns="duration"), ValueError, "duration=None, but segments"),
    ],
)
def test_what_names_no_segments_is_refused(segments, change, error, text):
    with pytest.raises(error, match=text):
        read_clips(change(segments), sample_rate=16000)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"n_jobs": 0}, "n_jobs=0"),
        ({"on_error": "ignore"}, "on_error='ignore' is unknown"),
        ({"sample_rate": 10**6, "duration": 10**6}, r"of 18 clips take 7.2e\+04 GB"),
    ],
)
def test_other_arguments_are_refused_by_name(segments, settings, text):
    with pytest.raises(ValueError, match=text):
        read_clips(segments, **{"sample_rate": 16000, **settings})
