"""LogMel against librosa, and what it does with bad input."""

from __future__ import annotations

import pickle
import tracemalloc

import librosa
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from mvdisent.audio import LogMel

RATE = 16000
SETTINGS = [
    {"n_fft": 1024, "hop_length": 256, "n_mels": 64},
    {"n_fft": 2048, "hop_length": 512, "n_mels": 128},
    {"n_fft": 512, "hop_length": 100, "n_mels": 20, "f_min": 50.0, "f_max": 6000.0},
    {"n_fft": 1000, "hop_length": 1500, "n_mels": 33},
    {"n_fft": 771, "hop_length": 257, "n_mels": 17},
]
SMALL = {"n_fft": 256, "hop_length": 64, "n_mels": 8}


@pytest.fixture
def noise():
    """Six samples of three views, 0.1 s each."""
    rng = np.random.default_rng(0)
    return (0.1 * rng.standard_normal((6, 3, 1600))).astype(np.float32)


def all_sorts_of_clips(n_times=8000):
    time = np.arange(n_times) / RATE
    rng = np.random.default_rng(1)
    tones = [np.sin(2 * np.pi * hz * time) for hz in (31.0, 440.0, 1000.0, 7040.0)]
    sawtooth = 2 * (220 * time % 1) - 1
    noise = 0.1 * rng.standard_normal(n_times)
    burst = np.where(time > 0.4, noise, 0.0)  # starts in silence
    impulse = np.eye(1, n_times, n_times * 3 // 8)[0]
    clips = [*tones, sawtooth, noise, burst, impulse, np.ones(n_times)]
    clips += [gain * clip for clip in (tones[1], noise) for gain in (1e-2, 1e-3)]
    return np.array(clips, dtype=np.float32)


def librosa_log_mel(clip, *, ref="max", top_db=80.0, f_min=0.0, f_max=None, **settings):
    power = librosa.feature.melspectrogram(y=clip, sr=RATE, fmin=f_min, fmax=f_max, **settings)
    return librosa.power_to_db(power, ref=np.max if ref == "max" else ref, top_db=top_db)


class SpectraPCA(PCA):
    """A step that takes spectra and gives a table."""

    def fit_transform(self, X, y=None):
        return super().fit_transform(X.reshape(len(X), -1))

    def get_feature_names_out(self, input_features=None):
        return super().get_feature_names_out()


@pytest.mark.parametrize("top_db", [80.0, 30.0, None])
@pytest.mark.parametrize("ref", ["max", 1.0, 1e-4])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_each_clip_equals_librosa(settings, ref, top_db):
    clips = all_sorts_of_clips()
    spectra = LogMel(RATE, ref=ref, top_db=top_db, **settings).transform(clips)
    expected = [librosa_log_mel(clip, ref=ref, top_db=top_db, **settings) for clip in clips]
    assert spectra.dtype == np.float32
    assert_allclose(spectra[:, 0], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("compression", [1.0, 0.25])
@pytest.mark.parametrize("ref", ["max", 1e-4])
def test_compressed_spectra_are_a_root_of_the_power(ref, compression):
    clips = all_sorts_of_clips()
    spectra = LogMel(RATE, ref=ref, compression=compression, **SMALL).transform(clips)
    decibels = np.array([librosa_log_mel(clip, ref=ref, **SMALL) for clip in clips])
    assert_allclose(spectra[:, 0], librosa.db_to_power(decibels) ** compression, rtol=1e-3)


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100.0])
def test_the_bank_follows_the_sample_rate(sample_rate):
    clip = all_sorts_of_clips()[5]
    power = librosa.feature.melspectrogram(y=clip, sr=sample_rate, n_mels=40)
    spectra = LogMel(sample_rate, n_mels=40).transform(clip[None])
    assert_allclose(spectra[0, 0], librosa.power_to_db(power, ref=np.max), rtol=0, atol=1e-3)


@pytest.mark.parametrize("n_times", [1, 2, 100, 255, 256, 257])
@pytest.mark.parametrize("n_fft", [256, 257])
def test_a_clip_shorter_than_a_frame_is_padded_with_zeros(n_fft, n_times, recwarn):
    clip = all_sorts_of_clips(n_times)[5]
    settings = SMALL | {"n_fft": n_fft}
    spectra = LogMel(RATE, **settings).transform(clip[None])
    assert not recwarn.list
    with pytest.warns(UserWarning, match="too large") if n_times < n_fft else np.errstate():
        expected = librosa_log_mel(clip, **settings)
    assert_allclose(spectra[0, 0], expected, rtol=0, atol=1e-3)


def test_two_axes_are_one_view(noise):
    log_mel = LogMel(RATE, **SMALL)
    assert log_mel.transform(noise).shape == (6, 3, 8, 26)
    assert_array_equal(log_mel.transform(noise[:, 0]), log_mel.transform(noise[:, :1]))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_spectrum_depends_on_its_own_clip_alone(settings):
    clips = all_sorts_of_clips(4000)
    log_mel = LogMel(RATE, **settings)
    together = log_mel.transform(clips)
    alone = np.concatenate([log_mel.transform(clip[None]) for clip in clips])
    assert_array_equal(together, alone)
    assert_array_equal(together[::-1], log_mel.transform(clips[::-1]))


