"""From spectrograms back to sound: pitch, level and length are those of the clip."""

from __future__ import annotations

import tracemalloc

import librosa
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mvdisent.audio import LogCQT, LogMel, _inversion, to_audio
from mvdisent.audio._inversion import to_decibels

RATE = 16000
PITCHES = (220.0, 440.0)


@pytest.fixture(scope="module")
def tones():
    """Give one sample of two views, of harmonics that fall as 1 / k."""
    t = np.arange(RATE // 2) / RATE
    tones = [sum(np.sin(2 * np.pi * f * k * t) / k for k in range(1, 6)) for f in PITCHES]
    return 0.1 * np.stack(tones)[None]


@pytest.mark.parametrize("compression", [None, 0.25])
def test_the_sound_of_a_spectrogram_has_pitch_length_and_level_of_its_clip(tones, compression):
    spectra = LogMel(RATE, ref=1.0, compression=compression)
    found = spectra.inverse_transform(spectra.fit_transform(tones))
    assert found.shape == tones.shape
    spectrum = np.abs(np.fft.rfft(found[0], axis=-1))
    pitch = spectrum.argmax(-1) * RATE / found.shape[2]  # the fundamental is the strongest
    np.testing.assert_allclose(pitch, PITCHES, rtol=0.1)  # bands lie 43 Hz apart
    levels = [np.sqrt(np.square(x[0]).mean(-1)) for x in (found, tones)]
    np.testing.assert_allclose(*levels, rtol=0.1)


def test_where_the_level_is_not_kept_the_peak_is_a_half_and_a_missing_view_stays_missing(tones):
    spectra = LogMel(RATE)
    X = np.concatenate([tones, np.full_like(tones[:, :1], np.nan)], axis=1)
    found = spectra.inverse_transform(spectra.fit_transform(X), n_iter=4)
    np.testing.assert_allclose(np.abs(found[0, :2]).max(-1), 0.5, rtol=1e-5)
    assert np.isnan(found[0, 2]).all()


def test_the_same_spectrogram_gives_the_same_sound_and_draws_no_global_number(tones):
    spectra = LogMel(RATE)
    X = spectra.transform(tones)  # without fit, as long as the frames span
    before = np.random.get_state()[1].copy()  # noqa: NPY002  # the state that must stay
    first, second = (spectra.inverse_transform(X, n_iter=2) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert first.shape[2] == (X.shape[3] - 1) * 512


@pytest.mark.parametrize("ref", ["max", 0.01])
def test_compressed_spectra_are_told_in_decibels(tones, ref):
    settings = {"ref": ref, "top_db": 60.0}
    decibels = LogMel(RATE, **settings).transform(tones)[0, :1]
    for compression in (None, 0.25):
        front = LogMel(RATE, **settings, compression=compression)
        told = to_decibels(front.transform(tones)[0, :1], front)
        np.testing.assert_allclose(told, decibels, atol=2e-3)


def test_what_a_model_decodes_below_nothing_is_silent(tones):
    spectra = LogMel(RATE, ref=1.0, compression=0.25)
    X = spectra.transform(tones)
    np.testing.assert_array_equal(
        *(spectra.inverse_transform(np.where(X < 0.05, low, X), n_iter=2) for low in (0.0, -0.1))
    )


@pytest.fixture
def noisy(tones):
    """Give the tones with faint noise, (n_clips, n_times)."""
    return tones[0] + np.random.default_rng(0).normal(scale=1e-3, size=tones.shape[1:])


@pytest.mark.parametrize(
    ("front", "most"),
    [
        *[(LogMel(RATE), 5), (LogMel(RATE, n_fft=1024, hop_length=250), 5), (LogCQT(RATE), 9)],
        *[(LogCQT(RATE, hop_length=1000), 9), (LogCQT(RATE, hop_length=256, f_min=110.0), 9)],
        (LogCQT(RATE, bins_per_octave=24, f_min=110.0), 9),
    ],
)
def test_quiet_bands_come_back_as_loud_ones_do(noisy, front, most):
    spectra = front.fit_transform(noisy)
    found = front.transform(front.inverse_transform(spectra)[:, 0])
    assert np.sqrt(np.square(found - spectra).mean()) < most  # dB


def test_the_sound_is_nearer_than_that_of_least_squares(noisy):
    front = LogMel(RATE)
    spectra = front.fit_transform(noisy)
    usual = librosa.feature.inverse.mel_to_audio(
        librosa.db_to_power(spectra[:, 0]), sr=RATE, length=noisy.shape[1]
    )
    found = front.inverse_transform(spectra)[:, 0]
    errors = [np.square(front.transform(sound) - spectra).mean() for sound in (found, usual)]
    assert errors[0] < errors[1] / 4


def test_a_clip_keeps_its_level_beside_a_far_louder_one(tones):
    front = LogMel(RATE, ref=1.0)
    X = front.transform(tones)
    found = front.inverse_transform(np.concatenate([X + 200.0, X]))[1]
    np.testing.assert_allclose(found.std(-1), tones[0].std(-1), rtol=0.1)


def test_many_clips_take_the_memory_of_a_chunk(noisy, monkeypatch):
    front = LogMel(RATE, top_db=40.0)
    X = np.repeat(front.fit_transform(noisy), 20, axis=0)
    monkeypatch.setattr(_inversion, "_CHUNK_VALUES", 3 * 16 * 1025)  # 3 clips
    peaks = []
    for n_clips in (6, 40):
        tracemalloc.start()
        found = front.inverse_transform(X[:n_clips], n_iter=2)
        peaks.append(tracemalloc.get_traced_memory()[1] - 3 * found.nbytes)
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 4 * X.nbytes
    errors = front.transform(front.inverse_transform(X)[:, 0]) - X
    assert np.sqrt(np.square(errors).mean()) < 3  # dB


def test_a_single_frame_sounds_as_long_as_two(tones):
    front = LogMel(RATE)
    X = front.transform(tones)
    assert front.inverse_transform(X[..., 3:4], n_iter=1).shape == (1, 2, 512)
    assert front.inverse_transform(X[..., 3:5], n_iter=1).shape == (1, 2, 512)


def test_what_is_no_spectrogram_is_refused():
    with pytest.raises(ValueError, match=r"X has shape \(2, 64, 8\).*n_mels=64"):
        LogMel(RATE).inverse_transform(np.zeros((2, 64, 8)))


def test_a_search_of_no_rounds_is_refused():
    with pytest.raises(ValueError, match="n_iter == 0, must be >= 1"):
        LogMel(RATE).inverse_transform(np.zeros((2, 1, 64, 8)), n_iter=0)


def test_a_clip_shorter_than_a_frame_comes_back_at_its_length():
    clip = 0.1 * np.sin(2 * np.pi * 440 * np.arange(1500) / RATE)
    spectra = LogMel(RATE, ref=1.0)
    found = spectra.inverse_transform(spectra.fit_transform(clip[None]))
    assert found.shape == (1, 1, 1500)
    assert 0.5 < found.std() / clip.std() < 2


@pytest.mark.parametrize("n_fft", [1024, 1023])
def test_the_sound_has_the_frames_of_its_spectrogram_and_the_length_of_the_clips_of_fit(
    tones, n_fft
):
    spectra = LogMel(RATE, n_fft=n_fft, hop_length=250)
    X = spectra.transform(tones)
    found = spectra.inverse_transform(X, n_iter=1)  # without fit, the least that the frames span
    assert spectra.transform(found).shape == X.shape
    assert spectra.transform(found[..., :-1]).shape[3] == X.shape[3] - 1
    assert spectra.fit(tones).inverse_transform(X, n_iter=1).shape == tones.shape


def test_the_first_step_of_a_pipeline_makes_spectra_sound(tones):
    spectra = LogMel(RATE)
    X = spectra.fit_transform(tones)
    found = to_audio(X, make_pipeline(spectra, StandardScaler()), n_iter=4)
    np.testing.assert_array_equal(found, spectra.inverse_transform(X, n_iter=4))
    with pytest.raises(TypeError, match=r"front_end=StandardScaler.*pass LogMel"):
        to_audio(X, StandardScaler())


@pytest.mark.parametrize(("compression", "least"), [(None, 301.0), (0.25, 10**7.6)])
def test_spectra_that_no_sound_has_are_refused(tones, compression, least):
    spectra = LogMel(RATE, compression=compression)
    X = spectra.fit_transform(tones)
    X[0, 1, 3, 2] = least
    with pytest.raises(ValueError, match=r"X has a value of .*at most"):
        spectra.inverse_transform(X)
