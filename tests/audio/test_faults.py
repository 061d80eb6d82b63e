"""What is no whole sound file is refused, and by the right word; nothing half-read passes."""

from __future__ import annotations

import os
import pickle
import struct

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose

from mvdisent.audio import AudioFileError, iter_windows, read_audio
from mvdisent.audio._containers import _ogg_checksum

from .conftest import flipped

FORMATS = [
    *(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("RF64", "PCM_16")),
    *(("AIFF", "PCM_24"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)),
    *(("AU", "PCM_16"), ("AU", "ULAW"), ("CAF", "PCM_24"), ("W64", "FLOAT")),
]


@pytest.fixture
def file(tmp_path, noise):
    """Write two seconds of noise."""

    def writer(format, subtype=None, **settings):
        path = tmp_path / "noise"
        soundfile.write(path, np.tile(noise, 2), 16000, subtype, format=format, **settings)
        return path

    return writer


@pytest.mark.parametrize(
    ("format", "subtype"), [*FORMATS, ("CAF", "ALAC_16"), ("WAV", "GSM610"), ("AU", "G721_32")]
)
def test_a_file_cut_anywhere_is_refused_even_for_its_beginning(file, format, subtype):
    path = file(format, subtype)
    data = path.read_bytes()
    assert len(read_audio(path, sample_rate=16000, duration=0.01)) == 160
    lengths = {*np.linspace(0, len(data) - 1, 40).astype(int), *range(len(data) - 5, len(data))}
    for length in lengths:
        path.write_bytes(data[:length])
        with pytest.raises(AudioFileError, match=r"truncated|corrupt|empty|no sound"):
            read_audio(path, sample_rate=16000, duration=0.01)


@pytest.mark.parametrize(("format", "subtype"), FORMATS)
def test_a_cut_is_called_one(file, format, subtype):
    path = file(format, subtype)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(AudioFileError, match="truncated"):
        read_audio(path, sample_rate=16000)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_changed_byte_of_an_ogg_file_is_refused_wherever_it_is(file, subtype):
    path = file("OGG", subtype)
    data = path.read_bytes()
    for position in np.linspace(0, len(data) - 1, 60).astype(int):
        path.write_bytes(flipped(data, position))
        with pytest.raises(AudioFileError, match=r"corrupt|truncated|streams|no sound file"):
            read_audio(path, sample_rate=16000, duration=0.01)


def test_a_changed_byte_of_a_flac_file_is_refused_where_it_is_heard(file):
    path = file("FLAC")
    data, whole = path.read_bytes(), read_audio(path, sample_rate=16000)
    n_refused = 0
    for position in np.linspace(200, len(data) - 1, 40).astype(int):
        path.write_bytes(flipped(data, position))
        try:
            clip = read_audio(path, sample_rate=16000)
        except AudioFileError as error:
            n_refused += "corrupt" in error.fault or "truncated" in error.fault
        else:  # in a tag or in padding
            assert_allclose(clip, whole, rtol=0, atol=0)
    assert n_refused >= 38


@pytest.mark.parametrize("format", ["OGG", "MP3", "FLAC"])
@pytest.mark.parametrize("kind", ["dropped", "zeros", "inserted"])
def test_a_hole_in_the_middle_is_refused(file, format, kind):
    path = file(format)
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(
        data[:half]
        + bytes(0 if kind == "dropped" else 3000)
        + data[half + (0 if kind == "inserted" else 3000) :]
    )
    with pytest.raises(AudioFileError, match=r"corrupt|truncated"):
        read_audio(path, sample_rate=16000)


def without_count(data: bytes) -> bytes:
    """Leave out the first MPEG frame, which holds the count of frames."""
    return data[data.index(data[:2], 4) :]


def test_an_mp3_file_of_which_libsndfile_would_read_a_part_is_refused(file):
    path = file("MP3", bitrate_mode="VARIABLE", compression_level=0.5)
    path.write_bytes(without_count(path.read_bytes()))
    with soundfile.SoundFile(path) as sound:
        assert sound.frames < 30000
    with pytest.raises(AudioFileError, match=r"of which \d+ would be read"):
        read_audio(path, sample_rate=16000)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"ID3\4\0\0\0\0\2\0" + bytes(256) + data,
        lambda data: data + b"TAG" + bytes(125),
        lambda data: data + bytes(5000),
    ],
    ids=["id3v2", "id3v1", "zeros"],
)
def test_tags_of_an_mp3_file_are_no_fault(file, change):
    path = file("MP3", bitrate_mode="CONSTANT")
    expected = read_audio(path, sample_rate=16000)
    path.write_bytes(change(path.read_bytes()))
    assert_allclose(read_audio(path, sample_rate=16000), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", [11025, 16000, 22050, 44100])
def test_an_mp3_file_of_constant_rate_needs_no_count(tmp_path, rate):
    """By the mean rate libsndfile guesses more frames than there are, in all but 16 kHz."""
    path, noise = tmp_path / "a.mp3", np.random.default_rng(0).normal(size=rate * 20)
    soundfile.write(path, 0.1 * noise, rate, bitrate_mode="CONSTANT", compression_level=0.5)
    whole = read_audio(path, sample_rate=rate)
    path.write_bytes(without_count(path.read_bytes()))
    clip = read_audio(path, sample_rate=rate)
    assert len(whole) <= len(clip) <= len(whole) + 3 * 1152  # with what the encoder padded
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 100)
    with pytest.raises(AudioFileError, match="truncated: it ends within the MPEG frame"):
        read_audio(path, sample_rate=rate)


