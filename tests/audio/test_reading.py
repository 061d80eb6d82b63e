"""One segment of a file: every format, rate and width, against the closed form."""

from __future__ import annotations

import os
import tracemalloc

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose, assert_array_equal

from mvdisent.audio import AudioFileError, iter_windows, read_audio

from .conftest import mono_at

# Of each format the largest error of its own rounding, and of soxr's 20 bits.
LOSSLESS = [
    *(("WAV", "PCM_U8", 1.2e-2), ("WAV", "PCM_16", 1e-4), ("WAV", "PCM_24", 2e-5)),
    *(("WAV", "PCM_32", 2e-5), ("WAV", "FLOAT", 2e-5), ("WAV", "DOUBLE", 2e-5)),
    *(("WAVEX", "PCM_16", 1e-4), ("RF64", "PCM_24", 2e-5), ("AIFF", "PCM_S8", 1.2e-2)),
    *(("AIFF", "PCM_16", 1e-4), ("AIFF", "PCM_24", 2e-5), ("AIFF", "DOUBLE", 2e-5)),
    *(("FLAC", "PCM_S8", 1.2e-2), ("FLAC", "PCM_16", 1e-4), ("FLAC", "PCM_24", 2e-5)),
    *(("WAV", "ULAW", 2e-2), ("WAV", "ALAW", 2e-2), ("AU", "ULAW", 2e-2), ("AU", "PCM_24", 2e-5)),
    *(("CAF", "PCM_16", 1e-4), ("CAF", "FLOAT", 2e-5), ("W64", "PCM_16", 1e-4)),
]
SHAPES = [(8000, 1), (11025, 8), (22050, 3), (44100, 2), (48000, 6), (96000, 1), (192000, 8)]


@pytest.mark.parametrize(("rate", "n_channels"), SHAPES)
@pytest.mark.parametrize(("format", "subtype", "error"), LOSSLESS)
def test_a_lossless_file_gives_the_mean_of_its_channels(
    write, format, subtype, error, rate, n_channels
):
    path = write(format, subtype, rate=rate, n_channels=n_channels)
    clip = read_audio(path, sample_rate=16000, offset=0.4, duration=1.0, level=None)
    assert clip.dtype == np.float32
    assert clip.shape == (16000,)
    assert_allclose(clip, mono_at(16000, 1.0, n_channels, start=0.4), rtol=0, atol=error)


@pytest.mark.parametrize(
    ("format", "subtype", "rate", "n_channels", "error"),
    [
        *[("OGG", "VORBIS", rate, n, 0.02) for rate in (8000, 44100) for n in (1, 2)],
        ("OGG", "VORBIS", 192000, 8, 0.05),
        *[("OGG", "OPUS", rate, n, 0.15) for rate in (8000, 48000) for n in (1, 2)],
        ("OGG", "OPUS", 48000, 8, 0.4),
        *[("MP3", None, rate, n, 0.05) for rate in (8000, 16000, 44100, 48000) for n in (1, 2)],
        ("WAV", "IMA_ADPCM", 44100, 1, 0.02),
        ("WAV", "MS_ADPCM", 22050, 2, 0.02),
    ],
)
def test_a_lossy_file_gives_the_same_within_its_error(
    write, format, subtype, rate, n_channels, error
):
    path = write(format, subtype, rate=rate, n_channels=n_channels)
    clip = read_audio(path, sample_rate=16000, offset=0.4, duration=1.0, level=None)
    expected = mono_at(16000, 1.0, n_channels, start=0.4)
    assert np.sqrt(np.mean((clip - expected) ** 2)) < error * np.sqrt(np.mean(expected**2)) + 3e-3


# What libsndfile cannot write, or cannot read itself.
BEYOND = {"DWVW_12", "DWVW_16", "DWVW_24", "MPEG_LAYER_I", "MPEG_LAYER_II"}
ONE_CHANNEL = ("GSM610", "G721", "G723", "NMS_ADPCM")
WHOLE = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3")
SUBTYPES = [
    (format, subtype)
    for format in WHOLE
    for subtype in soundfile.available_subtypes(format)
    if subtype not in BEYOND and (format, subtype) != ("WAV", "MPEG_LAYER_III")
]


@pytest.mark.parametrize(("format", "subtype"), SUBTYPES)
def test_every_subtype_is_read_from_any_frame_on(write, format, subtype):
    n_channels = 1 if subtype.startswith(ONE_CHANNEL) else 2
    path = write(format, subtype, rate=8000, n_channels=n_channels, seconds=2.0)
    whole = soundfile.read(path, dtype="float32", always_2d=True)[0].mean(axis=1)
    for offset in (0.5, 0.0, 1.0):
        clip = read_audio(path, sample_rate=8000, offset=offset, duration=0.75, level=None)
        start = round(offset * 8000)
        assert_allclose(clip, whole[start : start + 6000], rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 44056, 44100, 96000])
@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050])
def test_a_segment_is_the_same_part_of_the_whole(tmp_path, rate, sample_rate):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * rate)
    soundfile.write(tmp_path / "noise", sound, rate, format="WAV", subtype="FLOAT")
    whole = read_audio(tmp_path / "noise", sample_rate=sample_rate, level=None)
    assert len(whole) == 3 * sample_rate
    for offset in (0, 1, 2):
        clip = read_audio(
            tmp_path / "noise", sample_rate=sample_rate, offset=offset, duration=1.0, level=None
        )
        start = offset * sample_rate
        assert_allclose(clip, whole[start : start + sample_rate], rtol=0, atol=1e-5)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44056, 44100, 96000])
