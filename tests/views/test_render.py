"""Waveforms transformed in workers: by seed alone, with nothing of this process touched."""

from __future__ import annotations

import random

import numpy as np
import pedalboard
import pytest
import torch
from numpy.testing import assert_array_equal
from pedalboard import Pedalboard, PitchShift, Reverb

from mvdisent.views import render
from mvdisent.views._render import _render_clips, _seed_of

N, TIMES = 6, 400
CLIPS = np.random.default_rng(0).normal(size=(N, TIMES)).astype(np.float32)
TONE = 0.2 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
TONE[:4000] = TONE[8000:] = 0.0
SOME = np.where(np.arange(N)[:, None] == 2, np.float32(np.nan), CLIPS)


def make_jolt():
    """Give a function that travels to workers by value: they cannot import this file."""

    def jolt(samples, sample_rate):
        """Draws from every global generator, as libraries do, and changes what it was given."""
        samples *= random.random()
        samples += np.float32(np.random.normal() * sample_rate)  # noqa: NPY002 - on purpose
        samples += torch.randn(()).numpy()
        return samples[None, : 300 + random.randrange(200)]

    return jolt


jolt = make_jolt()


def states():
    numpy_state = np.random.get_state()  # noqa: NPY002 - on purpose
    return random.getstate(), numpy_state[1].tobytes(), torch.get_rng_state().numpy().tobytes()


@pytest.fixture(scope="module")
def copies():
    before = states()
    made = render(SOME, jolt, sample_rate=8000, n_copies=3, random_state=5)
    assert states() == before
    return made


def test_each_copy_is_drawn_by_itself(copies):
    assert copies.shape == (N, 3, TIMES)
    assert copies.dtype == np.float32
    assert len(np.unique(copies[[0, 1, 3, 4, 5], :, 0])) == (N - 1) * 3


def test_copies_follow_from_the_seed_whatever_the_number_of_workers(copies):
    state = np.random.get_state()  # noqa: NPY002 - on purpose
    np.random.seed(77)  # noqa: NPY002 - on purpose - the caller's own, of which nothing depends
    again = render(SOME, jolt, sample_rate=8000, n_copies=3, n_jobs=2, random_state=5)
    np.random.set_state(state)  # noqa: NPY002 - on purpose
    assert_array_equal(again, copies)


@pytest.mark.parametrize(("n_jobs", "n_workers"), [(None, 1), (1, 1), (2, 2)])
def test_workers_are_counted_as_joblib_counts_them(monkeypatch, n_jobs, n_workers):
    asked = []

    class Asked(Exception):
        pass

    def ask(max_workers, env):
        asked.append(max_workers)
        raise Asked

    monkeypatch.setattr("mvdisent.views._render.ProcessPoolExecutor", ask)
    with pytest.raises(Asked):
        render(np.ones((200, 4)), jolt, sample_rate=8000, n_jobs=n_jobs)
    assert asked == [n_workers]


def test_another_seed_or_clip_gives_other_copies():
    seeds = {_seed_of(seed, clip, 0) for seed in range(20) for clip in range(20)}
    assert len(seeds) == 400


def test_a_missing_clip_stays_missing(copies):
    assert_array_equal(np.isnan(copies).all(axis=(1, 2)), [0, 0, 1, 0, 0, 0])
    assert np.isnan(copies).sum() == 3 * TIMES


