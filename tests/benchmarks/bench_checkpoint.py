"""Measure what checkpoints and the clipping of the gradient cost, as shares of a fit.

Usage: ``OMP_NUM_THREADS=1 python tests/benchmarks/bench_checkpoint.py [seconds between writes]``.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent._checkpoint import Checkpoint
from mvdisent._net import MultiViewNet
from mvdisent.datasets import make_tone_views

N_SAMPLES, N_EPOCHS = 2000, 20


def timed(cls: type, name: str) -> list[float]:
    """Note how long each call of a method takes."""
    plain, seconds = getattr(cls, name), []

    def wrapped(self, *args, **kwargs):
        began = time.perf_counter()
        result = plain(self, *args, **kwargs)
        seconds.append(time.perf_counter() - began)
        return result

    setattr(cls, name, wrapped)
    return seconds


def main(every: float) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    X = LogMel(16000).transform(make_tone_views(N_SAMPLES, random_state=0)[0])
    writes = timed(Checkpoint, "write")
    steps = timed(MultiViewNet, "train_step")
    clips = timed(MultiViewNet, "_clip_gradient")
    for objective in ("marl", "swap"):
        for seconds in (writes, steps, clips):
            seconds.clear()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "checkpoint"
            began = time.perf_counter()
            MultiViewDisentangler(
                max_epochs=N_EPOCHS,
                objective=objective,
                checkpoint=path,
                checkpoint_every=every,
                random_state=0,
            ).fit(X)
            whole = time.perf_counter() - began
            size = path.stat().st_size / 1e6
        write = np.median(writes)
        print(
            f"{objective}: {whole:.1f} s, {len(writes)} writes of {size:.1f} MB, {write:.3f} s "
            f"each (longest {max(writes):.3f}): {sum(writes) / whole:.2%} of this fit, "
            f"{write / 60:.2%} of a fit with a write a minute. Clipping: "
            f"{np.median(clips) / np.median(steps):.2%} of a step of {np.median(steps):.4f} s"
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
