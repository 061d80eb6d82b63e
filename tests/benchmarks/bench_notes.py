"""Does the model know an instrument at keys, and among instruments, it never met?

Notes of 33 sampled instruments (keys 48 to 84, one velocity, equal levels) as constant-Q
spectra (a band a semitone, 16 frames), or as log-mel spectra of 64 bands. Views share the
instrument and differ in pitch; each is shifted by some bands by itself. The tasks are those
of the table in docs/notes.rst:

    high     trained below key 72: the instrument of keys 72 and above, by probes fitted
             on the shared codes of the training notes; by the same model the pitch within
             one semitone, by probes fitted on the private codes of every second key and
             tested on the others; and what leaks: with the same keys, the pitch from
             shared, the instrument from private
    unseen   trained without 8 instruments, in 4 folds: the instrument of their notes by
             the 5 nearest of all notes that are more than 6 semitones away
    other    trained on all notes: the instrument and the family of notes of another
             SoundFont (--other), by the 5 nearest of the first one's

Hand-made features in the same run: mean and standard deviation over time of each mel band,
and of each band of the model's own spectra where those are others; and the first after a
linear discriminant analysis of the training notes.

    python tests/benchmarks/bench_notes.py --seeds 0 1 2 --aliased
    python tests/benchmarks/bench_notes.py --seeds 100 --highest 71 --first-high 66
    python tests/benchmarks/bench_notes.py --instruments 8 --step 3 --max-epochs 3 --repeats 1

The second judges on training keys alone: so settings are chosen. The third takes seconds and
says nothing but that all of it runs. The functions take features of any model: arrays of a
row a note.
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
TASKS = ("high", "unseen", "other")
# Chosen on training keys, by the second command above with --set.
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

    The features are standardised by ``scale_rows``.
    """
    pitch = factors["pitch"].to_numpy()
    Z = StandardScaler().fit(features[scale_rows]).transform(features)
    distance = pairwise_distances(Z[queries], Z)
    distance[np.abs(pitch[queries][:, None] - pitch) <= WIDTH] = np.inf
    instrument = factors["instrument"].to_numpy()
    return float(np.mean(vote(distance, instrument) == instrument[queries]))


def vote(distance, labels):
    """Give the label that most of the nearest have; of equal votes the nearest wins."""
    codes, names = pd.factorize(labels)
    nearest = codes[np.argsort(distance, axis=1, kind="stable")[:, :N_NEIGHBOURS]]
    n_votes = (nearest[:, :, None] == nearest[:, None, :]).sum(axis=2)
    return names[np.take_along_axis(nearest, n_votes.argmax(axis=1)[:, None], 1)[:, 0]]


def discriminate(features, factors, rows):
    """Project on the linear discriminants of some notes' instruments."""
    scaler = StandardScaler().fit(features[rows])
    lda = LinearDiscriminantAnalysis().fit(
        scaler.transform(features[rows]), factors["instrument"].to_numpy()[rows]
    )
    return lda.transform(scaler.transform(features))


def run_high(notes, fit, *, first_high):
    """Score the instrument of high keys, the pitch, and what leaks."""
    factors = notes.factors
    low = np.flatnonzero(factors["pitch"] < first_high)
    high = np.flatnonzero(factors["pitch"] >= first_high)
    private, shared = encode_notes(fit(notes.spectra, factors, low), notes.spectra)
    fitted, tested = split_keys(factors)
    known = {**notes.hand_made, "LDA": discriminate(notes.hand_made["log-mel"], factors, low)}
    cells = [
        ("high: instrument", "shared", judge_instrument(shared, factors, low, high)),
        *(
            ("high: instrument", name, judge_instrument(hand, factors, low, high))
            for name, hand in known.items()
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
        blocks = {
            "shared": encode_notes(fit(notes.spectra, factors, train), notes.spectra)[1],
            **notes.hand_made,
            "LDA": discriminate(notes.hand_made["log-mel"], factors, train),
        }
        found.append(
            {name: judge_nearest(Z, factors, train, queries) for name, Z in blocks.items()}
            | {"n": len(queries)}
        )
    table = pd.DataFrame(found)
    means = table.drop(columns="n").mul(table["n"], axis=0).sum() / table["n"].sum()
    return {("unseen: instrument", name, "5-NN"): mean for name, mean in means.items()}


def run_other(notes, fit, others):
    """Score the nearest, among the notes of the fit, of those of another SoundFont."""
    model = fit(notes.spectra, notes.factors, np.arange(len(notes.factors)))
    blocks = {
        "shared": (encode_notes(model, notes.spectra)[1], encode_notes(model, others.spectra)[1]),
        **{name: (hand, others.hand_made[name]) for name, hand in notes.hand_made.items()},
    }
    scores = {}
    for name, (known, asked) in blocks.items():
        scaler = StandardScaler().fit(known)
        distance = pairwise_distances(scaler.transform(asked), scaler.transform(known))
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
    parser.add_argument("--tasks", choices=TASKS, nargs="+", default=["high", "unseen"])
    parser.add_argument("--soundfont", help="a .sf2 or .sf3 file; default: TimGM6mb.sf2")
    parser.add_argument("--other", help="the SoundFont of the task 'other'")
    parser.add_argument("--aliased", action="store_true", help="notes without band_limited")
    parser.add_argument("--spectra", choices=["cqt", "mel"], default="cqt")
    parser.add_argument("--n-fft", type=int, default=1024, help="of mel spectra")
    parser.add_argument("--instruments", type=int, default=33)
    parser.add_argument("--step", type=int, default=1, help="semitones between keys")
    parser.add_argument("--highest", type=int, default=84, help="highest key there is")
    parser.add_argument("--first-high", type=int, default=72, help="first key that 'high' asks")
    parser.add_argument("--max-bands", type=int, default=14, help="largest shift; 0: none")
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
        fit = partial(
            fit_model, seed=seed, max_bands=args.max_bands, repeats=args.repeats, **params
        )
        run = {
            "high": partial(run_high, notes, fit, first_high=args.first_high),
            "unseen": partial(run_unseen, notes, fit, seed=seed),
            "other": partial(run_other, notes, fit, others),
        }
        for task in args.tasks:
            start = time.perf_counter()
            scores = run[task]()
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
