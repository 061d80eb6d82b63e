"""Transforms of log-mel spectra against their definitions, and as parts of a source."""

from __future__ import annotations

import warnings

import librosa
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from numpy.testing import assert_allclose, assert_array_equal

from mvdisent.audio import LogMel
from mvdisent.views import (
    AddNoise,
    Apply,
    Gain,
    MelShift,
    TiltEQ,
    TimeCrop,
    ViewSource,
    augment,
    crops,
    pair_by,
)
from mvdisent.views._transforms import mel_centres

N, MELS, FRAMES = 40, 24, 10
SPECTRA = np.random.default_rng(0).uniform(-80, 0, (N, MELS, FRAMES)).astype(np.float32)
EACH = [MelShift(5), Gain(6.0), TiltEQ(3.0), AddNoise((10.0, 20.0)), TimeCrop(4)]


def shift_of(view, clip, max_bands):
    """The shifts that make the view of the clip, by trying all."""
    found = []
    for shift in range(-max_bands, max_bands + 1):
        moved = np.full_like(clip, clip.min())
        for band in range(MELS):
            if 0 <= band - shift < MELS:
                moved[band] = clip[band - shift]
        if np.array_equal(moved, view):
            found.append(shift)
    return found


def test_a_shift_moves_bands_and_fills_with_the_lowest_value():
    views = np.asarray(augment(SPECTRA, MelShift(5), n_views=3, random_state=0))
    shifts = [[shift_of(v, clip, 5) for v in row] for row, clip in zip(views, SPECTRA, strict=True)]
    assert all(len(found) == 1 for row in shifts for found in row)
    shifts = np.array(shifts)[..., 0]
    assert set(shifts.ravel()) == set(range(-5, 6))
    assert abs(scipy.stats.pearsonr(shifts[:, 0], shifts[:, 1]).statistic) < 0.5


def test_shifts_have_equal_chances():
    shifts = MelShift(5).draw(np.random.default_rng(0), (4000, 2), (MELS, FRAMES))[0]
    assert scipy.stats.chisquare(np.bincount(shifts.ravel() + 5)).pvalue > 1e-3


def test_a_gain_adds_decibels_within_its_range():
    views = np.asarray(augment(SPECTRA, [Gain(6.0)], random_state=0))
    change = views - SPECTRA[:, None]
    assert_allclose(change - change[..., :1, :1], 0, atol=1e-4)
    assert np.abs(change).max() <= 6.0001
    assert change[..., 0, 0].std() == pytest.approx(6 / np.sqrt(3), rel=0.2)


def test_bands_lie_where_librosa_has_them():
    for f_min, f_max in ((0.0, 8000.0), (100.0, 900.0), (2000.0, 11025.0)):
        expected = librosa.mel_frequencies(66, fmin=f_min, fmax=f_max)[1:-1]
        assert_allclose(mel_centres(64, f_min, f_max), expected, rtol=1e-10)


def test_a_tilt_is_a_line_over_octaves_that_keeps_the_mean():
    tilt = TiltEQ(3.0, sample_rate=22050.0, f_min=50.0)
    change = np.asarray(augment(SPECTRA, tilt, random_state=0)) - SPECTRA[:, None]
    octaves = np.log2(librosa.mel_frequencies(MELS + 2, fmin=50.0, fmax=11025.0)[1:-1])
    slopes = (change[..., -1, 0] - change[..., 0, 0]) / (octaves[-1] - octaves[0])
    line = slopes[..., None] * (octaves - octaves.mean())
    assert_allclose(change, np.broadcast_to(line[..., None], change.shape), atol=1e-4)
    assert 2.5 < np.abs(slopes).max() <= 3.0


def test_noise_has_the_power_that_the_ratio_says_and_is_exponential():
    flat = np.full((200, MELS, FRAMES), -20.0, dtype=np.float32)
    views = np.asarray(augment(flat, AddNoise((12.0, 12.0)), random_state=0), dtype=np.float64)
    noise = 10 ** (views / 10) - 10**-2.0
    assert noise.mean() == pytest.approx(10 ** (-2 - 1.2), rel=0.02)
    assert noise.std() == pytest.approx(noise.mean(), rel=0.03)
    assert abs(np.corrcoef(noise[0, 0].ravel(), noise[0, 1].ravel())[0, 1]) < 0.3


