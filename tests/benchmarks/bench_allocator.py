"""What does a fit gain by keeping what a step frees (``_allocator``)?

A fit of noise in a process of its own, as a process learns from what it frees: with the
hint to the allocator, and without it. They take turns. Prints medians and spreads (least
to greatest) of the time of a step and of the pages that it asks the system for, and the
time as a multiple of that without the hint. Nothing else should run beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import resource
import subprocess
import sys
import time
import warnings

import numpy as np
import torch
from skorch.callbacks import Callback

from mvdisent import MultiViewDisentangler, _training

HINTS = ("kept", "given back")
N_STEPS = 8  # of an epoch; the first one is not counted


class Steps(Callback):
    """Note the time and the page faults of the process after each step."""

    def __init__(self):
        self.seconds, self.faults = [], []

    def on_batch_end(self, net, **kwargs):
        self.seconds.append(time.perf_counter())
        self.faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)


def measure(hint, network, precision, batch_size, n_threads):
    """Print the seconds and the page faults of a step, medians over a fit."""
    torch.set_num_threads(n_threads)
    if hint != "kept":
        _training.keep_large_blocks = lambda: None
        _training.keep_freed_memory = contextlib.nullcontext
    steps = Steps()
    shape = batch_size * N_STEPS, 2, 64, 32
    X = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of collapse: the data are noise
        MultiViewDisentangler(
            objective="marl",
            encoder=network,
            decoder=network,
            precision=precision,
            batch_size=batch_size,
            max_epochs=3,
            net_params={"callbacks": [steps]},
            random_state=0,
        ).fit(X)
    print(*(np.median(np.diff(values[N_STEPS:])) for values in (steps.seconds, steps.faults)))


def measure_apart(batch_size, n_threads, *of):
    """Give the same of a process of its own."""
    sizes = "--batch-size", str(batch_size), "--threads", str(n_threads)
    command = [sys.executable, __file__, *sizes, "--of", *of]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--of", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = arguments.batch_size, arguments.threads
    if arguments.of:
        measure(*arguments.of, *sizes)
        return
    for case in itertools.product(("mlp", "conv"), ("float32", "bfloat16")):
        turns = np.array(
            [
                [measure_apart(*sizes, hint, *case) for hint in HINTS]
                for _ in range(arguments.repeats)
            ]
        )
        ratios = turns[:, :, 0] / turns[:, 1:, 0]  # of the same turn
        print(*case, f"batches of {arguments.batch_size}, {arguments.threads} threads")
        for i, hint in enumerate(HINTS):
            seconds, faults = turns[:, i].T
            print(
                f"  {hint:10} {np.median(seconds) * 1e3:6.1f} ms a step   {np.median(faults):6.0f} "
                f"pages ({faults.min():.0f} to {faults.max():.0f})   "
                f"{np.median(ratios[:, i]):.2f}x the time ({ratios[:, i].min():.2f} to "
                f"{ratios[:, i].max():.2f})"
            )


if __name__ == "__main__":
    main()
