"""What both makers of sounds keep: exact sums, chunks of rows, seeds, clear refusals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal

from mvdisent.datasets import _synthesis, make_harmonic_views, make_tone_views
from mvdisent.datasets._factors import draw_classes
from mvdisent.datasets._synthesis import LEVEL, sum_of_harmonics

SHORT = {"n_samples": 50, "duration": 0.05, "sample_rate": 8000}
both = pytest.mark.parametrize("make", [make_tone_views, make_harmonic_views])
all_kinds = pytest.mark.parametrize(
    ("make", "settings"),
    [
        (make_tone_views, {}),
        (make_tone_views, {"snr_db": 6.0}),
        # Sums so long that a matrix product takes them in parts.
        (make_tone_views, {"f_min": 10.0, "n_samples": 20, "duration": 0.5}),
        (make_tone_views, {"band_limited": False, "snr_db": 6.0}),
        (make_harmonic_views, {}),
        (make_harmonic_views, {"f_min": 10.0, "timbres": [3, 20], "n_views": 3}),
    ],
)


@pytest.mark.parametrize("n_times", [1, 127, 128, 1000, 16000])
def test_the_matrix_product_is_the_sum_of_sines(n_times):
    rng = np.random.default_rng(0)
    amplitudes = rng.normal(size=(5, 70))
    frequency, phase = np.array([55.0, 113.7, 440.1, 1234.5, 7999.0]), rng.random(5)
    tones = sum_of_harmonics(amplitudes, frequency, phase, n_times=n_times, sample_rate=16000)
    cycles = np.arange(n_times) / 16000 * frequency[:, None] + phase[:, None]
    direct, power = np.zeros((5, n_times)), np.zeros((5, 1))
    for k in range(1, 71):
        a = np.where(k * frequency < 8000, amplitudes[:, k - 1], 0)[:, None]
        direct += a * np.sin(2 * np.pi * k * cycles)
        power += a**2 / 2
    assert tones.dtype == np.float32
    assert_allclose(tones, LEVEL * direct / np.sqrt(power), atol=2e-6)


def test_drawn_classes_differ_and_every_ordered_pair_is_as_likely():
    classes = draw_classes(np.random.default_rng(0), 60000, 2, 4)
    pairs = np.bincount(classes[:, 0] * 4 + classes[:, 1], minlength=16).reshape(4, 4)
    assert_array_equal(np.diag(pairs), 0)
    # 5 standard deviations of a binomial with probability 1/12.
    assert_allclose(pairs[~np.eye(4, dtype=bool)], 5000, atol=5 * np.sqrt(60000 * 11 / 144))


@all_kinds
def test_the_size_of_a_chunk_changes_no_bit(make, settings, monkeypatch):
    whole, factors = make(**{**SHORT, **settings}, random_state=0)
    for size in (1, 7 * whole[0].size, 33 * whole[0].size):
        monkeypatch.setattr(_synthesis, "_CHUNK_SAMPLES", size)
        chunked, same = make(**{**SHORT, **settings}, random_state=0)
        assert_array_equal(chunked, whole)
        assert_frame_equal(same, factors)


@both
def test_a_transform_gets_bounded_chunks_and_the_result_is_that_of_the_whole(make, monkeypatch):
    def spectrum(sounds):
        shapes.append(sounds.shape)
        return np.abs(np.fft.rfft(sounds)).astype(np.float32)[..., None]

    shapes: list[tuple[int, ...]] = []
    whole, _ = make(**SHORT, random_state=0)
    expected = spectrum(whole)
    shapes.clear()
    monkeypatch.setattr(_synthesis, "_CHUNK_SAMPLES", 8 * whole[0].size)
    X, factors = make(**SHORT, random_state=0, transform=spectrum)
    assert_array_equal(X, expected)
    assert X.dtype == expected.dtype
    assert len(factors) == 50
    assert shapes == [(8, 2, 400)] * 6 + [(2, 2, 400)]


@both
@pytest.mark.parametrize("kind", [int, np.random.RandomState, np.random.default_rng])
def test_one_seed_gives_the_same_bits_and_another_does_not(make, kind):
    X, factors = make(**SHORT, random_state=kind(7))
    again, same = make(**SHORT, random_state=kind(7))
    other, _ = make(**SHORT, random_state=kind(8))
    assert_array_equal(again, X)
    assert_frame_equal(same, factors)
    assert (other != X).any(axis=2).all()


@both
def test_a_generator_that_is_passed_moves_on(make):
    for rng in (np.random.default_rng(0), np.random.RandomState(0)):
        first, _ = make(**SHORT, random_state=rng)
        assert (make(**SHORT, random_state=rng)[0] != first).any()


@both
@pytest.mark.parametrize("random_state", [None, 0])
def test_the_global_random_state_is_left_alone(make, random_state):
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    make(**SHORT, random_state=random_state)
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    assert_array_equal(after["state"].pop("key"), before["state"].pop("key"))
    assert after == before


@both
def test_none_as_seed_gives_other_sounds_each_time(make):
    assert (make(**SHORT)[0] != make(**SHORT)[0]).any()


@both
@pytest.mark.parametrize("n_views", [1, 2, 5])
def test_shapes_types_and_columns(make, n_views):
    X, factors = make(3, n_views=n_views, duration=0.0301, random_state=0)
    assert X.shape == (3, n_views, 482)  # 481.6 instants, rounded
    assert X.dtype == np.float32
    own = ["frequency", "frequency_hz"]
    own += ["attack", "loudness", "noise"] if make is make_harmonic_views else []
    assert list(factors) == ["timbre"] + [f"{name}_v{v}" for v in range(n_views) for name in own]
    kinds = {name: factors[f"{name}_v0"].dtype.kind for name in own}
    assert kinds.pop("frequency") == "i"
    assert set(kinds.values()) == {"f"}
    assert list(factors.index) == [0, 1, 2]


def _gives_another_width(sounds):
    return np.zeros((len(sounds), len(sounds)))


@both
@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"n_samples": 0}, ValueError, "n_samples == 0, must be >= 1"),
        ({"n_samples": 2.5}, TypeError, "n_samples must be an instance of int, not float"),
        ({"n_views": 0}, ValueError, "n_views == 0, must be >= 1"),
        ({"n_frequency_classes": 0}, ValueError, "n_frequency_classes == 0, must be >= 1"),
        (
            {"n_views": 4, "n_frequency_classes": 3},
            ValueError,
            "n_views=4 > n_frequency_classes=3, .* pass more classes or fewer views",
        ),
        ({"f_min": 0}, ValueError, "f_min=0; pass a finite number above 0"),
        ({"f_min": -5.0}, ValueError, "f_min=-5.0; pass"),
        ({"f_max": "high"}, ValueError, "f_max='high'; pass a finite number"),
        ({"f_min": 900.0, "f_max": 900.0}, ValueError, "f_min=900.0 is not below f_max=900.0"),
        (
            {"f_max": 4000.0, "sample_rate": 8000},
            ValueError,
            "f_max=4000.0 is not below 4000.0, half of sample_rate=8000; pass a lower f_max",
        ),
        ({"sample_rate": float("nan")}, ValueError, "sample_rate=nan; pass a finite number"),
        ({"duration": float("inf")}, ValueError, "duration=inf; pass a finite number"),
        ({"duration": 1e-5}, ValueError, "duration=1e-05 s at sample_rate=16000 is no instant"),
        ({"random_state": "x"}, ValueError, "random_state='x'; pass None, an int"),
        ({"transform": 3}, TypeError, "transform=3 cannot be called; pass a function"),
        (
            {"transform": lambda w: [[1], [1, 2]]},
            ValueError,
            "what transform gives is a list",
        ),
        ({"transform": np.sum}, ValueError, r"gave shape \(\) for a chunk of 5 rows"),
        (
            {"transform": lambda w: w[1:]},
            ValueError,
            r"gave shape \(4, 2, 16000\) for a chunk of 5",
        ),
    ],
)
def test_a_bad_argument_is_named_with_its_value_and_the_cure(make, settings, error, text):
    with pytest.raises(error, match=text):
        make(**{"n_samples": 5, **settings})


@both
def test_chunks_transformed_to_several_shapes_are_refused(make, monkeypatch):
    monkeypatch.setattr(_synthesis, "_CHUNK_SAMPLES", 3 * 800)
    with pytest.raises(
        ValueError, match=r"gave shape \(2, 2\) for a chunk of 2 rows, not \(2, 3\)"
    ):
        make(**{**SHORT, "n_samples": 5}, transform=_gives_another_width)
