"""How long does mutual_info_matrix take beside a plain loop of scikit-learn's calls?

32,000 rows, 16 dimensions, 3 factors (two discrete, one continuous) by default.
The contestants take turns, so that a busy machine slows all alike; prints
medians and spreads (least to greatest), as seconds and as multiples of the loop.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np
import pandas as pd
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from mvdisent.metrics import mutual_info_matrix


def plain_loop(Z, factors):
    mi = np.empty((factors.shape[1], Z.shape[1]))
    for i, name in enumerate(factors):
        continuous = factors[name].dtype.kind == "f"
        estimate = mutual_info_regression if continuous else mutual_info_classif
        for j in range(Z.shape[1]):
            mi[i, j] = estimate(Z[:, [j]], factors[name], random_state=0)[0]
    return mi


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-rows", type=int, default=32000)
    parser.add_argument("--n-latents", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()

    rng = np.random.default_rng(0)
    factors = pd.DataFrame(
        {
            "timbre": rng.integers(4, size=args.n_rows),
            "frequency": rng.integers(21, size=args.n_rows),
            "level": rng.normal(size=args.n_rows),
        }
    )
    Z = rng.normal(size=(args.n_rows, args.n_latents))
    Z[:, 0] += factors["timbre"]
    contestants = {
        "plain loop": plain_loop,
        "n_jobs=1": partial(mutual_info_matrix, random_state=0),
        "n_jobs=2": partial(mutual_info_matrix, random_state=0, n_jobs=2),
    }
    seconds = pd.DataFrame(index=range(args.repeats), columns=list(contestants), dtype=float)
    for repeat in range(args.repeats):
        for name, contestant in contestants.items():
            start = time.perf_counter()
            contestant(Z, factors)
            seconds.loc[repeat, name] = time.perf_counter() - start
    ratios = seconds.div(seconds["plain loop"], axis=0)
    print(f"{Z.shape[0]:,} x {Z.shape[1]}, {factors.shape[1]} factors, {args.repeats} turns")
    for name in contestants:
        s, r = seconds[name], ratios[name]
        print(
            f"  {name:10} {s.median():6.1f} s ({s.min():.1f} to {s.max():.1f})   "
            f"{r.median():.2f}x the loop ({r.min():.2f} to {r.max():.2f})"
        )


if __name__ == "__main__":
    main()
