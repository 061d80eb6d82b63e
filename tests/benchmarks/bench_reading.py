"""How many hours of sound are read and turned into log-mel spectra in a minute?

Prints medians and spreads (least to greatest), and the ratio to a plain loop over
librosa.load, melspectrogram and power_to_db. The contestants take turns, so that a busy
machine slows all alike. Then the peak of memory of a process that reads 100 files, and of one
that reads ten times as many. Nothing else should run beside it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings

import librosa
import numpy as np
import soundfile
import torch
from threadpoolctl import threadpool_limits

from mvdisent.audio import LogMel, cache_log_mel, read_clips

RATE = 16000
LOG_MEL = LogMel(RATE, n_fft=1024, hop_length=256, n_mels=64)
FILES = [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", None)]


def write_files(folder, n_files, seconds, format, subtype):
    """Write stereo files at 44.1 kHz: tones that change, in noise."""
    rng = np.random.default_rng(0)
    times = np.arange(round(44100 * seconds)) / 44100
    paths = []
    for i in range(n_files):
        path = os.path.join(folder, f"{i}.{format.lower()}")
        tone = 0.3 * np.sin(2 * np.pi * 55 * 2 ** (i % 60 / 12) * times)
        tone *= 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * times))
        sound = tone[:, None] + 0.02 * rng.standard_normal((len(times), 2))
        soundfile.write(path, sound, 44100, subtype, format=format)
        paths.append(path)
    return paths


def librosa_loop(paths, seconds, n_jobs):
    spectra = []
    for path in paths:
        clip, _ = librosa.load(path, sr=RATE, duration=seconds)
        power = librosa.feature.melspectrogram(
            y=clip, sr=RATE, n_fft=1024, hop_length=256, n_mels=64
        )
        spectra.append(librosa.power_to_db(power, ref=np.max))
    return np.stack(spectra)


def in_memory(paths, seconds, n_jobs):
    clips = read_clips(paths, sample_rate=RATE, duration=seconds, n_jobs=n_jobs)
    return LOG_MEL.transform(clips.X)[:, 0]


def to_the_cache(paths, seconds, n_jobs):
    with tempfile.TemporaryDirectory() as folder:
        return np.array(
            cache_log_mel(paths, folder, log_mel=LOG_MEL, duration=seconds, n_jobs=n_jobs).X
        )


CONTESTANTS = [librosa_loop, in_memory, to_the_cache]


def compare(paths, seconds, n_jobs, repeats):
    """Return hours a minute, one row a contestant, and the greatest difference in dB."""
    spectra = [contestant(paths, seconds, n_jobs) for contestant in CONTESTANTS]  # warms up, too
    rates = np.empty((len(CONTESTANTS), repeats))
    for repeat in range(repeats):
        for row, contestant in enumerate(CONTESTANTS):
            start = time.perf_counter()
            contestant(paths, seconds, n_jobs)
            minutes = (time.perf_counter() - start) / 60
            rates[row, repeat] = len(paths) * seconds / 3600 / minutes
    return rates, max(np.abs(other - spectra[0]).max() for other in spectra[1:])


# VmHWM and not ru_maxrss, which a process takes over from the one that started it.
PEAK = """
import sys
from pathlib import Path
from mvdisent.audio import LogMel, cache_log_mel
def high_water():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
paths = [line.rstrip("\\n") for line in sys.stdin]
log_mel = LogMel(16000, n_fft=1024, hop_length=256, n_mels=64)
before = high_water()
cache_log_mel(paths, sys.argv[1], log_mel=log_mel, duration=float(sys.argv[2]), n_jobs=2)
print(before, high_water())
"""


def peak(paths, seconds):
    """Return the peak of memory of a process before and after it fills a cache, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, folder, str(seconds)],
            input="\n".join(paths),
            capture_output=True,
            text=True,
            check=True,
        )
    return tuple(map(float, done.stdout.split()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-files", type=int, default=100, help="of each format")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each file")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--n-many", type=int, default=1000, help="files of the memory test, or 0")
    arguments = parser.parse_args()

    seconds, n_jobs = arguments.seconds, arguments.n_jobs
    torch.set_num_threads(n_jobs)
    warnings.simplefilter("ignore", FutureWarning)  # librosa's own
    for format, subtype in FILES:
        with tempfile.TemporaryDirectory() as folder, threadpool_limits(n_jobs):
            paths = write_files(folder, arguments.n_files, seconds, format, subtype)
            rates, difference = compare(paths, seconds, n_jobs, arguments.repeats)
        print(
            f"\n{format}: {len(paths)} files of {seconds:g} s, stereo, 44.1 kHz, {n_jobs} jobs, "
            f"{difference:.0e} dB apart at most"
        )
        for contestant, row in zip(CONTESTANTS, rates, strict=True):
            ratios = row / rates[0]  # of the same turn
            print(
                f"  {contestant.__name__:13} {np.median(row):6.2f} h/min "
                f"({row.min():.2f} to {row.max():.2f})   {np.median(ratios):5.2f}x "
                f"({ratios.min():.2f} to {ratios.max():.2f})"
            )
    if arguments.n_many:
        print("\nPeak of memory, WAV")
        with tempfile.TemporaryDirectory() as folder:
            paths = write_files(folder, arguments.n_many, seconds, "WAV", "PCM_16")
            for n_files in (100, len(paths)):
                before, after = peak(paths[:n_files], seconds)
                print(f"  {n_files:6} files: {after:.0f} MB, {before:.0f} MB before the first")


if __name__ == "__main__":
    main()
