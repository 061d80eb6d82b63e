"""Views on their way to the network: gathered, scaled, in shuffled batches."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .nn._whitener import Whitener

# Of a device's free memory what views may take, and how much of them goes there at a time.
_SHARE, _UPLOADED_VALUES = 0.5, 2**24


class Partners(NamedTuple):
    """Views that are as if of the same private factors as some views of a batch."""

    x: Tensor  # (n_sought, *view_shape)
    places: Tensor  # (n_sought,): of which view each is, as row * n_views + view
    n_sought: int  # in the batch, of which a process may hold a part


class Batch(NamedTuple):
    """Rows on their way to the network."""

    x: Tensor  # (n, n_views, *view_shape)
    present: Tensor | None  # (n, n_views)
    n_rows: int  # of the batch, of which a process may hold a part
    partners: Partners | None = None


class ViewDataset(torch.utils.data.Dataset[Batch]):
    """Views on their way to the network: gathered, scaled, on the device.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_views, *view_shape)
        The views, in any float type; a memmap is read batch by batch. Or one draw of
        a source of views, which has ``redrawn(seed)``.
    present : ndarray of bool of shape (n_samples, n_views) or None
        False where a view is missing. None: all present.
    offset, scale : float
        Mean and standard deviation by which X is standardised.
    whitener : Whitener or None
        Takes the standardised views on.
    device : str or torch.device
        Where batches go.
    rows : ndarray of int, default=None
        The rows of X that are the dataset's; None: all.
    """

    def __init__(
        self,
        X: NDArray[Any],
        present: NDArray[np.bool_] | None,
        *,
        offset: float,
        scale: float,
        whitener: Whitener | None = None,
        device: str | torch.device,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        if rows is not None and hasattr(X, "subset"):  # so that partners are drawn among these
            X, present, rows = X.subset(rows), None if present is None else present[rows], None
        self.X = X
        self.present = present
        self.offset = offset
        self.scale = scale
        self.whitener = whitener
        self.device = torch.device(device)
        self.rows = rows
        self._held: Tensor | None = None

    def __len__(self) -> int:
        return len(self.X) if self.rows is None else len(self.rows)

    def redrawn(self, generator: torch.Generator) -> Self:
        """Draw the views of an epoch, where they come from a source; else give itself."""
        if not hasattr(self.X, "redrawn"):
            return self
        drawn = copy.copy(self)
        drawn.X = self.X.redrawn(int(torch.randint(2**62, (), generator=generator)))
        return drawn

    def take_partners(self, partners: NDArray[np.int64], own: slice) -> Partners:
        """Gather the partners of a batch's views (-1: none), for one process's rows of it."""
        n_views = partners.shape[1]
        mine = partners[own].ravel()
        places = np.flatnonzero(mine >= 0)
        rows, views = np.divmod(mine[places], n_views)
        x = self.take(rows).x[torch.arange(len(rows)), torch.from_numpy(views)]
        return Partners(x, torch.from_numpy(places).to(x.device), int((partners >= 0).sum()))

    def hold(self) -> None:
        """Copy the views to the device once for all, if it has room for them.

        Batches of a source, and all that the processor trains on itself, are gathered one by one.
        """
        if self._held is not None or hasattr(self.X, "redrawn"):
            return
        shape = (len(self), *self.X.shape[1:])
        if 4 * math.prod(shape) > _room(self.device):
            return
        held = torch.empty(shape, dtype=torch.float32, device=self.device)
        step = max(1, _UPLOADED_VALUES // math.prod(shape[1:]))
        for start in range(0, len(held), step):
            rows = slice(start, start + step)
            held[rows] = torch.from_numpy(self._gather(rows))
        self._held = held

    def _gather(self, rows: NDArray[np.intp] | slice) -> NDArray[np.float32]:
        """Give rows of X as float32, a copy of them."""
        if self.rows is not None:
            rows = self.rows[rows]
        gathered = self.X[rows]
        if isinstance(rows, slice):  # numpy gives a view of X there, which must stay as it is
            gathered = gathered.copy()
        return np.asarray(gathered, dtype=np.float32)

    def _take_views(self, rows: NDArray[np.intp] | slice) -> Tensor:
        if self._held is None:
            x = torch.from_numpy(self._gather(rows))
            if self.device.type == "cuda":  # from pinned memory, while the device computes
                x = x.pin_memory()
            return x.to(self.device, non_blocking=True)
        if isinstance(rows, slice):
            return self._held[rows].clone()
        return self._held[torch.from_numpy(rows).to(self.device)]

    def take(self, rows: NDArray[np.intp] | slice) -> Batch:
        """Gather rows as float32: the scaled views, and which of them are present."""
        x = self._take_views(rows)
        x.sub_(self.offset).div_(self.scale)
        if self.whitener is not None:
            with torch.no_grad():
                whitened = self.whitener.whiten(x.flatten(0, 1))
            x = whitened.reshape(*x.shape[:2], *whitened.shape[1:])
        if self.present is None:
            return Batch(x, None, len(x))
        own = rows if self.rows is None else self.rows[rows]
        present = torch.from_numpy(self.present[own]).to(self.device)
        x.masked_fill_(~present[(...,) + (None,) * (x.ndim - 2)], 0.0)
        return Batch(x, present, len(x))


def _room(device: torch.device) -> int:
    """Give the bytes of a device's own memory that views may take."""
    if device.type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info(device)
    return int(free * _SHARE)


class ViewBatches:
    """Shuffled batches of nearly equal size, none smaller than half the others.

    Parameters
    ----------
    dataset : ViewDataset
        The rows.
    batch_size : int
        Rows of a batch, at most.
    generator : torch.Generator
        Source of the order, and of the views that a source gives, drawn afresh
        each epoch.
    """

    def __init__(self, dataset: ViewDataset, batch_size: int, generator: torch.Generator) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = generator
        self.n_skipped = 0  # batches of an epoch that is gone on with
        self.part = (0, 1)  # of each batch, the rows of process 0 of 1
        # Gives the partners of the views of an epoch, (n_samples, n_views), or None.
        self.find_partners: Callable[[ViewDataset], NDArray[np.int64] | None] | None = None

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        dataset = self.dataset.redrawn(self.generator)
        dataset.hold()
        order = torch.randperm(len(dataset), generator=self.generator).numpy()
        partners = None if self.find_partners is None else self.find_partners(dataset)
        for rows in np.array_split(order, len(self))[self.n_skipped :]:
            own = part_of(len(rows), *self.part)
            batch = dataset.take(rows[own])._replace(n_rows=len(rows))
            if partners is not None:
                batch = batch._replace(partners=dataset.take_partners(partners[rows], own))
            yield batch


def part_of(n_rows: int, rank: int, n_processes: int) -> slice:
    """Give the rows of a batch that are one process's; parts differ by a row at most."""
    least, more = divmod(n_rows, n_processes)
    start = rank * least + min(rank, more)
    return slice(start, start + least + (rank < more))