@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100, 48000])
def test_a_clip_has_as_many_instants_as_asked_to_the_very_end_of_a_file(
    tmp_path, rate, sample_rate
):
    for n_times in (1, 2, 3, 7, 800, 801, 12345):
        n_frames = -(-n_times * rate // sample_rate)  # that many, and no more
        sound = np.random.default_rng(0).uniform(-0.5, 0.5, n_frames)
        soundfile.write(tmp_path / "short.wav", sound, rate)
        clip = read_audio(
            tmp_path / "short.wav", sample_rate=sample_rate, duration=n_times / sample_rate
        )
        assert len(clip) == n_times
        assert np.isfinite(clip).all()


# Quiet, tonal and noisy by turns: where bit rates change, seeking goes astray.
def changing(rate, seconds=4):
    times = np.arange(seconds * rate) / rate
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, len(times))
    return np.where(
        times % 1.7 < 0.3, noise, 0.4 * np.sin(600 * np.pi * times) * (0.02 + (times % 2 < 1))
    )


@pytest.mark.parametrize(
    ("format", "subtype", "rate"),
    [
        *(("WAV", "PCM_16", 16000), ("AIFF", "PCM_16", 16000), ("FLAC", "PCM_16", 44100)),
        *(("OGG", "VORBIS", rate) for rate in (16000, 24000, 44100, 48000)),
        *(("OGG", "OPUS", rate) for rate in (8000, 16000, 48000)),
        *(("MP3", None, rate) for rate in (8000, 16000, 24000, 44100, 48000)),
    ],
)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_a_segment_begins_at_the_very_frame(tmp_path, format, subtype, rate, n_channels):
    path = tmp_path / "changing"
    soundfile.write(path, np.stack([changing(rate)] * n_channels, 1), rate, subtype, format=format)
    whole = soundfile.read(path, dtype="float32", always_2d=True)[0].mean(axis=1)
    for start in (0, 1, *np.random.default_rng(1).integers(0, 3 * rate, 6)):
        clip = read_audio(path, sample_rate=rate, offset=start / rate, duration=0.1, level=None)
        assert_allclose(clip, whole[start : start + len(clip)], rtol=0, atol=1e-6)
    windows = iter_windows(path, sample_rate=rate, duration=0.5, hop=0.1, level=None)
    for time, clip in windows:
        start = round(time * rate)
        assert_allclose(clip, whole[start : start + len(clip)], rtol=0, atol=1e-6)


def test_without_a_duration_it_reads_to_the_end(write):
    path = write(rate=44100, seconds=1.5)
    assert len(read_audio(path, sample_rate=16000)) == 24000
    assert len(read_audio(path, sample_rate=16000, offset=0.5)) == 16000


@pytest.mark.parametrize("gain", [1e-3, 0.1, 1.0])
def test_every_clip_has_one_level(tmp_path, noise, gain):
    soundfile.write(tmp_path / "noise.wav", gain * noise, 16000, subtype="FLOAT")
    clip = read_audio(tmp_path / "noise.wav", sample_rate=16000, duration=0.5)
    assert np.sqrt(np.mean(clip.astype(float) ** 2)) == pytest.approx(0.2, rel=1e-5)
    kept = read_audio(tmp_path / "noise.wav", sample_rate=16000, duration=0.5, level=None)
    assert_allclose(kept, gain * noise[:8000], rtol=1e-6)


NAMES = [
    *(
        "a b.wav",
        "été – 音.wav",
        "x" * 251 + ".wav",
        "音" * 82 + ".wavwav",
        "no suffix",
        "a\nb.wav",
    ),
    *("%s {} $HOME.wav", "-rf", os.fsdecode(b"\xff\xfe.wav")),
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_is_read_and_told(write, name):
    path = write(name=name)
    assert len(read_audio(path, sample_rate=16000)) == 24000
    path.write_bytes(b"")
    with pytest.raises(AudioFileError) as caught:
        read_audio(str(path), sample_rate=16000)
    assert caught.value.path == str(path)
    assert str(path) in str(caught.value)


def test_links_are_followed(write, tmp_path):
    path = write()
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "broken").symlink_to("nowhere")
    clip = read_audio(tmp_path / "link", sample_rate=16000)
    assert_array_equal(clip, read_audio(path, sample_rate=16000))
    with pytest.raises(AudioFileError, match="broken: is not there"):
        read_audio(tmp_path / "broken", sample_rate=16000)


def test_windows_are_the_segments_at_their_times(write):
    path = write(rate=44100, n_channels=2, seconds=2.3)
    found = list(iter_windows(path, sample_rate=8000, duration=0.5, hop=0.25))
    assert [start for start, _ in found] == [0.25 * i for i in range(8)]
    for start, clip in found:
        expected = read_audio(path, sample_rate=8000, offset=start, duration=0.5)
        assert_array_equal(clip, expected)
    assert [t for t, _ in iter_windows(path, sample_rate=8000, duration=1.0)] == [0.0, 1.0]


def test_silent_windows_are_left_out(tmp_path, noise):
    sound = np.concatenate([noise, np.zeros(16000), noise])
    soundfile.write(tmp_path / "gap.flac", sound, 16000)
    found = iter_windows(tmp_path / "gap.flac", sample_rate=16000, duration=1.0)
    assert [start for start, _ in found] == [0.0, 2.0]


def test_windows_of_a_long_file_take_the_memory_of_one(tmp_path):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 300 * 8000)
    soundfile.write(tmp_path / "long.wav", sound, 8000)
    tracemalloc.start()
    n_windows = sum(1 for _ in iter_windows(tmp_path / "long.wav", sample_rate=4000, duration=1.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_windows == 300
    assert peak < 1e6 < 4 * len(sound)
