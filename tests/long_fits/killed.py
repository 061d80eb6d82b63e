"""Kill a fit with SIGKILL at random moments, and start it again, until it is done, many times.

Arguments: the case, the number of kills, an empty folder. The interpreter that
imports torch forks the fits, on one thread, so that a start takes milliseconds.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

torch.set_num_threads(1)

from mvdisent import MultiViewDisentangler, _format  # noqa: E402
from mvdisent.nn import MLPDecoder, MLPEncoder  # noqa: E402

SMALL = {
    "n_private": 2,
    "n_shared": 3,
    "encoder": partial(MLPEncoder, hidden=(16,)),
    "decoder": partial(MLPDecoder, hidden=(16,)),
    "max_epochs": 3,
    "batch_size": 16,
    "lr": 0.01,
    "warmup_epochs": 1.5,
    "random_state": 3,
}
CASES: dict[str, dict[str, Any]] = {
    "marl": {**SMALL, "objective": "marl"},
    "swap": {**SMALL, "objective": "swap", "early_stopping": True, "n_iter_no_change": 3},
}


def fit(case: str, **params: Any) -> dict[str, np.ndarray]:
    """Fit, and give all that there is to compare."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2, 8)).astype(np.float32) + rng.normal(size=(200, 1, 8))
    X[::7, 1] = np.nan  # missing views
    groups = np.arange(200) // 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MultiViewDisentangler(**{**CASES[case], **params}).fit(X, groups=groups)
    state = model.__getstate__()["_net_state"]
    return {
        **state["module"],
        **{f"{i}/{k}": v for i, slots in state["optimizer"].items() for k, v in slots.items()},
        "shuffle": state["shuffle"],
        "noise": state["noise"],
        "history": model.history_.to_numpy(),
        "columns": np.array([*model.history_]),
        "features": model.transform(X),
        "best": np.array(getattr(model, "best_epoch_", 0)),
    }


def start(case: str, folder: Path) -> int:
    """Fork a fit that leaves its result in a file."""
    child = os.fork()
    if child:
        return child
    try:
        result = fit(case, checkpoint=folder / "checkpoint", checkpoint_every=0)
        np.savez(folder / "part.npz", **result)
        os.rename(folder / "part.npz", folder / "result.npz")
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def main(case: str, n_kills: int, folder: Path) -> None:
    plain = fit(case)
    began = time.perf_counter()
    expected = fit(case, checkpoint=folder / "timed", checkpoint_every=0)
    seconds = time.perf_counter() - began
    clock = random.Random(0)
    counts = {"kills": 0, "in an epoch": 0, "finished": 0, "equal": 0}
    while counts["kills"] < n_kills or not counts["finished"]:
        child = start(case, folder)
        time.sleep(clock.uniform(0, seconds / 3))
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            counts["kills"] += 1
            if (folder / "checkpoint").exists():
                found = _format.read(folder / "checkpoint", "checkpoint").document["checkpoint"]
                counts["in an epoch"] += found["position"]["n_steps"] > 0
        else:
            assert status == 0, "the fit failed"
            with np.load(folder / "result.npz") as result:
                same = [
                    set(result) == set(other) and all((result[k] == other[k]).all() for k in other)
                    for other in (expected, plain)
                ]
            counts["finished"] += 1
            counts["equal"] += all(same)
            (folder / "result.npz").unlink()
            (folder / "checkpoint").unlink()
    print(json.dumps(counts))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
