"""Views that are alike in what is private, though they share other things, by transport."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from ._batches import ViewDataset
from .nn import MultiViewVAE
from .nn._separator import N_REFERENCES, Separator

Rows = NDArray[np.intp]

# Samples that are encoded to look for partners among, at most.
_MAX_POOL = 16_384
# A slice, the views that share nearly one thing, is this part of the pool.
_SLICE = 1 / 16
_MIN_SLICE = 16
# Views of a slice that are given partners at once, by their spectra or by what is decoded.
_MAX_COUPLED = {False: 400, True: 800}
_CHUNK = 256
# References from which the axes are found on which views are compared.
_N_FOR_AXES = 512
# Part of the largest standard deviation below which an axis tells nothing.
_MIN_STD = 1e-3
_TINY = 1e-12
# Anchors that are tried, at most, one for so many views; and the views that judge them.
_N_ANCHORS, _VIEWS_AN_ANCHOR, _N_JUDGES = 8, 256, 1024
# Of the mean variance of the shared codes, added to that within samples.
_RIDGE = 1e-6
# Shared axes in which views of a sample differ by less than this part of the variance are kept.
_MAX_WITHIN = 0.5
# Part of an axis's standard deviation to which it is rounded, if that is more than the unit.
_STEP = 0.25


class Pool(NamedTuple):
    """Views and their codes, each by itself."""

    rows: Rows  # (n,): the sample of each view
    views: Rows  # (n,): which view of the sample it is
    private: Tensor  # (n, n_private): posterior means
    shared: Tensor  # (n, n_shared): posterior means, told by the other views of the sample
    shared_std: Tensor  # (n_shared,): mean standard deviation of these posteriors

    def slice_at(self, view: int, size: int) -> Rows:
        """Give the views that share nearly the same as one, by what their siblings tell.

        What a view tells itself may tell what is private to it as well.
        """
        distances = ((self.shared - self.shared[view]) / self.shared_std).square().sum(1)
        return distances.topk(size, largest=False).indices.cpu().numpy()

    def gather(self, dataset: ViewDataset, chosen: Rows) -> Tensor:
        """Read some of the views: (n_chosen, n_features)."""
        parts = []
        for start in range(0, len(chosen), _CHUNK):
            part = chosen[start : start + _CHUNK]
            x = dataset.take(self.rows[part]).x
            parts.append(x[torch.arange(len(x)), torch.from_numpy(self.views[part])].flatten(1))
        return torch.cat(parts)


@torch.inference_mode()
def encode_pool(module: MultiViewVAE, dataset: ViewDataset, rng: np.random.Generator) -> Pool:
    """Encode the views of the dataset, or of a part of it that is drawn at random."""
    n = len(dataset)
    samples = np.arange(n)
    if n > _MAX_POOL:
        samples = np.sort(rng.choice(n, _MAX_POOL, replace=False))
    module.eval()
    parts: list[tuple[Tensor, ...]] = []
    for start in range(0, len(samples), _CHUNK):
        x, present, *_ = dataset.take(samples[start : start + _CHUNK])
        codes = module.encode(x, present, from_others=True)
        kept = x.new_ones(x.shape[:2], dtype=torch.bool) if present is None else present
        parts.append((kept, *(code[kept] for code in codes)))
    kept, private, _, shared, log_var, _ = (torch.cat(part) for part in zip(*parts, strict=True))
    rows, views = np.nonzero(kept.cpu().numpy())
    return Pool(samples[rows], views, private, shared, (0.5 * log_var).exp().mean(0))


@torch.inference_mode()
def draw_partners(
    module: MultiViewVAE, dataset: ViewDataset, rng: np.random.Generator, *, decoded: bool
) -> NDArray[np.int64]:
    """Find views that are alike in what is private, by optimal transport between slices.

    A slice holds views that share nearly one thing. What is private has the same
    distribution in each, so one slice is carried onto another at the least cost:
    that of the distance between the views, or, once the decoder knows more, of
    the distance between a view and the other's private code decoded with what
    the first shares. Of the other slice half are left over then.

    Parameters
    ----------
    module : MultiViewVAE
        The model so far.
    dataset : ViewDataset
        The views of this epoch.
    rng : Generator
        Source of the slices.
    decoded : bool
        Whether views are compared with what is decoded.

    Returns
    -------
    partners : ndarray of int64 of shape (n_samples, n_views)
        The partner of each view, as its row times n_views plus its view; -1 where
        none was sought.
    """
    pool = encode_pool(module, dataset, rng)
    n_views = dataset.X.shape[1]
    partners = np.full((len(dataset), n_views), -1, dtype=np.int64)
    size = min(len(pool.rows), max(_MIN_SLICE, int(len(pool.rows) * _SLICE)))
    n_coupled = min(_MAX_COUPLED[decoded], max(1, size // 2))
    n_others = min(size, n_coupled * (2 if decoded else 1))
    n_pairs = -(-len(pool.rows) // (4 * n_coupled))
    for anchors in rng.integers(len(pool.rows), size=(n_pairs, 2)):
        slices = [rng.permutation(pool.slice_at(int(anchor), size)) for anchor in anchors]
        for here, there in ((0, 1), (1, 0)):
            own, others = slices[here][:n_coupled], slices[there][:n_others]
            x = pool.gather(dataset, own)
            if decoded:
                shared = pool.shared[anchors[here]].expand(len(others), -1)
                y = module.decode(pool.private[others][:, None], shared).flatten(1)
            else:
                y = pool.gather(dataset, others)
            cost = torch.cdist(x, y).square().cpu().numpy()
            if not np.isfinite(cost).all():
                return partners  # nor will the loss of the next step be, which says why
            i, j = linear_sum_assignment(cost)
            found = pool.rows[others[j]] * n_views + pool.views[others[j]]
            partners[pool.rows[own[i]], pool.views[own[i]]] = found
    return partners


@torch.inference_mode()
def fit_separator(
    separator: Separator, module: MultiViewVAE, dataset: ViewDataset, rng: np.random.Generator
) -> None:
    """Learn the references of a trained model, from the anchor that serves best.

    An anchor serves well if views are decoded well from their separated private
    codes and what they share themselves.
    """
    pool = encode_pool(module, dataset, rng)
    size = min(len(pool.rows), max(_MIN_SLICE, int(len(pool.rows) * _SLICE)))
    judges = rng.choice(len(pool.rows), min(len(pool.rows), _N_JUDGES), replace=False)
    x = pool.gather(dataset, judges)
    n_anchors = min(_N_ANCHORS, 1 + len(pool.rows) // _VIEWS_AN_ANCHOR)
    best, least = None, np.inf
    for anchor in rng.integers(len(pool.rows), size=n_anchors):
        _set_references(separator, module, pool, int(anchor), size, rng)
        private = separator.separate_private(pool.private[judges], module.decode)
        error = 0.0
        for start in range(0, len(judges), _CHUNK):
            part = slice(start, start + _CHUNK)
            x_hat = module.decode(private[part, None], pool.shared[judges[part]]).flatten(1)
            error += float((x_hat - x[part]).square().sum())
        if error < least:
            best, least = {k: v.clone() for k, v in separator.state_dict().items()}, error
    if best is not None:
        separator.load_state_dict(best)
    _set_shared_axes(separator, module, dataset, pool, rng)


def _set_shared_axes(
    separator: Separator,
    module: MultiViewVAE,
    dataset: ViewDataset,
    pool: Pool,
    rng: np.random.Generator,
) -> None:
    """Find the axes in which the views of a sample agree, in units of what they differ by.

    They solve the eigenproblem of linear discriminant analysis, whose classes are
    the samples: of what each view tells by itself, the covariance of all against
    that of the differences.
    """
    codes, moves = _encode_siblings(module, dataset, np.unique(pool.rows))
    within = moves.T @ moves / (2 * len(moves))
    if not moves.any():  # of lone views: what their posteriors leave open
        within = np.diag(pool.shared_std.cpu().numpy().astype(np.float64) ** 2)
    whole = np.atleast_2d(np.cov(codes, rowvar=False, bias=True))
    floor = _RIDGE * max(np.trace(whole), np.finfo(np.float32).tiny) / len(whole)
    ratios, vectors = eigh(whole, within + floor * np.eye(len(whole)))
    ratios, vectors = ratios[::-1], vectors[:, ::-1]  # best first
    axes = np.where(ratios > 1 / _MAX_WITHIN, vectors, 0.0)
    steps = np.maximum(1.0, _STEP * np.sqrt(np.maximum(ratios, 0.0)))
    chosen = rng.permutation(np.resize(rng.permutation(len(codes)), N_REFERENCES))
    values = {
        "shared_axes": axes,
        "shared_codes": codes[chosen] @ axes,
        "shared_moves": moves[chosen] @ axes,
        "shared_steps": steps,
    }
    for name, value in values.items():
        getattr(separator, name).copy_(torch.from_numpy(value.astype(np.float32)))


def _encode_siblings(
    module: MultiViewVAE, dataset: ViewDataset, samples: Rows
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Encode what each view tells by itself, and the way from there to what the next tells."""
    codes, moves = [], []
    for start in range(0, len(samples), _CHUNK):
        x, present, *_ = dataset.take(samples[start : start + _CHUNK])
        single = module.encode(x.flatten(0, 1)[:, None]).shared_mean
        single = single.reshape(*x.shape[:2], module.n_shared)
        move = single.roll(1, 1) - single
        kept = x.new_ones(x.shape[:2], dtype=torch.bool) if present is None else present
        paired = kept & kept.roll(1, 1)
        if x.shape[1] > 1 and paired.any():
            kept = paired
        else:  # nothing to compare with
            move = torch.zeros_like(move)
        codes.append(single[kept].double().cpu().numpy())
        moves.append(move[kept].double().cpu().numpy())
    return np.concatenate(codes), np.concatenate(moves)


