"""Is the nearest crop of unheard recordings one of the same track?

Recordings of 31 s or more, 16 kHz mono, as log-mel spectra of 64 bands and 31 frames a
second, kept on disk. Tracks of the folders after ``--test`` are held out; without it, a
third of all tracks, drawn once for all seeds. Of each held-out track, crops of 1 s and of
3 s, at equal levels, that begin 5.12 s apart (20 at most, the first at a place that the
seed draws), so that none overlap; each asks for the nearest of all others. Right is one of
its own track.

Views are windows of 1 s of one training track, paired afresh each epoch: mean, standard
deviation and mean absolute change over time of each band, rotated and scaled so that
windows of one track differ alike in all directions (``TimePool``, fitted on the same
pairs). Networks are linear. The features of a crop of 3 s are the mean of the shared codes
of five windows in it.

Hand-made features in the same run, on the same crops:

    hand-made         mean and standard deviation over time of each band
    MFCC              the same of 20 coefficients
    with change       hand-made, and the mean absolute change: what the model is given
    LDA               that, after a discriminant analysis of the training tracks
    whitened          that, rotated and scaled as the model's input is

At 3 s also means over the five windows ("pooled"). Nearest by the distance of features that
are standardised by the training tracks, and by the cosine of those that are centred by them.

    python tests/benchmarks/bench_recordings.py FOLDER ... --test FOLDER ... --seeds 0 1 2
    python tests/benchmarks/bench_recordings.py FOLDER ... --part validation
    python tests/benchmarks/bench_recordings.py FOLDER --quick

The second leaves out the held-out tracks and splits the others once more, to choose by. The
third takes 12 tracks and seconds, and says nothing but that all of it runs.
"""

from __future__ import annotations

import argparse
import ast
import time
import warnings
from functools import partial
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import soundfile
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent._fit_job import POOLED_MODEL
from mvdisent.audio import cache_log_mel
from mvdisent.datasets import AudioTable
from mvdisent.views import TimePool, pair_by

RATE, HOP, N_MELS = 16000, 512, 64
STRETCH, FEWEST = 320, 3  # frames that are read at a time, and how often of a track
SECONDS, MARGIN = STRETCH * HOP / RATE, 0.1  # some files announce a little more than they hold
WINDOW, LENGTHS = 31, {"1 s": 31, "3 s": 94}  # frames
STEP, MOST, N_POOLED = 160, 20, 5
FLOOR, FAINT = -60.0, -30.0  # dB below a crop's own level, and below that of most crops


def list_stretches(folder, longest):
    """Lay stretches end to end over the first ``longest`` seconds of each recording."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # files that a metadata.csv does not list
        paths = AudioTable(folder).segments["path"]
    rows = []
    for path in paths:
        try:
            seconds = soundfile.info(path).duration
        except soundfile.LibsndfileError as error:
            print(f"left out: {path}: {error}")
            continue
        n = int(min(seconds - MARGIN, longest) // SECONDS)
        if n >= FEWEST:
            rows += [(path, i * SECONDS) for i in range(n)]
    return pd.DataFrame(rows, columns=["path", "offset"])


def load_tracks(folders, cache, longest=180.0):
    """Read recordings: spectra (64, n_frames) in dB of full scale, one a track, and a table."""
    front = LogMel(RATE, n_fft=1024, hop_length=HOP, n_mels=N_MELS, ref=1.0, top_db=None)
    tracks, rows = [], []
    for folder in folders:
        stretches = list_stretches(folder, longest)
        if stretches.empty:
            continue
        clips = cache_log_mel(
            stretches, cache, log_mel=front, duration=SECONDS, level=None, on_error="skip"
        )
        for path, fault in clips.skipped.groupby("file")["fault"].first().items():
            print(f"skipped, in whole or in part: {path}: {fault}")
        of_clip = stretches["path"].to_numpy()[clips.rows]
        for path in dict.fromkeys(of_clip):
            X = np.concatenate(clips.X[of_clip == path, :, :STRETCH], axis=1)
            if X.shape[1] >= FEWEST * STRETCH:
                tracks.append(X)
                rows.append((str(folder), Path(path).name))
    return tracks, pd.DataFrame(rows, columns=["folder", "file"])


def split_tracks(rows, seed=0, share=1 / 3):
    """Split some tracks into two parts, by chance."""
    rows = np.random.default_rng(seed).permutation(rows)
    n_held_out = round(len(rows) * share)
    return np.sort(rows[n_held_out:]), np.sort(rows[:n_held_out])


def loudness(X):
    """Level of each crop (..., n_mels, n_frames), in dB."""
    return 10 * np.log10(np.mean(10 ** (X / 10), axis=(-2, -1)))


def cut(tracks, rows, length, step, *, most=None, seed=None):
    """Cut crops (n_crops, n_mels, length) at equal levels, and tell the track of each."""
    rng, crops, labels = np.random.default_rng(seed), [], []
    for row in rows:
        first = 0 if seed is None else rng.integers(step)
        X = np.lib.stride_tricks.sliding_window_view(tracks[row], length, axis=1)
        X = X[:, first::step].transpose(1, 0, 2)
        if most is not None and len(X) > most:
            X = X[np.linspace(0, len(X) - 1, most).astype(int)]
        level = loudness(X)
        kept = level > np.median(level) + FAINT
        X = np.maximum(X[kept] - level[kept, None, None], FLOOR)
        crops.append(X.astype(np.float32))
        labels += [row] * len(X)
    return np.concatenate(crops), np.array(labels)


def hand_made(X):
    """Mean and standard deviation of each band over time."""
    return np.concatenate([X.mean(axis=2), X.std(axis=2)], axis=1)


def with_change(X):
    """The same, and the mean absolute change from frame to frame."""
    return TimePool(whiten=False).fit_transform(X[:, None])[:, 0]


def mfcc(X):
    """Mean and standard deviation of 20 mel-frequency cepstral coefficients."""
    return hand_made(librosa.feature.mfcc(S=X, n_mfcc=20))


def pooled(X, features):
    """Mean of the features of windows of 1 s in each crop."""
    starts = np.linspace(0, X.shape[2] - WINDOW, N_POOLED).astype(int)
    starts = dict.fromkeys(starts)  # a crop of 1 s is one window
    return np.mean([features(X[:, :, start : start + WINDOW]) for start in starts], axis=0)


def fit_model(features, labels, *, seed, **params):
    """Fit to pairs of windows of one track, drawn afresh each epoch."""
    settings = {**POOLED_MODEL, "max_epochs": 5, **params}
    model = MultiViewDisentangler(**settings, output="shared", random_state=seed)
    return model.fit(pair_by(features, labels, random_state=seed))


def judge(features, labels, reference):
    """Share of crops whose nearest is of their own track, by two measures."""
    scaler = StandardScaler().fit(reference)
    standard, centred = scaler.transform(features), features - scaler.mean_
    cosine = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    found = {}
    for name, Z in (("standardised", standard), ("cosine", cosine)):
        power = np.square(Z).sum(axis=1)
        distance = power[:, None] + power - 2 * Z @ Z.T
        np.fill_diagonal(distance, np.inf)
        found[name] = float(np.mean(labels[distance.argmin(axis=1)] == labels))
    return found


def chance(labels):
    """Share of the other crops that are of a crop's own track."""
    n_own = pd.Series(labels).map(pd.Series(labels).value_counts())
    return float(((n_own - 1) / (len(labels) - 1)).mean())