@pytest.mark.parametrize(("more", "whole"), [(104, True), (8000, True), (9000, False)])
def test_an_ogg_file_may_announce_less_than_a_packet_more_than_it_holds(file, more, whole):
    """So do files that were cut from others at a page, as some of Debian's music is."""
    path = file("OGG", "VORBIS")
    expected = read_audio(path, sample_rate=16000)
    data = path.read_bytes()
    start = data.rindex(b"OggS")
    page = bytearray(data[start:])
    page[6:14] = struct.pack("<q", struct.unpack("<q", page[6:14])[0] + more)
    page[22:26] = bytes(4)
    page[22:26] = struct.pack("<I", _ogg_checksum(bytes(page)))
    path.write_bytes(data[:start] + page)
    with soundfile.SoundFile(path) as sound:
        assert sound.frames == 32000 + more
    if whole:
        clip = read_audio(path, sample_rate=16000)
        assert_allclose(clip[:32000], expected, rtol=0, atol=0)
        assert len(clip) < 32000 + min(more, 2048)  # and no more of the last packet
    else:
        with pytest.raises(AudioFileError, match="truncated"):
            read_audio(path, sample_rate=16000)


def test_streams_in_one_ogg_file_are_refused(file):
    path = file("OGG", "VORBIS")
    first = path.read_bytes()
    path.write_bytes(first + file("OGG", "VORBIS").read_bytes())
    with pytest.raises(AudioFileError, match=r"several streams|page 0 is missing|is missing"):
        read_audio(path, sample_rate=16000)


def test_a_recording_that_was_never_completed_is_refused(file):
    path = file("WAV", "PCM_16")
    data = path.read_bytes()
    path.write_bytes(data[:40] + bytes(4) + data[44:])
    with pytest.raises(AudioFileError, match="never completed"):
        read_audio(path, sample_rate=16000)


@pytest.mark.parametrize("rate", [0, 1, 99, 1_000_001, 2**31 - 1, 2**32 - 1])
def test_a_rate_that_cannot_be_is_refused(file, rate):
    path = file("WAV", "PCM_16")
    data = path.read_bytes()
    path.write_bytes(data[:24] + struct.pack("<I", rate) + data[28:])
    with pytest.raises(AudioFileError, match=r"no sound file|announces a rate of -?\d+ Hz"):
        read_audio(path, sample_rate=16000)


def test_a_stream_without_a_length_is_refused(file):
    path = file("FLAC")
    data = bytearray(path.read_bytes())
    data[21:26] = bytes([data[21] & 0xF0, 0, 0, 0, 0])  # the count of STREAMINFO
    path.write_bytes(data)
    with pytest.raises(AudioFileError, match="announces no length"):
        read_audio(path, sample_rate=16000)


def test_chunks_before_and_behind_the_sound_are_no_fault(file):
    path = file("WAV", "PCM_16")
    data = path.read_bytes()
    expected = read_audio(path, sample_rate=16000)
    chunk = b"LIST" + struct.pack("<I", 5001) + bytes(5002)
    path.write_bytes(data[:12] + chunk + data[12:] + chunk)
    assert_allclose(read_audio(path, sample_rate=16000), expected)
    # libsndfile's own log is full before it comes to the cut sound.
    path.write_bytes((data[:12] + chunk + data[12:])[:-2])
    with pytest.raises(AudioFileError, match="truncated"):
        read_audio(path, sample_rate=16000)


def test_a_header_that_leaves_the_length_open_is_refused(file):
    path = file("AU", "PCM_16")
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"\xff" * 4 + data[12:])
    with pytest.raises(AudioFileError, match="announces no length: write it anew"):
        read_audio(path, sample_rate=16000)