def test_the_ratio_of_noise_lies_in_its_range():
    ratio, _ = AddNoise((10.0, 40.0)).draw(np.random.default_rng(0), (1000, 2), (MELS, FRAMES))
    assert scipy.stats.kstest(ratio.ravel(), scipy.stats.uniform(10, 30).cdf).pvalue > 1e-3


def test_a_crop_is_a_segment_and_every_segment_comes():
    views = np.asarray(augment(SPECTRA, TimeCrop(4), n_views=4, random_state=0))
    assert views.shape == (N, 4, MELS, 4)
    starts = [
        [np.flatnonzero(clip[0] == view[0, 0]).item() for view in row]
        for row, clip in zip(views, SPECTRA, strict=True)
    ]
    assert set(np.ravel(starts)) == set(range(FRAMES - 4 + 1))
    assert_array_equal(views[3, 2], SPECTRA[3, :, starts[3][2] : starts[3][2] + 4])


@pytest.mark.parametrize("transform", EACH, ids=str)
def test_each_transform_is_drawn_for_each_view_and_epoch_by_seed(transform):
    source = augment(SPECTRA, transform, random_state=1)
    whole = np.asarray(source)
    assert (whole[:, 0] != whole[:, 1]).any(axis=(1, 2)).mean() > 0.8
    assert_array_equal(augment(SPECTRA, transform, random_state=1), whole)
    assert (np.asarray(augment(SPECTRA, transform, random_state=2)) != whole).any()
    anew = source.drawn().redrawn(7)
    assert (anew[:] != whole).any()
    assert_array_equal(source.drawn().redrawn(7)[:], anew[:])


@pytest.mark.parametrize("transform", EACH, ids=str)
def test_a_view_s_transform_does_not_depend_on_its_batch(transform):
    drawn = augment(SPECTRA, transform, random_state=1).drawn()
    whole, order = drawn[:], np.random.default_rng(0).permutation(N)
    assert_allclose(drawn[order], whole[order], rtol=1e-6)
    assert_allclose(np.concatenate([drawn[:7], drawn[7:]]), whole, rtol=1e-6)