def fit_all(tracks, rows, *, seed, hop, **settings):
    """Fit all that is learned; give what makes features of windows, by name."""
    windows, labels = cut(tracks, rows, WINDOW, hop)
    lda = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis())
    lda.fit(with_change(windows), labels)
    pool = TimePool().fit(pair_by(windows, labels, random_state=0))
    model = fit_model(pool.transform(windows[:, None])[:, 0], labels, seed=seed, **settings)
    return {
        "hand-made": hand_made,
        "with change": with_change,
        "LDA": lambda X: lda.transform(with_change(X)),
        "whitened": lambda X: pool.transform(X[:, None])[:, 0],
        "shared": lambda X: model.transform(pool.transform(X[:, None])),
    }


def run(tracks, train, test, *, seed, **settings):
    """Scores of one seed by (length, features, measure)."""
    of_window, scores = fit_all(tracks, train, seed=seed, **settings), {}
    for name, length in LENGTHS.items():
        X, labels = cut(tracks, test, length, STEP, most=MOST, seed=seed)
        X_train, _ = cut(tracks, train, length, STEP, most=MOST, seed=seed)
        kinds = {"hand-made": hand_made, "MFCC": mfcc, "with change": with_change}
        for kind, make in of_window.items():
            label = kind if length == WINDOW or kind == "shared" else f"{kind}, pooled"
            kinds[label] = partial(pooled, features=make)
        for kind, make in kinds.items():
            for measure, share in judge(make(X), labels, make(X_train)).items():
                scores[name, kind, measure] = share
        scores[name, "chance", "-"] = chance(labels)
    return pd.Series(scores)


def read_param(text):
    """Read ``lr=0.002``."""
    name, _, value = text.partition("=")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", help="folders of recordings")
    parser.add_argument("--test", nargs="+", default=[], help="folders that are held out")
    parser.add_argument("--part", choices=["test", "validation"], default="test")
    parser.add_argument("--cache", default="recordings.cache", help="where spectra are kept")
    parser.add_argument("--longest", type=float, default=180.0, help="seconds of a recording")
    parser.add_argument("--hop", type=int, default=32, help="frames between training windows")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--quick", action="store_true")
    more = "NAME=VALUE, a parameter more of MultiViewDisentangler, such as lr=0.002"
    parser.add_argument("--set", action="append", default=[], metavar="PARAM", help=more)
    args = parser.parse_args(argv)
    print(vars(args))
    tracks, table = load_tracks([*args.folders, *args.test], args.cache, args.longest)
    rows = np.arange(12 if args.quick else len(tracks))
    if args.test:
        held_out = table["folder"].isin(args.test).to_numpy()[rows]
        train, test = rows[~held_out], rows[held_out]
    else:
        train, test = split_tracks(rows)
    if args.part == "validation":
        train, test = split_tracks(train)
    print(f"{len(train)} tracks to train on, {len(test)} held out")
    settings = {"hop": args.hop, **({"max_epochs": 1} if args.quick else {})}
    settings |= dict(read_param(text) for text in args.set)
    by_seed = []
    for seed in args.seeds:
        start = time.perf_counter()
        by_seed.append(run(tracks, train, test, seed=seed, **settings))
        print(f"seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)
    scores = pd.concat(by_seed, axis=1)
    scores = pd.DataFrame({"mean": scores.mean(axis=1), "std": scores.std(axis=1, ddof=0)})
    scores.index.names = ["crop", "features", "nearest by"]
    print(scores.round(3).to_string())
    return scores


if __name__ == "__main__":
    main()
