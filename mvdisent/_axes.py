"""The principal axes of views, along which they are whitened."""

from __future__ import annotations

import copy

import numpy as np
from sklearn.decomposition import IncrementalPCA

from ._batches import ViewDataset
from .nn._whitener import Whitener

# Views that tell the axes, at most, and those that are looked at together.
_N_VIEWS, _CHUNK = 8192, 256


def learn_axes(whitener: Whitener, dataset: ViewDataset) -> None:
    """Find the principal axes of some views of a dataset, chunk by chunk.

    Parameters
    ----------
    whitener : Whitener
        Takes the axes over.
    dataset : ViewDataset
        The views; what whitens them is left out here.
    """
    dataset = copy.copy(dataset)
    dataset.whitener = None
    n_samples, n_views = dataset.X.shape[:2]
    present = dataset.present
    places = np.arange(n_samples * n_views) if present is None else np.flatnonzero(present)
    if len(places) > _N_VIEWS:
        places = places[np.linspace(0, len(places) - 1, _N_VIEWS).astype(np.intp)]
    pca = IncrementalPCA(min(whitener.axes.shape[1], len(places)), copy=False)
    for chunk in np.array_split(places, max(1, len(places) // _CHUNK)):
        rows, inverse = np.unique(chunk // n_views, return_inverse=True)
        x = dataset.take(rows).x[inverse, chunk % n_views].flatten(1).cpu().numpy()
        with np.errstate(divide="ignore", invalid="ignore"):  # shares of a variance of 0, not used
            pca.partial_fit(x)
    std = pca.singular_values_.astype(np.float64) / np.sqrt(len(places))
    whitener.set_axes(pca.mean_, pca.components_, std, float(np.sum(pca.var_)))
