"""How much of an instrument do pooled spectra tell, with and without a network?

The tasks of ``bench_notes`` that ask for the instrument, of ``TimePool`` features: four kinds
of spectra side by side (mel and constant-Q bands, in dB and as the fourth root of the power,
the constant-Q ones with all their Fourier rows), pooled over time with three cosine terms,
rotated and scaled by how notes of one instrument differ. That is learned from the notes that
``bench_notes`` fits its model to, from pairs and no label, and for the high keys from copies of
these notes too that are played faster, as a sampler transposes. Features are centred and of
unit length, so that the nearest are those by the cosine.

    pooled    all of them
    axes      the 32 along which the two notes of a pair agree most
    shared    the shared block of a linear model of these axes

"leakage": the pitch within a semitone from the features of the high keys' fit, by probes
fitted on every second key. "other, centred": features of each SoundFont less their own mean,
which takes many notes of the other, and no label.

    python -m tests.benchmarks.bench_pooled_notes --seeds 0 1 2 --other FluidR3Mono_GM.sf3 --more
    python -m tests.benchmarks.bench_pooled_notes --seeds 100 101 102 --highest 71 --first-high 60
    python -m tests.benchmarks.bench_pooled_notes --seeds 100 --soundfont FluidR3Mono_GM.sf3

The second and the third judge on training keys and on other notes: so settings are chosen.
"""

from __future__ import annotations

import argparse
import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
import soxr
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import KFold

from mvdisent import LogCQT, LogMel, MultiViewDisentangler
from mvdisent.datasets import NOTE_INSTRUMENTS, make_notes
from mvdisent.views import TimePool, pair_by
from tests.benchmarks.bench_notes import find_unlike, other_programs
from tests.benchmarks.note_probes import (
    judge_instrument,
    judge_nearest,
    judge_pitch,
    split_keys,
    vote,
)

RATE, HOP = 16000, 1024
RIDGE, N_COSINES, N_AXES, LENGTH = 1.0, 3, 32, 8.0
PAIRS, EPOCH = 4, 10_000  # of a note for the axes; of all notes for an epoch of the model
FASTER = (2, 4, 7)  # semitones
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


class Stack(NamedTuple):
    """Spectra of notes side by side, and what the notes are."""

    spectra: np.ndarray  # (n_notes, n_bands, 16)
    factors: pd.DataFrame
    n_asked: int  # of these, the first ones, are asked for; the others serve the fit


def stack_spectra(waves, hop):
    """Compute the four kinds of spectra, one above the other."""
    fronts = [
        front(RATE, hop_length=hop, compression=compression, **settings)
        for front, settings in (
            (LogCQT, {"n_fourier": "all"}),
            (LogMel, {"n_fft": 1024, "n_mels": 64}),
        )
        for compression in (None, 0.25)
    ]
    return np.concatenate([front.transform(waves)[:, 0] for front in fronts], axis=1)


def play_faster(waves, semitones):
    """Transpose notes upwards as a sampler does, which makes them shorter, at equal levels."""
    ratio = 2 ** (semitones / 12)
    faster = soxr.resample(waves.T, RATE * ratio, RATE).T
    level = np.sqrt(np.mean(waves**2) / np.mean(faster**2))
    return np.ascontiguousarray(faster * level, dtype=np.float32), round(HOP / ratio)


def load_stack(soundfont, highest, *, more=False, copies=False):
    """Render notes; give their spectra and what they are."""
    settings = {
        "pitches": range(48, highest + 1),
        "soundfont": soundfont,
        "band_limited": False,
    }
    waves, factors = make_notes(instruments=list(NOTE_INSTRUMENTS), **settings)
    n_asked = len(waves)
    if more:
        others, of_others = make_notes(instruments=other_programs(), **settings)
        cqt = LogCQT(RATE, hop_length=HOP)
        kept = find_unlike(
            cqt.transform(waves)[:, 0], factors, cqt.transform(others)[:, 0], of_others
        )
        waves = np.concatenate([waves, others[kept]])
        factors = pd.concat([factors, of_others.iloc[kept]], ignore_index=True)
        print(f"{factors['instrument'].nunique()} instruments, {len(factors)} notes")
    spectra, tables = [stack_spectra(waves, HOP)], [factors]
    for semitones in FASTER if copies else ():
        spectra.append(stack_spectra(*play_faster(waves[:n_asked], semitones)))
        copied = factors[:n_asked]
        tables.append(copied.assign(pitch=copied["pitch"] + semitones, copy=semitones))
    return Stack(np.concatenate(spectra), pd.concat(tables, ignore_index=True), n_asked)


def pair_notes(features, factors, rows, seed, n_pairs):
    """Pairs of one instrument, not of one pitch, among some rows."""
    source = pair_by(
        features[rows],
        factors["instrument"].to_numpy()[rows],
        differ=factors["pitch"].to_numpy()[rows],
        random_state=seed,
    )
    return source[np.tile(np.arange(len(rows)), n_pairs)]


