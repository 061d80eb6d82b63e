"""Does a model that the command line made find the track of a crop that it never heard?

For each seed ``mvdisent fit TRAIN --views crops``, then ``mvdisent extract`` of the folder
TEST, a row for each window of 1 s, two a second. Of each track of TEST up to 20 crops, 5 s
apart: of 1 s, one row, and of 3 s, the mean of five rows. Each asks for the nearest of all
others; right is one of its own track.

    shared, private   the blocks
    hand-made         mean and standard deviation over time of each of 64 mel bands of the crop

Nearest by the distance of features that are standardised by the training windows, and by the
cosine of those that are centred by them. ``bench_recordings`` has more baselines.

    python -m tests.benchmarks.bench_folder TRAIN TEST --seeds 0 1 2
    python -m tests.benchmarks.bench_folder TRAIN TEST --set max_epochs=1  # any option of fit
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from click.testing import CliRunner

from mvdisent import LogMel, load
from mvdisent.__main__ import main as command
from mvdisent.audio import cache_log_mel
from tests.benchmarks.bench_recordings import chance, hand_made, judge

HOP, STEP, MOST, N_POOLED = 0.5, 10, 20, 5  # seconds; rows, crops of a track, rows of 3 s
LENGTHS = {"1 s": (1.0, 1), "3 s": (3.0, N_POOLED)}  # seconds, rows
N_REFERENCE = 20_000  # training windows that tell the scale


def call(*arguments):
    """Run a command, which may leave faulty files out."""
    done = CliRunner().invoke(command, list(map(str, arguments)))
    if done.exit_code not in (0, 3):
        raise SystemExit(done.output[-2000:])


def choose_crops(table):
    """Give rows of ``table`` at which crops of 3 s begin, and the track of each."""
    rows, labels = [], []
    for label, track in enumerate(table.groupby("file_name", sort=False).groups.values()):
        times = table["start"].to_numpy()[track]
        whole = [
            i
            for i in range(0, len(track) - N_POOLED + 1, STEP)
            if np.isclose(times[i + N_POOLED - 1] - times[i], HOP * (N_POOLED - 1))  # none silent
        ]
        if len(whole) > MOST:
            whole = np.array(whole)[np.linspace(0, len(whole) - 1, MOST).astype(int)]
        if len(whole) > 1:
            rows += list(track[whole])
            labels += [label] * len(whole)
    return np.array(rows), np.array(labels)


def read_reference(cache):
    """Read some of the training windows that ``mvdisent fit`` kept, none of them silent."""
    spectra = np.load(next(cache.rglob("*.npy")), mmap_mode="r")
    rows = np.unique(np.linspace(0, len(spectra) - 1, N_REFERENCE).astype(int))
    windows = spectra[rows]
    return windows[windows.std(axis=(1, 2)) > 0]  # a window that was left out is of one value


def summarise_clips(clips):
    """Mean and standard deviation over time of each band, not all spectra at once."""
    parts = np.array_split(np.arange(len(clips)), max(1, len(clips) // 1000))
    return np.concatenate([hand_made(np.asarray(clips[part])) for part in parts])


def judge_hand_made(folder, table, rows, labels, reference, cache):
    """Scores of hand-made features by (length, measure)."""
    scores, at = {}, table.iloc[rows]
    front = LogMel(16000, ref=1.0, top_db=60.0)
    for name, (seconds, _) in LENGTHS.items():
        segments = pd.DataFrame(
            {"path": [str(folder / file) for file in at["file_name"]], "offset": at["start"]}
        )
        clips = cache_log_mel(segments, cache, log_mel=front, duration=seconds, level=0.2)
        for measure, share in judge(summarise_clips(clips.X), labels, reference).items():
            scores[name, "hand-made", measure] = share
    return scores


def judge_blocks(pipeline, table, rows, labels, windows):
    """Scores of both blocks by (length, block, measure)."""
    trained = pipeline[1:].transform(windows[:, None])
    columns = pipeline[-1].get_feature_names_out()
    scores = {}
    for block in ("shared", "private"):
        own = [i for i, column in enumerate(columns) if column.startswith(block)]
        codes = table[columns[own]].to_numpy()
        for name, (_, n_rows) in LENGTHS.items():
            crops = np.mean([codes[rows + i] for i in range(n_rows)], axis=0)
            for measure, share in judge(crops, labels, trained[:, own]).items():
                scores[name, block, measure] = share
    return scores


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--work", type=Path, help="folder for models and spectra; one that goes")
    parser.add_argument("--n-jobs", type=int, default=1)
    args, options = parser.parse_known_args()
    print(vars(args), options, flush=True)
    by_seed = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) if args.work is None else args.work
        for seed in args.seeds:
            start = time.perf_counter()
            model, features = work / f"model-{seed}", work / f"features-{seed}.parquet"
            jobs = ("--n-jobs", args.n_jobs)
            spectra = work / "spectra"
            fit = ("--views", "crops", "--out", model, "--cache", spectra, "--seed", seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of files that no metadata lists
                call("fit", args.train, *fit, "--skip-faulty", *jobs, *options)
            call(
                "extract",
                model,
                args.test,
                "--out",
                features,
                "--per",
                "window",
                "--hop",
                HOP,
                *jobs,
            )
            table, windows = pd.read_parquet(features), read_reference(spectra)
            rows, labels = choose_crops(table)
            if not by_seed:
                reference = hand_made(windows)
                own = judge_hand_made(args.test, table, rows, labels, reference, work / "test")
            scores = {**own, **judge_blocks(load(model), table, rows, labels, windows)}
            by_seed.append(pd.Series({**scores, ("", "chance", "-"): chance(labels)}))
            print(
                f"seed {seed}: {len(rows)} crops, {time.perf_counter() - start:.0f} s", flush=True
            )
            print(by_seed[-1].round(3).to_string(), flush=True)
    table = pd.concat(by_seed, axis=1)
    summary = pd.DataFrame({"mean": table.mean(axis=1), "std": table.std(axis=1, ddof=0)})
    print(summary.round(3).to_string())


if __name__ == "__main__":
    main()
