"""How many hours of sound does ``mvdisent extract`` turn into features in a minute?

Prints the median and spread (least to greatest), and the ratio to a plain loop over
librosa.load, melspectrogram and transform; the two take turns. Then the peak of memory of
a process that extracts the features of more and more files. Nothing else should run beside it.

    python -m tests.benchmarks.bench_extract
    python -m tests.benchmarks.bench_extract --workers processes dask ray --n-files 2000

The second compares workers of 1, 2 and 4 processes with one thread: the seconds until the
first file is done (they have to start), the rate after that, and the bytes that travel to a
worker and back for a file (of the pickled call and its result).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import cloudpickle
import librosa
import numpy as np
import soundfile
from sklearn.pipeline import make_pipeline

from mvdisent import LogMel, MultiViewDisentangler, _extract, save
from mvdisent._workers import KINDS, Workers

RATE = 16000
SETTINGS = _extract.Settings("file", 1.0, 0.2)


def write_files(folder, n_files, seconds):
    """Write mono WAV files of noise at 16 kHz, 1,000 to a folder, all of them different."""
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal(RATE * (seconds + 1))
    for i in range(n_files):
        place = folder / str(i // 1000)
        place.mkdir(parents=True, exist_ok=True)
        start = rng.integers(RATE)
        soundfile.write(place / f"{i}.wav", noise[start : start + RATE * seconds], RATE)


def fit_model(path):
    """Save the default model, trained for one epoch: its size decides the speed."""
    X = np.random.default_rng(0).uniform(-0.5, 0.5, (256, 2, RATE)).astype(np.float32)
    model = MultiViewDisentangler(objective="marl", max_epochs=1, random_state=0)
    save(make_pipeline(LogMel(RATE), model).fit(X), path)


def librosa_loop(model, folder, out, n_jobs):
    front, last = model.pipeline[0], model.pipeline[-1]
    rows = []
    for path in sorted(folder.rglob("*.wav")):
        sound, _ = librosa.load(path, sr=RATE)
        windows = sound[: len(sound) // RATE * RATE].reshape(-1, RATE)
        spectra = [
            librosa.power_to_db(
                librosa.feature.melspectrogram(
                    y=window, sr=RATE, n_fft=front.n_fft, hop_length=front.hop_length,
                    n_mels=front.n_mels,
                ),
                ref=np.max,
            )
            for window in windows
        ]  # fmt: skip
        features = last.transform(np.stack(spectra)[:, None])
        rows.append(np.concatenate([features.mean(axis=0), features.std(axis=0)]))
    return np.stack(rows)


def ours(model, folder, out, n_jobs):
    _extract.extract(model, folder, out, SETTINGS, Workers("threads", n_jobs))


def compare_workers(model, home, arguments):
    """Print how workers of each kind do beside one thread."""
    one, many = home / "one", home / "many"
    write_files(one, 1, arguments.seconds)
    write_files(many, arguments.n_files, arguments.seconds)
    contestants = [Workers("threads", 1)]
    contestants += [Workers(kind, n) for n in arguments.processes for kind in arguments.workers]
    call = partial(_extract._features_of, model.path, model.digest, many, SETTINGS)
    name = "0/0.wav"
    sent, back = len(cloudpickle.dumps(partial(call, name))), len(cloudpickle.dumps(call(name)))
    print(f"bytes a file: {sent} to the worker, {back} back")
    hours = arguments.n_files * arguments.seconds / 3600
    rates = {contestant: [] for contestant in contestants}
    starts = {contestant: [] for contestant in contestants}
    for _ in range(arguments.repeats):
        for contestant in contestants:
            seconds = []
            for folder in (one, many):
                start = time.perf_counter()
                _extract.extract(model, folder, home / "features.csv", SETTINGS, contestant)
                seconds.append(time.perf_counter() - start)
            starts[contestant].append(seconds[0])
            rates[contestant].append(60 * hours / (seconds[1] - seconds[0]))
    for contestant in contestants:
        ratios = np.array(rates[contestant]) / rates[contestants[0]]
        name = f"{contestant.n_jobs} {contestant.kind}"
        print(
            f"  {name:12} start {np.median(starts[contestant]):5.1f} s   "
            f"{np.median(rates[contestant]):6.2f} h/min   "
            f"{np.median(ratios):.2f}x ({ratios.min():.2f} to {ratios.max():.2f})",
            flush=True,
        )


# VmHWM and not ru_maxrss, which a process takes over from the one that started it.
PEAK = """
import sys
from pathlib import Path
from mvdisent import _extract
from mvdisent._workers import Workers
def high_water():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
model = _extract.load_model(sys.argv[1])
settings = _extract.Settings("file", 1.0, 0.2)
before = high_water()
_extract.extract(model, Path(sys.argv[2]), Path(sys.argv[3]), settings, Workers("threads", 2))
print(before, high_water())
"""


def peak(model, folder, out):
    """Return the peak of memory of a process before and after it extracts, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, model, folder, out],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return tuple(map(float, done.stdout.split()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-files", type=int, default=200, help="of the speed test")
    parser.add_argument("--seconds", type=int, default=10, help="of each of them")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--many", type=int, nargs="*", default=[100, 1000, 10_000])
    parser.add_argument("--suffix", choices=_extract.SUFFIXES, default=".csv")
    kinds = [kind for kind in KINDS if kind != "threads"]
    parser.add_argument("--workers", choices=kinds, nargs="+", default=[])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    arguments = parser.parse_args()

    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        fit_model(home / "model")
        model, out = _extract.load_model(home / "model"), home / f"features{arguments.suffix}"
        if arguments.workers:
            compare_workers(model, home, arguments)
            return
        folder = home / "long"
        write_files(folder, arguments.n_files, arguments.seconds)
        rates = np.empty((2, arguments.repeats))
        for repeat in range(arguments.repeats):
            for row, contestant in enumerate((librosa_loop, ours)):
                start = time.perf_counter()
                contestant(model, folder, out, arguments.n_jobs)
                minutes = (time.perf_counter() - start) / 60
                rates[row, repeat] = arguments.n_files * arguments.seconds / 3600 / minutes
        print(f"{arguments.n_files} files of {arguments.seconds} s, {arguments.n_jobs} jobs")
        for label, values in (("librosa loop, h/min", rates[0]), ("extract, h/min", rates[1]),
                              ("ratio", rates[1] / rates[0])):  # fmt: skip
            low, high = values.min(), values.max()
            print(f"  {label:20} {np.median(values):6.2f} ({low:.2f} to {high:.2f})", flush=True)
        for n_files in arguments.many:
            folder = home / f"short-{n_files}"
            write_files(folder, n_files, 1)
            before, after = peak(home / "model", folder, out)
            print(f"  {n_files:6} files of 1 s: {after:.0f} MB, {before:.0f} before", flush=True)


if __name__ == "__main__":
    main()