@pytest.mark.parametrize("chunk_size", [1, 2, 7, 1000])
def test_the_chunk_size_changes_nothing_but_the_last_bits(noise, chunk_size):
    expected = LogMel(RATE, **SMALL).transform(noise)
    chunked = LogMel(RATE, chunk_size=chunk_size, **SMALL).transform(noise)
    assert_allclose(chunked, expected, rtol=0, atol=1e-4)


def test_a_view_that_is_nan_throughout_gives_a_block_of_nan(noise):
    expected = LogMel(RATE, **SMALL).fit_transform(noise)
    noise[1, 2] = noise[4, 0] = np.nan
    expected[1, 2] = expected[4, 0] = np.nan
    assert_array_equal(LogMel(RATE, **SMALL).fit_transform(noise), expected)


@pytest.mark.parametrize("method", ["fit", "transform"])
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_partly_nan_or_infinite_clips_are_named(noise, method, value, word):
    noise[2, 1, 5] = noise[5, 0, -1] = value
    log_mel = LogMel(RATE, chunk_size=18, **SMALL)
    with pytest.raises(ValueError, match=f"X contains {word} .*rows 2, 5: repair"):
        getattr(log_mel, method)(noise)


def test_rows_are_counted_from_the_beginning_of_x_in_later_chunks(noise):
    noise[5, 0, 3] = np.nan
    with pytest.raises(ValueError, match="in row 5: repair"):
        LogMel(RATE, chunk_size=3, **SMALL).transform(noise)


def test_nan_between_two_frames_is_seen(noise):
    noise[0, 0, 500] = np.nan  # frames end at 256 and begin at 744
    with pytest.raises(ValueError, match="NaN"):
        LogMel(RATE, n_fft=512, hop_length=1000, n_mels=8).transform(noise)


def test_power_beyond_float32_is_refused(noise):
    noise[3] *= np.float32(1e25)
    with pytest.raises(ValueError, match=r"too large .* in row 3: scale"):
        LogMel(RATE, **SMALL).transform(noise)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.int8, np.uint16, bool])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_narrow_integers_are_refused(dtype, method):
    clips = np.ones((2, 1600), dtype=dtype)
    with pytest.raises(ValueError, match=rf"dtype {np.dtype(dtype)}.*/ 32768.*soundfile"):
        getattr(LogMel(RATE, **SMALL), method)(clips)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64, np.float16])
def test_other_numbers_are_taken_as_they_stand(dtype):
    clips = np.random.default_rng(0).integers(-2, 3, size=(2, 1600))
    log_mel = LogMel(RATE, **SMALL)
    expected = log_mel.transform(clips.astype(np.float32))
    assert_array_equal(log_mel.transform(clips.astype(dtype)), expected)


@pytest.mark.parametrize(
    ("ref", "top_db", "level"), [("max", 80, -80), ("max", None, -100), (1.0, 80, -100)]
)
def test_silence_is_the_lowest_level(noise, ref, top_db, level):
    noise[2, 0] = 0.0
    spectra = LogMel(RATE, ref=ref, top_db=top_db, **SMALL).transform(noise)
    assert_allclose(spectra[2, 0], level, rtol=0, atol=1e-4)
    assert spectra[2, 1].max() > level + 50


def test_the_loudest_point_of_each_clip_is_0_db(noise):
    assert_array_equal(LogMel(RATE, **SMALL).transform(noise).max(axis=(2, 3)), 0.0)