@pytest.fixture
def own_states():
    """Gives back the global states that a worker's function sets."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - on purpose
    yield
    random.setstate(before[0])
    np.random.set_state(before[1])  # noqa: NPY002 - on purpose
    torch.set_rng_state(before[2])


@pytest.mark.usefixtures("own_states")
def test_longer_waveforms_are_cut_and_shorter_ones_padded():
    for change, expected in (
        (lambda x, rate: np.tile(x, 2), CLIPS[0]),
        (lambda x, rate: x[:rate], np.where(np.arange(TIMES) < 100, CLIPS[0], 0)),
    ):
        made = _render_clips(change, CLIPS[:1], 100, 2, np.array([0]), 0)
        assert_array_equal(made, [[expected, expected]])


@pytest.mark.usefixtures("own_states")
def test_a_pedalboard_is_a_transform_and_its_settings_may_be_drawn():
    def octave_up(waveform, sample_rate):
        room = Reverb(room_size=np.random.uniform(0.0, 0.3))  # noqa: NPY002 - on purpose
        return Pedalboard([PitchShift(12), room])(waveform, sample_rate)

    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    made, other, again = (
        _render_clips(octave_up, tone[None].astype(np.float32), 16000, 1, np.array([0]), seed)[0, 0]
        for seed in (0, 1, 0)
    )
    peak = np.abs(np.fft.rfft(made[4000:12000] * np.hanning(8000))).argmax() * 2
    assert peak == pytest.approx(880, rel=0.01)
    assert_array_equal(again, made)
    assert (other != made).any()


def loudest(sound):
    """Give the frequency of the strongest partial, in Hz, at 16 kHz."""
    return np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).argmax() * 16000 / len(sound)


def level(sound):
    return 20 * np.log10(sound.std() + 1e-12)


# A tone of 440 Hz in the second quarter of a second becomes what is asked for.
EFFECTS = [
    (lambda x, rate: pedalboard.PitchShift(7)(x, rate), loudest, 440 * 2 ** (7 / 12)),
    (
        lambda x, rate: pedalboard.time_stretch(x, rate, 2.0)[0],
        lambda y: loudest(y[2000:4000]),
        440,
    ),
    (lambda x, rate: pedalboard.Gain(-6.0)(x, rate), level, level(TONE) - 6.0),
    (lambda x, rate: pedalboard.HighpassFilter(1760.0)(x, rate), level, level(TONE) - 12.3),
    (lambda x, rate: pedalboard.LowpassFilter(110.0)(x, rate), level, level(TONE) - 12.3),
    (lambda x, rate: pedalboard.Delay(0.5, mix=0.5)(x, rate), lambda y: loudest(y[12000:]), 440),
    (lambda x, rate: pedalboard.Reverb(wet_level=1.0)(x, rate), lambda y: loudest(y[8000:]), 440),
]


@pytest.mark.usefixtures("own_states")
@pytest.mark.parametrize(("effect", "measure", "expected"), EFFECTS)
def test_effects_of_pedalboard_do_what_they_say(effect, measure, expected):
    made = _render_clips(effect, TONE[None], 16000, 1, np.array([0]), 0)[0, 0]
    assert made.shape == TONE.shape
    assert measure(made) == pytest.approx(expected, rel=0.03)


@pytest.mark.usefixtures("own_states")
def test_what_gives_no_waveform_is_refused():
    with pytest.raises(ValueError, match=r"made of clip 7 an array of shape \(2, 400\)"):
        _render_clips(lambda x, rate: np.stack([x, x]), CLIPS[:1], 8000, 1, np.array([7]), 0)


@pytest.mark.parametrize(
    ("X", "transform", "options", "error", "message"),
    [
        (CLIPS, None, {}, TypeError, "transform=None cannot be called"),
        (CLIPS, jolt, {"sample_rate": 0}, ValueError, "sample_rate=0; pass a positive number"),
        (CLIPS, jolt, {"n_copies": 0}, ValueError, "n_copies=0; pass an int, 1 or more"),
        (CLIPS, jolt, {"n_jobs": 0}, ValueError, "n_jobs=0; pass None"),
        (CLIPS[:, None], jolt, {}, ValueError, r"X has shape \(6, 1, 400\); pass waveforms"),
        (CLIPS.astype(np.int16), jolt, {}, ValueError, "X has dtype int16"),
    ],
)
def test_what_cannot_be_rendered_is_refused(X, transform, options, error, message):
    with pytest.raises(error, match=message):
        render(X, transform, **{"sample_rate": 8000, **options})
