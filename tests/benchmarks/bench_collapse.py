"""Does the default collapse? Ten seeds on each set of tones.

A block has collapsed where no dimension is active, or where it no longer tells its own
factor: 15-NN on what ``transform`` gives, learned from half of the pairs that the model
never saw and asked of the other half (single views). Prints each fit, the least of all
seeds by set, and how often a fit warned. Fits take minutes each.

    python -m tests.benchmarks.bench_collapse
    python -m tests.benchmarks.bench_collapse --data harmonic --seeds 0 1 --n-train 1000
"""

from __future__ import annotations

import argparse
import json
import time
import warnings

import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from mvdisent import MultiViewDisentangler
from mvdisent.metrics import probe_table
from tests.benchmarks.bench_separation import add_spectra, encode_single, front_end, make_views

FACTORS = ["timbre", "frequency"]


def try_seed(data, seed, args):
    """Fit once, and tell what each block knows and how many dimensions it uses."""
    X, factors = make_views(data, args.n_train, args.n_test, seed, front_end(args))
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model = MultiViewDisentangler(random_state=seed, **args.params).fit(X[: args.n_train])
    seconds = time.perf_counter() - start
    held_out = slice(args.n_train, None)
    blocks, single, groups = encode_single(model, X[held_out], factors[held_out], "features")
    table = probe_table(
        blocks, single[FACTORS], probe="knn", groups=groups, test_size=0.5, random_state=seed
    )
    return {
        "seed": seed,
        "private_dims": int(model.active_private_.sum()),
        "shared_dims": int(model.active_shared_.sum()),
        "private_frequency": table.loc["private", "frequency"],
        "shared_timbre": table.loc["shared", "timbre"],
        "private_timbre": table.loc["private", "timbre"],
        "shared_frequency": table.loc["shared", "frequency"],
        "warned": sum(issubclass(w.category, ConvergenceWarning) for w in caught),
        "seconds": round(seconds),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", default=["bandlimited", "paper", "harmonic"])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--params", type=json.loads, default={}, help="of the estimator, as JSON")
    add_spectra(parser)
    parser.add_argument("--n-train", type=int, default=4000, help="pairs that are fitted")
    parser.add_argument("--n-test", type=int, default=2000, help="pairs never seen")
    args = parser.parse_args()
    print(args, flush=True)
    for data in args.data:
        rows = []
        for seed in args.seeds:
            rows.append(try_seed(data, seed, args))
            print(data, pd.Series(rows[-1]).round(3).to_dict(), flush=True)
        table = pd.DataFrame(rows).drop(columns="seed")
        print(data)
        print(table.agg(["min", "median", "max"]).round(3).to_string(), flush=True)


if __name__ == "__main__":
    main()