@pytest.mark.parametrize(
    ("X", "text"),
    [
        (np.zeros((3, 0)), r"0 feature\(s\)"),
        (np.zeros((3, 2, 0)), "empty"),
        (np.zeros((0, 2, 100)), "empty"),
        (np.zeros(1600), "Reshape your data"),
        (np.zeros((2, 2, 2, 1600)), "4 axes"),
        ([np.zeros((3, 1600)), np.zeros((3, 1600))], "stack_views"),
        ({"a": np.zeros((3, 1600))}, "stack_views"),
        (np.zeros((2, 2, 100), dtype=complex), "Complex data not supported"),
        (np.full((2, 2, 100), "a"), "real numbers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_what_is_no_array_of_waveforms_is_refused(X, text, method):
    with pytest.raises(ValueError, match=text):
        getattr(LogMel(RATE, **SMALL), method)(X)


def test_clips_of_another_length_than_at_fit_are_refused(noise):
    log_mel = LogMel(RATE, **SMALL).fit(noise)
    assert (log_mel.n_features_in_, log_mel.n_views_in_) == (1600, 3)
    assert log_mel.transform(noise[:, 0]).shape == (6, 1, 8, 26)
    with pytest.raises(ValueError, match="X has 800 features"):
        log_mel.transform(noise[..., :800])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"sample_rate": 0}, "'sample_rate' parameter"),
        ({"n_fft": 1}, "'n_fft' parameter"),
        ({"n_fft": 512.0}, "'n_fft' parameter"),
        ({"hop_length": 0}, "'hop_length' parameter"),
        ({"n_mels": 0}, "'n_mels' parameter"),
        ({"ref": "mean"}, "'ref' parameter"),
        ({"ref": 0.0}, "'ref' parameter"),
        ({"top_db": -1}, "'top_db' parameter"),
        ({"chunk_size": 0}, "'chunk_size' parameter"),
        ({"f_min": -1.0}, "'f_min' parameter"),
        ({"f_max": 9000.0}, r"f_max=9000.0 at sample_rate=16000; pass .* <= 8000.0"),
        ({"f_min": 5000.0, "f_max": 5000.0}, "f_min=5000.0"),
        ({"n_mels": 100}, r"n_mels=100 with n_fft=256 leaves \d+ .* smaller n_mels"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_settings_are_checked_when_used(noise, settings, text, method):
    log_mel = LogMel(**{"sample_rate": RATE, **SMALL, **settings})
    with pytest.raises(ValueError, match=text):
        getattr(log_mel, method)(noise)


def test_a_memmap_is_neither_read_nor_written_as_a_whole(tmp_path):
    shape = (2560, 1, 8000)
    clips = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, shape)
    clips[:] = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    clips = np.load(tmp_path / "X.npy", mmap_mode="r")
    log_mel = LogMel(RATE, **SETTINGS[0])
    log_mel.fit_transform(clips[:1])  # what is imported on first use
    tracemalloc.start()
    log_mel.fit(clips)
    spectra = log_mel.transform(clips, out=tmp_path / "spectra.npy")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < min(clips.nbytes, spectra.nbytes) / 3
    assert_array_equal(np.load(tmp_path / "spectra.npy"), log_mel.transform(np.array(clips)))


def test_out_is_written_and_returned(noise):
    log_mel = LogMel(RATE, **SMALL)
    big = np.zeros((6, 5, 8, 26), dtype=np.float32)
    out = big[:, 1:4]
    assert log_mel.transform(noise, out=out) is out
    assert_array_equal(big[:, 1:4], log_mel.transform(noise))
    assert not big[:, ::4].any()


@pytest.mark.parametrize(
    ("out", "text"),
    [
        (np.zeros((6, 3, 8, 25), dtype=np.float32), r"float32 array of shape \(6, 3, 8, 26\)"),
        (np.zeros((6, 3, 8, 26)), "out is float64"),
        ([0.0], "out is list"),
        ([[0.0, 1.0], [2.0]], "out is list"),
        (np.broadcast_to(np.float32(0), (6, 3, 8, 26)), "read-only"),
    ],
)
def test_another_out_is_refused(noise, out, text):
    with pytest.raises(ValueError, match=text):
        LogMel(RATE, **SMALL).transform(noise, out=out)


def test_a_tensor_is_taken_like_an_array(noise):
    log_mel = LogMel(RATE, **SMALL)
    tensor = torch.from_numpy(noise).requires_grad_()
    spectra = log_mel.fit_transform(tensor)
    assert type(spectra) is np.ndarray
    assert_array_equal(spectra, log_mel.transform(noise))
    assert_array_equal(log_mel.transform(tensor[:, 0]), log_mel.transform(noise[:, 0]))


def test_x_stays_as_it_is(noise):
    before = noise.copy()
    LogMel(RATE, **SMALL).fit_transform(noise)
    assert_array_equal(noise, before)


def test_a_copy_and_a_pickle_give_the_same_spectra(noise):
    log_mel = LogMel(RATE, top_db=60.0, **SMALL).fit(noise)
    expected = log_mel.transform(noise)
    assert_array_equal(clone(log_mel).transform(noise), expected)
    assert_array_equal(pickle.loads(pickle.dumps(log_mel)).transform(noise), expected)


def test_it_serves_in_a_pipeline_with_names_tables_and_parameters(noise):
    pipe = make_pipeline(LogMel(RATE, **SMALL), SpectraPCA(2)).set_output(transform="pandas")
    table = pipe.fit_transform(noise)
    assert table.columns.tolist() == pipe.get_feature_names_out().tolist()
    pipe.set_params(logmel__n_mels=4).fit_transform(noise)
    assert pipe[-1].n_features_in_ == 3 * 4 * 26


def test_the_names_of_the_second_axis_are_its_views(noise):
    log_mel = LogMel(RATE, **SMALL).fit(noise)
    assert log_mel.get_feature_names_out().tolist() == ["view_0", "view_1", "view_2"]


def test_a_chunk_that_no_machine_holds_is_refused():
    front = LogMel(16000, n_fft=10**6, chunk_size=10**6)
    with pytest.raises(ValueError, match=r"chunk_size=1000000 at n_fft=1000000 takes \d+ GB"):
        front.transform(np.zeros((2, 80)))
