"""One row a recording: against pooling by pandas, and in bounded memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.views import WindowFeatures, crops, window_table, windows

TRACKS = [np.random.default_rng(n).normal(size=(4, n)).astype(np.float32) for n in (90, 500, 16)]


@pytest.fixture(scope="module")
def model(small):
    return MultiViewDisentangler(**small, objective="marl", max_epochs=3).fit(
        crops(TRACKS, 16)[np.arange(90) % 3]
    )


def test_rows_are_means_and_spreads_of_the_windows(model):
    pooled = WindowFeatures(model, 16, hop=5).set_output(transform="pandas").fit_transform(TRACKS)
    source = windows(TRACKS, 16, hop=5)
    each = pd.DataFrame(model.transform(source), columns=model.get_feature_names_out())
    groups = each.groupby(window_table(source, rate=1)["recording"])
    expected = pd.concat(
        [groups.mean().add_suffix("_mean"), groups.std(ddof=0).add_suffix("_std")], axis=1
    )
    assert list(pooled.columns) == list(expected.columns)
    assert_allclose(pooled, expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # a fit cut short
def test_a_pipeline_with_a_front_end_takes_recordings_of_sound():
    rng = np.random.default_rng(0)
    log_mel = LogMel(8000, n_fft=256, hop_length=128, n_mels=8)
    model = make_pipeline(
        log_mel, MultiViewDisentangler(2, 3, objective="marl", max_epochs=1, decoder_std=0.1)
    )
    model.fit(rng.normal(size=(40, 2, 1000)))
    sounds = [rng.normal(size=n) for n in (1000, 5000)]
    pooled = WindowFeatures(model, 1000, hop=500).transform(sounds)
    assert_allclose(pooled[0, :5], model.transform(sounds[0][None])[0], atol=1e-5)
    assert_allclose(pooled[0, 5:], 0)
    assert np.abs(pooled[1, 5:]).max() > 0


def test_recordings_are_taken_one_by_one_in_bounded_memory():
    identity = FunctionTransformer(lambda X: X.reshape(len(X), -1)[:, :3])
    identity.get_feature_names_out = lambda: ["a", "b", "c"]
    read = []

    def recordings(n):
        for i in range(n):
            read.append(i)
            yield np.full((8, 20000), float(i), dtype=np.float32)

    pooler = WindowFeatures(identity, 50)
    peaks = []
    for n in (2, 40):
        tracemalloc.start()
        pooled = pooler.transform(recordings(n))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert_allclose(pooled[:, :3], np.repeat(np.arange(n)[:, None], 3, axis=1))
    assert peaks[1] < 1.3 * peaks[0]
    assert list(pooler.get_feature_names_out()) == [
        *("a_mean", "b_mean", "c_mean", "a_std", "b_std", "c_std")
    ]


def band_means():
    return FunctionTransformer(lambda X: X.mean(axis=(1, 2)))


def test_true_counts_as_a_window_of_one_as_it_does_to_scikit_learn():
    one = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    sounds = [np.arange(3.0), np.arange(5.0)]
    found = WindowFeatures(one, True).transform(sounds)
    assert_allclose(found, WindowFeatures(one, 1).transform(sounds))


def test_what_cannot_be_pooled_is_refused(model):
    with pytest.raises(NotFittedError):
        WindowFeatures(MultiViewDisentangler(), 16).fit(TRACKS)
    with pytest.raises(ValueError, match="X holds no recording; pass one or more"):
        WindowFeatures(model, 16).transform([])
    with pytest.raises(TypeError, match="X is a str; pass a list of arrays"):
        WindowFeatures(model, 16).transform("a.wav")
    with pytest.raises(ValueError, match=r"X\[2\] has 16 frames or instants, fewer than length=17"):
        WindowFeatures(band_means(), 17).transform(TRACKS)
    with pytest.raises(ValueError, match=r"'hop' parameter .* must be an int.*Got 0"):
        WindowFeatures(model, 16, hop=0).transform(TRACKS)
