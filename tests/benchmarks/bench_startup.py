"""How long does ``import mvdisent`` take beside ``import torch, sklearn``?

Fresh interpreters take turns, so that a busy machine slows all alike; the first turn,
which reads the files from disk, is not counted. Prints medians and spreads (least to
greatest) of seconds from the start of the interpreter to its end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import numpy as np

CONTESTANTS = {
    "import torch, sklearn": "import torch, sklearn",
    "import mvdisent": "import mvdisent",
    "and a step of training": (
        "import warnings; import mvdisent, numpy; warnings.simplefilter('ignore'); "
        "X = numpy.random.default_rng(0).standard_normal((128, 2, 64, 32)); "
        "mvdisent.MultiViewDisentangler(max_epochs=1).fit(X)"
    ),
}


def seconds_of(code):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()

    turns = [
        [seconds_of(code) for code in CONTESTANTS.values()] for _ in range(arguments.repeats + 1)
    ]
    seconds = np.array(turns[1:])
    for column, name in zip(seconds.T, CONTESTANTS, strict=True):
        ratios = column / seconds[:, 0]  # of the same turn
        print(
            f"  {name:22} {np.median(column):5.2f} s ({column.min():.2f} to {column.max():.2f})   "
            f"{np.median(ratios):.2f}x ({ratios.min():.2f} to {ratios.max():.2f})"
        )


if __name__ == "__main__":
    main()
