"""Posteriors and decodings of whole arrays, in chunks of a fixed number of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from ._batches import ViewDataset
from ._net import MultiViewNet
from .nn import MultiViewVAE, Posterior, draw
from .nn._separator import Separator
from .objectives import gaussian_kl

FloatArray = NDArray[np.float32]

# Every pass has this many rows, zero-padded: matrix products of one shape round
# alike, so the features of a row do not depend on its neighbours.
_CHUNK_ROWS = 64


def iter_posteriors(
    module: MultiViewVAE, dataset: ViewDataset
) -> Iterator[tuple[slice, Posterior]]:
    """Encode a dataset chunk by chunk, with the rows that each chunk holds."""
    module.eval()
    with torch.inference_mode():
        for start in range(0, len(dataset), _CHUNK_ROWS):
            rows = slice(start, min(start + _CHUNK_ROWS, len(dataset)))
            x, present, *_ = dataset.take(rows)
            n = len(x)
            if present is not None:
                present = _pad_rows(present)
            posterior = module.encode(_pad_rows(x), present)
            yield rows, Posterior(*(part[:n] for part in posterior))


def encode_blocks(
    module: MultiViewVAE,
    dataset: ViewDataset,
    generator: torch.Generator | None,
    *,
    separated: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Encode a dataset to codes: means, or draws where a generator is given.

    Parameters
    ----------
    module : MultiViewVAE
        The model.
    dataset : ViewDataset
        The rows.
    generator : torch.Generator or None
        Source of the draws; None gives the means.
    separated : bool, default=False
        Whether the module's separator has the last word.

    Returns
    -------
    private : ndarray of float32 of shape (n_samples, n_views, n_private)
        Zero where a view is missing.
    shared : ndarray of float32 of shape (n_samples, n_shared)
        Shared codes.
    """
    n, n_views = dataset.X.shape[:2]
    private = np.empty((n, n_views, module.n_private), dtype=np.float32)
    shared = np.empty((n, module.n_shared), dtype=np.float32)
    for rows, posterior in iter_posteriors(module, dataset):
        z_private = draw(posterior.private_mean, posterior.private_log_var, generator)
        z_shared = draw(posterior.shared_mean, posterior.shared_log_var, generator)
        if separated and module.separator is not None:
            with torch.inference_mode():
                z_private, z_shared = _separate(module.separator, module, z_private, z_shared)
        private[rows] = z_private.cpu().numpy()
        shared[rows] = z_shared.cpu().numpy()
    if dataset.present is not None:
        private[~dataset.present] = 0.0
    return private, shared


def _separate(
    separator: Separator, module: MultiViewVAE, private: Tensor, shared: Tensor
) -> tuple[Tensor, Tensor]:
    """Separate the codes of a chunk, again as many rows at a time as ever."""
    views = [
        separator.separate_private(_pad_rows(codes), module.decode)[: len(codes)]
        for codes in private.unbind(1)
    ]
    return torch.stack(views, 1), separator.separate_shared(_pad_rows(shared))[: len(shared)]


def mean_kl(
    module: MultiViewVAE, dataset: ViewDataset
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean KL of each private and each shared dimension to the prior, in nats."""
    private, shared = np.zeros(module.n_private), np.zeros(module.n_shared)
    for _, posterior in iter_posteriors(module, dataset):
        # A missing view's posterior is the prior: it adds no KL.
        kl_private = gaussian_kl(posterior.private_mean, posterior.private_log_var)
        kl_shared = gaussian_kl(posterior.shared_mean, posterior.shared_log_var)
        private += kl_private.double().sum((0, 1)).cpu().numpy()
        shared += kl_shared.double().sum(0).cpu().numpy()
    n_rows, n_views = dataset.X.shape[:2]
    n_present = n_rows * n_views if dataset.present is None else dataset.present.sum()
    return private / n_present, shared / n_rows


def mean_loss(net: MultiViewNet, dataset: ViewDataset, batch_size: int, seed: int) -> float:
    """Mean of the loss over the rows, with the draws of one seed, in nats."""
    net.module_.eval()
    generator = torch.Generator(net.device).manual_seed(seed)
    n, total = len(dataset), 0.0
    with torch.inference_mode():
        for rows in np.array_split(np.arange(n), math.ceil(n / batch_size)):
            loss, _ = net.loss(dataset.take(rows), n_train=n, generator=generator)
            total += float(loss) * len(rows)
    return total / n


def decode_blocks(
    module: MultiViewVAE,
    private: FloatArray,
    shared: FloatArray,
    *,
    device: str | torch.device,
    rescale: Callable[[Tensor], Tensor],
) -> FloatArray:
    """Decode codes chunk by chunk.

    Parameters
    ----------
    module : MultiViewVAE
        The model.
    private : ndarray of shape (n_samples, n_views, n_private)
        Private codes.
    shared : ndarray of shape (n_samples, n_shared)
        Shared codes.
    device : str or torch.device
        Where the model is.
    rescale : callable
        Takes the decoder's output to the units of X.

    Returns
    -------
    X : ndarray of float32 of shape (n_samples, n_views, *view_shape)
        Decoded views.
    """
    module.eval()
    chunks: list[NDArray[Any]] = []
    with torch.inference_mode():
        for start in range(0, len(private), _CHUNK_ROWS):
            z_private, z_shared = (
                torch.from_numpy(np.array(z[start : start + _CHUNK_ROWS], np.float32)).to(device)
                for z in (private, shared)
            )
            x = module.decode(_pad_rows(z_private), _pad_rows(z_shared))[: len(z_private)]
            chunks.append(rescale(x).cpu().numpy())
    return np.concatenate(chunks)


def _pad_rows(x: Tensor) -> Tensor:
    missing = _CHUNK_ROWS - len(x)
    return x if missing == 0 else pad(x, (0, 0) * (x.ndim - 1) + (0, missing))
