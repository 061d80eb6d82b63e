"""Partners of clips: whom they may be, how often, and that they are drawn anew."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal

from mvdisent.views import ViewSource, pair_by

N = 60
LABELS = np.arange(N) % 4
PITCH = np.arange(N) // 4 % 5
LOUD = np.arange(N) // 20
X = np.arange(N * 6, dtype=np.float32).reshape(N, 2, 3)


def draws(source, n):
    """Clips of many draws, (n, n_samples, n_views)."""
    drawn = source.drawn()
    return np.stack([source._clips(drawn.redrawn(seed).draw) for seed in range(n)])


def agree(values, clips):
    return values[clips] == values[clips[..., :1]]


def test_a_source_has_the_shape_of_an_array_and_is_one_for_numpy():
    source = pair_by(X, LABELS, n_views=3, random_state=0)
    assert isinstance(source, ViewSource)
    assert (source.shape, source.ndim, source.dtype) == ((N, 3, 2, 3), 4, np.float32)
    assert (len(source), source.size) == (N, N * 18)
    assert_array_equal(np.asarray(source), X[source.clips])
    assert np.array(source, dtype=np.float64).dtype == np.float64
    assert_array_equal(source[7], X[source.clips[7]])
    assert_array_equal(source[:, 1], X[source.clips[:, 1]])
    assert_array_equal(source[-1, 0], X[-1])
    assert_array_equal(source[3, ...], source[3])
    with pytest.raises(IndexError):
        source[N]


@pytest.mark.parametrize("n_views", [1, 2, 3, 5])
def test_views_agree_in_the_label_are_different_clips_and_start_with_their_own(n_views):
    found = draws(pair_by(X, LABELS, n_views=n_views, random_state=0), 20)
    assert (found[..., 0] == np.arange(N)).all()
    assert agree(LABELS, found).all()
    for a, b in itertools.combinations(range(n_views), 2):
        assert (found[..., a] != found[..., b]).all()


@pytest.mark.parametrize("n_views", [2, 3, 5])
def test_views_differ_pairwise_in_the_factor_that_must_differ(n_views):
    found = draws(pair_by(X, LABELS, n_views=n_views, differ=PITCH, random_state=0), 20)
    assert agree(LABELS, found).all()
    for a, b in itertools.combinations(range(n_views), 2):
        assert (PITCH[found[..., a]] != PITCH[found[..., b]]).all()


@pytest.mark.parametrize("kind", [pd.DataFrame, dict])
def test_views_differ_in_each_of_several_factors(kind):
    source = pair_by(X, LABELS, n_views=3, differ=kind({"p": PITCH, "l": LOUD}), random_state=0)
    found = draws(source, 20)
    for values, (a, b) in itertools.product((PITCH, LOUD), itertools.combinations(range(3), 2)):
        assert (values[found[..., a]] != values[found[..., b]]).all()


def test_a_lone_partner_among_many_that_clash_is_found():
    labels = np.zeros(400, dtype=int)
    first = np.arange(400)
    second = np.where(np.arange(400) < 2, [0, 1] * 200, 0)
    second[0] = 1  # rows 0 and 1 differ from all others in it, and those from these two alone
    found = draws(pair_by(np.zeros((400, 1)), labels, differ={"a": first, "b": second}), 3)
    assert (second[found[..., 0]] != second[found[..., 1]]).all()
    assert set(np.unique(found[:, 2:, 1])) == {0, 1}


@pytest.mark.parametrize("differ", [None, PITCH])
def test_partners_are_drawn_with_equal_chances(differ):
    found = draws(pair_by(X, LABELS, differ=differ, random_state=0), 3000)[:, 6, 1]
    values = np.arange(N) if differ is None else differ
    fit = np.flatnonzero((LABELS[6] == LABELS) & (values != values[6]))
    counts = np.bincount(found, minlength=N)
    assert counts.sum() == counts[fit].sum()
    assert scipy.stats.chisquare(counts[fit]).pvalue > 1e-3


def test_third_views_are_drawn_with_equal_chances():
    found = draws(pair_by(X[:16], LABELS[:16], n_views=3, random_state=0), 3000)[:, 0]
    pairs, counts = np.unique(found[:, 1:], axis=0, return_counts=True)
    assert len(pairs) == 6  # two of the three other clips, in either order
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_a_draw_follows_from_its_seed_and_others_differ():
    one, same, other = (pair_by(X, LABELS, random_state=seed) for seed in (1, 1, 2))
    assert_array_equal(one.clips, same.clips)
    assert (one.clips != other.clips).any()
    again = one.drawn().redrawn(5)
    assert_array_equal(again[:], same.drawn().redrawn(5)[:])
    assert (again[:] != one.drawn()[:]).any()
    assert_array_equal(one.clips, same.clips)  # the source is as it was


@pytest.mark.parametrize(
    "random_state", [np.random.RandomState(3), np.random.default_rng(3), None, np.int64(3)]
)
def test_every_kind_of_random_state_is_taken(random_state):
    assert pair_by(X, LABELS, random_state=random_state).shape == (N, 2, 2, 3)


def test_the_global_random_state_is_not_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - what must not move
    np.asarray(pair_by(X, LABELS))
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    "rows",
    [np.arange(20, 50), slice(20, 50), np.isin(np.arange(N), range(20, 50)), list(range(20, 50))],
    ids=["ints", "slice", "mask", "list"],
)
def test_rows_of_a_source_are_a_source_that_pairs_among_them(rows):
    part = pair_by(X, LABELS, differ=PITCH, random_state=0)[rows]
    found = draws(part, 20)
    assert isinstance(part, ViewSource)
    assert (found[..., 0] == np.arange(20, 50)).all()
    assert set(np.unique(found)) == set(range(20, 50))
    assert_array_equal(np.asarray(part), X[part.clips])
    assert isinstance(part[[0, 4, 8], ...], ViewSource)
    assert len(part[[]]) == 0


def test_rows_that_are_repeated_are_not_paired_with_themselves():
    found = draws(pair_by(X, LABELS, random_state=0)[np.repeat(np.arange(12), 3)], 20)
    assert (found[..., 0] != found[..., 1]).all()


def test_rows_of_rows_keep_the_numbers_of_the_clips():
    part = pair_by(X, LABELS, random_state=0)[10:50][::-1][:24]
    assert_array_equal(part.clips[:, 0], np.arange(49, 25, -1))


def test_chunks_of_a_draw_are_the_draw():
    drawn = pair_by(X, LABELS, random_state=0).drawn()
    whole = drawn[:]
    assert_array_equal(np.concatenate([drawn[i : i + 7] for i in range(0, N, 7)]), whole)
    order = np.random.default_rng(0).permutation(N)
    assert_array_equal(drawn[order], whole[order])
    assert_array_equal(drawn[order % 2 == 0], whole[order % 2 == 0])
    assert_array_equal(drawn[:, 1], whole[:, 1])
    assert_array_equal(drawn[order[:3], 1], whole[order[:3], 1])
    assert_array_equal(drawn[:, None], whole[:, None])


def test_a_missing_clip_is_nobody_s_partner_and_has_partners():
    some = X.copy()
    some[[3, 5]] = np.nan
    source = pair_by(some, LABELS, differ=PITCH, random_state=0)
    found = draws(source, 30)
    assert not np.isin(found[..., 1], [3, 5]).any()
    assert agree(LABELS, found).all()
    assert (PITCH[found[..., 0]] != PITCH[found[..., 1]]).all()
    missing = np.isnan(np.asarray(source)).all(axis=(2, 3))
    assert_array_equal(np.argwhere(missing), [[3, 0], [5, 0]])


def test_factors_have_a_column_where_views_agree_and_else_one_a_view():
    source = pair_by(X, LABELS, differ=PITCH, random_state=0)
    table = pd.DataFrame(
        {"name": pd.Categorical.from_codes(LABELS, list("abcd")), "pitch": PITCH},
        index=np.arange(N) + 100,
    )
    factors = source.factors(table)
    assert list(factors.columns) == ["name", "pitch_v0", "pitch_v1"]
    assert_array_equal(factors["pitch_v1"], PITCH[source.clips[:, 1]])
    assert_array_equal(factors["name"], table["name"])
    part = source[10:40]
    assert_array_equal(part.factors(table)["pitch_v1"], PITCH[part.clips[:, 1]])
    same = factors[["name", "pitch_v0"]][10:40].reset_index(drop=True)
    assert_frame_equal(part.factors(table)[["name", "pitch_v0"]], same)


def test_spectra_of_one_view_lists_and_tensors_are_taken():
    expected = np.asarray(pair_by(X, LABELS, random_state=0))
    for given in (X[:, None], torch.from_numpy(X), X.astype(np.float64)):
        assert_array_equal(np.asarray(pair_by(given, LABELS, random_state=0)), expected)
    assert pair_by([[0.0, 1.0]] * 4, list("aabb")).shape == (4, 2, 2)


def test_a_memmap_stays_on_disk(tmp_path):
    np.save(tmp_path / "X.npy", X)
    on_disk = np.load(tmp_path / "X.npy", mmap_mode="r")
    source = pair_by(on_disk, LABELS, random_state=0)
    assert isinstance(source._X, np.memmap)
    assert_array_equal(source, pair_by(X, LABELS, random_state=0))


def test_a_source_survives_pickling():
    source = pair_by(X, LABELS, random_state=0)
    copy = pickle.loads(pickle.dumps(source))
    assert_array_equal(copy, source)
    assert_array_equal(copy[10:40], source[10:40])


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (["lone"] + ["b"] * 59, {}, r"labels has too few clips of 'lone' for n_views=2"),
        (LABELS, {"n_views": 16}, "too few clips of 0 for n_views=16: .* drop this label"),
        (LABELS, {"differ": LABELS}, "too few clips of 0"),
        (LABELS, {"differ": {"p": PITCH, "l": LABELS}}, "too few clips"),
        (LABELS, {"differ": {"p": np.arange(N), "l": LABELS}}, "too few clips"),
        (LABELS[1:], {}, "labels has 59 rows, but X has 60"),
        (np.array(2), {}, r"labels has shape \(\); pass \(n_clips,\), one value a clip"),
        (LABELS, {"differ": PITCH[1:]}, "differ has 59 rows, but X has 60"),
        (LABELS, {"differ": {}}, "differ has no column"),
        (np.zeros(N, dtype="c8"), {}, "labels has dtype complex64; pass real numbers or"),
        (LABELS[:, None], {}, r"labels has shape \(60, 1\); pass \(n_clips,\), one value a clip"),
        ([None] + ["b"] * 59, {}, "labels has 1 missing values"),
        (LABELS, {"n_views": 0}, "n_views=0; pass an int, 1 or more"),
        (LABELS, {"random_state": -1}, "random_state=-1; pass"),
    ],
)
def test_what_cannot_be_paired_is_refused_with_the_cure(labels, options, message):
    with pytest.raises(ValueError, match=message):
        pair_by(X, labels, **options)


@pytest.mark.parametrize(
    ("value", "where", "message"),
    [
        (np.nan, (4, 0, 1), "X contains infinity, or NaN in a part of clip 4"),
        (np.inf, 7, "X contains infinity, or NaN in a part of clip 7"),
    ],
)
def test_clips_that_are_not_finite_are_refused(value, where, message):
    bad = X.copy()
    bad[where] = value
    with pytest.raises(ValueError, match=message):
        pair_by(bad, LABELS)


def test_a_fold_with_a_lone_clip_is_refused_when_it_is_drawn():
    part = pair_by(X, LABELS, random_state=0)[:5]
    with pytest.raises(ValueError, match="too few clips of 1 for n_views=2: of each label"):
        np.asarray(part)


def test_factors_of_another_table_are_refused():
    source = pair_by(X, LABELS)
    with pytest.raises(TypeError, match="table is a dict; pass a DataFrame"):
        source.factors({})
    with pytest.raises(ValueError, match="table has 1 rows, but the source's clips has 60"):
        source.factors(pd.DataFrame({"a": [1]}))
