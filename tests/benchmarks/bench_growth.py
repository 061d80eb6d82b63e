"""How do time and memory of a fit and of transform grow with samples, views and batch?

Synthetic features, one epoch of the default model, each size in a process of its own;
the sizes take turns. Prints medians (least to greatest) of seconds and the peak of
resident memory above that of X and of a fit to a few rows, and the exponent of time
over the number of samples: the slope of a least-squares line through the logarithms.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from mvdisent import MultiViewDisentangler

N_FEATURES = 32
SAMPLES = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000]
VIEWS = [2, 4, 8, 16]
BATCHES = [64, 256, 1024, 4096, 8192]
FIT_FROM = 10_000  # samples from which on the start of a fit no longer counts


def peak_memory():
    """Read the peak of resident memory of this process, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure(n_samples, n_views, batch_size):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_views, N_FEATURES), dtype=np.float32)
    model = MultiViewDisentangler(
        objective="marl", max_epochs=1, batch_size=batch_size, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of collapse: the data are noise
        model.fit(X[: min(2 * batch_size, n_samples)]).transform(X[:512])  # warms up
        before = peak_memory()
        start = time.perf_counter()
        model.fit(X)
        fitted, after_fit = time.perf_counter(), peak_memory()
    model.transform(X)
    end, after = time.perf_counter(), peak_memory()
    return {
        "fit, s": fitted - start,
        "transform, s": end - fitted,
        "fit, MB": after_fit - before,
        "both, MB": after - before,
        "X, MB": X.nbytes / 2**20,
    }


def measure_apart(settings, threads):
    command = [sys.executable, __file__, "--threads", str(threads), "--one", json.dumps(settings)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(output)


def compare(title, cases, arguments):
    """Measure each case in turn, and print a table."""
    rows = [
        {title: case[title], **measure_apart(case, arguments.threads)}
        for _ in range(arguments.repeats)
        for case in cases
    ]
    table = pd.DataFrame(rows).groupby(title)
    others = ", ".join(f"{name} {value}" for name, value in cases[0].items() if name != title)
    print(f"\n{title} grows, {others}; medians of {arguments.repeats}")
    print(table.median().round(2).to_string())
    for name in ("fit, s", "transform, s"):
        seconds = table[name].agg(["min", "max"]).round(2)
        spread = [f"{low:.2f} to {high:.2f}" for low, high in seconds.to_numpy()]
        print(f"  {name}, least to greatest: {'; '.join(spread)}")
    return table.median()


def exponent(table, name):
    large = table[table.index >= FIT_FROM]
    return np.polyfit(np.log(large.index.to_numpy(float)), np.log(large[name]), 1)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-samples", type=int, default=SAMPLES[-1])
    parser.add_argument("--few-samples", type=int, default=20_000, help="for views and batches")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    if arguments.one:
        print(json.dumps(measure(**arguments.one)))
        return
    usual = {
        "n_samples": arguments.few_samples,
        "n_views": 2,
        "batch_size": arguments.batch_size,
    }
    samples = [n for n in SAMPLES if n <= arguments.max_samples]
    table = compare("n_samples", [usual | {"n_samples": n} for n in samples], arguments)
    if samples[-1] > FIT_FROM:
        for name in ("fit, s", "transform, s"):
            print(f"  exponent of {name} from {FIT_FROM:,}: {exponent(table, name):.3f}")
    compare("n_views", [usual | {"n_views": n} for n in VIEWS], arguments)
    compare("batch_size", [usual | {"batch_size": n} for n in BATCHES], arguments)


if __name__ == "__main__":
    main()
