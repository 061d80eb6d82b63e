"""Errors of decoded views that are known, and swaps by decoders that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from sklearn.metrics import r2_score, root_mean_squared_error

from mvdisent import LogMel
from mvdisent.datasets import make_tone_views
from mvdisent.metrics import reconstruction_error, swap_score, swap_triplets

WAVEFORMS = ("sine", "triangle", "sawtooth", "square")
# Every instrument at every pitch, in two takes.
INSTRUMENT, PITCH = np.tile(np.indices((3, 5)).reshape(2, -1), 2)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def spectrum_of(instrument, pitch):
    """A sound that is the sum of what either factor adds: (n_samples, 1, 8, 3), in dB."""
    tables = np.random.default_rng(99).normal(size=(2, 5, 8, 3))
    return -40 + 10 * (tables[0][instrument] + tables[1][pitch])[:, None]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint8])
def test_the_error_of_each_sample_is_its_root_mean_square_in_the_unit_of_x(rng, dtype):
    true, decoded = rng.integers(0, 100, size=(2, 6, 2, 4, 3)).astype(dtype)
    expected = [
        root_mean_squared_error(a.ravel().astype(float), b.ravel().astype(float))
        for a, b in zip(true, decoded, strict=True)
    ]
    assert_allclose(reconstruction_error(true, decoded), expected, rtol=1e-6)
    assert_array_equal(reconstruction_error(true, true), 0)


def test_an_offset_in_decibels_is_the_error():
    spectra = np.zeros((2, 1, 64, 32), dtype=np.float32)
    offsets = np.array([3, -6], dtype=np.float32)
    assert_array_equal(
        reconstruction_error(spectra, spectra + offsets[:, None, None, None]), [3, 6]
    )


def test_the_score_is_the_explained_variance_of_swaps_as_a_share_of_that_of_reconstructions(rng):
    true = rng.normal(size=(40, 2, 5)) * 10 - 30
    swapped, again = true + 4 * rng.normal(size=true.shape), true + rng.normal(size=true.shape)
    r2 = [
        r2_score(true.reshape(40, -1), x.reshape(40, -1), multioutput="variance_weighted")
        for x in (swapped, again)
    ]
    assert swap_score(true, swapped, again) == pytest.approx(r2[0] / r2[1], rel=1e-12)


def test_the_ends_of_the_scale(rng):
    true = spectrum_of(INSTRUMENT, PITCH)
    again = true + rng.normal(size=true.shape)
    mean = np.broadcast_to(true.mean(axis=0), true.shape)
    assert swap_score(true, again, again) == 1
    assert swap_score(true, mean, again) == pytest.approx(0, abs=1e-12)
    assert swap_score(true, 2 * mean - true, true) == pytest.approx(-3)  # twice as far, squared
    assert swap_score(true, true, again) > 1


def test_the_score_does_not_depend_on_offset_unit_or_order_of_what_a_sample_holds(rng):
    true, swapped, again = -50 + 10 * rng.normal(size=(3, 30, 2, 6, 4))
    score = swap_score(true, swapped, (true + again) / 2)
    others = [0.1 * x[:, ::-1, ::-1] + 7 for x in (true, swapped, (true + again) / 2)]
    assert swap_score(*others) == pytest.approx(score, rel=1e-9)


@pytest.mark.parametrize("offset", [0.0, 1e-4, 30.0])
def test_a_model_that_decodes_one_spectrum_scores_zero(offset):
    true = spectrum_of(INSTRUMENT, PITCH).astype(np.float32)
    constant = np.broadcast_to(true.mean(axis=0) + np.float32(offset), true.shape)
    assert swap_score(true, constant, constant) == 0


def test_a_triplet_s_target_has_the_factors_of_its_two_rows_which_differ_in_both():
    i, j, target = swap_triplets({"b": PITCH}, {"a": INSTRUMENT}, random_state=0)
    assert_array_equal(target, np.arange(30))  # each row can be one
    assert_array_equal(PITCH[i], PITCH[target])
    assert_array_equal(INSTRUMENT[j], INSTRUMENT[target])
    assert (INSTRUMENT[i] != INSTRUMENT[target]).all()
    assert (PITCH[j] != PITCH[target]).all()


def test_every_row_that_fits_is_drawn_as_often():
    draws = [swap_triplets({"b": PITCH}, {"a": INSTRUMENT}, random_state=k) for k in range(200)]
    others = np.flatnonzero((PITCH == 0) & (INSTRUMENT != 0))  # row 0 has the first of either
    counts = np.bincount([draw.private[0] for draw in draws], minlength=30)
    assert counts[others].sum() == 200
    assert_allclose(counts[others] / 200, 1 / len(others), atol=0.13)


def test_rows_without_both_partners_are_no_targets():
    instrument = pd.Series(["flute", "flute", "oboe", "harp"], index=[7, 3, 3, 1])
    pitch = pd.Series([60, 62, 60, 70])
    # The flute at 60 has an oboe at 60 and a flute at 62; each other row lacks one of these.
    i, j, target = swap_triplets(pitch, instrument)
    assert (i.tolist(), j.tolist(), target.tolist()) == ([2], [1], [0])


def test_all_columns_of_several_factors_are_those_of_the_target(rng):
    private = pd.DataFrame({"pitch": PITCH, "velocity": rng.integers(2, size=len(PITCH))})
    i, _, target = swap_triplets(private, {"a": INSTRUMENT}, random_state=0)
    assert len(target) > 0
    assert_frame_equal(
        private.iloc[i].reset_index(drop=True), private.iloc[target].reset_index(drop=True)
    )


def test_a_seed_repeats_the_triplets():
    first, second = (
        swap_triplets({"b": PITCH}, {"a": INSTRUMENT}, random_state=5) for _ in range(2)
    )
    assert_array_equal(first, second)


def test_swaps_by_decoders_that_are_known():
    X = spectrum_of(INSTRUMENT, PITCH)
    i, j, target = swap_triplets({"b": PITCH}, {"a": INSTRUMENT}, random_state=0)
    true = X[target]
    separated = spectrum_of(INSTRUMENT[j], PITCH[i])
    assert swap_score(true, separated, true) == 1
    leaky = X[i]  # the private code holds all: the sample stays as it was
    exchanged = spectrum_of(INSTRUMENT[i], PITCH[j])
    scores = [swap_score(true, swapped, true) for swapped in (leaky, exchanged)]
    assert 1 > scores[0] > scores[1]
    assert scores[1] < 0


def test_tones_of_one_seed_differ_in_the_waveform_alone():
    rolled = np.roll(WAVEFORMS, -1).tolist()
    settings = {"snr_db": 60, "duration": 0.1, "random_state": 3}
    X, factors = make_tone_views(40, waveforms=WAVEFORMS, **settings)
    X_true, true_factors = make_tone_views(40, waveforms=rolled, **settings)
    assert_frame_equal(factors.drop(columns="timbre"), true_factors.drop(columns="timbre"))
    following = dict(zip(WAVEFORMS, rolled, strict=True))
    assert_array_equal(true_factors["timbre"], factors["timbre"].map(following))
    # Phases as well: the fundamental of a tone and that of its partner are alike.
    t = np.arange(1600) / 16000
    waves = np.exp(2j * np.pi * factors["frequency_hz_v0"].to_numpy()[:, None] * t)
    phases = [np.angle((x[:, 0] * waves.conj()).sum(axis=1)) for x in (X, X_true)]
    assert_allclose(np.cos(phases[0] - phases[1]), 1, atol=0.05)


def test_the_spectrum_of_a_tone_with_another_waveform_is_some_way_off():
    log_mel = LogMel(16000).fit_transform
    X, X_true = (
        make_tone_views(60, n_views=1, waveforms=(w,), transform=log_mel, random_state=0)[0]
        for w in ("sine", "square")
    )
    assert reconstruction_error(X_true, X).min() > 1  # dB
    assert swap_score(X_true, X, X_true) < 0.9


@pytest.mark.parametrize(
    ("position", "bad", "error"),
    [
        (1, np.zeros((4, 3)), r"X_swapped has shape \(4, 3\), but X_true has \(4, 2\)"),
        (2, np.zeros((3, 2)), r"X_reconstructed has shape \(3, 2\), but X_true has \(4, 2\)"),
        (2, np.zeros(4), r"X_reconstructed has shape \(4,\); pass \(n_samples, ...\)"),
        (1, np.full((4, 2), np.nan), "X_swapped contains NaN or infinity, first in row 0"),
        (0, np.full((4, 2), 0.1), "X_true has 4 equal rows"),
        (0, np.array([["a", "b"]] * 4), "X_true has dtype <U1"),
    ],
)
def test_views_that_do_not_fit_are_refused(position, bad, error):
    arrays = [np.arange(8.0).reshape(4, 2)] * 3
    arrays[position] = bad
    with pytest.raises(ValueError, match=error):
        swap_score(*arrays)


def test_factors_without_a_swap_are_refused():
    with pytest.raises(ValueError, match="none of the 30 rows shares its private factors"):
        swap_triplets({"hz": np.linspace(55, 1760, 30)}, {"a": INSTRUMENT})
    with pytest.raises(ValueError, match="shared has 30 rows, but private has 29"):
        swap_triplets({"b": PITCH[1:]}, {"a": INSTRUMENT})
    with pytest.raises(ValueError, match="1 missing values, first in row 2"):
        swap_triplets({"b": [1, 2, 3]}, {"a": ["x", "y", None]})
