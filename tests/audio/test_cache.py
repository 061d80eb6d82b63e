"""Spectra on disk: right, found again, resumed, shared, and never silently wrong."""

from __future__ import annotations

import os
import random
import shutil
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
from numpy.testing import assert_array_equal
from sklearn.decomposition import IncrementalPCA

from mvdisent.audio import AudioFileError, LogMel, _cache, cache_log_mel, read_clips

LOG_MEL = LogMel(8000, n_fft=128, hop_length=64, n_mels=8)
DURATION = 0.05


@pytest.fixture
def computed(monkeypatch):
    """Rows that are read, call by call."""
    calls = []
    real = _cache.read_rows
    monkeypatch.setattr(
        _cache,
        "read_rows",
        lambda where, rows, *rest: calls.append(rows) or real(where, rows, *rest),
    )
    return calls


def cache(segments, folder, **settings):
    settings = {"log_mel": LOG_MEL, "duration": DURATION, **settings}
    return cache_log_mel(segments, folder, **settings)


def expected_of(segments, log_mel=LOG_MEL, **settings):
    clips = read_clips(segments, sample_rate=8000, duration=DURATION, **settings)
    return log_mel.transform(clips.X)[:, 0]


def test_it_holds_the_spectra_of_the_clips(segments, tmp_path):
    clips = cache(segments, tmp_path / "cache", n_jobs=2)
    assert isinstance(clips.X, np.memmap)
    assert not clips.X.flags.writeable
    assert clips.X.dtype == np.float32
    assert_array_equal(clips.X, expected_of(segments))
    assert_array_equal(clips.rows, np.arange(900))
    assert clips.skipped.empty


def test_scikit_learn_takes_it(segments, tmp_path):
    clips = cache(segments, tmp_path / "cache")
    features = clips.X.reshape(900, -1)
    pca = IncrementalPCA(3).fit(features)
    assert pca.transform(features).shape == (900, 3)


def test_a_second_call_reads_nothing(segments, tmp_path, computed):
    first = cache(segments, tmp_path / "cache")
    assert len(computed) == 4
    again = cache(segments, tmp_path / "cache")
    assert len(computed) == 4
    assert_array_equal(again.X, first.X)


def test_a_moved_library_is_known(segments, sounds, tmp_path, computed):
    cache(segments, tmp_path / "cache")
    moved = shutil.copytree(sounds, tmp_path / "moved")
    elsewhere = segments.assign(path=segments["path"].str.replace(str(sounds), str(moved)))
    cache(elsewhere, tmp_path / "cache")
    assert len(computed) == 4


def test_a_file_changed_under_its_old_size_and_times_is_read_anew(segments, sounds, tmp_path):
    before = cache(segments, tmp_path / "cache").X.copy()
    path = sounds / "2.flac"
    old = path.stat()
    data = path.read_bytes()
    # Another sound of the same length: two files change places, and bear the old time.
    path.write_bytes((sounds / "3.flac").read_bytes()[: len(data)].ljust(len(data), b"\0"))
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert path.stat().st_size == old.st_size
    after = cache(segments, tmp_path / "cache", on_error="skip")
    expected = read_clips(segments, sample_rate=8000, duration=DURATION, on_error="skip")
    assert_array_equal(after.rows, expected.rows)
    changed = segments["path"].iloc[after.rows].str.endswith("2.flac").to_numpy()
    assert_array_equal(after.X[~changed], before[after.rows][~changed])
    assert_array_equal(after.X, LOG_MEL.transform(expected.X)[:, 0])


@pytest.mark.parametrize(
    "settings",
    [
        {"log_mel": LogMel(8000, n_fft=128, hop_length=64, n_mels=7)},
        {"log_mel": LogMel(8000, n_fft=128, hop_length=64, n_mels=8, top_db=40.0)},
        {"level": 0.1, "log_mel": LogMel(8000, n_fft=128, hop_length=64, n_mels=8, ref=1.0)},
        {"level": None},
        {"duration": 0.06},
    ],
    ids=str,
)
def test_other_settings_are_other_spectra(segments, tmp_path, computed, settings):
    cache(segments, tmp_path / "cache")
    other = cache(segments, tmp_path / "cache", **settings)
    assert len(computed) == 8
    log_mel = settings.pop("log_mel", LOG_MEL)
    clips = read_clips(segments, sample_rate=8000, **{"duration": DURATION, **settings})
    assert_array_equal(other.X, log_mel.transform(clips.X)[:, 0])


def test_other_offsets_are_other_spectra(segments, tmp_path):
    cache(segments, tmp_path / "cache")
    moved = segments.assign(offset=segments["offset"] / 2)
    assert_array_equal(cache(moved, tmp_path / "cache").X, expected_of(moved))


def test_skipped_segments_leave_no_hole(segments, sounds, tmp_path, computed):
    (sounds / "1.flac").write_bytes(b"no sound")
    with pytest.raises(AudioFileError, match=r"1\.flac: no sound file"):
        cache(segments, tmp_path / "cache")
    bad = segments["path"].str.endswith("1.flac").to_numpy()
    for _ in range(2):
        clips = cache(segments, tmp_path / "cache", on_error="skip")
        assert_array_equal(clips.rows, np.flatnonzero(~bad))
        assert_array_equal(clips.skipped["row"], np.flatnonzero(bad))
        assert clips.skipped["fault"].str.startswith("no sound file").all()
        assert isinstance(clips.X, np.memmap)
        assert_array_equal(clips.X, expected_of(segments[~bad]))
    assert len(computed) == 1 + 4
    with pytest.raises(AudioFileError, match=r"1\.flac: no sound file"):
        cache(segments, tmp_path / "cache")
    assert len(computed) == 5


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(28, "No space left")])
def test_after_an_interruption_it_goes_on(segments, tmp_path, computed, monkeypatch, error):
    real = os.fsync
    n_calls = iter(range(100))

    def fail(descriptor):
        if next(n_calls) == 2:
            raise error
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(error if isinstance(error, type) else OSError):
        cache(segments, tmp_path / "cache")
    monkeypatch.setattr(os, "fsync", real)
    done = len(computed)
    assert_array_equal(cache(segments, tmp_path / "cache").X, expected_of(segments))
    assert (done, len(computed)) == (3, 5)


