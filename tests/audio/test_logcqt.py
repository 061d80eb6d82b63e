"""Constant-Q spectra: librosa's values, a band a semitone, and sound again."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mvdisent.audio import LogCQT
from mvdisent.views import MelShift, augment

RATE = 16000


def tone(frequency, n_times=RATE):
    """Give a tone of five harmonics that fall as 1 / k."""
    t = np.arange(n_times) / RATE
    return 0.1 * sum(np.sin(2 * np.pi * frequency * k * t) / k for k in range(1, 6))


@pytest.fixture(scope="module")
def noise():
    return 0.1 * np.random.default_rng(0).standard_normal((3, 2, 3 * RATE // 2))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bins_per_octave": 24, "hop_length": 256},
        {"f_min": 110.0, "n_bins": 30, "hop_length": 300},
        {"n_bins": 1, "top_db": None},
        {"ref": 0.01, "top_db": 40.0},
    ],
    ids=str,
)
def test_values_are_those_of_librosa_clip_by_clip(noise, settings):
    cqt = LogCQT(RATE, **settings)
    found = cqt.transform(noise)
    bands = librosa.cqt(
        noise[1, 1].astype(np.float32),
        sr=RATE,
        fmin=cqt.f_min,
        n_bins=found.shape[2],
        hop_length=cqt.hop_length,
        bins_per_octave=cqt.bins_per_octave,
    )
    ref = np.max if cqt.ref == "max" else cqt.ref
    truth = librosa.power_to_db(np.abs(bands) ** 2, ref=ref, top_db=cqt.top_db)
    assert_allclose(found[1, 1], truth, atol=1e-3)


def test_compressed_spectra_are_a_root_of_the_power(noise):
    decibels = LogCQT(RATE).transform(noise)
    spectra = LogCQT(RATE, compression=0.25).transform(noise)
    assert_allclose(spectra, librosa.db_to_power(decibels) ** 0.25, rtol=1e-5)


def test_fourier_rows_lie_below_the_bands_and_keep_to_one_scale(noise):
    bands = LogCQT(RATE, compression=0.25).transform(noise)
    found = LogCQT(RATE, compression=0.25, n_fourier=84).transform(noise)
    assert_array_equal(found[:, :, :83], bands)
    # By Parseval: the ends of the spectrum count once, all else twice.
    power = found[:, :, 83:] ** 2
    total = 2 * power.sum(2) - power[:, :, 0] - power[:, :, 83]
    assert_allclose(total, (bands**2).sum(2), rtol=1e-5)
    whole = LogCQT(RATE, compression=0.25, n_fourier="all").transform(noise)
    assert_array_equal(whole, found)
    few = LogCQT(RATE, compression=0.25, n_fourier=5).transform(noise)
    assert_array_equal(few, found[:, :, :88])


def test_fourier_rows_tell_a_timbre_whatever_the_pitch():
    t = np.arange(RATE) / RATE
    sharp = 0.1 * sum(np.sin(2 * np.pi * 330 * k * t) / k**0.3 for k in range(1, 8, 2))
    X = np.stack([tone(330.0), tone(415.0), sharp])[:, None]
    cqt = LogCQT(RATE, bins_per_octave=24, compression=0.25, n_fourier=84)
    bands, fourier = np.split(cqt.transform(X)[:, 0, :, 5:-5], [-84], axis=1)
    for rows, nearer in ((bands, False), (fourier, True)):
        of_pitch, of_timbre = np.abs(rows[0] - rows[1]).mean(), np.abs(rows[0] - rows[2]).mean()
        assert (2 * of_pitch < of_timbre) == nearer


def test_more_coefficients_than_there_are_are_refused():
    with pytest.raises(ValueError, match="n_fourier=85: 83 bands have 84 coefficients"):
        LogCQT(RATE, n_fourier=85).fit(np.ones((1, 9)))


def test_a_spectrum_depends_on_its_own_clip_alone(noise):
    whole = LogCQT(RATE).transform(noise)
    assert_array_equal(LogCQT(RATE, chunk_size=1).transform(noise), whole)
    assert_array_equal(LogCQT(RATE).transform(noise[1:2, 1:]), whole[1:2, 1:])


@pytest.mark.parametrize("semitones", [-7, 1, 12])
def test_a_transposed_note_is_the_same_pattern_moved(semitones):
    low, high = LogCQT(RATE, top_db=40.0).transform(
        np.stack([tone(440.0), tone(440.0 * 2 ** (semitones / 12))])[:, None]
    )[:, 0]
    middle = np.s_[20:60, 5:-5]
    moved = np.roll(low, semitones, axis=0)
    gap = np.abs(high - moved)[middle]
    assert np.median(gap) < 1.0
    assert np.abs(high - low)[middle].mean() > 5 * gap.mean()


def test_bands_reach_up_to_half_the_sample_rate_and_no_further():
    for rate, per_octave in [(16000, 12), (44100, 36), (8000, 7)]:
        n_bins = LogCQT(rate, bins_per_octave=per_octave).transform(np.ones((1, 9))).shape[2]
        top = 65.40639 * 2 ** ((n_bins - 1) / per_octave)
        assert 0.75 * rate / 2 < top < rate / 2
        with pytest.raises(ValueError, match=f"n_bins={n_bins + 1}.*pass {n_bins} or fewer"):
            LogCQT(rate, bins_per_octave=per_octave, n_bins=n_bins + 1).fit(np.ones((1, 9)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"f_min": 9000.0}, r"f_min=9000.0 at sample_rate=16000.*pass less than 7668"),
        ({"f_min": 1e-3}, r"f_min=0.001 .* filters of \d+ instants: pass a greater f_min"),
        ({"bins_per_octave": 1200}, "bins_per_octave=1200 .*fewer bins_per_octave"),
    ],
)
def test_filters_that_nothing_could_hold_or_hear_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LogCQT(RATE, **settings).fit(np.ones((1, 100)))


@pytest.mark.parametrize("n_times", [1, 200, 3000])
def test_a_clip_shorter_than_the_filters_is_taken_without_a_warning(n_times):
    found = LogCQT(RATE).transform(tone(440.0, n_times)[None])
    assert found.shape == (1, 1, 83, 1 + n_times // 512)
    assert np.isfinite(found).all()


def test_silence_is_at_the_floor_and_a_missing_view_stays_missing():
    X = np.stack([np.zeros(RATE), np.full(RATE, np.nan)])[None]
    found = LogCQT(RATE, top_db=60.0).transform(X)
    assert_array_equal(found[0, 0], -60.0)
    assert np.isnan(found[0, 1]).all()


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_clip_too_loud_for_float32_is_named():
    X = np.stack([tone(440.0), 1e30 * tone(440.0), 1e300 * tone(440.0)])
    with pytest.raises(ValueError, match=r"values too large.*rows 1, 2"):
        LogCQT(RATE).transform(X)


@pytest.mark.parametrize("n_fourier", [0, 84, "all"])
def test_sound_comes_back_at_its_pitch_its_length_and_its_level(n_fourier):
    X = np.stack([tone(220.0), tone(392.0)])[:, None]
    cqt = LogCQT(RATE, ref=1.0, n_fourier=n_fourier).fit(X)
    found = cqt.inverse_transform(cqt.transform(X))
    assert found.shape == X.shape
    pitch = np.abs(np.fft.rfft(found[:, 0])).argmax(-1)  # bins of 1 Hz
    assert_allclose(pitch, [220, 392], rtol=0.03)  # half a semitone
    assert_allclose(found.std(axis=-1), X.std(axis=-1), rtol=0.3)
    assert_array_equal(cqt.inverse_transform(cqt.transform(X)), found)


def test_what_is_no_spectrogram_is_refused():
    with pytest.raises(ValueError, match=r"X has shape \(2, 1, 64, 8\).*n_bins \+ n_fourier=83"):
        LogCQT(RATE).inverse_transform(np.zeros((2, 1, 64, 8)))


def test_spectra_of_a_memmap_are_written_to_a_file(noise, tmp_path):
    np.save(tmp_path / "X.npy", noise)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    found = LogCQT(RATE).transform(X, out=tmp_path / "spectra.npy")
    assert isinstance(found, np.memmap)
    assert_array_equal(found, LogCQT(RATE).transform(noise))


def test_spectra_are_shifted_as_views(noise):
    shifted = augment(LogCQT(RATE).transform(noise)[:, 0], MelShift(3), random_state=0)
    assert shifted[np.arange(3)].shape == (3, 2, 83, 47)


def test_a_clip_shorter_than_a_filter_comes_back_at_its_length_and_level():
    X = tone(440.0, 2000)[None]
    cqt = LogCQT(RATE, ref=1.0).fit(X)
    found = cqt.inverse_transform(cqt.transform(X))
    assert found.shape == (1, 1, 2000)
    assert 0.5 < found.std() / X.std() < 2
