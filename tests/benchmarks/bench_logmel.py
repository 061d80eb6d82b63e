"""How much faster than librosa is LogMel, on one thread, and on more?

Prints medians and spreads (least to greatest) of clips a second, and the ratio to librosa
called clip by clip on one thread. The contestants take turns, so that a busy machine slows
all alike. Nothing else should run beside it.

    python tests/benchmarks/bench_logmel.py --threads 1 2
"""

from __future__ import annotations

import argparse
import time

import librosa
import numpy as np
import torch
from threadpoolctl import threadpool_limits

from mvdisent.audio import LogMel

SAMPLE_RATE = 16000
SETTINGS = {
    "n_fft 1024, hop 256, 64 mels": {"n_fft": 1024, "hop_length": 256, "n_mels": 64},
    "defaults (2048, 512, 64)": {"n_fft": 2048, "hop_length": 512, "n_mels": 64},
}


def librosa_clip_by_clip(clips, settings):
    spectra = []
    for clip in clips:
        power = librosa.feature.melspectrogram(y=clip, sr=SAMPLE_RATE, **settings)
        spectra.append(librosa.power_to_db(power, ref=np.max))
    return np.array(spectra)


def librosa_batched(clips, settings):
    """Give all clips to librosa at once; maximum and range of each clip by hand."""
    power = librosa.feature.melspectrogram(y=clips, sr=SAMPLE_RATE, **settings)
    decibels = librosa.power_to_db(power, top_db=None)
    decibels -= decibels.max(axis=(1, 2), keepdims=True)
    return np.maximum(decibels, -80.0, out=decibels)


def log_mel(clips, settings):
    return LogMel(SAMPLE_RATE, **settings).transform(clips)[:, 0]


def compare(contestants, clips, settings, repeats):
    """Return clips a second, one row a contestant, and the greatest difference in dB."""
    spectra = [contestant(clips, settings) for contestant, _ in contestants]  # warms up, too
    rates = np.empty((len(contestants), repeats))
    for repeat in range(repeats):
        for row, (contestant, n_threads) in enumerate(contestants):
            torch.set_num_threads(n_threads)
            with threadpool_limits(n_threads):
                start = time.perf_counter()
                contestant(clips, settings)
                rates[row, repeat] = len(clips) / (time.perf_counter() - start)
    return rates, np.abs(spectra[-1] - spectra[0]).max()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-clips", type=int, default=512, help="clips of one second")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="of LogMel")
    arguments = parser.parse_args()

    contestants = [(librosa_clip_by_clip, 1), (librosa_batched, 1)]
    contestants += [(log_mel, n_threads) for n_threads in arguments.threads]
    clips = 0.1 * np.random.default_rng(0).standard_normal(
        (arguments.n_clips, SAMPLE_RATE), dtype=np.float32
    )
    for title, settings in SETTINGS.items():
        rates, difference = compare(contestants, clips, settings, arguments.repeats)
        print(f"\n{title}: {arguments.n_clips} clips of 1 s, {difference:.0e} dB apart at most")
        for (contestant, n_threads), row in zip(contestants, rates, strict=True):
            ratios = row / rates[0]  # of the same turn
            print(
                f"  {contestant.__name__:21} {n_threads} thread(s) {np.median(row):6.0f} clips/s "
                f"({row.min():.0f} to {row.max():.0f})   {np.median(ratios):5.2f}x "
                f"({ratios.min():.2f} to {ratios.max():.2f})"
            )


if __name__ == "__main__":
    main()
