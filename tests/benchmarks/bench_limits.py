"""How near do training and LogMel come to what the processor can do?

Measures in turns, so that a busy machine slows all alike: the rate of large matrix
products in float32 and bfloat16, of copies in memory, and of real FFTs of LogMel's
frames; then an epoch of the default model with either kind of network, these networks alone,
forward and backward on batches at hand, and LogMel. Prints medians and spreads (least to
greatest): floating-point operations, as torch counts those of products and convolutions,
as a share of the float32 rate; and the time of the FFTs alone as a share of
LogMel's. Nothing else should run beside it.
"""

from __future__ import annotations

import argparse
import time
import warnings
from functools import partial

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from mvdisent import MultiViewDisentangler
from mvdisent.audio import LogMel
from mvdisent.nn import ConvDecoder, ConvEncoder, MLPDecoder, MLPEncoder

SIDE, NARROW_SIDE = 2048, 512  # of the square matrices; a bfloat16 one may take a minute
N_COPIED = 2**26  # float32 values, far more than any cache holds
N_FFT, HOP = 1024, 256
SAMPLE_RATE = 16000
BATCH, WIDTH = 128, 16
NETWORKS = {  # by the model's names for them, too
    "mlp": ("mlp", "mlp", MLPEncoder, MLPDecoder),
    "conv encoder": ("conv", "mlp", ConvEncoder, MLPDecoder),
    "conv": ("conv", "conv", ConvEncoder, ConvDecoder),
}


def seconds_of(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def fit(X, encoder, decoder):
    model = MultiViewDisentangler(
        objective="marl", encoder=encoder, decoder=decoder, max_epochs=1, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of collapse: the data are noise
        model.fit(X)


def run_alone(X, encoder, decoder):
    """Pass batches through the networks alone, and back."""
    for batch in torch.from_numpy(X).split(BATCH):
        views = batch.flatten(0, 1)
        torch.sum((decoder(encoder(views)) - views) ** 2).backward()


def count(call, *arguments):
    with FlopCounterMode(display=False) as counter:
        call(*arguments)
    return counter.get_total_flops()


def make_calls(arguments):
    """Give what is timed, by name, and the operations or bytes that it takes."""
    generator = torch.Generator().manual_seed(0)
    square = torch.randn(SIDE, SIDE, generator=generator)
    narrow = square[:NARROW_SIDE, :NARROW_SIDE].bfloat16()
    out = torch.empty(SIDE, SIDE)
    source = torch.ones(N_COPIED)
    target = torch.empty_like(source)
    clips = torch.randn(arguments.n_clips, SAMPLE_RATE, generator=generator)
    frames = torch.randn(64 * (1 + SAMPLE_RATE // HOP), N_FFT, generator=generator)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((arguments.n_samples, 2, 64, 32), dtype=np.float32)
    log_mel = LogMel(SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP)
    calls = {
        "float32 product": lambda: torch.mm(square, square, out=out),
        "bfloat16 product": lambda: torch.mm(narrow, narrow),
        "copy": lambda: target.copy_(source),
        "FFTs": lambda: [torch.fft.rfft(frames) for _ in range(arguments.n_clips // 64)],
        "LogMel": lambda: log_mel.transform(clips.numpy()),
    }
    work = {
        "float32 product": 2 * SIDE**3,
        "bfloat16 product": 2 * NARROW_SIDE**3,
        "copy": 2 * source.nbytes,
    }
    for name, (*names, encoder, decoder) in NETWORKS.items():
        pair = encoder(X.shape[2:], WIDTH), decoder(WIDTH, X.shape[2:])
        calls |= {name: partial(fit, X, *names), f"{name} alone": partial(run_alone, X, *pair)}
        work |= {name: count(fit, X, *names), f"{name} alone": count(run_alone, X, *pair)}
    return calls, work


def show(text, values, unit):
    print(f"  {text:34} {np.median(values):8.3g} {unit} ({min(values):.3g} to {max(values):.3g})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, default=2048, help="pairs of views of 64 x 32")
    parser.add_argument("--n-clips", type=int, default=512, help="clips of one second")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    calls, work = make_calls(arguments)
    for call in calls.values():  # warms up
        call()
    turns = [
        {name: seconds_of(call) for name, call in calls.items()} for _ in range(arguments.repeats)
    ]
    seconds = {name: np.array([turn[name] for turn in turns]) for name in calls}
    rates = {name: n / seconds[name] / 1e9 for name, n in work.items()}
    print(f"{arguments.threads} threads, medians of {arguments.repeats}")
    show("float32 products", rates["float32 product"], "GFLOP/s")
    show("bfloat16 products", rates["bfloat16 product"], "GFLOP/s")
    show("copies, read and written", rates["copy"], "GB/s")
    for network in NETWORKS:
        show(f"{network}: an epoch", seconds[network], "s")
        for name in (network, f"{network} alone"):
            share = 100 * rates[name] / rates["float32 product"]
            show(f"{name}: of the float32 rate", share, "%")
    show("LogMel", arguments.n_clips / seconds["LogMel"], "clips/s")
    show("LogMel: time of its FFTs alone", 100 * seconds["FFTs"] / seconds["LogMel"], "%")


if __name__ == "__main__":
    main()
