"""Reading sound files, from whatever is passed for files, segments and settings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.audio import (
    AudioFileError,
    LogMel,
    cache_log_mel,
    iter_windows,
    read_audio,
    read_clips,
)

from ._hostile import EDGES, examples, hostile, parameters
from ._property import REFUSED, attempt

ARGUMENTS = ("sample_rate", "offset", "duration", "hop", "level", "n_jobs", "on_error")
SEGMENTS = ("segments", "path", "duration", "folder", "log_mel")


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 800), 800)
    return path


def is_clip(clip):
    return clip.dtype == np.float32 and clip.ndim == 1 and bool(np.isfinite(clip).all())


@examples(4)
@given(params=parameters(("sample_rate", "offset", "duration", "level")))
def test_settings_of_one_segment(sound, params):
    read = attempt(
        lambda: read_audio(sound, **{"sample_rate": 800, **params}),
        ARGUMENTS,
        also=(AudioFileError,),
    )
    assert read is REFUSED or is_clip(read)


@examples(4)
@given(params=parameters(("sample_rate", "duration", "hop", "level")))
def test_settings_of_windows(sound, params):
    settings = {"sample_rate": 800, "duration": 0.1, **params}
    if isinstance(settings.get("hop"), float) and settings["hop"] == 1e-300:  # without end
        return
    read = attempt(lambda: list(iter_windows(sound, **settings)), ARGUMENTS, also=(AudioFileError,))
    assert read is REFUSED or all(is_clip(clip) for _, clip in read)


@examples(3)
@given(
    path=EDGES | hostile((3,)) | st.sampled_from(["", ".", "\0", "x" * 300, b"\xff", "/dev/zero"])
)
def test_paths(path):
    for read in (read_audio, lambda *args, **kw: next(iter_windows(*args, **kw, duration=1.0))):
        read = attempt(
            lambda read=read: read(path, sample_rate=800), ("path",), also=(AudioFileError,)
        )
        assert read is REFUSED


@examples(3)
@given(content=st.binary(max_size=300), head=st.sampled_from([b"", b"RIFF", b"OggS", b"\xff\xfb"]))
def test_content(sound, content, head):
    path = sound.with_name("content")
    path.write_bytes(head + content)
    with pytest.raises(AudioFileError, match="content: "):
        read_audio(path, sample_rate=800)


@examples(4)
@given(data=st.data())
def test_a_damaged_file_is_read_whole_or_refused(sound, data):
    path = sound.with_name("damaged")
    whole = bytearray(sound.read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=3)):
        whole[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    read = attempt(lambda: read_audio(path, sample_rate=800), ("damaged",), also=(AudioFileError,))
    assert read is REFUSED or is_clip(read)


COLUMNS = [
    *(0.0, -1.0, 1e300, float("nan"), float("inf"), None, "", "a.wav", b"a", True, 1j, 3, object),
    *(
        ["0.1", "0.2", "x"],
        [0.1, None, 0.3],
        [(1,), [2], {3}],
        pd.Series([1, 2, pd.NA], dtype="Int64"),
    ),
    *(pd.Categorical(["a", "b", "a"]), pd.Categorical([0.1, 0.2, 0.1]), np.arange(3) + 1j),
    *(pd.date_range("2020", periods=3), pd.timedelta_range("1s", periods=3), [0.1, 0.2, 0.3]),
]
TABLES = st.tuples(st.sampled_from(["path", "offset", "duration"]), st.sampled_from(COLUMNS))


def table_of(sound, column, values):
    table = pd.DataFrame({"path": [str(sound)] * 3, "offset": 0.0})
    table[column] = values
    return table


@examples(8)
@given(change=TABLES | st.none(), other=EDGES | st.sampled_from(COLUMNS))
def test_segments(sound, tmp_path_factory, change, other):
    segments = other if change is None else table_of(sound, *change)
    settings = {"duration": 0.1, "on_error": "skip"}
    also = (AudioFileError,)
    clips = attempt(lambda: read_clips(segments, sample_rate=800, **settings), SEGMENTS, also=also)
    assert clips is REFUSED or len(clips.X) + len(clips.skipped) == len(segments)
    folder = tmp_path_factory.getbasetemp() / "cache"
    log_mel = LogMel(800, n_fft=16, hop_length=8, n_mels=2)
    cached = attempt(
        lambda: cache_log_mel(segments, folder, log_mel=log_mel, **settings), SEGMENTS, also=also
    )
    assert (cached is REFUSED) == (clips is REFUSED)


@examples(3)
@given(params=parameters(("sample_rate", "duration", "level", "n_jobs", "on_error")))
def test_settings_of_many_segments(sound, params):
    read = attempt(
        lambda: read_clips([sound], **{"sample_rate": 800, "duration": 0.1, **params}),
        ARGUMENTS,
        also=(AudioFileError,),
    )
    assert read is REFUSED or len(read.X) == 1
