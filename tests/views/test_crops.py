"""Random segments and windows against slices of the recordings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal

from mvdisent.views import crops, pair_by, window_table, windows

LENGTHS = (50, 31, 20)
TRACKS = [
    np.arange(3 * n, dtype=np.float32).reshape(3, n) + 1000 * i for i, n in enumerate(LENGTHS)
]
INFINITE = np.where(TRACKS[0] == 3, np.float32(np.inf), 0)


def is_segment(view, track):
    return any(np.array_equal(view, segment) for segment in all_segments(track, view.shape[-1]))


def all_segments(track, length):
    return np.moveaxis(sliding_window_view(track, length, axis=-1), -2, 0)


def starts_of(views):
    return views[..., 0, 0] % 1000


@pytest.mark.parametrize(
    "tracks", [TRACKS, [t[0] for t in TRACKS], np.stack([t[:, :20] for t in TRACKS])]
)
def test_crops_are_segments_of_their_recording(tracks):
    source = crops(tracks, 8, n_views=3, random_state=0)
    assert source.shape == (3, 3, *np.shape(tracks[0])[:-1], 8)
    for row, track in zip(np.asarray(source), tracks, strict=True):
        assert all(is_segment(view, track) for view in row)
    assert_array_equal(source.clips, [[0] * 3, [1] * 3, [2] * 3])


def test_every_segment_has_equal_chances_and_views_are_independent():
    many = crops(TRACKS, 12, random_state=0)[np.repeat(1, 4000)]
    starts = starts_of(np.asarray(many))
    assert scipy.stats.chisquare(np.bincount(starts[:, 0].astype(int))).pvalue > 1e-3
    assert len(np.unique(starts)) == 31 - 12 + 1
    assert abs(scipy.stats.pearsonr(*starts.T).statistic) < 0.05


def test_crops_are_drawn_anew_each_epoch_by_seed():
    source = crops(TRACKS, 8, random_state=0)[np.repeat(np.arange(3), 20)]
    again = crops(TRACKS, 8, random_state=0)[np.repeat(np.arange(3), 20)]
    assert_array_equal(source, again)
    assert_array_equal(source.drawn().redrawn(4)[:], again.drawn().redrawn(4)[:])
    assert (source.drawn().redrawn(4)[:] != source.drawn()[:]).any()
    drawn = source.drawn()
    assert_array_equal(drawn[[5, 40]], drawn[:][[5, 40]])
    assert_array_equal(drawn[np.arange(60) > 50], drawn[:][51:])


def test_a_segment_as_long_as_the_recording_is_the_recording():
    assert_array_equal(crops(TRACKS[2:], 20)[0, 1], TRACKS[2])


def test_factors_of_recordings_are_shared():
    table = pd.DataFrame({"artist": ["a", "b", "c"]})
    assert crops(TRACKS, 8)[[2, 2, 0]].factors(table)["artist"].tolist() == ["c", "c", "a"]


@pytest.mark.parametrize("hop", [None, 1, 3, 8, 50])
def test_windows_are_all_segments_that_a_hop_leads_to(hop):
    source = windows(TRACKS, 8, hop=hop)
    step = hop or 8
    expected = [all_segments(track, 8)[::step] for track in TRACKS]
    assert_array_equal(np.asarray(source)[:, 0], np.concatenate(expected))
    table = window_table(source, rate=4)
    assert table["recording"].tolist() == [i for i, own in enumerate(expected) for _ in own]
    assert table["time"].tolist() == [k * step / 4 for own in expected for k in range(len(own))]
    assert_array_equal(source.drawn().redrawn(1)[:], source)  # nothing is random
    assert_frame_equal(window_table(source[2:4], rate=4), table[2:4].reset_index(drop=True))


def test_windows_of_a_memmap_are_not_copied(tmp_path):
    np.save(tmp_path / "track.npy", TRACKS[0])
    on_disk = np.load(tmp_path / "track.npy", mmap_mode="r")
    source = windows([on_disk], 8)
    assert np.shares_memory(source._recordings[0], on_disk)
    assert_array_equal(source[1, 0], TRACKS[0][:, 8:16])


@pytest.mark.parametrize("cut", [crops, windows])
@pytest.mark.parametrize(
    ("X", "length", "error", "message"),
    [
        (TRACKS, 21, ValueError, r"X\[2\] has 20 frames or instants, fewer than length=21: drop"),
        ([*TRACKS, np.zeros((4, 30))], 8, ValueError, r"X\[3\] has shape \(4, 30\), and X\[0\]"),
        ([TRACKS[0] * np.nan], 8, ValueError, r"X\[0\] contains NaN throughout: drop"),
        (
            [TRACKS[0], INFINITE],
            8,
            ValueError,
            r"infinity, .* clip 1",
        ),
        ([], 8, ValueError, "X is an empty list; pass one recording"),
        (TRACKS, 0, ValueError, "length=0; pass an int, 1 or more"),
        ([np.zeros(99, dtype=np.int16)], 8, ValueError, r"X\[0\] has dtype int16"),
        (3.0, 8, ValueError, r"X has shape \(\); pass"),
        ({"a": TRACKS[0]}, 8, ValueError, "X is a dict"),
    ],
)
def test_recordings_that_cannot_be_cut_are_refused(cut, X, length, error, message):
    with pytest.raises(error, match=message):
        cut(X, length)


def test_a_hop_of_nothing_and_what_is_no_window_are_refused():
    with pytest.raises(ValueError, match="hop=0; pass an int, 1 or more"):
        windows(TRACKS, 8, hop=0)
    with pytest.raises(TypeError, match="source is a _PairedClips; pass what windows"):
        window_table(pair_by(np.zeros((2, 1)), [0, 0]), rate=1)
    with pytest.raises(ValueError, match="rate=0; pass a positive number, in Hz"):
        window_table(windows(TRACKS, 8), rate=0)
