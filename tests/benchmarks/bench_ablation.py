"""What does each term of the paper's objective do by itself?

The paper's ablation as one GridSearchCV: reconstruction plus one term at 0, 0.1,
0.5 and 1. Prints the four cells of each candidate, on held-out single views.
"""

from __future__ import annotations

import argparse
import time

import pandas as pd
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import TONE_SETTINGS, make_tone_views
from mvdisent.metrics import make_probe_scorer
from mvdisent.model_selection import ablation_grid

CELLS = [(block, factor) for factor in ("timbre", "frequency") for block in ("private", "shared")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=list(TONE_SETTINGS), default="bandlimited")
    parser.add_argument("--n-samples", type=int, default=4000, help="pairs to fit on")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()

    X, factors = make_tone_views(
        args.n_samples + 2000,
        transform=LogMel(16000).fit_transform,
        random_state=args.seed,
        **TONE_SETTINGS[args.data],
    )
    start = time.perf_counter()
    search = GridSearchCV(
        MultiViewDisentangler(max_epochs=args.epochs, random_state=args.seed),
        ablation_grid(),
        scoring={f"{b} {f}": make_probe_scorer(b, f) for b, f in CELLS},
        cv=ShuffleSplit(1, test_size=2000, random_state=args.seed),
        refit=False,
        n_jobs=args.n_jobs,
    ).fit(X, factors)
    results = search.cv_results_
    table = pd.DataFrame(results["params"])
    for block, factor in CELLS:
        table[f"{factor}, {block}"] = results[f"mean_test_{block} {factor}"]
    print(f"{args}; {time.perf_counter() - start:.0f} s")
    print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
