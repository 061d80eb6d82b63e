"""Tones against their Fourier series, scipy's waveforms and their own factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.signal
import scipy.stats
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal

from mvdisent.datasets import TONE_SETTINGS, make_tone_views
from mvdisent.datasets._tones import _ideal

RATE = 16000
WAVEFORMS = ("sine", "triangle", "sawtooth", "square")
K = np.arange(1, 32)  # of 250 Hz: the 32nd harmonic is at half the sample rate
ODD = K % 2
SERIES = {"sine": K == 1, "triangle": ODD / K**2, "sawtooth": 1 / K, "square": ODD / K}


def tones_of(waveform, hz, n_samples=3, **settings):
    """Tones of one waveform, all of one frequency."""
    return make_tone_views(
        n_samples,
        n_views=1,
        waveforms=(waveform,),
        n_frequency_classes=1,
        f_min=hz,
        f_max=np.nextafter(hz, np.inf),
        random_state=0,
        **settings,
    )[0][:, 0]


def measured_hz(tones):
    """Frequency of the highest peak, by a windowed and padded Fourier transform."""
    n_fft = 2**17
    spectrum = np.abs(np.fft.rfft(tones * np.hanning(tones.shape[-1]), n_fft))
    return spectrum.argmax(axis=-1) * RATE / n_fft


@pytest.fixture(scope="module")
def many():
    """Factors of many very short tones."""
    return make_tone_views(20000, band_limited=False, duration=0.0005, random_state=0)[1]


@pytest.mark.parametrize("waveform", WAVEFORMS)
def test_the_spectrum_is_the_fourier_series_and_empty_elsewhere(waveform):
    tones = tones_of(waveform, 250.0)
    amplitudes = np.abs(np.fft.rfft(tones.astype(np.float64))) * 2 / RATE
    expected = np.zeros(RATE // 2 + 1)
    expected[250 * K] = SERIES[waveform]
    expected *= 0.2 / np.sqrt((expected**2).sum() / 2)
    assert_allclose(amplitudes, np.broadcast_to(expected, amplitudes.shape), atol=1e-6)


@pytest.mark.parametrize("hz", [60.0, 997.3, 5000.1])
def test_ideal_waveforms_are_scipy_s(hz):
    phase = np.array([0.0, 0.123, 0.777])
    angle = 2 * np.pi * (hz * np.arange(1000) / RATE + phase[:, None])
    expected = {
        "sine": np.sqrt(2) * np.sin(angle),
        "triangle": np.sqrt(3) * scipy.signal.sawtooth(angle + np.pi / 2, width=0.5),
        "sawtooth": np.sqrt(3) * scipy.signal.sawtooth(angle, width=0),
        "square": scipy.signal.square(angle),
    }
    for waveform, values in expected.items():
        tones = _ideal(np.repeat(waveform, 3), np.repeat(hz, 3), phase, 1000, RATE)
        assert_allclose(tones, 0.2 * values, atol=1e-5)


def test_band_limiting_changes_neither_the_factors_nor_the_shape_of_a_low_tone():
    settings = {"n_samples": 40, "f_max": 80.0, "random_state": 0}
    limited, factors = make_tone_views(**settings)
    ideal, same = make_tone_views(**settings, band_limited=False)
    assert_frame_equal(same, factors)
    assert ((limited * ideal).mean(axis=2) > 0.99 * 0.2**2).all()


@pytest.mark.parametrize("name", TONE_SETTINGS)
def test_the_measured_frequency_is_the_factor_s(name):
    X, factors = make_tone_views(30, random_state=0, **TONE_SETTINGS[name])
    hz = factors[["frequency_hz_v0", "frequency_hz_v1"]].to_numpy()
    assert_allclose(measured_hz(X), hz, atol=0.5)


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_classes_cut_the_range_into_equal_parts_of_the_scale(scale):
    _, factors = make_tone_views(
        500, f_min=100.0, f_max=1600.0, frequency_scale=scale, n_frequency_classes=4, duration=0.001
    )
    edges = {"log": [100, 200, 400, 800, 1600], "linear": [100, 475, 850, 1225, 1600]}[scale]
    for view in (0, 1):
        found = np.searchsorted(edges, factors[f"frequency_hz_v{view}"], side="right") - 1
        assert_array_equal(found, factors[f"frequency_v{view}"])


@pytest.mark.parametrize("view", [0, 1])
def test_waveforms_classes_and_log_frequencies_are_uniform(many, view):
    counts = many["timbre"].value_counts()
    assert set(counts.index) == set(WAVEFORMS)
    assert scipy.stats.chisquare(counts).pvalue > 1e-3
    classes = np.bincount(many[f"frequency_v{view}"])
    assert len(classes) == 21
    assert scipy.stats.chisquare(classes).pvalue > 1e-3
    octaves = np.log2(many[f"frequency_hz_v{view}"] / 55) / 5
    assert scipy.stats.kstest(octaves, "uniform").pvalue > 1e-3


def test_the_waveform_says_nothing_about_the_frequency(many):
    table = pd.crosstab(many["timbre"], many["frequency_v0"])
    assert scipy.stats.chi2_contingency(table).pvalue > 1e-3


def test_the_views_of_a_sample_always_differ_in_class(many):
    assert (many["frequency_v0"] != many["frequency_v1"]).all()
    _, factors = make_tone_views(200, n_views=5, n_frequency_classes=5, duration=0.001)
    classes = factors[[f"frequency_v{view}" for view in range(5)]].to_numpy()
    assert_array_equal(np.sort(classes, axis=1), np.tile(np.arange(5), (200, 1)))


def test_phases_are_uniform():
    first = make_tone_views(1000, waveforms=("sine",), duration=0.001, random_state=0)[0][:, :, 0]
    # The first value of a sine of random phase follows the arcsine law.
    law = scipy.stats.arcsine(loc=-0.2 * 2**0.5, scale=0.4 * 2**0.5)
    assert scipy.stats.kstest(first.ravel(), law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", TONE_SETTINGS)
def test_all_waveforms_have_one_level_within_full_scale(name):
    X, _ = make_tone_views(200, random_state=0, **TONE_SETTINGS[name])
    assert_allclose(np.sqrt(np.square(X).mean(axis=2)), 0.2, rtol=0.01)
    assert np.abs(X).max() <= 0.41


@pytest.mark.parametrize("band_limited", [True, False])
@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 30])
def test_the_noise_is_white_and_gaussian_at_its_ratio_on_the_same_tones(band_limited, snr_db):
    settings = {"n_samples": 10, "band_limited": band_limited, "random_state": 0}
    clean, factors = make_tone_views(**settings)
    noisy, same = make_tone_views(**settings, snr_db=snr_db)
    noise = noisy - clean
    assert_frame_equal(same, factors)
    ratio = 10 * np.log10(np.square(clean).mean(axis=2) / np.square(noise).mean(axis=2))
    assert_allclose(ratio, snr_db, atol=0.25)
    assert scipy.stats.kstest(noise.ravel() / noise.std(), "norm").pvalue > 1e-3
    following = (noise[..., 1:] * noise[..., :-1]).mean() / noise.var()
    assert abs(following) < 5 / np.sqrt(noise.size)


def test_the_paper_s_tones_alias_and_the_band_limited_do_not():
    def share_between_harmonics(tones):
        power = np.abs(np.fft.rfft(tones.astype(np.float64), axis=-1)) ** 2
        on = np.zeros(power.shape[1], dtype=bool)
        on[::1234] = True
        return power[:, ~on].sum() / power.sum()

    assert share_between_harmonics(tones_of("sawtooth", 1234.0)) < 1e-10
    assert share_between_harmonics(tones_of("sawtooth", 1234.0, band_limited=False)) > 0.01


def test_the_named_settings_are_read_only_and_as_documented():
    assert {name: dict(settings) for name, settings in TONE_SETTINGS.items()} == {
        "paper": {"f_min": 55.0, "f_max": 7040.0, "band_limited": False},
        "bandlimited": {"f_min": 55.0, "f_max": 1760.0, "band_limited": True},
    }
    with pytest.raises(TypeError, match="does not support item assignment"):
        TONE_SETTINGS["paper"]["f_min"] = 20.0


def test_waveforms_can_be_left_out():
    _, factors = make_tone_views(50, waveforms=["square", "sine"], duration=0.001, random_state=0)
    assert set(factors["timbre"]) == {"square", "sine"}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"waveforms": ("sine", "pulse")},
            "waveforms='pulse' is unknown; pass one of 'sine', 'tri",
        ),
        ({"waveforms": "sine"}, "waveforms='sine'; pass a sequence of one name or more"),
        ({"waveforms": ()}, r"waveforms=\(\); pass a sequence"),
        ({"waveforms": ("sine", "sine")}, "each once, such as"),
        (
            {"frequency_scale": "mel"},
            "frequency_scale='mel' is unknown; pass one of 'log', 'linear'",
        ),
        ({"snr_db": float("nan")}, "snr_db=nan; pass a finite number"),
        ({"snr_db": (0, 10)}, r"snr_db=\(0, 10\); pass a finite number"),
        ({"f_max": 8000.0, "band_limited": False}, "f_max=8000.0 is not below 8000.0, half of"),
    ],
)
def test_a_bad_setting_is_named_with_its_value_and_the_cure(settings, text):
    with pytest.raises(ValueError, match=text):
        make_tone_views(5, **settings)


def test_a_band_limit_is_on_or_off():
    with pytest.raises(TypeError, match=r"band_limited=array\(\[1, 2\]\); pass True or False"):
        make_tone_views(5, band_limited=np.array([1, 2]))
