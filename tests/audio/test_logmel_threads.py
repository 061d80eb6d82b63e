"""LogMel shares chunks out to threads of its own: the same spectra, errors and settings."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from mvdisent import LogMel

LOG_MEL = LogMel(8000, n_fft=256, hop_length=64, n_mels=16)


CLIPS = np.random.default_rng(0).standard_normal((300, 1, 4000))  # several chunks


@pytest.fixture(params=[1, 2, 8])
def n_threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def spectra():
    """Give those of one clip at a time, which no other thread sees."""
    return np.concatenate([LOG_MEL.transform(clip[None]) for clip in CLIPS])


def test_the_number_of_threads_changes_nothing(spectra, n_threads):
    assert_array_equal(LOG_MEL.transform(CLIPS), spectra)
    assert torch.get_num_threads() == n_threads
    few = slice(0, n_threads + 1)
    assert_array_equal(LOG_MEL.transform(CLIPS[few]), spectra[few])


def test_threads_of_the_caller_get_the_same(spectra, n_threads):
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(LOG_MEL.transform, [CLIPS] * 3):
            assert_array_equal(found, spectra)
    assert torch.get_num_threads() == n_threads


def test_the_first_bad_rows_are_named_and_the_threads_stay(n_threads):
    clips = CLIPS.copy()
    clips[[7, 120, 290], 0, 5] = np.inf
    with pytest.raises(ValueError, match=r"infinity in rows? 7[,:]"):
        LOG_MEL.transform(clips)
    assert torch.get_num_threads() == n_threads


@pytest.mark.parametrize("n_threads", [64], indirect=True)
def test_many_threads_hold_a_small_part_of_the_clips(n_threads):
    clips = np.zeros((5000, 1, 8000), dtype=np.float32)
    out = np.empty((5000, 1, 64, 16), dtype=np.float32)
    log_mel = LogMel(8000).fit(clips)
    log_mel.transform(clips[:n_threads])  # what is imported on first use
    tracemalloc.start()
    log_mel.transform(clips, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < clips.nbytes / 3