@pytest.mark.parametrize("format", ["IRCAM", "NIST", "VOC"])
def test_a_format_that_cannot_be_checked_is_refused(file, format):
    with pytest.raises(AudioFileError, match=f"format is {format}.* convert it to WAV or FLAC"):
        read_audio(file(format), sample_rate=16000)


def test_what_is_no_sound_file_is_refused(tmp_path):
    (tmp_path / "text.wav").write_text("no sound\n" * 100)
    (tmp_path / "picture.mp3").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    os.mkfifo(tmp_path / "pipe.wav")
    for name, fault in [
        ("text.wav", "no sound file"),
        ("picture.mp3", "no sound file"),
        ("pipe.wav", "is no file"),
        ("", "is no file"),
        ("none.wav", "is not there"),
    ]:
        with pytest.raises(AudioFileError, match=fault):
            read_audio(tmp_path / name, sample_rate=16000)


def test_an_empty_sound_is_refused(tmp_path):
    for format in ("WAV", "AIFF", "FLAC"):
        soundfile.write(tmp_path / "empty", np.zeros(0), 16000, format=format)
        with pytest.raises(AudioFileError, match=r"no sound|is empty"):
            read_audio(tmp_path / "empty", sample_rate=16000)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_values_that_are_no_numbers_are_refused_where_they_are(tmp_path, noise, value, subtype):
    sound = np.tile(noise, 2)
    sound[20000] = value
    soundfile.write(tmp_path / "nan.wav", sound, 16000, subtype=subtype)
    with pytest.raises(AudioFileError, match="NaN or infinity between frames 16000 and 32000"):
        read_audio(tmp_path / "nan.wav", sample_rate=16000, offset=1.0)
    assert np.isfinite(read_audio(tmp_path / "nan.wav", sample_rate=16000, duration=1.0)).all()


@pytest.mark.parametrize(
    "sound",
    [np.zeros(16000), np.full(16000, 1e-5), np.stack([np.ones(16000), -np.ones(16000)], axis=1)],
    ids=["zeros", "below 1 bit", "opposite channels"],
)
def test_silence_is_refused(tmp_path, sound):
    soundfile.write(tmp_path / "silent.wav", sound, 16000, subtype="FLOAT")
    with pytest.raises(AudioFileError, match=r"is silent for 0\.5 s from 0\.25 s"):
        read_audio(tmp_path / "silent.wav", sample_rate=8000, offset=0.25, duration=0.5)
    with pytest.raises(AudioFileError, match="is silent throughout"):
        list(iter_windows(tmp_path / "silent.wav", sample_rate=8000, duration=0.5))


@pytest.mark.parametrize(("offset", "duration"), [(0, 1.51), (1.0, 0.6), (1.5, None), (9.0, 0.1)])
def test_what_goes_beyond_the_end_is_refused(write, offset, duration):
    with pytest.raises(AudioFileError, match=r"has 1\.5 s, too short for"):
        read_audio(write(), sample_rate=16000, offset=offset, duration=duration)


def test_a_file_shorter_than_a_window_is_refused(write):
    with pytest.raises(AudioFileError, match=r"has 1\.5 s, too short for a window of 2 s"):
        list(iter_windows(write(), sample_rate=16000, duration=2.0))


def test_the_error_tells_file_and_fault_and_survives_a_pickle(tmp_path):
    with pytest.raises(ValueError, match="is not there") as caught:
        read_audio(tmp_path / "none.wav", sample_rate=16000)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.path, copy.fault) == (str(tmp_path / "none.wav"), "is not there")
    assert str(copy) == str(caught.value)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"sample_rate": 0}, "sample_rate=0; pass a whole number of Hz"),
        ({"sample_rate": 16000.5}, r"sample_rate=16000\.5"),
        ({"sample_rate": "16k"}, "sample_rate='16k'"),
        ({"offset": -1.0}, r"offset=-1\.0; pass seconds, 0 or more"),
        ({"offset": float("nan")}, "offset=nan"),
        ({"duration": 0}, "duration=0; pass seconds, more than 0"),
        ({"duration": 1e-9}, "duration=1e-09 at sample_rate=16000 is no instant"),
        ({"level": 0}, "level=0; pass a root mean square"),
        ({"level": "loud"}, "level='loud'"),
    ],
)
def test_arguments_are_refused_by_name(write, settings, text):
    with pytest.raises(ValueError, match=text):
        read_audio(write(), **{"sample_rate": 16000, **settings})


@pytest.mark.parametrize("hop", [0, -1, "x"])
def test_windows_are_checked_before_the_first(write, hop):
    with pytest.raises(ValueError, match="hop="):
        iter_windows(write(), sample_rate=16000, duration=1.0, hop=hop)
