"""Does the model know an instrument at keys, and among instruments, it never met?

Notes of 33 sampled instruments (keys 48 to 84, one velocity, equal levels) as constant-Q
spectra (a band a semitone, 16 frames), or as log-mel spectra of 64 bands. Views share the
instrument and differ in pitch. The tasks are those of docs/notes.rst:

    high     trained below key 72: the instrument of keys 72 and above, by probes fitted
             on the shared codes of the training notes; by the same model the pitch within
             one semitone, by probes fitted on the private codes of every second key and
             tested on the others; and what leaks, with the same keys. "copies": the mean of
             the shared codes of seven copies of a note, shifted by up to 6 bands
    unseen   trained without 8 instruments, in 4 folds: the instrument of their notes by
             the 5 nearest of all notes that are more than 6 semitones away
    other    trained on all notes: the instrument and the family of notes of another
             SoundFont (--other), by the 5 nearest of the first one's

Each view is shifted by itself for 'high' alone, as its keys were not trained on.

Hand-made features in the same run: mean and standard deviation over time of each mel band,
and of each band of the model's own spectra where those are others; and a linear discriminant
analysis (LDA, shrunk by Ledoit and Wolf) of the training notes for each. All but the LDA's,
which have their own scale, are standardised by the training notes.

    python tests/benchmarks/bench_notes.py --seeds 0 1 2 --aliased
    python tests/benchmarks/bench_notes.py --seeds 100 --highest 71 --first-high 66
    python tests/benchmarks/bench_notes.py --tasks unseen --seeds 100 --soundfont ANOTHER
    python tests/benchmarks/bench_notes.py --instruments 8 --step 3 --max-epochs 3  # a minute

The second judges on training keys alone, the third on other notes: so settings are chosen.
"""

from __future__ import annotations

import argparse
import ast
import time
import warnings
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from mvdisent import LogCQT, LogMel, MultiViewDisentangler
from mvdisent.datasets import NOTE_INSTRUMENTS, make_notes
from mvdisent.views import MelShift, augment, pair_by

LOWEST = 48
N_NEIGHBOURS, WIDTH, N_FOLDS = 5, 6, 4
SHIFTS = range(-6, 7, 2)
MAX_BANDS = {"high": 14, "unseen": 0, "other": 0}  # of each task, by default
# Chosen by the second and third command above, with --set.
RECIPE = {
    "n_private": 4,
    "n_shared": 16,
    "objective": "swap",
    "decoder_std": 0.2,
    "delta": 200.0,
    "lr": 0.002,
}


class Notes(NamedTuple):
    """Notes as the model takes them, hand-made features of them, and what they are."""

    spectra: np.ndarray  # (n_notes, n_bands, 16), dB
    hand_made: dict[str, np.ndarray]
    factors: pd.DataFrame


def load_notes(*, instruments, pitches, spectra, n_fft, soundfont=None, band_limited=True):
    """Render the notes."""
    waves, factors = make_notes(
        instruments=instruments, pitches=pitches, soundfont=soundfont, band_limited=band_limited
    )
    mel = LogMel(16000, n_fft=n_fft, hop_length=1024, n_mels=64).transform(waves)[:, 0]
    known = {"log-mel": summarise(mel)}
    if spectra == "mel":
        return Notes(mel, known, factors)
    cqt = LogCQT(16000, hop_length=1024).transform(waves)[:, 0]
    return Notes(cqt, {**known, "log-CQT": summarise(cqt)}, factors)


