"""How much faster is split_kl than all pairs at once, and how much slower than the closed form?

Forward and backward passes over a minibatch of 8 latents: ``split_kl``; the
decomposition as the field's codebases write it, over a tensor of all pairs of rows
and all latents, with autograd; and the closed form of the KL, which knows no parts.
The contestants take turns, so that a busy machine slows all alike. Prints medians
and spreads (least to greatest) of the time, as multiples of ``split_kl``'s, and by how
much each raises the peak of resident memory, measured in a process of its own.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from mvdisent.objectives import gaussian_kl, log_normal, split_kl

N_LATENTS, N_TRAIN = 8, 32000


def decomposition(z, mean, log_var):
    return sum(split_kl(z, mean, log_var, n_train=N_TRAIN))


def all_pairs(z, mean, log_var):
    n = len(z)
    log_weights = torch.full((n, n), math.log((N_TRAIN - 1) / (N_TRAIN * (n - 1))))
    log_weights.fill_diagonal_(-math.log(N_TRAIN))
    pairs = log_normal(z[:, None], mean, log_var)  # (i, j, latent)
    joint = (pairs.sum(2) + log_weights).logsumexp(1)
    product = (pairs + log_weights[..., None]).logsumexp(1).sum(1)
    conditional = log_normal(z, mean, log_var).sum(1)
    prior = log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
    parts = conditional - joint, joint - product, product - prior
    return sum(part.mean() for part in parts)


def closed_form(_, mean, log_var):
    return gaussian_kl(mean, log_var).sum(1).mean()


CONTESTANTS = {f.__name__: f for f in (decomposition, all_pairs, closed_form)}


def make_batch(n):
    """Draw codes of a trained model's kind: posteriors narrower than their spread."""
    generator = torch.Generator().manual_seed(0)
    mean, log_var, noise = torch.randn(3, n, N_LATENTS, generator=generator)
    log_var = log_var - 1
    z = mean + (log_var / 2).exp() * noise
    return [part.requires_grad_() for part in (z, mean, log_var)]


def seconds_of(contestant, batch, n_calls):
    start = time.perf_counter()
    for _ in range(n_calls):
        contestant(*batch).backward()
    return (time.perf_counter() - start) / n_calls


def added_memory(name, n):
    """Give the MB that one pass adds to the peak of a process of its own."""
    command = [sys.executable, __file__, "--memory-of", name, "--batches", str(n)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure_memory(name, n):
    batch = make_batch(n)
    CONTESTANTS[name](*(part[:2] for part in batch)).backward()  # what any pass needs
    before = peak_memory()
    CONTESTANTS[name](*batch).backward()
    print(peak_memory() - before)


def peak_memory():
    """Read the peak of this process alone, in MB: getrusage starts from its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def compare(n, arguments):
    batch = make_batch(n)
    n_calls = max(1, arguments.n_pairs // n**2)
    for contestant in CONTESTANTS.values():  # warms up
        contestant(*batch).backward()
    seconds = np.array(
        [
            [seconds_of(contestant, batch, n_calls) for contestant in CONTESTANTS.values()]
            for _ in range(arguments.repeats)
        ]
    )
    print(f"batch {n}")
    for column, name in enumerate(CONTESTANTS):
        ratios = seconds[:, column] / seconds[:, 0]  # of the same turn
        print(
            f"  {name:14} {np.median(seconds[:, column]) * 1e3:9.2f} ms   "
            f"{np.median(ratios):6.2f}x the time ({ratios.min():.2f} to {ratios.max():.2f})   "
            f"{added_memory(name, n):7.1f} MB"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 256, 1024, 4096])
    parser.add_argument("--n-pairs", type=int, default=2**20, help="pairs of rows in a turn")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory-of", choices=CONTESTANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    if arguments.memory_of:
        measure_memory(arguments.memory_of, arguments.batches[0])
        return
    for n in arguments.batches:
        compare(n, arguments)


if __name__ == "__main__":
    main()