def test_a_file_that_changes_while_it_is_read_is_refused(segments, sounds, tmp_path, monkeypatch):
    real = _cache.read_rows

    def change(where, rows, *rest):
        faults = real(where, rows, *rest)
        soundfile.write(sounds / "0.flac", np.random.default_rng(9).uniform(-1, 1, 16000), 8000)
        return faults

    monkeypatch.setattr(_cache, "read_rows", change)
    with pytest.raises(AudioFileError, match=r"0\.flac: was changed while it was read"):
        cache(segments, tmp_path / "cache")


def damaged_somewhere(path, rng):
    data = bytearray(path.read_bytes())
    data[rng.randrange(128, len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def test_a_changed_bit_is_found_and_computed_again(segments, tmp_path, computed):
    rng = random.Random(0)
    expected = np.array(cache(segments, tmp_path / "cache").X)
    (path,) = (tmp_path / "cache").glob("*.npy")
    for trial in range(1, 21):
        damaged_somewhere(path, rng)
        assert_array_equal(cache(segments, tmp_path / "cache").X, expected)
        assert len(computed) == 4 + trial  # that chunk alone


@pytest.mark.parametrize("length", [0, 50, 128, 5000, -1])
def test_a_cut_or_lost_file_is_made_anew(segments, tmp_path, length):
    expected = np.array(cache(segments, tmp_path / "cache").X)
    (path,) = (tmp_path / "cache").glob("*.npy")
    path.write_bytes(path.read_bytes()[:length])
    assert_array_equal(cache(segments, tmp_path / "cache").X, expected)
    path.unlink()
    assert_array_equal(cache(segments, tmp_path / "cache").X, expected)


def test_damage_of_the_smaller_copy_is_repaired_from_the_whole(
    segments, sounds, tmp_path, computed
):
    (sounds / "1.flac").write_bytes(b"no sound")
    expected = np.array(cache(segments, tmp_path / "cache", on_error="skip").X)
    (path,) = (tmp_path / "cache").glob("*-kept.npy")
    damaged_somewhere(path, random.Random(0))
    assert_array_equal(cache(segments, tmp_path / "cache", on_error="skip").X, expected)
    assert len(computed) == 4


def test_a_damaged_index_is_told(segments, tmp_path):
    cache(segments, tmp_path / "cache")
    index = tmp_path / "cache" / "index.sqlite"
    index.write_bytes(b"no index" * 1000)
    with pytest.raises(OSError, match=r"index\.sqlite is damaged .*remove it"):
        cache(segments, tmp_path / "cache")
    index.unlink()
    assert_array_equal(cache(segments, tmp_path / "cache").X, expected_of(segments))


def test_a_disk_that_keeps_nothing_is_told(segments, tmp_path, monkeypatch):
    from mvdisent.audio import _store

    real = _store.zlib.crc32
    monkeypatch.setattr(_store.zlib, "crc32", lambda data: real(data) ^ random.getrandbits(32))
    with pytest.raises(OSError, match="does not hold what was written to it"):
        cache(segments, tmp_path / "cache")


def test_a_hash_is_kept_until_the_file_changes(segments, sounds, tmp_path, monkeypatch):
    from mvdisent.audio import _store

    hashed = []
    real = _store._digest
    monkeypatch.setattr(_store, "_digest", lambda path: hashed.append(path) or real(path))
    monkeypatch.setattr(_store, "FRESH_NS", 0)
    for _ in range(2):
        cache(segments, tmp_path / "cache")
    assert len(hashed) == 4
    os.utime(sounds / "1.flac")
    cache(segments, tmp_path / "cache")
    assert hashed[4:] == [str(sounds / "1.flac")]
    # Of a file changed a moment ago, the times may not tell the next change.
    monkeypatch.setattr(_store, "FRESH_NS", 10**12)
    os.utime(sounds / "1.flac")
    for _ in range(2):
        cache(segments, tmp_path / "cache")
    assert hashed[5:] == [str(sounds / "1.flac")] * 2


def test_it_never_holds_the_whole_library(sounds, tmp_path):
    n = 4000
    rng = np.random.default_rng(0)
    files = [str(sounds / f"{i % 4}.flac") for i in range(n)]
    segments = pd.DataFrame({"path": files, "offset": rng.uniform(0, 1.5, n)})
    log_mel = LogMel(8000, n_fft=256, hop_length=32, n_mels=32)
    cache(segments.iloc[:300], tmp_path / "warm", log_mel=log_mel, duration=0.4)
    tracemalloc.start()
    clips = cache(segments, tmp_path / "cache", log_mel=log_mel, duration=0.4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < clips.X.nbytes / 3


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"folder": None}, TypeError, "folder=None; pass a str"),
        ({"log_mel": None}, TypeError, "log_mel=None; pass a LogMel"),
        ({"log_mel": LogMel(8000.5)}, ValueError, "sample_rate="),
        ({"log_mel": LogMel(8000, n_mels=0)}, ValueError, "'n_mels' parameter"),
        ({"duration": None}, ValueError, "duration=None, but segments"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_made(
    segments, tmp_path, settings, error, text
):
    with pytest.raises(error, match=text):
        cache(segments, **{"folder": tmp_path / "cache", **settings})
    assert not (tmp_path / "cache").exists()