def summarise(spectra):
    """Mean and standard deviation of each band over time, (n_notes, 2 * n_bands)."""
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
    model = MultiViewDisentangler(**params, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the table shows it
        return model.fit(source[np.tile(np.arange(len(source)), repeats)])


def encode_notes(model, spectra):
    """Private and shared codes of each note by itself."""
    private, shared = model.encode(spectra)
    return private[:, 0], shared


def encode_copies(model, spectra):
    """Mean of the shared codes of each note's copies, shifted by up to 6 bands either way."""
    copies = [
        MelShift(abs(bands)).apply(spectra[:, None], np.full((len(spectra), 1), bands))[:, 0]
        for bands in SHIFTS
    ]
    return np.mean([encode_notes(model, copy)[1] for copy in copies], axis=0)


def instrument_probes():
    """Probes of the instrument: linear, and by the nearest."""
    return {
        "linear": LogisticRegression(max_iter=2000),
        "5-NN": KNeighborsClassifier(N_NEIGHBOURS),
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


def judge_nearest(features, factors, queries):
    """Share of notes whose instrument most of the nearest have, near keys left out."""
    pitch = factors["pitch"].to_numpy()
    distance = pairwise_distances(features[queries], features)
    distance[np.abs(pitch[queries][:, None] - pitch) <= WIDTH] = np.inf
    instrument = factors["instrument"].to_numpy()
    return float(np.mean(vote(distance, instrument) == instrument[queries]))


def vote(distance, labels):
    """Give the label that most of the nearest have; of equal votes the nearest wins."""
    codes, names = pd.factorize(labels)
    nearest = codes[np.argsort(distance, axis=1, kind="stable")[:, :N_NEIGHBOURS]]
    n_votes = (nearest[:, :, None] == nearest[:, None, :]).sum(axis=2)
    return names[np.take_along_axis(nearest, n_votes.argmax(axis=1)[:, None], 1)[:, 0]]


def scale_all(hand_made, factors, rows):
    """Standardise hand-made features by some notes; add an LDA of these for each."""
    scaled = {name: standardise(features, rows) for name, features in hand_made.items()}
    truth, found = factors["instrument"].to_numpy()[rows], {}
    for name, features in scaled.items():
        lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto")
        found[f"{name}, LDA"] = lda.fit(features[rows], truth).transform(features)
    return scaled | found


def standardise(features, rows):
    """Standardise features by some notes."""
    return StandardScaler().fit(features[rows]).transform(features)


def run_high(notes, fit, *, first_high):
    """Score the instrument of high keys, the pitch, and what leaks."""
    factors = notes.factors
    low = np.flatnonzero(factors["pitch"] < first_high)
    high = np.flatnonzero(factors["pitch"] >= first_high)
    model = fit(notes.spectra, factors, low)
    private, shared = (standardise(Z, low) for Z in encode_notes(model, notes.spectra))
    known = {
        "shared": shared,
        "shared, copies": standardise(encode_copies(model, notes.spectra), low),
        **scale_all(notes.hand_made, factors, low),
    }
    fitted, tested = split_keys(factors)
    cells = [
        *(
            ("high: instrument", name, judge_instrument(features, factors, low, high))
            for name, features in known.items()
        ),
        ("pitch", "private", judge_pitch(private, factors, fitted, tested)),
        *(
            ("pitch", name, judge_pitch(hand, factors, fitted, tested))
            for name, hand in notes.hand_made.items()
        ),
        ("leakage: pitch", "shared", judge_pitch(shared, factors, fitted, tested)),
        ("leakage: instrument", "private", judge_instrument(private, factors, fitted, tested)),
    ]
    return {(task, of, probe): v for task, of, found in cells for probe, v in found.items()}


def run_unseen(notes, fit, *, seed):
    """Score the nearest of notes of unseen instruments: means over all of these."""
    factors = notes.factors
    names = factors["instrument"].unique()
    found = []
    folds = KFold(N_FOLDS, shuffle=True, random_state=seed)
    for _, held_out in folds.split(names):
        unseen = factors["instrument"].isin(names[held_out]).to_numpy()
        train, queries = np.flatnonzero(~unseen), np.flatnonzero(unseen)
        shared = encode_notes(fit(notes.spectra, factors, train), notes.spectra)[1]
        blocks = {
            "shared": standardise(shared, train),
            **scale_all(notes.hand_made, factors, train),
        }
        found.append(
            {name: judge_nearest(Z, factors, queries) for name, Z in blocks.items()}
            | {"n": len(queries)}
        )
    table = pd.DataFrame(found)
    means = table.drop(columns="n").mul(table["n"], axis=0).sum() / table["n"].sum()
    return {("unseen: instrument", name, "5-NN"): mean for name, mean in means.items()}


def run_other(notes, fit, others):
    """Score the nearest, among the notes of the fit, of those of another SoundFont."""
    rows = np.arange(len(notes.factors))
    model = fit(notes.spectra, notes.factors, rows)
    shared = [encode_notes(model, font.spectra)[1] for font in (notes, others)]
    both = {
        name: np.vstack([hand, others.hand_made[name]]) for name, hand in notes.hand_made.items()
    }
    blocks = {
        "shared": standardise(np.vstack(shared), rows),
        **scale_all(both, notes.factors, rows),
    }
    scores = {}
    for name, features in blocks.items():
        distance = pairwise_distances(features[len(rows) :], features[rows])
        for factor in ("instrument", "family"):
            found = vote(distance, notes.factors[factor].to_numpy())
            scores[f"other: {factor}", name, "5-NN"] = np.mean(found == others.factors[factor])
    return scores


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
    parser.add_argument("--tasks", choices=MAX_BANDS, nargs="+", default=["high", "unseen"])
    parser.add_argument("--soundfont", help="a .sf2 or .sf3 file; default: TimGM6mb.sf2")
    parser.add_argument("--other", help="the SoundFont of the task 'other'")
    parser.add_argument("--aliased", action="store_true", help="notes without band_limited")
    parser.add_argument("--spectra", choices=["cqt", "mel"], default="cqt")
    parser.add_argument("--n-fft", type=int, default=1024, help="of mel spectra")
    parser.add_argument("--instruments", type=int, default=33)
    parser.add_argument("--step", type=int, default=1, help="semitones between keys")
    parser.add_argument("--highest", type=int, default=84, help="highest key there is")
    parser.add_argument("--first-high", type=int, default=72, help="first key that 'high' asks")
    shift = "largest shift, 0: none; default: 14 for 'high', 0 for the others"
    parser.add_argument("--max-bands", type=int, help=shift)
    parser.add_argument("--repeats", type=int, default=8, help="rows a note, in an epoch")
    parser.add_argument("--max-epochs", type=int, default=60)
    more = "NAME=VALUE, a parameter more of MultiViewDisentangler, such as lr=0.002"
    parser.add_argument("--set", action="append", default=[], metavar="PARAM", help=more)
    args = parser.parse_args(argv)
    if "other" in args.tasks and args.other is None:
        parser.error("--tasks other needs a SoundFont: pass --other")
    print(vars(args))
    names = list(NOTE_INSTRUMENTS)
    load = partial(
        load_notes,
        instruments=[names[i] for i in np.linspace(0, len(names) - 1, args.instruments, dtype=int)],
        pitches=range(LOWEST, args.highest + 1, args.step),
        spectra=args.spectra,
        n_fft=args.n_fft,
        band_limited=not args.aliased,
    )
    notes = load(soundfont=args.soundfont)
    others = load(soundfont=args.other) if "other" in args.tasks else None
    params = {**RECIPE, "max_epochs": args.max_epochs, **dict(map(read_param, args.set))}
    by_seed = []
    for seed in args.seeds:
        for task in args.tasks:
            max_bands = MAX_BANDS[task] if args.max_bands is None else args.max_bands
            fit = partial(fit_model, seed=seed, max_bands=max_bands, repeats=args.repeats, **params)
            run = {
                "high": partial(run_high, first_high=args.first_high),
                "unseen": partial(run_unseen, seed=seed),
                "other": partial(run_other, others=others),
            }[task]
            start = time.perf_counter()
            scores = run(notes, fit)
            by_seed.append(pd.DataFrame({"seed": seed, "score": pd.Series(scores)}))
            print(f"seed {seed}, {task}: {time.perf_counter() - start:.0f} s", flush=True)
            print(by_seed[-1]["score"].round(3).to_string(), flush=True)
    table = pd.concat(by_seed).rename_axis(["task", "features", "probe"])
    table = table.pivot_table(index=table.index.names, columns="seed", values="score", sort=False)
    summary = {"mean": table.mean(axis=1), "std": table.std(axis=1, ddof=0)}
    print(table.assign(**summary).round(3).to_string())
    return table


if __name__ == "__main__":
    main()
