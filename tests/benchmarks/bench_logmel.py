"""How much faster than librosa is LogMel, on one thread, and on more?

Prints medians and spreads (least to greatest) of clips a second, and the ratio to librosa
called clip by clip on one thread. The contestants take turns, so that a busy machine slows
all alike. For each number of threads above one, as many processes of one thread, each with
its part of the clips, tell what the cores give where nothing is waited for; the ratio of
the threads to them comes last. Nothing else should run beside it, but what ``--busy`` starts:
processes that want a core each, as other users' do.

    python tests/benchmarks/bench_logmel.py --threads 1 2
"""

from __future__ import annotations

import argparse
import multiprocessing
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


def serve(connection):
    """Transform the clips that came first with the settings that follow, until None."""
    torch.set_num_threads(1)
    clips = connection.recv()
    for settings in iter(connection.recv, None):
        log_mel(clips, settings)
        connection.send("done")


class Processes:
    """Processes of one thread, each of which holds its part of the clips."""

    def __init__(self, n_processes, clips):
        context = multiprocessing.get_context("spawn")
        self.__name__ = f"log_mel, {n_processes} processes"
        self.connections = []
        for part in np.array_split(clips, n_processes):
            connection, theirs = context.Pipe()
            context.Process(target=serve, args=(theirs,), daemon=True).start()
            connection.send(part)
            self.connections.append(connection)

    def __call__(self, clips, settings):
        for connection in self.connections:
            connection.send(settings)
        for connection in self.connections:
            connection.recv()

    def end(self):
        for connection in self.connections:
            connection.send(None)


def burn():
    """Want a core."""
    while True:
        pass


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


def show_spread(values):
    return f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-clips", type=int, default=512, help="clips of one second")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="of LogMel")
    parser.add_argument("--busy", type=int, default=0, help="processes beside it")
    arguments = parser.parse_args()

    for _ in range(arguments.busy):
        multiprocessing.get_context("spawn").Process(target=burn, daemon=True).start()
    clips = 0.1 * np.random.default_rng(0).standard_normal(
        (arguments.n_clips, SAMPLE_RATE), dtype=np.float32
    )
    contestants = [(librosa_clip_by_clip, 1), (librosa_batched, 1)]
    for n_threads in arguments.threads:
        if n_threads > 1:
            contestants.append((Processes(n_threads, clips), 1))
        contestants.append((log_mel, n_threads))
    for title, settings in SETTINGS.items():
        rates, difference = compare(contestants, clips, settings, arguments.repeats)
        print(f"\n{title}: {arguments.n_clips} clips of 1 s, {difference:.0e} dB apart at most")
        for (contestant, n_threads), row in zip(contestants, rates, strict=True):
            print(
                f"  {contestant.__name__:21} {n_threads} thread(s) {np.median(row):6.0f} clips/s "
                f"({row.min():.0f} to {row.max():.0f})   {show_spread(row / rates[0])}x"
            )
        for i, (contestant, _) in enumerate(contestants):
            if isinstance(contestant, Processes):
                print(f"  {len(contestant.connections)} threads to as many processes: ", end="")
                print(f"{show_spread(rates[i + 1] / rates[i])}x")
    for contestant, _ in contestants:
        if isinstance(contestant, Processes):
            contestant.end()


if __name__ == "__main__":
    main()
