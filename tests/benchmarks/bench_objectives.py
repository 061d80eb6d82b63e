"""How long does an epoch take by "swap" and "transport", beside the paper's objective?

Each objective is fitted in turn, again and again, so that a busy machine slows all
alike. The epochs after the first two count (by then "transport" seeks partners by
what is decoded, its dearest way). Prints medians and spreads (least to greatest) of
seconds an epoch, the time as a multiple of that of "marl", and the seconds of a fit
that are no epoch's: checks, the last pass, and the separation of "transport".
Nothing else should run beside it.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent._reproduce import SPECTRA
from mvdisent.datasets import make_tone_views

OBJECTIVES = ("marl", "swap", "transport")
N_SKIPPED = 2  # epochs that are no objective's usual ones


def time_fit(X, objective, n_epochs, seed):
    """Give the seconds of each epoch that counts, and those of a fit beside its epochs."""
    model = MultiViewDisentangler(
        objective=objective, warmup_epochs=1, max_epochs=n_epochs, random_state=seed
    )
    start = time.perf_counter()
    model.fit(X)
    whole = time.perf_counter() - start
    seconds = model._live_net().history[:, "dur"]  # by skorch's own clock
    return seconds[N_SKIPPED:], whole - sum(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-samples", type=int, default=16000, help="pairs of tones")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    spectra = LogMel(16000, **SPECTRA["transport"])
    X = make_tone_views(args.n_samples, transform=spectra.fit_transform, random_state=0)[0]
    print(f"{X.shape}, {args.threads} threads, {args.epochs} epochs, seeds {args.seeds}")
    epochs = {objective: [] for objective in OBJECTIVES}
    rest = {objective: [] for objective in OBJECTIVES}
    for seed in args.seeds:
        for objective in OBJECTIVES:
            seconds, beside = time_fit(X, objective, args.epochs, seed)
            epochs[objective].append(np.mean(seconds))
            rest[objective].append(beside)
    for objective in OBJECTIVES:
        ratios = np.divide(epochs[objective], epochs["marl"])
        print(
            f"{objective:10} {np.median(epochs[objective]):6.2f} s an epoch "
            f"({min(epochs[objective]):.2f} to {max(epochs[objective]):.2f}), "
            f"{np.median(ratios):.2f} x ({ratios.min():.2f} to {ratios.max():.2f}), "
            f"and {np.median(rest[objective]):.1f} s a fit"
        )


if __name__ == "__main__":
    main()
