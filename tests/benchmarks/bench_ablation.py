"""What does each term of the paper's objective do by itself, and can one tell without labels?

The paper's ablation as one GridSearchCV: reconstruction plus one term at 0, 0.1,
0.5 and 1; with ``--random N``, N random settings of weights and sizes instead.
Prints the four cells of each candidate, on held-out single views, and how well
each scorer ranks the candidates as the labelled gap does (Spearman's rho), as
means and standard deviations over the seeds. ``--backend`` runs the same search
on another engine, for its wall-clock time.
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
METRICS = [f"{block} {factor}" for block, factor in CELLS]
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
            LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0"
            ) as cluster,
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
    draws = ParameterSampler(SPACE, args.random, random_state=0)
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


def search(args, seed):
    """Fit every candidate to the tones of one seed, and time it."""
    X, factors = make_tone_views(
        args.n_samples + 2000,
        transform=LogMel(16000).fit_transform,
        random_state=seed,
        **TONE_SETTINGS[args.data],
    )
    scoring = {f"{b} {f}": make_probe_scorer(b, f) for b, f in CELLS}
    scoring |= {name: get_scorer(name) for name in RANKERS}
    search = GridSearchCV(
        MultiViewDisentangler(objective="marl", max_epochs=args.epochs, random_state=seed),
        grid_of(args),
        scoring=scoring,
        cv=ShuffleSplit(1, test_size=2000, random_state=seed),
        refit=False,
        n_jobs=args.n_jobs,
    )
    with engine(args.backend):
        start = time.perf_counter()
        search.fit(X, factors)
        return search.cv_results_, time.perf_counter() - start


def summarise(tables):
    """Print the mean and the standard deviation over the seeds, and of the ranks."""
    by_seed = pd.concat(tables).groupby(level=0)
    print(by_seed.mean().round(3).to_string(index=False))
    if len(tables) > 1:
        print("standard deviation")
        print(by_seed.std().round(3).to_string(index=False))
    columns = ["probe_gap", *RANKERS]
    ranks = pd.DataFrame(
        [table[columns].corr("spearman")["probe_gap"].iloc[1:] for table in tables]
    )
    print("Spearman's rho with probe_gap, a row a seed")
    print(ranks.round(2).to_string(index=False))


def draw(parts, file):
    """Draw the paper's figure: means over the seeds, with their deviation."""
    points = pd.concat(parts).groupby(["term", "weight", "metric"], sort=False)["mean"]
    scores = points.agg(["mean", "std"]).reset_index()
    chance = {"timbre": 1 / 4, "frequency": 1 / 21}
    display = AblationDisplay(scores, references={"chance": chance}, score_name="accuracy")
    display.plot().figure_.savefig(file, dpi=100, bbox_inches="tight")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=list(TONE_SETTINGS), default="bandlimited")
    parser.add_argument("--n-samples", type=int, default=4000, help="pairs to fit on")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated")
    parser.add_argument("--random", type=int, default=0, metavar="N")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--backend", choices=["loky", "dask", "ray"], default="loky")
    parser.add_argument("--figure", metavar="FILE", help="draws the ablation")
    args = parser.parse_args()

    tables, parts = [], []
    for seed in map(int, args.seeds.split(",")):
        results, seconds = search(args, seed)
        tables.append(tabulate(results))
        parts.append(AblationDisplay.from_cv_results(results, metrics=METRICS).scores)
        print(f"{args}: seed {seed}: {seconds:.0f} s", flush=True)
    summarise(tables)
    if args.figure:
        draw(parts, args.figure)


if __name__ == "__main__":
    main()
