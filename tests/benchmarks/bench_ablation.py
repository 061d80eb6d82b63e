"""What does each term of the paper's objective do by itself, and can one tell without labels?

The paper's ablation as one GridSearchCV: reconstruction plus one term at 0, 0.1,
0.5 and 1; with ``--random N``, N random settings of weights and sizes instead.
Prints the four cells of each candidate, on held-out single views, and how well
each scorer ranks the candidates as the labelled gap does (Spearman's rho).
``--backend`` runs the same search on another engine, for its wall-clock time.
"""

from __future__ import annotations

import argparse
import contextlib
import time

import joblib
import numpy as np
import pandas as pd
from scipy.stats import loguniform
from sklearn.model_selection import GridSearchCV, ParameterSampler, ShuffleSplit

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import TONE_SETTINGS, make_tone_views
from mvdisent.metrics import get_scorer, make_probe_scorer, probe_gap_score
from mvdisent.model_selection import ablation_grid
from mvdisent.plotting import AblationDisplay

CELLS = [(block, factor) for factor in ("timbre", "frequency") for block in ("private", "shared")]
OWN = {"timbre": "shared", "frequency": "private"}
RANKERS = ("mutual_info_gap", "cross_view", "objective")
SPACE = {
    **{name: loguniform(0.03, 10) for name in ("alpha", "beta", "gamma")},
    "n_private": [1, 2, 4, 8],
    "n_shared": [1, 2, 4, 8],
    "warmup_epochs": [0, 5],
}


@contextlib.contextmanager
def engine(name):
    """Give the named joblib backend a local cluster of two workers."""
    if name == "dask":
        from dask.distributed import Client, LocalCluster

        with (
            LocalCluster(n_workers=2, threads_per_worker=1) as cluster,
            Client(cluster),
            joblib.parallel_config("dask"),
        ):
            yield
    elif name == "ray":
        import ray
        from ray.util.joblib import register_ray

        ray.init(num_cpus=2, include_dashboard=False)
        register_ray()
        try:
            with joblib.parallel_config("ray"):
                yield
        finally:
            ray.shutdown()
    else:
        with joblib.parallel_config(name):
            yield


def grid_of(args):
    if not args.random:
        return ablation_grid()
    draws = ParameterSampler(SPACE, args.random, random_state=args.seed)
    return [{name: [value] for name, value in draw.items()} for draw in draws]


def tabulate(results):
    """Lay out the cells and scores of each candidate, and the labelled gap."""
    table = pd.DataFrame(results["params"]).fillna(0.0)
    for block, factor in CELLS:
        table[f"{factor}, {block}"] = results[f"mean_test_{block} {factor}"]
    cells = [[table[f"{factor}, {block}"] for factor in OWN] for block in ("private", "shared")]
    by_candidate = np.asarray(cells).transpose(2, 0, 1)  # (n_candidates, block, factor)
    rows, chance = ["private", "shared", "chance"], [1 / 4, 1 / 21]
    table["probe_gap"] = [
        probe_gap_score(pd.DataFrame([*pair, chance], rows, list(OWN)), OWN)
        for pair in by_candidate
    ]
    for name in RANKERS:
        table[name] = results[f"mean_test_{name}"]
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=list(TONE_SETTINGS), default="bandlimited")
    parser.add_argument("--n-samples", type=int, default=4000, help="pairs to fit on")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--random", type=int, default=0, metavar="N")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--backend", choices=["loky", "dask", "ray"], default="loky")
    parser.add_argument("--figure", metavar="FILE", help="draws the ablation")
    args = parser.parse_args()

    X, factors = make_tone_views(
        args.n_samples + 2000,
        transform=LogMel(16000).fit_transform,
        random_state=args.seed,
        **TONE_SETTINGS[args.data],
    )
    scoring = {f"{b} {f}": make_probe_scorer(b, f) for b, f in CELLS}
    scoring |= {name: get_scorer(name) for name in RANKERS}
    search = GridSearchCV(
        MultiViewDisentangler(max_epochs=args.epochs, random_state=args.seed),
        grid_of(args),
        scoring=scoring,
        cv=ShuffleSplit(1, test_size=2000, random_state=args.seed),
        refit=False,
        n_jobs=args.n_jobs,
    )
    with engine(args.backend):
        start = time.perf_counter()
        search.fit(X, factors)
        seconds = time.perf_counter() - start
    table = tabulate(search.cv_results_)
    print(f"{args}; {seconds:.0f} s")
    print(table.round(3).to_string(index=False))
    ranks = table[["probe_gap", *RANKERS]].corr("spearman")["probe_gap"]
    print(f"Spearman's rho with probe_gap:\n{ranks.iloc[1:].round(2).to_string()}")
    if args.figure:
        display = AblationDisplay.from_cv_results(
            search.cv_results_, metrics=[f"{b} {f}" for b, f in CELLS]
        )
        display.figure_.savefig(args.figure, dpi=100, bbox_inches="tight")


if __name__ == "__main__":
    main()
