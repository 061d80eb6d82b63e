"""Does the model know an instrument at keys, and among instruments, it never met?

Notes of 33 sampled instruments (keys 48 to 84, one velocity, equal levels) as log-mel
spectra of 64 bands and 16 frames. Views share the instrument and differ in pitch; each
is shifted along the mel axis by itself. Four tasks, as in the docs' table:

    high     trained below key 72: the instrument of keys 72 and above, by probes fitted
             on the shared codes of the training notes
    pitch    the same model: the pitch within one semitone, by probes fitted on the private
             codes of every second key and tested on the others
    leakage  the same probes and keys: the pitch from shared, the instrument from private
    unseen   trained without 8 instruments, in 4 folds: the instrument of their notes by
             the 5 nearest of all notes that are more than 6 semitones away

Hand-made features in the same run: mean and standard deviation over time of each band;
and the same after a linear discriminant analysis of the training notes.

    python tests/benchmarks/bench_notes.py --seeds 0 1 2
    python tests/benchmarks/bench_notes.py --instruments 8 --step 3 --max-epochs 3 --repeats 1

The second takes seconds and says nothing but that all of it runs. The functions take
features of any model: arrays of a row a note.
"""

from __future__ import annotations

import argparse
import ast
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import NOTE_INSTRUMENTS, make_notes
from mvdisent.views import MelShift, augment, pair_by

LOWEST, HIGHEST, FIRST_HIGH = 48, 84, 72
N_NEIGHBOURS, WIDTH, N_FOLDS = 5, 6, 4


def load_notes(*, n_instruments=33, step=1, soundfont=None, band_limited=True, n_fft=1024):
    """Render the notes: spectra (n_notes, 64, 16) in dB, and factors."""
    log_mel = LogMel(16000, n_fft=n_fft, hop_length=1024, n_mels=64)
    names = list(NOTE_INSTRUMENTS)
    chosen = [names[i] for i in np.linspace(0, len(names) - 1, n_instruments).astype(int)]
    X, factors = make_notes(
        instruments=chosen,
        pitches=range(LOWEST, HIGHEST + 1, step),
        soundfont=soundfont,
        band_limited=band_limited,
        transform=log_mel.fit_transform,
    )
    return X[:, 0], factors


def hand_made(spectra):
    """Mean and standard deviation of each band over time, (n_notes, 2 * n_mels)."""
    return np.concatenate([spectra.mean(axis=2), spectra.std(axis=2)], axis=1)


def fit_model(spectra, factors, rows, *, seed, max_bands=10, repeats=8, **params):
    """Fit to pairs of some notes, drawn and shifted afresh each epoch."""
    pairs = pair_by(
        spectra[rows],
        factors["instrument"].to_numpy()[rows],
        differ=factors["pitch"].to_numpy()[rows],
        random_state=seed,
    )
    source = augment(pairs, MelShift(max_bands), random_state=seed) if max_bands else pairs
    settings = {"n_private": 8, "n_shared": 16, "objective": "swap", **params}
    model = MultiViewDisentangler(**settings, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the table shows it
        return model.fit(source[np.tile(np.arange(len(source)), repeats)])


def encode_notes(model, spectra):
    """Private and shared codes of each note by itself."""
    private, shared = model.encode(spectra)
    return private[:, 0], shared


def instrument_probes():
    """Probes of the instrument: linear, and by the nearest."""
    return {
        "linear": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        "5-NN": make_pipeline(StandardScaler(), KNeighborsClassifier(N_NEIGHBOURS)),
    }


def pitch_probes():
    """Probes of the pitch, in semitones: linear, by the nearest, and by kernels."""
    nearest = KNeighborsRegressor(N_NEIGHBOURS, weights="distance")
    return {
        "linear": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13))),
        "5-NN": make_pipeline(StandardScaler(), nearest),
        "SVR": make_pipeline(StandardScaler(), SVR(C=10.0)),
    }


def judge_instrument(features, factors, train, test):
    """Accuracy of each probe that is fitted on some notes, on others."""
    truth = factors["instrument"].to_numpy()
    told = tell(instrument_probes(), features, truth, train, test)
    return {name: float(np.mean(values == truth[test])) for name, values in told.items()}


def judge_pitch(features, factors, train, test):
    """Share of notes whose pitch each probe tells within one semitone."""
    truth = factors["pitch"].to_numpy(float)
    told = tell(pitch_probes(), features, truth, train, test)
    return {name: float(np.mean(abs(values - truth[test]) <= 1)) for name, values in told.items()}


def tell(probes, features, truth, train, test):
    """What each probe, fitted on some notes, says of others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return {
            name: probe.fit(features[train], truth[train]).predict(features[test])
            for name, probe in probes.items()
        }


def split_keys(factors):
    """Notes of every second key, and those of the others."""
    rank = factors["pitch"].rank(method="dense").to_numpy()
    return np.flatnonzero(rank % 2 == 1), np.flatnonzero(rank % 2 == 0)


def judge_nearest(features, factors, scale_rows, queries):
    """Share of notes whose instrument most of the nearest have, near keys left out.

    The features are standardised by ``scale_rows``. Of equal votes the nearest wins.
    """
    instrument, names = pd.factorize(factors["instrument"])
    pitch = factors["pitch"].to_numpy()
    Z = StandardScaler().fit(features[scale_rows]).transform(features)
    hits = []
    for query in queries:
        distance = np.square(Z - Z[query]).sum(axis=1)
        distance[np.abs(pitch - pitch[query]) <= WIDTH] = np.inf
        nearest = np.argsort(distance, kind="stable")[:N_NEIGHBOURS]
        votes = np.bincount(instrument[nearest], minlength=len(names))[instrument[nearest]]
        hits.append(instrument[nearest[votes.argmax()]] == instrument[query])
    return float(np.mean(hits))


def discriminate(features, factors, rows):
    """Project on the linear discriminants of some notes' instruments."""
    scaler = StandardScaler().fit(features[rows])
    lda = LinearDiscriminantAnalysis().fit(
        scaler.transform(features[rows]), factors["instrument"].to_numpy()[rows]
    )
    return lda.transform(scaler.transform(features))


