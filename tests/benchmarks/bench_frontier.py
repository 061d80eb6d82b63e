"""What does a block tell of the wrong factor, for what it tells of the right one?

Fits each objective at several weights (alpha = beta = gamma) and asks each of its codes: what
``transform`` returns, the means of active dimensions before any separation, and draws. 15-NN
learn from half of the pairs that the model never saw and are asked of the other half (single
views). Means over seeds.

    python -m tests.benchmarks.bench_frontier --plot frontier.png
    python -m tests.benchmarks.bench_frontier --data harmonic --seeds 0 --n-train 1000
"""

from __future__ import annotations

import argparse
import warnings
from itertools import product
from pathlib import Path

import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from mvdisent import MultiViewDisentangler
from mvdisent.metrics import probe_table
from tests.benchmarks.bench_separation import (
    CODES,
    add_spectra,
    encode_single,
    front_end,
    make_views,
)

OBJECTIVES = ["transport", "swap", "marl"]
WEIGHTS = [0.25, 1.0, 4.0]
KEYS = ["objective", "weight", "code"]
FACTORS = ["timbre", "frequency"]
CELLS = {
    "private": ("frequency", "timbre"),  # what it should tell, what it should not
    "shared": ("timbre", "frequency"),
}


def measure(model, X, factors, seed):
    """Ask each code: rows codes, columns (block, "told" or "leaked")."""
    rows = {}
    for name, code in CODES.items():
        blocks, single, groups = encode_single(model, X, factors, code)
        table = probe_table(
            blocks, single[FACTORS], probe="knn", groups=groups, test_size=0.5, random_state=seed
        )
        rows[name] = {
            (block, cell): table.loc[block, factor]
            for block, asked in CELLS.items()
            for cell, factor in zip(("told", "leaked"), asked, strict=True)
        }
    return pd.DataFrame(rows).T


def try_recipe(objective, weight, views, args):
    """Fit with each seed, and give the means."""
    weights = dict.fromkeys(("alpha", "beta", "gamma"), weight)
    by_seed = []
    for seed in args.seeds:
        X, factors = views[seed]
        model = MultiViewDisentangler(objective=objective, random_state=seed, **weights)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the table shows it
            model.fit(X[: args.n_train])
        held_out = slice(args.n_train, None)
        by_seed.append(measure(model, X[held_out], factors[held_out], seed))
    return pd.concat({(objective, weight): sum(by_seed) / len(by_seed)}, names=KEYS)


def plot(table, data, path):
    """Draw what leaks over what is told, a panel a block."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    colours = dict(zip(OBJECTIVES, ("C0", "C1", "C2"), strict=True))
    markers = dict(zip(CODES, ("o", "s", "^"), strict=True))
    for ax, (block, (right, wrong)) in zip(axes, CELLS.items(), strict=True):
        for (objective, code), rows in table[block].groupby(
            level=["objective", "code"], sort=False
        ):
            style = {"color": colours[objective], "marker": markers[code], "lw": 0.8}
            ax.plot(rows["told"], rows["leaked"], label=f"{objective}, {code}", **style)
        ax.set(xlabel=f"{right} told", ylabel=f"{wrong} leaked", title=f"{block} block")
    axes[1].legend(fontsize="x-small")
    figure.suptitle(f"{data}: the closer to the lower right, the better")
    figure.savefig(path, dpi=130)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="bandlimited", help="paper, bandlimited or harmonic")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--n-train", type=int, default=3000, help="pairs that are fitted")
    parser.add_argument("--n-test", type=int, default=3000, help="pairs never seen")
    parser.add_argument("--plot", type=Path, help="file of a figure")
    add_spectra(parser)
    args = parser.parse_args()
    print(args, flush=True)
    sizes = args.n_train, args.n_test
    views = {seed: make_views(args.data, *sizes, seed, front_end(args)) for seed in args.seeds}
    tables = []
    for objective, weight in product(OBJECTIVES, WEIGHTS):
        tables.append(try_recipe(objective, weight, views, args))
        print(tables[-1].round(3).to_string(header=len(tables) == 1), flush=True)
    table = pd.concat(tables)
    print(table.round(3).to_string())
    if args.plot:
        plot(table, args.data, args.plot)


if __name__ == "__main__":
    main()
