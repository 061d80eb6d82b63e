"""The weighing of the terms, and views that are missing."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from mvdisent.nn import Posterior
from mvdisent.objectives import (
    KL_ESTIMATORS,
    MultiViewObjective,
    info_nce,
    log_normal,
    reconstruction_nll,
    split_kl,
)

N, V, P, S = 12, 3, 2, 4
TERMS = ["private_mi", "private_tc", "private_dwkl", "shared_mi", "shared_tc", "shared_dwkl"]
SOME_MISSING = torch.ones(N, V, dtype=torch.bool)
SOME_MISSING[:4, 0] = False
SOME_MISSING[1:, 1] = False  # one row has it
ONE_VIEW_NEVER_SEEN = torch.ones(N, V, dtype=torch.bool)
ONE_VIEW_NEVER_SEEN[:, 2] = False
MASKS = [None, SOME_MISSING, ONE_VIEW_NEVER_SEEN]


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def objective(alpha=1.0, beta=1.0, gamma=1.0, *, decoder_std=0.5, kl_estimator="stratified"):
    return MultiViewObjective(alpha, beta, gamma, decoder_std, kl_estimator)


@pytest.fixture
def batch():
    """Positional arguments of ``terms``, but for the mask."""
    private, shared = (noise(N, V, P), noise(N, V, P, seed=1)), (noise(N, S), noise(N, S, seed=1))
    posterior = Posterior(*private, *shared, noise(N, V, S, seed=7))
    x, x_hat = noise(2, N, V, 5)
    return x, x_hat, posterior, noise(N, V, P, seed=2), noise(N, S, seed=3)


def whole_kl(posterior, z_private, z_shared, present):
    """Monte-Carlo KL to the prior, summed over the views that are there, mean over samples."""
    private = log_normal(z_private, *posterior[:2]) - log_normal(z_private, *torch.zeros(2, 1))
    if present is not None:
        private = private[present]
    shared = log_normal(z_shared, *posterior[2:4]) - log_normal(z_shared, *torch.zeros(2, 1))
    return (private.sum() + shared.sum()) / N


@pytest.fixture
def batch_by_view(batch):
    """The same with a shared posterior a view."""
    x, x_hat, posterior, z_private, _ = batch
    shared = noise(N, V, S, seed=4), noise(N, V, S, seed=5)
    by_view = Posterior(*posterior[:2], *shared, posterior[4])
    return x, x_hat, by_view, z_private, noise(N, V, S, seed=6)


@pytest.mark.parametrize("kl_estimator", KL_ESTIMATORS)
@pytest.mark.parametrize("present", MASKS, ids=["all", "some missing", "one view never seen"])
def test_with_all_weights_1_it_is_the_evidence_lower_bound(batch, present, kl_estimator):
    x, x_hat, *latents = batch
    ours = objective(kl_estimator=kl_estimator)
    terms = ours.terms(*batch, present, n_train=500)
    elbo = reconstruction_nll(x, x_hat, present, decoder_std=0.5) + whole_kl(*latents, present)
    assert_close(ours.weigh(terms), elbo)


@pytest.mark.parametrize("present", MASKS, ids=["all", "some missing", "one view never seen"])
def test_shared_posteriors_by_view_are_summed_as_private_ones(batch_by_view, present):
    x, x_hat, posterior, z_private, z_shared = batch_by_view
    terms = objective().terms(*batch_by_view, present, n_train=500)
    exchanged = Posterior(*posterior[2:4], *posterior[:2], posterior[4])
    mirror = objective().terms(x, x_hat, exchanged, z_shared, z_private, present, n_train=500)
    for part in ("mi", "tc", "dwkl"):
        assert_close(terms[f"shared_{part}"], mirror[f"private_{part}"])
        assert_close(terms[f"private_{part}"], mirror[f"shared_{part}"])


@pytest.mark.parametrize("present", MASKS, ids=["all", "some missing", "one view never seen"])
def test_the_contrast_is_that_of_each_view_with_what_the_others_tell(batch_by_view, present):
    *_, posterior, _, z_shared = batch_by_view
    ours = MultiViewObjective(1, 1, 1, 0.5, "stratified", contrast=2.0)
    terms = ours.terms(*batch_by_view, present, n_train=500)
    expected = torch.zeros((), dtype=torch.float64)
    for view in range(V):
        rows = torch.ones(N, dtype=torch.bool)
        if present is not None:
            rows = present[:, view] & (present.sum(1) > 1)  # a lone view has nothing to agree with
        if rows.any():
            loss = info_nce(posterior.expert_mean[rows, view], z_shared[rows, view])
            expected += rows.sum() / N * loss
    assert_close(terms["contrast"], expected)
    without = {name: value for name, value in terms.items() if name != "contrast"}
    assert_close(ours.weigh(terms) - ours.weigh(without), 2 * expected)


def test_a_shared_posterior_of_the_whole_sample_is_not_contrasted(batch):
    ours = MultiViewObjective(1, 1, 1, 0.5, "stratified", contrast=2.0)
    assert "contrast" not in ours.terms(*batch, None, n_train=500)


def test_the_terms_are_named_in_the_order_of_the_flow(batch):
    assert [*objective().terms(*batch, None, n_train=500)] == ["reconstruction", *TERMS]


def test_private_terms_are_sums_over_the_views(batch):
    _, _, posterior, z_private, z_shared = batch
    terms = objective().terms(*batch, None, n_train=500)
    views = [
        split_kl(z_private[:, v], *(part[:, v] for part in posterior[:2]), n_train=500)
        for v in range(V)
    ]
    shared = split_kl(z_shared, *posterior[2:4], n_train=500)
    for i, part in enumerate(("mi", "tc", "dwkl")):
        assert_close(terms[f"private_{part}"], sum(view[i] for view in views))
        assert_close(terms[f"shared_{part}"], shared[i])


def test_a_view_weighs_by_the_share_of_rows_that_have_it(batch):
    _, _, posterior, z_private, _ = batch
    present = torch.ones(N, V, dtype=torch.bool)
    present[:8, 0] = False
    terms = objective().terms(*batch, present, n_train=500)
    views = [
        split_kl(z_private[rows, v], *(p[rows, v] for p in posterior[:2]), n_train=500)
        for v, rows in enumerate((slice(8, None), slice(None), slice(None)))
    ]
    for i, part in enumerate(("mi", "tc", "dwkl")):
        expected = 4 / 12 * views[0][i] + views[1][i] + views[2][i]
        assert_close(terms[f"private_{part}"], expected)


@pytest.mark.parametrize("present", MASKS[1:], ids=["some missing", "one view never seen"])
def test_what_a_missing_view_holds_does_not_matter(batch, present):
    x, x_hat, posterior, z_private, z_shared = batch
    expected = objective().terms(*batch, present, n_train=500)
    blind = [part.masked_fill(~present[..., None], 1e6) for part in (x, x_hat, *posterior[:2])]
    terms = objective().terms(
        *blind[:2], Posterior(*blind[2:], *posterior[2:]), z_private, z_shared, present, n_train=500
    )
    assert_close(terms, expected)


def test_each_weight_belongs_to_its_part_of_both_blocks():
    terms = {name: torch.tensor(10.0**i) for i, name in enumerate(["reconstruction", *TERMS])}
    # Reconstruction 1; mi 10 and 10**4; tc 100 and 10**5; dwkl 1000 and 10**6.
    assert objective(2, 3, 4).weigh(terms) == 1 + 2 * 10010 + 3 * 100100 + 4 * 1001000


def test_warmth_scales_the_weights_of_the_shared_block_alone():
    terms = {name: torch.tensor(10.0**i) for i, name in enumerate(["reconstruction", *TERMS])}
    private, shared = 2 * 10 + 3 * 100 + 4 * 1000, 2 * 10**4 + 3 * 10**5 + 4 * 10**6
    for warmth in (0.0, 0.25, 1.0):
        assert objective(2, 3, 4).weigh(terms, warmth=warmth) == 1 + private + warmth * shared


@pytest.mark.parametrize("value", [torch.inf, torch.nan])
@pytest.mark.parametrize("off", ["alpha", "beta", "gamma"])
def test_a_term_that_is_switched_off_does_not_speak(off, value):
    terms = {name: torch.tensor(1.0) for name in ["reconstruction", *TERMS]}
    part = {"alpha": "mi", "beta": "tc", "gamma": "dwkl"}[off]
    terms[f"private_{part}"] = terms[f"shared_{part}"] = torch.tensor(value)
    assert objective(**{off: 0.0}).weigh(terms) == 5


def test_without_any_kl_the_loss_is_the_reconstruction(batch):
    x, x_hat = batch[:2]
    ours = objective(0, 0, 0)
    loss = ours.weigh(ours.terms(*batch, None, n_train=500))
    assert_close(loss, reconstruction_nll(x, x_hat, decoder_std=0.5))


def test_delta_weighs_the_dependence_where_there_is_a_referee(batch):
    terms = objective().terms(*batch, None, n_train=500)
    ours = MultiViewObjective(1.0, 1.0, 1.0, 0.5, "stratified", delta=3.0)
    assert_close(ours.weigh(terms), objective().weigh(terms))
    terms |= {"dependence": torch.tensor(0.5), "referee": torch.tensor(torch.nan)}
    for warmth in (1.0, 0.2):
        less = objective().weigh(terms, warmth=warmth)
        assert_close(ours.weigh(terms, warmth=warmth), less + 3 * warmth * 0.5)


def test_a_dependence_that_is_switched_off_does_not_speak(batch):
    terms = objective().terms(*batch, None, n_train=500) | {"dependence": torch.tensor(torch.nan)}
    assert torch.isfinite(objective().weigh(terms))