def run_high(spectra, factors, *, seed, **settings):
    """Rows 1 to 3 of the table: scores by (task, features, probe)."""
    low = np.flatnonzero(factors["pitch"] < FIRST_HIGH)
    high = np.flatnonzero(factors["pitch"] >= FIRST_HIGH)
    private, shared = encode_notes(fit_model(spectra, factors, low, seed=seed, **settings), spectra)
    hand = hand_made(spectra)
    lda = discriminate(hand, factors, low)
    fitted, tested = split_keys(factors)
    cells = [
        ("high: instrument", "shared", judge_instrument(shared, factors, low, high)),
        ("high: instrument", "hand-made", judge_instrument(hand, factors, low, high)),
        ("high: instrument", "LDA", judge_instrument(lda, factors, low, high)),
        ("pitch", "private", judge_pitch(private, factors, fitted, tested)),
        ("pitch", "hand-made", judge_pitch(hand, factors, fitted, tested)),
        ("leakage: pitch", "shared", judge_pitch(shared, factors, fitted, tested)),
        ("leakage: instrument", "private", judge_instrument(private, factors, fitted, tested)),
    ]
    return {(task, of, probe): v for task, of, found in cells for probe, v in found.items()}


def run_unseen(spectra, factors, *, seed, **settings):
    """Row 4 of the table: scores by (task, features, probe), means over all unseen notes."""
    names = factors["instrument"].unique()
    hand, found = hand_made(spectra), []
    folds = KFold(N_FOLDS, shuffle=True, random_state=seed)
    for _, held_out in folds.split(names):
        unseen = factors["instrument"].isin(names[held_out]).to_numpy()
        train, queries = np.flatnonzero(~unseen), np.flatnonzero(unseen)
        model = fit_model(spectra, factors, train, seed=seed, **settings)
        blocks = {
            "shared": encode_notes(model, spectra)[1],
            "hand-made": hand,
            "LDA": discriminate(hand, factors, train),
        }
        found.append(
            {name: judge_nearest(Z, factors, train, queries) for name, Z in blocks.items()}
            | {"n": len(queries)}
        )
    table = pd.DataFrame(found)
    means = table.drop(columns="n").mul(table["n"], axis=0).sum() / table["n"].sum()
    return {("unseen: instrument", name, "5-NN"): mean for name, mean in means.items()}


def read_param(text):
    """Read ``lr=0.002`` or ``encoder=conv``."""
    name, _, value = text.partition("=")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--tasks", choices=["high", "unseen"], nargs="+", default=["high", "unseen"]
    )
    parser.add_argument("--soundfont", help="a .sf2 or .sf3 file; default: TimGM6mb.sf2")
    parser.add_argument("--aliased", action="store_true", help="notes without band_limited")
    parser.add_argument("--n-fft", type=int, default=1024)
    parser.add_argument("--instruments", type=int, default=33)
    parser.add_argument("--step", type=int, default=1, help="semitones between keys")
    parser.add_argument("--max-bands", type=int, default=10, help="largest shift; 0: none")
    parser.add_argument("--repeats", type=int, default=8, help="rows a note, in an epoch")
    parser.add_argument("--max-epochs", type=int, default=60)
    parser.add_argument("--n-private", type=int, default=8)
    parser.add_argument("--n-shared", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    more = "NAME=VALUE, a parameter more of MultiViewDisentangler, such as lr=0.002"
    parser.add_argument("--set", action="append", default=[], metavar="PARAM", help=more)
    args = vars(parser.parse_args(argv))
    print(args)
    seeds, tasks = args.pop("seeds"), args.pop("tasks")
    args |= dict(read_param(text) for text in args.pop("set"))
    spectra, factors = load_notes(
        n_instruments=args.pop("instruments"),
        step=args.pop("step"),
        soundfont=args.pop("soundfont"),
        band_limited=not args.pop("aliased"),
        n_fft=args.pop("n_fft"),
    )
    runs = {"high": run_high, "unseen": run_unseen}
    by_seed = []
    for seed in seeds:
        start, scores = time.perf_counter(), {}
        for task in tasks:
            scores |= runs[task](spectra, factors, seed=seed, **args)
        by_seed.append(pd.Series(scores))
        print(f"seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)
    table = pd.concat(by_seed, axis=1)
    table = pd.DataFrame({"mean": table.mean(axis=1), "std": table.std(axis=1, ddof=0)})
    table.index.names = ["task", "features", "probe"]
    print(table.round(3).to_string())
    return table


if __name__ == "__main__":
    main()
