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

--more fits to the other programs of the SoundFont too (not the percussion, nor those that
sound like one of the 33: their spectra differ by less than 8.5 dB in the mean over keys, root
mean square over a note). Nothing is asked of these notes; hand-made features learn from them too.

    python -m tests.benchmarks.bench_notes --seeds 0 1 2 --aliased --more --repeats 3
    python -m tests.benchmarks.bench_notes --seeds 100 --highest 71 --first-high 66
    python -m tests.benchmarks.bench_notes --tasks unseen --seeds 100 --soundfont ANOTHER
    python -m tests.benchmarks.bench_notes --instruments 8 --step 3 --max-epochs 3  # a minute

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
from pretty_midi import program_to_instrument_class, program_to_instrument_name
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import KFold

from mvdisent import LogCQT, LogMel, MultiViewDisentangler
from mvdisent.datasets import NOTE_INSTRUMENTS, NoteInstrument, make_notes
from mvdisent.views import MelShift, augment, pair_by
from tests.benchmarks.note_probes import (
    judge_instrument,
    judge_nearest,
    judge_pitch,
    scale_all,
    split_keys,
    standardise,
    vote,
)

LOWEST = 48
N_FOLDS = 4
# General MIDI programs whose notes are unlike each other, or have no pitch, below the
# percussion and the effects; and how far, in dB, --more must be from what is asked.
UNLIKE, N_PROGRAMS, NEAREST = {16, 17, 18, 31, 47, 97}, 112, 8.5
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
    n_asked: int  # of these, the first ones, are asked for; the others serve the fit


def load_notes(*, instruments, pitches, spectra, n_fft, soundfont=None, band_limited=True):
    """Render the notes."""
    waves, factors = make_notes(
        instruments=instruments, pitches=pitches, soundfont=soundfont, band_limited=band_limited
    )
    mel = LogMel(16000, n_fft=n_fft, hop_length=1024, n_mels=64).transform(waves)[:, 0]
    known = {"log-mel": summarise(mel)}
    if spectra == "mel":
        return Notes(mel, known, factors, len(mel))
    cqt = LogCQT(16000, hop_length=1024).transform(waves)[:, 0]
    return Notes(cqt, {**known, "log-CQT": summarise(cqt)}, factors, len(cqt))


def other_programs():
    """Name the programs of General MIDI that are not asked for."""
    taken = {known.program for known in NOTE_INSTRUMENTS.values()} | UNLIKE
    return {
        program_to_instrument_name(number): NoteInstrument(
            number, program_to_instrument_class(number), 0, 127
        )
        for number in range(N_PROGRAMS)
        if number not in taken
    }


def find_unlike(spectra, factors, more, of_more):
    """Give the rows of more spectra whose instrument sounds like none of the first ones."""
    asked, others = lay_out(spectra, factors), lay_out(more, of_more)
    names = of_more["instrument"].unique()
    nearest = [
        np.nanmean(np.sqrt(np.mean((asked - other) ** 2, axis=2)), axis=1).min() for other in others
    ]
    return np.flatnonzero(of_more["instrument"].isin(names[np.array(nearest) >= NEAREST]))


def add_more(notes, more):
    """Add notes for the fit, of the programs that sound like none of those asked for."""
    kept = find_unlike(notes.spectra, notes.factors, more.spectra, more.factors)
    hand_made = {
        name: np.vstack([hand, more.hand_made[name][kept]])
        for name, hand in notes.hand_made.items()
    }
    factors = pd.concat([notes.factors, more.factors.iloc[kept]], ignore_index=True)
    print(f"{factors['instrument'].nunique()} instruments, {len(factors)} notes")
    spectra = np.concatenate([notes.spectra, more.spectra[kept]])
    return Notes(spectra, hand_made, factors, notes.n_asked)


def lay_out(spectra, factors):
    """Lay out spectra as (n_instruments, n_pitches, n_values), NaN where a note is silent."""
    row, names = pd.factorize(factors["instrument"])
    column, pitches = pd.factorize(factors["pitch"], sort=True)
    spectra = spectra.reshape(len(row), -1)
    grid = np.full((len(names), len(pitches), spectra.shape[1]), np.nan, dtype=np.float32)
    grid[row, column] = spectra
    return grid


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


def run_high(notes, fit, *, first_high):
    """Score the instrument of high keys, the pitch, and what leaks."""
    factors = notes.factors
    low = np.flatnonzero(factors["pitch"] < first_high)
    model = fit(notes.spectra, factors, low)
    private, shared = (standardise(Z, low) for Z in encode_notes(model, notes.spectra))
    known = {
        "shared": shared,
        "shared, copies": standardise(encode_copies(model, notes.spectra), low),
        **scale_all(notes.hand_made, factors, low),
    }
    factors = factors[: notes.n_asked]
    low = low[low < notes.n_asked]
    high = np.flatnonzero(factors["pitch"] >= first_high)
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
    asked = factors[: notes.n_asked]
    names = asked["instrument"].unique()
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
            {name: judge_nearest(Z[: len(asked)], asked, queries) for name, Z in blocks.items()}
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
    scores, known = {}, slice(notes.n_asked)
    for name, features in blocks.items():
        distance = pairwise_distances(features[len(rows) :], features[known])
        for factor in ("instrument", "family"):
            found = vote(distance, notes.factors[factor].to_numpy()[known])
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
    parser.add_argument("--more", action="store_true", help="fit to the other programs too")
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
        pitches=range(LOWEST, args.highest + 1, args.step),
        spectra=args.spectra,
        n_fft=args.n_fft,
        band_limited=not args.aliased,
    )
    asked = [names[i] for i in np.linspace(0, len(names) - 1, args.instruments, dtype=int)]
    notes = load(instruments=asked, soundfont=args.soundfont)
    if args.more:
        notes = add_more(notes, load(instruments=other_programs(), soundfont=args.soundfont))
    others = load(instruments=asked, soundfont=args.other) if "other" in args.tasks else None
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
