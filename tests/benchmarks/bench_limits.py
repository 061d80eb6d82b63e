"""How near do training and LogMel come to what the processor, or another device, can do?

Measures in turns, so that a busy machine slows all alike: the rate of large matrix
products in float32 and bfloat16, of copies in memory, and of real FFTs of LogMel's
frames; then an epoch of the default model with either kind of network, these networks alone,
forward and backward on batches at hand, and LogMel. Prints medians and spreads (least to
greatest): floating-point operations, as torch counts those of products and convolutions,
as a share of the float32 rate; and the time of the FFTs alone as a share of
LogMel's. Nothing else should run beside it.

    python -m tests.benchmarks.bench_limits
    python -m tests.benchmarks.bench_limits --device cuda --n-samples 16384 --n-clips 8192
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
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def fit(X, encoder, decoder, device):
    model = MultiViewDisentangler(
        objective="marl", encoder=encoder, decoder=decoder, max_epochs=1, device=device,
        random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of collapse: the data are noise
        model.fit(X)


def run_alone(X, encoder, decoder):
    """Pass batches through the networks alone, and back."""
    for batch in X.split(BATCH):
        views = batch.flatten(0, 1)
        torch.sum((decoder(encoder(views)) - views) ** 2).backward()


def count(call):
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def make_calls(arguments):
    """Give what is timed, by name, and the operations or bytes that it takes."""
    device = torch.device(arguments.device)
    generator = torch.Generator(device).manual_seed(0)
    options = {"generator": generator, "device": device}
    square = torch.randn(SIDE, SIDE, **options)
    narrow_side = NARROW_SIDE if device.type == "cpu" else SIDE
    narrow = square[:narrow_side, :narrow_side].bfloat16()
    out = torch.empty_like(square)
    source = torch.ones(N_COPIED, device=device)
    target = torch.empty_like(source)
    clips = torch.randn(arguments.n_clips, SAMPLE_RATE, **options).cpu().numpy()
    frames = torch.randn(64 * (1 + SAMPLE_RATE // HOP), N_FFT, **options)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((arguments.n_samples, 2, 64, 32), dtype=np.float32)
    log_mel = LogMel(SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP, device=arguments.device)
    calls = {
        "float32 product": lambda: torch.mm(square, square, out=out),
        "bfloat16 product": lambda: torch.mm(narrow, narrow),
        "copy": lambda: target.copy_(source),
        "FFTs": lambda: [torch.fft.rfft(frames) for _ in range(arguments.n_clips // 64)],
        "LogMel": lambda: log_mel.transform(clips),
    }
    work = {
        "float32 product": 2 * SIDE**3,
        "bfloat16 product": 2 * narrow_side**3,
        "copy": 2 * source.nbytes,
    }
    views = torch.from_numpy(X).to(device)
    for name, (*names, encoder, decoder) in NETWORKS.items():
        pair = encoder(X.shape[2:], WIDTH).to(device), decoder(WIDTH, X.shape[2:]).to(device)
        for label, call in (
            (name, partial(fit, X, *names, arguments.device)),
            (f"{name} alone", partial(run_alone, views, *pair)),
        ):
            calls[label], work[label] = call, count(call)
    return calls, work


def show(text, values, unit):
    print(f"  {text:34} {np.median(values):8.3g} {unit} ({min(values):.3g} to {max(values):.3g})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, default=2048, help="pairs of views of 64 x 32")
    parser.add_argument("--n-clips", type=int, default=512, help="clips of one second")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="torch device, such as cuda")
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
    print(f"{arguments.device}, {arguments.threads} threads, medians of {arguments.repeats}")
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
