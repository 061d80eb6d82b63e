"""Partners by optimal transport, and the objective "transport" that learns from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from torch import nn

from mvdisent import MultiViewDisentangler
from mvdisent._batches import ViewBatches, ViewDataset
from mvdisent._terms import transported_nll
from mvdisent._transport import draw_partners, encode_pool, fit_separator
from mvdisent.nn import MultiViewVAE
from mvdisent.nn._separator import Separator

# The fits are too short to be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N, N_VIEWS = 400, 2


class Codes(nn.Module):
    """An encoder of views (level, kind, noise): the level is private, the kind shared."""

    def forward(self, x):
        narrow = torch.full_like(x[:, :1], -8.0)
        return torch.cat([x[:, :1], 10 * x[:, 1:2], narrow, narrow], 1)


class Views(nn.Module):
    """Its decoder."""

    def forward(self, z):
        return torch.stack([z[:, 0], z[:, 1] / 10, torch.zeros(len(z))], 1)


@pytest.fixture
def module():
    separator = Separator(1, 1, 3)
    separator.init_weights(torch.Generator())
    return MultiViewVAE(Codes(), Views(), n_private=1, n_shared=1, separator=separator)


@pytest.fixture
def kinds():
    return np.random.default_rng(1).integers(4, size=N)


@pytest.fixture
def dataset(kinds):
    rng = np.random.default_rng(0)
    level = rng.uniform(-1, 1, size=(N, N_VIEWS))
    X = np.stack([level, np.repeat(kinds[:, None], 2, 1), 0.01 * rng.standard_normal((N, 2))], 2)
    return as_dataset(X)


def as_dataset(X, present=None):
    return ViewDataset(X.astype(np.float32), present, offset=0.0, scale=1.0, device="cpu")


@pytest.mark.parametrize("decoded", [False, True])
def test_partners_have_the_same_level_and_their_own_kind(module, dataset, kinds, decoded):
    rng = np.random.default_rng(2)
    partners = draw_partners(module, dataset, rng, decoded=decoded)
    assert partners.shape == (N, N_VIEWS)
    sought = partners >= 0
    assert 0.2 < sought.mean() < 0.8
    rows, views = np.divmod(partners[sought], N_VIEWS)
    own, others = dataset.X[sought], dataset.X[rows, views]
    # Levels that are drawn at random lie 0.67 apart in the mean.
    assert np.abs(own[:, 0] - others[:, 0]).mean() < (0.05 if decoded else 0.15)
    differs = own[:, 1] != others[:, 1]
    assert 0.5 < differs.mean() < 0.95  # of four kinds, two at random differ in 3 of 4 times


def test_partners_are_drawn_by_seed(module, dataset):
    one, two, other = (
        draw_partners(module, dataset, np.random.default_rng(seed), decoded=True)
        for seed in (5, 5, 6)
    )
    assert_array_equal(one, two)
    assert (one != other).any()


def test_missing_views_neither_seek_nor_are_partners(module, dataset):
    present = np.ones((N, N_VIEWS), dtype=bool)
    present[::3, 1] = False
    partial = as_dataset(dataset.X, present)
    partners = draw_partners(module, partial, np.random.default_rng(0), decoded=True)
    assert (partners[~present] == -1).all()
    assert present.ravel()[partners[partners >= 0]].all()


def test_a_pool_of_many_samples_is_a_part_of_them(module, dataset, monkeypatch):
    monkeypatch.setattr("mvdisent._transport._MAX_POOL", 50)
    pool = encode_pool(module, dataset, np.random.default_rng(0))
    assert len(np.unique(pool.rows)) == 50
    x = pool.gather(dataset, np.array([3, 70]))
    assert_array_equal(x, dataset.X[pool.rows[[3, 70]], pool.views[[3, 70]]])


def test_batches_bring_the_partners_of_their_views(dataset):
    partners = np.full((N, N_VIEWS), -1, dtype=np.int64)
    partners[:, 1] = np.roll(np.arange(N), 1) * N_VIEWS  # the first view of the row before
    batches = ViewBatches(dataset, 64, torch.Generator().manual_seed(0))
    batches.find_partners = lambda dataset: partners
    for batch in batches:
        own, sought = batch.x[:, 1], batch.partners
        assert sought.n_sought == len(sought.x) == len(own)
        assert_array_equal(sought.places, np.arange(len(own)) * N_VIEWS + 1)
        rows = [int((dataset.X[:, 1] == x.numpy()).all(1).argmax()) for x in own]
        assert_array_equal(sought.x, dataset.X[np.array(rows) - 1, 0])


def test_a_view_decoded_from_a_perfect_partner_costs_the_constant_alone(module, dataset):
    x = torch.from_numpy(dataset.X[:8])
    x[..., 2] = 0.0
    partner = x.flatten(0, 1).clone()
    partner[:, 1] = 3.0  # another kind, the same level
    batch = dataset.take(np.arange(8))._replace(x=x, n_rows=8)
    batch = batch._replace(
        partners=dataset.take_partners(np.arange(16).reshape(8, 2), slice(None))._replace(x=partner)
    )
    shared = module.encode(x, from_others=True).shared_mean
    nll = transported_nll(module, batch, shared, slice(None), 1.0, torch.Generator())
    constant = N_VIEWS * 3 * 0.5 * np.log(2 * np.pi)
    # The draw's noise, of a variance of e^-8 a view, and the shared expert's shrinkage.
    assert float(nll) == pytest.approx(constant, abs=0.01)
    alone = transported_nll(
        module, batch._replace(partners=None), shared, slice(None), 1.0, torch.Generator()
    )
    assert float(alone) == 0.0


def test_the_separator_finds_the_axis_in_which_siblings_agree(module, dataset):
    fit_separator(module.separator, module, dataset, np.random.default_rng(0))
    separated = module.separator.separate_shared(10 * torch.arange(4.0)[:, None])
    # Siblings agree to the last digit, so that the step is a part of the whole spread.
    steps = separated.diff(dim=0) / module.separator.shared_steps
    torch.testing.assert_close(steps, steps.round(), atol=1e-4, rtol=0)
    assert (steps.abs() > 2).all()


def test_without_siblings_that_agree_no_shared_axis_is_kept(module, dataset):
    X = dataset.X.copy()
    X[:, 1, 1] = np.random.default_rng(3).permutation(X[:, 1, 1])
    fit_separator(module.separator, module, as_dataset(X), np.random.default_rng(0))
    assert (module.separator.separate_shared(torch.randn(5, 1)) == 0).all()


@pytest.fixture(scope="module")
def transported(train, small):
    params = {**small, "warmup_epochs": 4, "objective": "transport", "whiten": 0.0}
    return MultiViewDisentangler(**params, max_epochs=20).fit(train.X)


def test_each_block_tells_its_factor_and_not_the_other(transported, train, unseen):
    def read(probe, block, factor):
        codes = []
        for part in (train, unseen):
            private, shared = transported.encode(part.X[:, :1], code="features")
            codes.append({"private": private[:, 0], "shared": shared}[block])
        return probe.fit(codes[0], train.factors[factor]).score(codes[1], unseen.factors[factor])

    assert read(KNeighborsClassifier(15), "shared", "shape") > 0.95
    assert read(KNeighborsRegressor(15), "private", "level_v0") > 0.9
    assert read(LinearRegression(), "shared", "level_v0") < 0.1
    assert read(KNeighborsClassifier(15), "private", "shape") < 0.4  # chance is 0.25


def test_transform_returns_the_separated_codes(transported, unseen):
    private, shared = transported.encode(unseen.X, code="features")
    assert_array_equal(transported.transform(unseen.X), np.hstack([private.mean(1), shared]))
    raw = transported.encode(unseen.X)
    assert (raw[0] != private).any()
    assert (raw[1] != shared).any()


def test_the_history_holds_the_transported_reconstruction_and_the_contrast(few, quick):
    params = {**quick, "warmup_epochs": 1, "batch_size": 150, "max_epochs": 3}
    weights = {"shared_weight": 0.5, "contrast": 3.0}
    model = MultiViewDisentangler(**params, objective="transport", **weights).fit(few)
    history = model.history_
    assert history["transported"][0] == 0  # the warm-up has no partners
    assert (history["transported"][1:] > 0).all()
    private, shared = (
        sum(history[f"{block}_{part}"] for part in ("mi", "tc", "dwkl"))
        for block in ("private", "shared")
    )
    assert (history["contrast"] > 0).all()
    total = history["reconstruction"] + history["transported"] + private + 0.5 * shared
    assert_allclose(history["loss"], total + 3 * history["contrast"], rtol=1e-5)


@pytest.mark.parametrize("objective", ["marl", "swap"])
def test_other_objectives_have_no_contrast(few, quick, objective):
    fits = [
        MultiViewDisentangler(**quick, objective=objective, contrast=weight).fit(few)
        for weight in (0.0, 5.0)
    ]
    assert "contrast" not in fits[1].history_
    assert_array_equal(fits[0].transform(few), fits[1].transform(few))


@pytest.mark.parametrize("n_views", [1, 3])
def test_any_number_of_views_is_learned_with_some_missing(few, quick, n_views):
    X = np.repeat(few[:, :1], n_views, axis=1)
    X[::5, 1:] = np.nan
    model = MultiViewDisentangler(**quick, objective="transport").fit(X)
    assert (model.history_["transported"] > 0).all()  # there is no warm-up
    assert np.isfinite(model.transform(X)).all()
    assert np.isfinite(model.score(X))


def test_a_divergence_is_told_by_the_loss_not_by_the_search_for_partners(few, small):
    params = {**small, "lr": 1e30, "max_grad_norm": None, "batch_size": 150}  # one step an epoch
    model = MultiViewDisentangler(**{**params, "warmup_epochs": 1}, objective="transport")
    with pytest.raises(FloatingPointError, match="the fit has diverged"):
        model.fit(few)