def learn(notes, rows, seed, n_pairs=PAIRS):
    """Learn from some rows of the notes; give a function that gives features by name."""
    n_pooled = (3 + N_COSINES) * notes.spectra.shape[1]
    step = TimePool(ridge=RIDGE, n_cosines=N_COSINES, n_components=n_pooled)
    step.fit(pair_notes(notes.spectra, notes.factors, rows, seed, n_pairs))

    def along(spectra):
        return step.transform(spectra[:, None])[:, 0]

    model = MultiViewDisentangler(**MODEL, random_state=seed)
    axes = along(notes.spectra)[:, :N_AXES]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the axes hold nothing private
        model.fit(pair_notes(axes, notes.factors, rows, seed, max(1, EPOCH // len(rows))))
    centre = model.encode(axes[rows][:, None])[1].mean(axis=0)

    def give(spectra):
        pooled = along(spectra)
        shared = model.encode(pooled[:, None, :N_AXES])[1] - centre
        return {"pooled": pooled, "axes": pooled[:, :N_AXES], "shared": shared}

    return give


def unit(Z):
    """Scale rows to one length."""
    return Z * (LENGTH / np.linalg.norm(Z, axis=1, keepdims=True))


def run_high(notes, first_high, seed):
    """Score the instrument of high keys, and the pitch that leaks."""
    factors, asked = notes.factors, notes.factors[: notes.n_asked]
    pitch = asked["pitch"].to_numpy()
    low, high = np.flatnonzero(pitch < first_high), np.flatnonzero(pitch >= first_high)
    learned = np.isin(np.arange(len(factors)) % notes.n_asked, low)  # with their copies
    n_pairs = max(1, PAIRS * len(low) // learned.sum())
    scores, give = {}, learn(notes, np.flatnonzero(learned), seed, n_pairs)
    for name, Z in give(notes.spectra[: notes.n_asked]).items():
        cells = {
            "high: instrument": judge_instrument(unit(Z), asked, low, high),
            "leakage: pitch": judge_pitch(unit(Z), asked, *split_keys(asked)),
        }
        scores |= {(task, name, probe): v for task, c in cells.items() for probe, v in c.items()}
    return scores


def run_unseen(notes, seed):
    """Score the nearest of notes of unseen instruments: means over all of these."""
    asked, found = notes.factors[: notes.n_asked], []
    names = asked["instrument"].unique()
    for _, held_out in KFold(N_FOLDS, shuffle=True, random_state=seed).split(names):
        unseen = notes.factors["instrument"].isin(names[held_out]).to_numpy()
        queries = np.flatnonzero(unseen)
        give = learn(notes, np.flatnonzero(~unseen), seed)
        found += [
            (name, len(queries), judge_nearest(unit(Z), asked, queries))
            for name, Z in give(notes.spectra[: notes.n_asked]).items()
        ]
    table = pd.DataFrame(found, columns=["name", "n", "share"])
    return {
        ("unseen: instrument", name, "5-NN"): np.average(rows["share"], weights=rows["n"])
        for name, rows in table.groupby("name")
    }


def run_other(notes, others, seed):
    """Score the nearest, among the notes asked for, of those of another SoundFont."""
    give, scores = learn(notes, np.arange(len(notes.factors)), seed), {}
    known, asked = notes.factors[: notes.n_asked], others.factors
    here, there = give(notes.spectra[: notes.n_asked]), give(others.spectra)
    for name, Z in here.items():
        moved = there[name] - there[name].mean(axis=0) + Z.mean(axis=0)
        for task, queries in (("other", there[name]), ("other, centred", moved)):
            distance = pairwise_distances(unit(queries), unit(Z))
            for factor in ("instrument", "family"):
                told = vote(distance, known[factor].to_numpy())
                scores[f"{task}: {factor}", name, "5-NN"] = np.mean(told == asked[factor])
    return scores


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tasks", choices=["high", "unseen", "other"], nargs="+")
    parser.add_argument("--soundfont", help="a .sf2 or .sf3 file; default: TimGM6mb.sf2")
    parser.add_argument("--other", help="another, of which it asks too")
    more = "learn from the other programs of the SoundFont too, for 'unseen'"
    parser.add_argument("--more", action="store_true", help=more)
    parser.add_argument("--highest", type=int, default=84, help="highest key there is")
    parser.add_argument("--first-high", type=int, default=72, help="first key not learned from")
    args = parser.parse_args()
    tasks = args.tasks or ["high", "unseen"] + ["other"] * bool(args.other)
    print(vars(args))
    load = {"high": {"copies": True}, "unseen": {"more": args.more}, "other": {}}
    stacks = {
        str(how): load_stack(args.soundfont, args.highest, **how)
        for how in {str(load[task]): load[task] for task in tasks}.values()
    }
    others = load_stack(args.other, args.highest) if args.other else None
    by_seed = {}
    for seed in args.seeds:
        scores = {}
        for task in tasks:
            notes = stacks[str(load[task])]
            if task == "high":
                scores |= run_high(notes, args.first_high, seed)
            elif task == "unseen":
                scores |= run_unseen(notes, seed)
            else:
                scores |= run_other(notes, others, seed)
        by_seed[seed] = pd.Series(scores)
        print(by_seed[seed].round(3).to_string(), flush=True)
    table = pd.concat(by_seed, axis=1)
    summary = {"mean": table.mean(axis=1), "std": table.std(axis=1, ddof=0)}
    print(table.assign(**summary).round(3).to_string())


if __name__ == "__main__":
    main()
