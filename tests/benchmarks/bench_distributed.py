"""How fast do several processes train one model, and how near is it to that of one process?

Groups of 1, 2 and 4 processes of one thread each (torchrun, gloo) take turns at fits of
the default model to pairs of 64 x 32 noise; the first turn is not counted. Prints the
seconds of an epoch, medians and spreads (least to greatest), their ratio to one process
that is in no group, the megabytes that a process sends in a step (its part of the
codes, and the gradient), and the greatest difference of any weight after the fit.

    python tests/benchmarks/bench_distributed.py --repeats 5
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from mvdisent import MultiViewDisentangler


def fit(n_samples, n_epochs, batch_size, *, distributed):
    """Give the seconds of an epoch and the weights."""
    X = np.random.default_rng(0).standard_normal((n_samples, 2, 64, 32), dtype=np.float32)
    model = MultiViewDisentangler(
        objective="marl",
        distributed=distributed,
        batch_size=batch_size,
        max_epochs=n_epochs,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # noise has nothing to share
        model.fit(X[: 2 * batch_size])
        start = time.perf_counter()
        model.fit(X)
    weights = model.__getstate__()["_net_state"]["module"].values()
    return (time.perf_counter() - start) / n_epochs, np.concatenate([w.ravel() for w in weights])


def work(args):
    """Be a process of a group, or alone."""
    torch.set_num_threads(1)
    if args.out.name != "0.npz":
        dist.init_process_group("gloo")
    seconds, weights = fit(
        args.samples, args.epochs, args.batch_size, distributed=dist.is_initialized()
    )
    if not dist.is_initialized() or dist.get_rank() == 0:
        np.savez(args.out, seconds=seconds, weights=weights)
    if dist.is_initialized():
        dist.destroy_process_group()


def run(n_processes, args, folder):
    """Start a group; 0 processes are one that is in none."""
    out = Path(folder, f"{n_processes}.npz")
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n_processes}"]
    sizes = ["--samples", args.samples, "--epochs", args.epochs, "--batch-size", args.batch_size]
    command = [*(launcher if n_processes else []), __file__, "--out", out, *sizes]
    subprocess.run(
        [sys.executable, *map(str, command)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
    )
    found = np.load(out)
    return float(found["seconds"]), found["weights"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--samples", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.out is not None:
        work(args)
        return
    contestants = [0, *args.processes]
    with tempfile.TemporaryDirectory() as folder:
        turns = [{n: run(n, args, folder) for n in contestants} for _ in range(args.repeats + 1)]
    seconds = np.array([[turn[n][0] for n in contestants] for turn in turns[1:]])
    weights = turns[0]
    codes = 2 * args.batch_size * 2 * (8 + 8)  # means and log variances, at most
    for n, column in zip(contestants, seconds.T, strict=True):
        ratios = column / seconds[:, 0]
        name = f"{n} processes" if n else "in no group"
        sent = 4e-6 * (codes / n + len(weights[n][1])) if n else 0.0
        gap = np.abs(weights[n][1] - weights[0][1]).max()
        print(
            f"  {name:12} {np.median(column):6.2f} s ({column.min():.2f} to {column.max():.2f})   "
            f"{np.median(ratios):.2f}x ({ratios.min():.2f} to {ratios.max():.2f})   "
            f"{sent:5.1f} MB a step, weights within {gap:.1e}"
        )


if __name__ == "__main__":
    main()
