"""One model, trained by several processes: the net that shares each step among them."""

from __future__ import annotations

import reprlib
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from ._batches import Batch, part_of
from ._net import MultiViewNet
from ._terms import ask_referee, transported_nll
from .nn import Posterior, draw
from .objectives import reconstruction_nll

# Rows of X that are compared among the processes.
_N_COMPARED = 64


class SharedNet(MultiViewNet):
    """A net that each process of a group trains on its part of every batch.

    All processes draw the same batches and the same noise. Each encodes and decodes its own
    rows. The posteriors are exchanged, so that each knows those of the whole batch, as the
    estimators of the aggregated posterior and the referee need; and the gradients
    are summed. So all take the step that one process would take, and stay alike.
    """

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Give the batches of an epoch, of each the rows that are this process's."""
        batches = super().get_iterator(dataset, training=training)
        if training:
            least = len(dataset) // len(batches)
            if least < dist.get_world_size():
                raise ValueError(
                    f"batch_size={self.batch_size} leaves batches of {least} of {len(dataset)} "
                    f"samples for {dist.get_world_size()} processes: raise it, or start fewer"
                )
            batches.part = (dist.get_rank(), dist.get_world_size())
        return batches

    def step_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss of the whole batch; its gradient reaches the own rows alone."""
        x, present, n_rows, _ = batch
        module, weigh = self.module_, self.criterion_
        own = part_of(n_rows, dist.get_rank(), dist.get_world_size())
        from_others = module.referee is not None or module.separator is not None
        mine = module.encode(x, present, from_others=from_others)
        everyone, all_present = exchange(mine, present, n_rows)
        z_private = draw(everyone.private_mean, everyone.private_log_var, self.noise_generator)
        z_shared = draw(everyone.shared_mean, everyone.shared_log_var, self.noise_generator)
        x_hat = module.decode(z_private[own], z_shared[own])
        error = reconstruction_nll(x, x_hat, present, decoder_std=weigh.decoder_std)
        terms = {"reconstruction": total(error * (len(x) / n_rows))}
        terms |= weigh.code_terms(everyone, z_private, z_shared, all_present, n_train=self._n_train)
        if module.referee is not None:
            terms |= ask_referee(
                module.referee, z_private, z_shared, all_present, self.noise_generator
            )
        if module.separator is not None:
            nll = transported_nll(
                module, batch, z_shared[own], own, weigh.decoder_std, self.noise_generator
            )
            terms["transported"] = total(nll)
        return weigh.weigh(terms, warmth=self._warmth()), terms

    def find_gradient(self, loss: Tensor, terms: Mapping[str, Tensor]) -> None:
        """Find the gradient of the whole batch: the sum over the processes."""
        # Every process finds the referee's gradient as a whole, so each gives a part of it.
        referee = terms.get("referee", torch.zeros(()))
        torch.autograd.backward(loss + referee / dist.get_world_size())
        found = [w.grad for w in self.module_.parameters() if w.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in found])
        dist.all_reduce(flat)
        parts = torch.split(flat, [gradient.numel() for gradient in found])
        for gradient, part in zip(found, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def agree(self, value: float) -> float:
        """Give the first process's number, as that of another machine may differ in a bit."""
        return float(take_from_first(value))


def exchange(
    mine: Posterior, present: Tensor | None, n_rows: int
) -> tuple[Posterior, Tensor | None]:
    """Join the posteriors of all processes, in the order of the batch.

    Parameters
    ----------
    mine : Posterior
        Of this process's rows; a gradient reaches these alone.
    present : Tensor of bool of shape (n_own, n_views) or None
        Which of their views are present. None: all.
    n_rows : int
        Rows of the whole batch.

    Returns
    -------
    everyone : Posterior
        Of all rows.
    present : Tensor of bool of shape (n_rows, n_views) or None
        Which of all views are present.
    """
    rank, n_processes = dist.get_rank(), dist.get_world_size()
    flags = [] if present is None else [present.to(mine.private_mean.dtype)]
    parts = [part.flatten(1) for part in (*mine, *flags)]
    live = torch.cat(parts, dim=1)
    # Parts of a batch differ by a row: all are sent as long as the longest.
    sent = live.new_zeros(-(-n_rows // n_processes), live.shape[1])
    sent[: len(live)] = live.detach()
    got = [torch.empty_like(sent) for _ in range(n_processes)]
    dist.all_gather(got, sent)
    slices = [part_of(n_rows, other, n_processes) for other in range(n_processes)]
    cut = [each[: part.stop - part.start] for each, part in zip(got, slices, strict=True)]
    cut[rank] = live
    joined = torch.split(torch.cat(cut), [part.shape[1] for part in parts], dim=1)
    everyone = Posterior(
        *(rows.reshape(n_rows, *own.shape[1:]) for own, rows in zip(mine, joined, strict=False))
    )
    return everyone, None if present is None else joined[-1] > 0.5


def total(value: Tensor) -> Tensor:
    """Sum a number over the processes; the gradient is that of the own summand."""
    whole = value.detach().clone()
    dist.all_reduce(whole)
    return value + (whole - value.detach())


def check_group(checkpoint: object) -> None:
    """Refuse to train in a group of processes where there is none, or with a checkpoint."""
    if not (dist.is_available() and dist.is_initialized()):
        raise ValueError(
            "distributed=True, but this process is in no group: start it by torchrun and call "
            "torch.distributed.init_process_group() before fit, or pass distributed=False"
        )
    if checkpoint is not None:
        raise ValueError(
            f"checkpoint={checkpoint!r} does not go with distributed=True, as each process would "
            "write it: pass checkpoint=None, and save the model between calls of partial_fit"
        )


def is_first() -> bool:
    """Tell whether this is the process that speaks for all."""
    return dist.get_rank() == 0


def take_from_first(value: Any) -> Any:
    """Give what the first process has."""
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]


def check_alike(views: NDArray[Any], net: MultiViewNet) -> None:
    """Refuse processes that were given different data, or another model; each of them is told."""
    rows = np.unique(np.linspace(0, len(views) - 1, _N_COMPARED).astype(np.intp))
    seen = np.ascontiguousarray(views[rows])
    _compare("X", (tuple(views.shape), str(seen.dtype), zlib.crc32(seen.tobytes())))
    weights = [w.detach().cpu().numpy() for w in net.module_.state_dict().values()]
    _compare("the model", [zlib.crc32(np.ascontiguousarray(w).tobytes()) for w in weights])


def _compare(what: str, value: Any) -> None:
    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    for rank, other in enumerate(values):
        if other != values[0]:
            raise ValueError(
                f"{what} of process {rank} is not that of process 0 ({reprlib.repr(other)} and "
                f"{reprlib.repr(values[0])}): pass the same to each"
            )
