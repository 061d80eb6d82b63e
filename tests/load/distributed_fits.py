"""What tests/test_distributed.py starts by torchrun: fits of a group, their results in a folder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from mvdisent import MultiViewDisentangler, save
from mvdisent.views import pair_by

SMALL = {"n_private": 2, "n_shared": 3, "max_epochs": 3, "batch_size": 7, "random_state": 0}
# Adam's first steps are as long for a gradient of nearly nothing, whose sign is a rounding error.
SMALL |= {"net_params": {"optimizer": torch.optim.SGD}, "lr": 1e-3}
X = np.random.default_rng(0).normal(size=(26, 2, 6)).astype(np.float32)
MISSING = X.copy()
MISSING[::3, 1] = np.nan

FITS = {
    "marl": ({"objective": "marl"}, X),
    "swap": ({"objective": "swap"}, X),
    "transport": ({"objective": "transport", "warmup_epochs": 1}, X),
    "missing views": ({"objective": "swap"}, MISSING),
    "conv": ({"encoder": "conv", "decoder": "conv", "kl_estimator": "weighted"}, X[..., None]),
    "stopped": ({"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 1}, X),
    "drawn": ({}, pair_by(X[:, 0], np.arange(26) % 3, random_state=0)),
    "fresh entropy": ({"random_state": None, "net_params": None}, X),
}


def fit(name, **more):
    params, views = FITS[name]
    return MultiViewDisentangler(**{**SMALL, **params, **more}).fit(views)


def weights_of(model):
    state = model.__getstate__()["_net_state"]["module"]
    # The axes of a separator are eigenvectors, which make much of the last digits of a weight.
    trained = [value for name, value in state.items() if not name.startswith("separator.")]
    return np.concatenate([value.ravel() for value in trained])


def error_of(call):
    try:
        call()
    except (ValueError, FloatingPointError) as error:
        return str(error)
    return "no error"


def main(folder):
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    found = {}
    for name in FITS:
        model = fit(name, distributed=True)
        found[name] = weights_of(model)
        found[f"{name}, history"] = model.history_.to_numpy()
    model.set_params(warm_start=True).fit(X)
    found["went on"] = weights_of(model.partial_fit(X))
    other = MultiViewDisentangler(**SMALL, distributed=True)
    huge = X.copy()
    huge[rank, 0, 0] = 1e30
    found["another X"] = error_of(lambda: other.fit(X + rank))
    found["one row more"] = error_of(lambda: other.fit(X[: len(X) - rank]))
    found["small batches"] = error_of(lambda: other.set_params(batch_size=3).fit(X[:10]))
    found["divergence"] = error_of(
        lambda: other.set_params(batch_size=7, lr=1e30, max_grad_norm=None).fit(X)
    )
    found["checkpoint"] = error_of(lambda: other.set_params(checkpoint=folder / "c").fit(X))
    np.savez(folder / f"{rank}.npz", **found)
    if rank == 0:
        save(model, folder / "model")
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
