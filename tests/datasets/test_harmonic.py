"""Harmonic timbres: profiles that stay, and private factors as they are heard."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose, assert_array_equal

from mvdisent.datasets import make_harmonic_views

RATE = 16000
CLEAN = {"attack": (1e-9, 1e-9), "loudness_db": (0.0, 0.0), "snr_db": (150.0, 150.0)}
OWN = ("frequency_hz", "attack", "loudness", "noise")


def values_of(factors, name):
    return factors[[f"{name}_v0", f"{name}_v1"]].to_numpy()


def second_half_spectrum(tone):
    """Amplitudes after the attack, in bins of 2 Hz."""
    half = tone[RATE // 2 :].astype(np.float64)
    return np.abs(np.fft.rfft(half)) * 2 / len(half)


def profile_of(timbre, hz=200, random_state=0, **settings):
    """Amplitudes of partials 1 to 30 of one timbre, as measured, to that of the first."""
    tone = make_harmonic_views(
        1,
        n_views=1,
        timbres=[timbre],
        n_frequency_classes=1,
        f_min=hz,
        f_max=np.nextafter(hz, np.inf),
        random_state=random_state,
        **CLEAN,
        **settings,
    )[0].squeeze()
    partials = second_half_spectrum(tone)[hz // 2 : 31 * hz // 2 : hz // 2]
    return partials / partials[0]


@pytest.fixture(scope="module")
def many():
    """Factors of many very short sounds."""
    return make_harmonic_views(5000, duration=0.0005, random_state=0)[1]


def test_a_timbre_is_the_same_in_every_call_at_every_pitch():
    profile = profile_of(5)
    assert_allclose(profile_of(5, random_state=1), profile, rtol=1e-3)
    assert_allclose(profile_of(5, n_timbres=6), profile, rtol=1e-3)
    assert_allclose(profile_of(5, hz=130), profile, rtol=1e-3)


def test_another_timbre_seed_gives_other_timbres():
    log_ratio = np.log(profile_of(5, timbre_seed=1) / profile_of(5))
    assert np.abs(log_ratio).mean() > 0.3


def test_any_two_timbres_differ_by_3_db_in_one_of_nine_partials():
    profiles = [20 * np.log10(profile_of(timbre)[:9]) for timbre in range(24)]
    assert min(np.abs(a - b).max() for a, b in combinations(profiles, 2)) > 3


def test_partials_reach_half_the_sample_rate_and_no_further():
    settings = {"timbres": [0], "f_min": 880.0, "f_max": np.nextafter(880.0, np.inf)}
    tone = make_harmonic_views(
        1, n_views=1, n_frequency_classes=1, random_state=0, **settings, **CLEAN
    )[0].squeeze()
    heard = np.flatnonzero(second_half_spectrum(tone) > 1e-6)
    assert_array_equal(2 * heard, 880 * np.arange(1, 10))


def test_only_the_timbres_asked_for_are_drawn():
    _, trained = make_harmonic_views(300, timbres=range(12), duration=0.001, random_state=0)
    _, unseen = make_harmonic_views(300, timbres=range(12, 24), duration=0.001, random_state=0)
    assert set(trained["timbre"]) == set(range(12))
    assert set(unseen["timbre"]) == set(range(12, 24))


def test_sounds_have_no_energy_off_the_multiples_of_their_frequency():
    X, factors = make_harmonic_views(20, random_state=0, **CLEAN)
    window = np.hanning(RATE)
    for view in (0, 1):
        power = np.abs(np.fft.rfft(X[:, view] * window)) ** 2
        hz = factors[f"frequency_hz_v{view}"].to_numpy()[:, None]
        bins = np.arange(power.shape[1])
        near = np.abs(bins - np.rint(bins / hz) * hz) < 4
        assert ((power * near).sum(axis=1) > 0.9999 * power.sum(axis=1)).all()


def test_the_attack_is_a_raised_cosine_of_its_length():
    sudden, _ = make_harmonic_views(10, random_state=0, **CLEAN)
    slow, factors = make_harmonic_views(10, random_state=0, **{**CLEAN, "attack": (0.05, 0.8)})
    passed = np.arange(RATE) / RATE / values_of(factors, "attack")[..., None]
    rise = np.sin(np.pi / 2 * np.minimum(passed, 1)) ** 2
    # At its first instant the sudden tone is silent too.
    assert_allclose(slow[..., 1:], (sudden * rise)[..., 1:], atol=1e-6)
    assert not slow[..., 0].round(6).any()


def test_an_attack_longer_than_the_clip_is_cut_off():
    X, _ = make_harmonic_views(
        10, duration=0.1, random_state=0, **{**CLEAN, "attack": (100.0, 200.0)}
    )
    assert np.abs(X).max() < 1e-5


def test_the_loudness_is_the_level_to_a_root_mean_square_of_a_fifth():
    X, factors = make_harmonic_views(50, random_state=0, **{**CLEAN, "loudness_db": (-30.0, 0.0)})
    level = 20 * np.log10(np.sqrt(np.square(X).mean(axis=2)) / 0.2)
    assert_allclose(level, values_of(factors, "loudness"), atol=0.1)


def test_the_noise_is_at_its_ratio_to_the_tone_after_its_attack():
    settings = {"n_samples": 50, "attack": (0.2, 0.4), "random_state": 0}
    tones, _ = make_harmonic_views(**settings, snr_db=(200.0, np.nextafter(200.0, 300.0)))
    noisy, factors = make_harmonic_views(**settings, snr_db=(10.0, 40.0))
    sustained = np.square(tones[..., RATE // 2 :]).mean(axis=2)
    ratio = 10 * np.log10(sustained / np.square(noisy - tones).mean(axis=2))
    assert_allclose(ratio, values_of(factors, "noise"), atol=0.3)


def test_tones_stay_within_full_scale():
    X, _ = make_harmonic_views(100, random_state=0, **CLEAN)
    assert np.abs(X).max() <= 1


@pytest.mark.parametrize("view", [0, 1])
def test_factors_are_uniform_on_their_scales(many, view):
    assert scipy.stats.chisquare(np.bincount(many["timbre"], minlength=24)).pvalue > 1e-3
    assert scipy.stats.chisquare(np.bincount(many[f"frequency_v{view}"])).pvalue > 1e-3
    uniform = {
        "frequency_hz": np.log(many[f"frequency_hz_v{view}"] / 110) / np.log(8),
        "attack": np.log(many[f"attack_v{view}"] / 0.005) / np.log(60),
        "loudness": many[f"loudness_v{view}"] / 30 + 1,
        "noise": (many[f"noise_v{view}"] - 10) / 30,
    }
    for values in uniform.values():
        assert scipy.stats.kstest(values, "uniform").pvalue > 1e-3


def test_factors_are_independent_but_for_the_classes_of_two_views(many):
    columns = ["timbre"] + [f"{name}_v{view}" for view in (0, 1) for name in OWN]
    correlation = scipy.stats.spearmanr(many[columns]).statistic - np.eye(9)
    first, second = columns.index("frequency_hz_v0"), columns.index("frequency_hz_v1")
    # Classes drawn without replacement from 21: a correlation of -1/20.
    assert_allclose(correlation[first, second], -1 / 20, atol=0.06)
    correlation[[first, second], [second, first]] = 0
    assert np.abs(correlation).max() < 5 / np.sqrt(len(many))
    assert (many["frequency_v0"] != many["frequency_v1"]).all()


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        (
            {"timbres": [3, 24]},
            ValueError,
            r"timbres=\[3, 24\]; pass .* from 0 to n_timbres - 1 = 23",
        ),
        ({"timbres": [-1]}, ValueError, r"timbres=\[-1\]; pass"),
        ({"timbres": []}, ValueError, r"timbres=\[\]; pass a sequence"),
        ({"timbres": 3}, ValueError, "timbres=3; pass a sequence"),
        ({"timbres": [1, 1]}, ValueError, "each once"),
        ({"timbres": [0.5]}, ValueError, "whole numbers"),
        ({"n_timbres": 0}, ValueError, "n_timbres == 0, must be >= 1"),
        ({"timbre_seed": -1}, ValueError, "timbre_seed == -1, must be >= 0"),
        ({"attack": (0.0, 0.1)}, ValueError, "attack low=0.0; pass a finite number above 0"),
        ({"attack": 0.1}, ValueError, r"attack=0.1; pass a pair \(low, high\)"),
        ({"attack": (0.3, 0.1)}, ValueError, r"attack=\(0.3, 0.1\) has low above high"),
        ({"loudness_db": (0.0,)}, ValueError, r"loudness_db=\(0.0,\); pass a pair"),
        ({"snr_db": (0.0, np.inf)}, ValueError, "snr_db high=inf; pass a finite number"),
        ({"snr_db": "ab"}, ValueError, "snr_db='ab'; pass a pair"),
    ],
)
def test_a_bad_setting_is_named_with_its_value_and_the_cure(settings, error, text):
    with pytest.raises(error, match=text):
        make_harmonic_views(5, **settings)
