"""Terms of the objective: finite for finite tensors, and refusals by name."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.objectives import (
    MultiViewObjective,
    gaussian_kl,
    info_nce,
    log_normal,
    reconstruction_nll,
    referee_loss,
    split_kl,
)

from ._hostile import examples
from ._property import REFUSED, attempt

# Log variances to where exp overflows are the network's to bound.
SCALES = st.sampled_from([0.0, 1e-38, 1e-3, 1.0, 30.0])


@st.composite
def gaussians(draw, n_tensors=3):
    """Draws, means and log variances of a few rows."""
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    seed = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    return [
        draw(SCALES) * torch.randn(shape, generator=seed, dtype=dtype).clamp(-2, 2)
        for _ in range(n_tensors)
    ]


@examples(2)
@given(tensors=gaussians())
def test_densities(tensors):
    z, mean, log_var = tensors
    for values in (log_normal(z, mean, log_var), gaussian_kl(mean, log_var)):
        assert values.shape == z.shape
        assert values.dtype == z.dtype
        assert values.isfinite().all()
    assert (gaussian_kl(mean, log_var) >= -1e-4).all()


@examples(4)
@given(
    tensors=gaussians(),
    more=st.integers(-2, 50),
    estimator=st.sampled_from(["stratified", "weighted", "x", None]),
)
def test_split_kl(tensors, more, estimator):
    parts = attempt(
        lambda: split_kl(*tensors, n_train=len(tensors[0]) + more, estimator=estimator),
        ("n_train", "estimator", "stratified"),
        *tensors,
    )
    if parts is not REFUSED:
        assert all(part.isfinite() for part in parts)


@examples(2)
@given(tensors=gaussians(2), decoder_std=st.sampled_from([1e-3, 0.5, 1.0, 1e3]), some=st.booleans())
def test_reconstruction_nll(tensors, decoder_std, some):
    x, x_hat = (tensor[:, None] for tensor in tensors)
    present = torch.arange(len(x))[:, None] % 2 == 0 if some else None
    assert reconstruction_nll(x, x_hat, present, decoder_std=decoder_std).isfinite()


@examples(2)
@given(tensors=gaussians(2))
def test_referee_loss(tensors):
    together, shuffled = (1e3 * tensor.flatten() for tensor in tensors)
    loss = referee_loss(together, shuffled)
    assert loss.isfinite()
    assert loss >= 0


@examples(2)
@given(tensors=gaussians(2), temperature=st.sampled_from([0.01, 0.1, 1.0, 1e3]))
def test_info_nce(tensors, temperature):
    loss = info_nce(*tensors, temperature=temperature)
    assert loss.dtype == tensors[0].dtype
    assert 0 <= loss <= 2 / temperature + torch.tensor(len(tensors[0])).log() + 1e-4


@examples()
@given(
    weights=st.lists(st.sampled_from([0.0, 0.5, 1e3]), min_size=3, max_size=3),
    warmth=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_a_term_of_no_weight_is_silent(weights, warmth):
    objective = MultiViewObjective(*weights, decoder_std=1.0, kl_estimator="stratified")
    terms = {"reconstruction": torch.ones(())}
    for part, weight in zip(("mi", "tc", "dwkl"), weights, strict=True):
        terms[f"private_{part}"] = torch.tensor(2.0 if weight else torch.inf)
        terms[f"shared_{part}"] = torch.tensor(2.0 if weight * warmth else torch.inf)
    assert objective.weigh(terms, warmth=warmth).isfinite()
