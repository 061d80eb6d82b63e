"""Models that are fitted to sources of views: afresh each epoch, by seed, in searches too."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mvdisent import MultiViewDisentangler
from mvdisent._batches import ViewBatches, ViewDataset
from mvdisent.metrics import make_probe_scorer
from mvdisent.views import Gain, MelShift, ViewSource, augment, crops, pair_by, windows

N, MELS, FRAMES = 120, 8, 6
LABELS = np.arange(N) % 4
PITCH = np.arange(N) // 4 % 6


def bank():
    rng = np.random.default_rng(0)
    timbre = 4 * rng.standard_normal((4, MELS, 1))
    shape = (
        timbre[LABELS] + 3.0 * PITCH[:, None, None] + 0.1 * rng.standard_normal((N, MELS, FRAMES))
    )
    return (10 * shape - 40).astype(np.float32)


BANK = bank()
SOURCES = {
    "pairs": lambda: pair_by(BANK, LABELS, differ=PITCH, random_state=0),
    "crops": lambda: crops(BANK, 4, random_state=0),
    "augmented": lambda: augment(BANK, [MelShift(2), Gain(3.0)], random_state=0),
    "both": lambda: augment(pair_by(BANK, LABELS, random_state=0), MelShift(2), random_state=0),
}
MISSING = np.where(np.arange(N)[:, None, None] == 7, np.float32(np.nan), BANK)

# A few epochs, in which a block may not come to life.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

each_source = pytest.mark.parametrize("make", SOURCES.values(), ids=list(SOURCES))


class Recorder:
    """Stands for a draw, and records which draws are asked for."""

    def __init__(self, drawn):
        self.shape, self.seeds, self._drawn = drawn.shape, [], drawn

    def __len__(self):
        return len(self._drawn)

    def __getitem__(self, rows):
        return self._drawn[rows]

    def redrawn(self, seed):
        self.seeds.append(seed)
        return self._drawn.redrawn(seed)


def dataset_of(X):
    return ViewDataset(X, None, offset=0.0, scale=1.0, device="cpu")


def test_each_epoch_s_batches_are_of_a_draw_of_its_own_by_the_generator():
    def epochs(seed):
        recorder = Recorder(SOURCES["pairs"]().drawn())
        generator = torch.Generator().manual_seed(seed)
        batches = ViewBatches(dataset_of(recorder), 32, generator)
        return [torch.cat([batch.x for batch in batches]).numpy() for _ in range(3)], recorder.seeds

    found, seeds = epochs(0)
    again, same = epochs(0)
    assert seeds == same
    assert len(set(seeds)) == 3
    assert epochs(1)[1] != seeds
    for views, others, seed in zip(found, again, seeds, strict=True):
        assert_array_equal(views, others)
        drawn = SOURCES["pairs"]().drawn().redrawn(seed)[:]
        order = np.lexsort(drawn.reshape(N, -1).T), np.lexsort(views.reshape(N, -1).T)
        assert_array_equal(drawn[order[0]], views[order[1]])  # each row once


def test_an_array_s_batches_take_nothing_more_from_the_generator():
    X = np.asarray(SOURCES["pairs"]())
    generator, other = (torch.Generator().manual_seed(0) for _ in range(2))
    dataset = dataset_of(X)
    assert dataset.redrawn(generator) is dataset
    batches = ViewBatches(dataset, 32, generator)
    order = torch.randperm(N, generator=other).numpy()
    assert_array_equal(torch.cat([batch.x for batch in batches]), X[order])


@each_source
def test_fits_repeat_bit_by_bit_and_follow_the_model_s_seed(make, quick):
    one, same = (MultiViewDisentangler(**quick).fit(make()) for _ in range(2))
    pd.testing.assert_frame_equal(one.history_, same.history_, check_exact=True)
    assert_array_equal(one.transform(make()), same.transform(make()))
    fixed = MultiViewDisentangler(**quick).fit(np.asarray(make()))
    assert (one.history_["loss"] != fixed.history_["loss"]).any()


@each_source
def test_epochs_one_by_one_are_the_fit(make, quick):
    whole = MultiViewDisentangler(**quick).fit(make())
    parts = MultiViewDisentangler(**quick)
    for _ in range(quick["max_epochs"]):
        parts.partial_fit(make())
    assert_array_equal(whole.history_["loss"], parts.history_["loss"])


def test_rows_held_out_of_a_fit_are_no_partners_of_those_trained_on():
    drawn = SOURCES["pairs"]().drawn()
    rows = np.arange(0, N, 2)
    dataset = ViewDataset(drawn, None, offset=0.0, scale=1.0, device="cpu", rows=rows)
    generator = torch.Generator().manual_seed(0)
    for views in (dataset, dataset.redrawn(generator)):
        x = views.take(slice(None))[0].numpy()
        assert_array_equal(x[:, 0], BANK[rows])
        assert (x[:, 1:, None] == BANK[rows]).all((-2, -1)).any(2).all()


@each_source
def test_an_early_stopped_fit_goes_on_from_its_checkpoint(make, quick, tmp_path):
    params = {**quick, "early_stopping": True, "validation_fraction": 0.3}
    whole = MultiViewDisentangler(**params).fit(make())
    params["checkpoint"] = tmp_path / "fit"
    MultiViewDisentangler(**{**params, "max_epochs": 1}).fit(make())
    parts = MultiViewDisentangler(**params).fit(make())
    pd.testing.assert_frame_equal(whole.history_, parts.history_, check_exact=True)
    assert_array_equal(whole.transform(make()), parts.transform(make()))


@each_source
def test_scale_score_and_features_are_of_the_fixed_draw(make, quick):
    source = make()
    array = np.asarray(source)
    model = MultiViewDisentangler(**quick).fit(source)
    assert_allclose(model._offset, array.mean(dtype=np.float64), rtol=1e-5)
    assert_allclose(model._scale, array.std(dtype=np.float64), rtol=1e-5)
    assert model.score(source) == model.score(array)
    assert_array_equal(model.transform(source), model.transform(array))
    for part, same in zip(model.encode(source), model.encode(array), strict=True):
        assert_array_equal(part, same)
    assert model.n_views_in_ == 2
    assert model.view_shape_ == array.shape[2:]


def test_no_array_of_the_whole_source_is_made(quick, monkeypatch):
    source = SOURCES["both"]()
    sizes = []
    take = type(source)._take

    def watch(self, draw, rows):
        views = take(self, draw, rows)
        sizes.append(len(views))
        return views

    monkeypatch.setattr(type(source), "_take", watch)
    many = source[np.arange(6000) % N]
    model = MultiViewDisentangler(**{**quick, "max_epochs": 1}).fit(many)
    model.transform(many)
    assert max(sizes) < len(many) / 2


def test_missing_clips_are_missing_views(quick):
    source = pair_by(MISSING, LABELS, random_state=0)
    model = MultiViewDisentangler(**quick).fit(source)
    private, shared = model.encode(source, code="mean")  # active or not
    assert np.isfinite(shared).all()
    assert_array_equal(private[7, 0], 0)
    assert np.abs(private[7, 1]).max() > 0


def test_windows_are_transformed_as_clips_are(quick):
    model = MultiViewDisentangler(**quick).fit(SOURCES["crops"]())
    source = windows(BANK, 4, hop=2)
    assert_array_equal(
        model.transform(source)[::2], model.transform(np.ascontiguousarray(BANK[..., :4]))
    )


@each_source
def test_searches_and_splitters_take_a_source(make, quick):
    source, groups = make(), np.arange(N) // 40
    train, test = train_test_split(source, test_size=0.25, random_state=0)
    assert isinstance(train, ViewSource)
    assert train.shape == (90, *source.shape[1:])
    assert len(test) == 30
    model = MultiViewDisentangler(**{**quick, "max_epochs": 1})
    scores = cross_val_score(model, source, groups=groups, cv=GroupKFold(3))
    by_hand = [
        MultiViewDisentangler(**{**quick, "max_epochs": 1}).fit(source[a]).score(source[b])
        for a, b in GroupKFold(3).split(np.zeros(N), groups=groups)
    ]
    assert_array_equal(scores, by_hand)


def test_folds_pair_among_themselves():
    source = SOURCES["both"]()
    for train, test in KFold(3).split(source):
        for rows in (train, test):
            assert set(np.unique(source[rows].clips)) <= set(rows)


def test_a_search_over_a_pipeline_scores_the_same_in_threads(quick):
    source = SOURCES["pairs"]()
    factors = source.factors(pd.DataFrame({"label": LABELS, "pitch": PITCH}))

    def scores(n_jobs):
        search = GridSearchCV(
            make_pipeline(MultiViewDisentangler(**quick)),
            {"multiviewdisentangler__gamma": [0.5, 1.0]},
            scoring=make_probe_scorer("shared", "label"),
            cv=2,
            n_jobs=n_jobs,
        )
        with joblib.parallel_config("threading"):
            search.fit(source, factors)
        assert search.transform(source).shape == (N, 10)
        return search.cv_results_["mean_test_score"]

    found = scores(2)
    assert np.isfinite(found).all()
    assert_array_equal(found, scores(1))


def test_a_step_before_the_model_gets_the_fixed_draw_as_an_array(quick):
    seen = []
    note = FunctionTransformer(lambda X: seen.append(type(X)) or np.asarray(X))
    source = SOURCES["pairs"]()
    piped = make_pipeline(note, MultiViewDisentangler(**quick)).fit(source)
    alone = MultiViewDisentangler(**quick).fit(np.asarray(source))
    assert_array_equal(piped[-1].history_["loss"], alone.history_["loss"])


def test_what_differs_within_pairs_becomes_private_and_what_agrees_shared(small):
    settings = {**small, "n_private": 2, "decoder_std": 0.3, "warmup_epochs": 10}
    model = MultiViewDisentangler(**settings, objective="swap", max_epochs=15)
    private, shared = model.fit(SOURCES["pairs"]()[np.arange(480) % N]).encode(BANK)

    def explained(codes, values):
        design = np.column_stack([codes, np.ones(N)])
        rest = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
        return 1 - rest.var() / values.var()

    assert explained(private[:, 0], PITCH.astype(float)) > 0.8
    assert explained(shared, PITCH.astype(float)) < 0.2
    assert explained(shared, (LABELS == 0).astype(float)) > 0.8
