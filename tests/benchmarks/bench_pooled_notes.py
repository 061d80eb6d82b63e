"""How much of an instrument do pooled spectra tell, with and without a network?

The tasks of ``bench_notes`` that ask for the instrument, of ``TimePool`` features: four kinds
of spectra side by side (mel and constant-Q bands, in dB and as the fourth root of the power,
the constant-Q ones with all their Fourier rows), pooled over time, rotated and scaled by how
notes of one instrument differ. That is learned from the notes that ``bench_notes`` fits its
model to, from the same pairs and no label. Features are centred and of unit length, so that
the nearest are those by the cosine. "axes": of these the 32 along which the two notes of a pair
agree most. "shared": the shared block of a linear model of these axes.

    python -m tests.benchmarks.bench_pooled_notes --seeds 0 1 2 --other FluidR3Mono_GM.sf3
    python -m tests.benchmarks.bench_pooled_notes --seeds 100 101 102 --highest 71 --first-high 60
    python -m tests.benchmarks.bench_pooled_notes --seeds 100 --soundfont FluidR3Mono_GM.sf3

The second and the third judge on training keys and on other notes: so settings are chosen.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import KFold

from mvdisent import LogCQT, LogMel, MultiViewDisentangler
from mvdisent.datasets import NOTE_INSTRUMENTS, make_notes
from mvdisent.views import TimePool, pair_by
from tests.benchmarks.note_probes import judge_instrument, judge_nearest, vote

RIDGE, N_AXES, REPEATS, LENGTH = 1.0, 32, 4, 8.0
N_FOLDS = 4
MODEL = {
    "n_private": 4,
    "n_shared": N_AXES,
    "objective": "swap",
    "decoder_std": 0.2,
    "lr": 0.002,
    "encoder": "linear",
    "decoder": "linear",
}


def load_stack(soundfont, highest):
    """Render notes; give their spectra (n_notes, n_bands, 16) and what they are."""
    waves, factors = make_notes(
        instruments=list(NOTE_INSTRUMENTS),
        pitches=range(48, highest + 1),
        soundfont=soundfont,
        band_limited=False,
    )
    fronts = [
        front(16000, hop_length=1024, compression=compression, **settings)
        for front, settings in (
            (LogCQT, {"n_fourier": "all"}),
            (LogMel, {"n_fft": 1024, "n_mels": 64}),
        )
        for compression in (None, 0.25)
    ]
    return np.concatenate([front.transform(waves)[:, 0] for front in fronts], axis=1), factors


def pool(X, factors, rows, others, seed):
    """Learn from some rows of X; give the features of X and of the others, by name."""
    source = pair_by(
        X[rows],
        factors["instrument"].to_numpy()[rows],
        differ=factors["pitch"].to_numpy()[rows],
        random_state=seed,
    )
    pairs = np.asarray(source[np.tile(np.arange(len(rows)), REPEATS)])
    step = TimePool(ridge=RIDGE).fit(pairs)
    one, two = np.moveaxis(step.transform(pairs).astype(float), 1, 0)
    agreed = np.linalg.eigh(one.T @ two + two.T @ one)[1][:, : -N_AXES - 1 : -1]
    Z = step.transform(np.concatenate([X, others])[:, None])[:, 0].astype(float)
    along = (Z @ agreed).astype(np.float32)
    shared = fit_shared(along, factors, rows, seed)
    return {"pooled": unit(Z), "axes": unit(along), "shared": unit(shared - shared[rows].mean(0))}


def fit_shared(along, factors, rows, seed):
    """Fit a linear model to pairs of some rows; give the shared codes of all."""
    source = pair_by(
        along[rows],
        factors["instrument"].to_numpy()[rows],
        differ=factors["pitch"].to_numpy()[rows],
        random_state=seed,
    )
    model = MultiViewDisentangler(**MODEL, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the axes hold nothing private
        model.fit(source[np.tile(np.arange(len(rows)), 2 * REPEATS)])
    return model.encode(along[:, None])[1]


def unit(Z):
    """Scale rows to one length."""
    return Z * (LENGTH / np.linalg.norm(Z, axis=1, keepdims=True))


def run(X, factors, others, other_factors, args, seed):
    """Scores of one seed by (task, features, probe)."""
    instrument, pitch = (factors[name].to_numpy() for name in ("instrument", "pitch"))
    scores = {}
    low, high = np.flatnonzero(pitch < args.first_high), np.flatnonzero(pitch >= args.first_high)
    for name, Z in pool(X, factors, low, others, seed).items():
        for probe, share in judge_instrument(Z[: len(X)], factors, low, high).items():
            scores["high: instrument", name, probe] = share
    names, found = factors["instrument"].unique(), []
    for _, held_out in KFold(N_FOLDS, shuffle=True, random_state=seed).split(names):
        unseen = np.isin(instrument, names[held_out])
        features = pool(X, factors, np.flatnonzero(~unseen), others, seed)
        queries = np.flatnonzero(unseen)
        found += [
            (name, len(queries), judge_nearest(Z[: len(X)], factors, queries))
            for name, Z in features.items()
        ]
    for name, rows in pd.DataFrame(found, columns=["name", "n", "share"]).groupby("name"):
        scores["unseen: instrument", name, "5-NN"] = np.average(rows["share"], weights=rows["n"])
    if len(others):
        for name, Z in pool(X, factors, np.arange(len(X)), others, seed).items():
            distance = pairwise_distances(Z[len(X) :], Z[: len(X)])
            for factor in ("instrument", "family"):
                told = vote(distance, factors[factor].to_numpy())
                scores[f"other: {factor}", name, "5-NN"] = np.mean(told == other_factors[factor])
    return pd.Series(scores)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--soundfont", help="a .sf2 or .sf3 file; default: TimGM6mb.sf2")
    parser.add_argument("--other", help="another, of which it asks too")
    parser.add_argument("--highest", type=int, default=84, help="highest key there is")
    parser.add_argument("--first-high", type=int, default=72, help="first key not learned from")
    args = parser.parse_args()
    print(vars(args))
    X, factors = load_stack(args.soundfont, args.highest)
    others, other_factors = X[:0], factors[:0]
    if args.other:
        others, other_factors = load_stack(args.other, args.highest)
    table = pd.concat(
        {s: run(X, factors, others, other_factors, args, s) for s in args.seeds}, axis=1
    )
    summary = {"mean": table.mean(axis=1), "std": table.std(axis=1, ddof=0)}
    print(table.assign(**summary).round(3).to_string())


if __name__ == "__main__":
    main()
