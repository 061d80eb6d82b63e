"""A TimePool is saved with its matrix, alone and as a step."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from mvdisent import LogMel, MultiViewDisentangler, load, save
from mvdisent.views import TimePool

X = np.random.default_rng(0).normal(size=(20, 2, 200)).astype(np.float32)
LOG_MEL = LogMel(8000, n_fft=16, hop_length=50, n_mels=3)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"whiten": False, "n_cosines": 2, "n_components": 99},
        {"n_components": 4, "n_cosines": 1},
    ],
)
def test_a_pipeline_of_recordings_is_saved_whole(tmp_path, params):
    """Linear networks are known by name, so that no factory is asked for."""
    linear = {"encoder": "linear", "decoder": "linear", "objective": "marl"}
    model = MultiViewDisentangler(2, 2, max_epochs=2, random_state=0, **linear)
    pipeline = make_pipeline(LOG_MEL, TimePool(**params), model).fit(X)
    save(pipeline, tmp_path / "pipeline")
    loaded = load(tmp_path / "pipeline")
    assert repr(loaded) == repr(pipeline)
    np.testing.assert_array_equal(loaded.transform(X), pipeline.transform(X))
    assert set(vars(loaded[1])) == set(vars(pipeline[1]))


def test_a_file_that_asks_for_more_axes_than_there_are_is_refused(tmp_path):
    pool = TimePool(n_components=4).fit(LOG_MEL.fit_transform(X))
    with pytest.raises(ValueError, match="n_components=10 is above the number"):
        save(pool.set_params(n_components=10), tmp_path / "pool")


def test_one_that_no_longer_fits_what_was_fitted_is_refused(tmp_path):
    pool = TimePool().fit(LOG_MEL.fit_transform(X))
    with pytest.raises(ValueError, match=r"'matrix'.*belongs to nothing.*set them back"):
        save(clone(pool).fit(LOG_MEL.transform(X)).set_params(whiten=False), tmp_path / "pool")
    pool.matrix_ = np.full_like(pool.matrix_, np.nan)
    save_path = tmp_path / "pool"
    with pytest.raises(ValueError, match="'matrix' has a value that is not finite"):
        save(pool, save_path)
    assert not save_path.exists()