@pytest.mark.parametrize("transform", EACH, ids=str)
def test_missing_views_stay_missing_and_the_others_finite(transform):
    some = np.stack([SPECTRA, SPECTRA], axis=1)
    some[3, 1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        views = np.asarray(augment(some, transform, random_state=0))
    missing = np.isnan(views)
    assert missing[3, 1].all()
    missing[3, 1] = False
    assert not missing.any()


def test_the_clips_are_as_they_were():
    before = SPECTRA.copy()
    np.asarray(augment(SPECTRA, [*EACH], random_state=0))
    np.asarray(augment(np.stack([SPECTRA] * 2, axis=1), [*EACH], random_state=0))
    assert_array_equal(SPECTRA, before)


def test_transforms_follow_each_other_in_their_order():
    views = np.asarray(augment(SPECTRA, [TimeCrop(4), MelShift(2)], random_state=0))
    assert views.shape == (N, 2, MELS, 4)
    loud = [Apply(lambda X: X + 100), Apply(lambda X: X * 2)]
    assert_allclose(augment(SPECTRA, loud)[:, 0], 2 * (SPECTRA + 100), rtol=1e-6)


def test_the_views_of_another_source_are_transformed():
    labels = np.arange(N) % 4
    pairs = pair_by(SPECTRA, labels, random_state=0)
    both = augment(pairs, MelShift(5), random_state=0)
    assert both.shape == pairs.shape
    for row in range(N):
        for view, clip in zip(both[row], both.clips[row], strict=True):
            assert len(shift_of(view, SPECTRA[clip], 5)) == 1
    assert_array_equal(both.clips, pairs.clips)
    drawn = both.drawn().redrawn(5)
    assert (both._clips(drawn.draw) != both.clips).any()  # partners are drawn anew too
    assert (labels[both.clips] == labels[:, None]).all()


def test_rows_of_a_combined_source_pair_among_them():
    labels = np.arange(N) % 4
    part = augment(pair_by(SPECTRA, labels), MelShift(5), random_state=0)[8:24]
    assert isinstance(part, ViewSource)
    assert set(np.unique(part.clips)) <= set(range(8, 24))
    assert part.shape == (16, 2, MELS, FRAMES)


def test_factors_are_those_of_the_clips_behind_the_views():
    table = pd.DataFrame({"label": np.arange(N) % 4, "loudness": SPECTRA.mean((1, 2))})
    copies = augment(SPECTRA, MelShift(5), random_state=0)
    pd.testing.assert_frame_equal(copies.factors(table), table)
    both = augment(pair_by(SPECTRA, table["label"]), MelShift(5), random_state=0)
    for source, rows in ((both, np.arange(N)), (both[8:24], np.arange(8, 24))):
        factors = source.factors(table)
        assert_array_equal(factors["label"], table["label"][rows])
        for view in (0, 1):
            clips = SPECTRA[source.clips[:, view]]
            assert_array_equal(factors[f"loudness_v{view}"], clips.mean((1, 2)))


def test_waveforms_are_cropped_and_then_go_through_the_front_end():
    sounds = np.random.default_rng(0).normal(size=(5, 8000)).astype(np.float32)
    segments = crops(sounds, 4000, random_state=0)
    log_mel = LogMel(8000, n_fft=512, hop_length=256, n_mels=16)
    spectra = augment(segments, Apply(log_mel.transform), random_state=1)
    assert spectra.shape == (5, 2, 16, 16)
    assert spectra.dtype == np.float32
    assert_array_equal(spectra, log_mel.transform(np.asarray(segments)))


class Reverse:
    """Has the methods of a transform, but is none."""


@pytest.mark.parametrize(
    ("X", "transforms", "options", "error", "message"),
    [
        (SPECTRA, Reverse(), {}, TypeError, "transforms holds .*Reverse.*; pass MelShift"),
        (SPECTRA, [Gain(), 3], {}, TypeError, "transforms holds 3; pass MelShift"),
        (SPECTRA, MelShift(24), {}, ValueError, "max_bands=24, but the spectra have 24 bands"),
        (SPECTRA, TimeCrop(11), {}, ValueError, "n_frames=11, but the spectra have 10 frames"),
        (SPECTRA[:, 0], Gain(), {}, ValueError, r"views have shape \(10,\): pass log-mel"),
        (SPECTRA, Gain(), {"n_views": 0}, ValueError, "n_views=0; pass an int"),
        (SPECTRA[:, None].repeat(2, 1), Gain(), {"n_views": 3}, ValueError, "X has 2 views a row"),
        (SPECTRA * np.nan, Gain(), {}, ValueError, "X contains NaN throughout clip 0"),
        (
            SPECTRA[:, None].repeat(2, 1) * np.nan,
            Gain(),
            {},
            ValueError,
            "X contains NaN in every view of row 0",
        ),
        (SPECTRA, Apply(lambda X: X[:, 0]), {}, ValueError, "gave shape .*; pass one that keeps"),
    ],
)
def test_what_cannot_be_transformed_is_refused(X, transforms, options, error, message):
    with pytest.raises(error, match=message):
        augment(X, transforms, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MelShift(-1), "max_bands=-1; pass an int, 0 or more"),
        (lambda: MelShift(1.5), "max_bands=1.5; pass an int"),
        (lambda: Gain(-1.0), "db=-1.0; pass a number from 0 to 200"),
        (lambda: TiltEQ(np.nan), "db_per_octave=nan; pass"),
        (lambda: TiltEQ(3.0, f_min=9000.0), "f_min=9000.0 is not below f_max=8000.0: pass less"),
        (lambda: AddNoise((20.0, 10.0)), r"snr_db=\(20.0, 10.0\); pass two numbers"),
        (lambda: AddNoise(10.0), "snr_db=10.0; pass two numbers"),
        (lambda: TimeCrop(0), "n_frames=0; pass an int, 1 or more"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_front_end_that_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="function='mel'; pass a callable"):
        Apply("mel")