def _set_references(
    separator: Separator,
    module: MultiViewVAE,
    pool: Pool,
    anchor: int,
    size: int,
    rng: np.random.Generator,
) -> None:
    """Take the views of one slice for references."""
    chosen = rng.permutation(np.resize(pool.slice_at(anchor, size), max(size, N_REFERENCES)))
    codes = pool.private[chosen[:N_REFERENCES]]
    separator.anchor.copy_(pool.shared[anchor])
    separator.reference_codes.copy_(codes)

    def decode(codes: Tensor) -> Tensor:
        return module.decode(codes[:, None], separator.anchor.expand(len(codes), -1)).flatten(1)

    views = decode(codes[:_N_FOR_AXES])
    _, stds, axes = randomized_svd(
        (views - views.mean(0)).cpu().numpy(),
        separator.basis.shape[1],
        power_iteration_normalizer="QR",  # the default depends on scikit-learn's configuration
        random_state=int(rng.integers(2**31)),
    )
    # In the raw views the faintest of what is private would count for nothing.
    scaled = np.where(stds > _MIN_STD * stds[0], 1 / np.maximum(stds, _TINY), 0.0)[:, None] * axes
    separator.basis.copy_(torch.from_numpy(np.ascontiguousarray(scaled.T)))
    starts = range(0, len(codes), _N_FOR_AXES)
    places = torch.cat([decode(codes[i : i + _N_FOR_AXES]) @ separator.basis for i in starts])
    unit = places.std().clamp_min(_TINY)
    separator.basis.div_(unit)
    separator.reference_views.copy_(places / unit)
