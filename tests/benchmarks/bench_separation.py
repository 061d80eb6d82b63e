"""How well are the blocks apart, when the strongest of three probes asks?

Fits on 16,000 pairs. The probes (an MLP of two layers of 192, 15-NN, histogram
gradient boosting; on standardised features) learn from 24,000 single views of
these and are tested on 10,000 single views that neither saw. Each cell is the worst
for the model of the three: the highest score of what a block should not tell, the
lowest of what it should. Printed for what ``transform`` returns; with --codes also for the
means of active dimensions before any separation, and for draws.

"harmonic" trains on 12 timbres. Its unseen timbres are 12 others: 15-NN on the
shared block, half of their rows as the reference, half as queries.

"notes" are of 33 sampled instruments ("timbre"), keys 48 to 84 ("frequency"). Of each
instrument a third of the keys, drawn by the seed, is never seen: some 400 notes, paired in
many ways. Not among the sets by default, as nothing was asked of it.

Spectra are of LogCQT; with --mel of LogMel, as ``mvdisent reproduce`` has them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

from mvdisent import LogCQT, LogMel, MultiViewDisentangler, save
from mvdisent._reproduce import SPECTRA as MEL_SPECTRA
from mvdisent.datasets import TONE_SETTINGS, make_harmonic_views, make_notes, make_tone_views
from mvdisent.metrics import probe_table
from mvdisent.views import pair_by, split_views

LEAKS = [("private", "timbre"), ("shared", "frequency")]
TOLD = [("private", "frequency"), ("shared", "timbre"), ("both", "timbre"), ("both", "frequency")]
CODES = {"transform": "features", "raw means": "active", "draws": "draw"}
SPECTRA = {
    LogCQT: {
        "f_min": 55.0,
        "bins_per_octave": 24,
        "hop_length": 1024,
        "compression": 0.25,
        "n_fourier": "all",
    },
    LogMel: dict(MEL_SPECTRA["transport"]),
}
MLP = {
    "hidden_layer_sizes": (192, 192),
    "batch_size": 256,
    "learning_rate_init": 2e-3,
    "max_iter": 100,
    "early_stopping": True,
    "n_iter_no_change": 8,
}


def add_spectra(parser):
    """Let the command choose the spectra: see `front_end`."""
    parser.add_argument("--mel", action="store_true", help="bands of LogMel, not of LogCQT")
    parser.add_argument("--spectra", type=json.loads, default={}, help="others of them, as JSON")


def front_end(args):
    """Give the spectra that the command names."""
    cls = LogMel if args.mel else LogCQT
    return cls(16000, **{**SPECTRA[cls], **args.spectra})


def make_views(data, n_train, n_test, seed, spectra):
    """Make spectra and factors of one of the sets; the last n_test rows are held out."""
    n_samples, transform = n_train + n_test, spectra.fit_transform
    if data == "harmonic":
        return make_harmonic(n_samples, range(12), seed, spectra)
    if data == "notes":
        return pair_notes(n_train, n_test, seed, transform)
    return make_tone_views(n_samples, transform=transform, random_state=seed, **TONE_SETTINGS[data])


def make_harmonic(n_samples, timbres, seed, spectra):
    """Make views of harmonic timbres; their loudness is private, so 0 dB is full scale."""
    transform = clone(spectra).set_params(ref=1.0).fit_transform
    return make_harmonic_views(n_samples, timbres=timbres, transform=transform, random_state=seed)


def pair_notes(n_train, n_test, seed, transform):
    """Pair notes of one instrument; a third of the keys of each is in the last n_test rows."""
    waveforms, notes = make_notes()
    instrument, pitch = (notes[name].to_numpy() for name in ("instrument", "pitch"))
    order = np.random.default_rng(seed).permutation(len(notes))
    rank = pd.Series(instrument[order]).groupby(instrument[order]).cumcount().to_numpy()
    held_out = np.empty(len(notes), dtype=bool)
    held_out[order] = rank % 3 == 0
    pairs = []
    for rows, size in ((~held_out, n_train), (held_out, n_test)):
        rows = np.flatnonzero(rows)[:, None]
        of = rows[:, 0]
        source = pair_by(rows, instrument[of], differ=pitch[of], random_state=seed)
        pairs.append(np.asarray(source[np.arange(size) % len(of)])[..., 0])
    pairs = np.concatenate(pairs).astype(int)
    factors = pd.DataFrame({"timbre": instrument[pairs[:, 0]]})
    factors["frequency_v0"], factors["frequency_v1"] = pitch[pairs.T]
    return transform(waveforms)[:, 0][pairs], factors


def encode_single(model, X, factors, code):
    """Encode each view by itself: blocks, factors and the pair that each row is of."""
    views, single, groups = split_views(X, factors)
    private, shared = model.encode(views, code=code)
    blocks = {"private": private[:, 0], "shared": shared}
    return blocks | {"both": np.hstack(list(blocks.values()))}, single, groups


def ask(blocks, factors, groups, split, seed):
    """Ask each of the three probes: {probe: table}."""
    tables = {}
    for name in ("mlp", "knn", "boosting"):
        parts = []
        for kind, mlp in (("discrete", MLPClassifier), ("continuous", MLPRegressor)):
            columns = [
                c for c in factors if (kind == "continuous") == (factors[c].dtype.kind == "f")
            ]
            if columns:
                probe = mlp(**MLP, random_state=seed) if name == "mlp" else name
                parts.append(
                    probe_table(
                        blocks,
                        factors[columns],
                        probe=probe,
                        groups=groups,
                        cv=[split],
                        random_state=seed,
                    )
                )
        tables[name] = pd.concat(parts, axis=1)
    return tables


def measure(model, data, X, factors, n_train, args, seed):
    """Measure one fitted model: {code: {cell: worst score}}, and all scores."""
    probed = slice(n_train - args.n_probe_pairs, None)
    truth = ["timbre", "frequency"] + (["attack", "loudness"] if data == "harmonic" else [])
    worst, whole = {}, {}
    for name in args.codes:
        code = CODES[name]
        blocks, single, groups = encode_single(model, X[probed], factors[probed], code)
        learns = groups < args.n_probe_pairs
        split = np.flatnonzero(learns), np.flatnonzero(~learns)
        tables = ask(blocks, single[truth], groups, split, seed)
        scores = pd.concat(tables, names=["probe", "block"])
        high, low = scores.groupby(level="block").max(), scores.groupby(level="block").min()
        worst[name] = {f"{b} {f}": high.loc[b, f] for b, f in LEAKS}
        worst[name] |= {f"{b} {f}": low.loc[b, f] for b, f in TOLD}
        if data == "harmonic":
            worst[name] |= {f"private {f}": low.loc["private", f] for f in ("attack", "loudness")}
            worst[name]["unseen timbre"] = tell_unseen(model, code, args, seed)
        whole[name] = {probe: table.to_dict() for probe, table in tables.items()}
    return worst, whole


def tell_unseen(model, code, args, seed):
    """Tell 12 timbres never trained on by the neighbours of their shared codes."""
    X, factors = make_harmonic(args.n_test, range(12, 24), seed + 10_000, front_end(args))
    blocks, single, groups = encode_single(model, X, factors, code)
    table = probe_table(
        {"shared": blocks["shared"]},
        single[["timbre"]],
        probe="knn",
        groups=groups,
        test_size=0.5,
        random_state=seed,
    )
    return table.loc["shared", "timbre"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["bandlimited", "paper", "harmonic"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 4, 5])
    parser.add_argument("--params", type=json.loads, default={}, help="of the estimator, as JSON")
    add_spectra(parser)
    parser.add_argument("--codes", nargs="+", choices=CODES, default=["transform"])
    parser.add_argument("--n-train", type=int, default=16000, help="pairs that are fitted")
    parser.add_argument("--n-probe-pairs", type=int, default=12000, help="of these, for probes")
    parser.add_argument("--n-test", type=int, default=5000, help="pairs never seen")
    parser.add_argument("--out", type=Path, help="JSON file of every score")
    parser.add_argument("--models", type=Path, help="folder that the fitted models are saved in")
    args = parser.parse_args()

    print(args, flush=True)
    report = []
    for data in args.data:
        by_seed = []
        for seed in args.seeds:
            X, factors = make_views(data, args.n_train, args.n_test, seed, front_end(args))
            model = MultiViewDisentangler(random_state=seed, **args.params)
            start = time.perf_counter()
            model.fit(X[: args.n_train])
            seconds = time.perf_counter() - start
            if args.models:
                save(model, args.models / f"{data}-{seed}.mvdisent")
            worst, whole = measure(model, data, X, factors, args.n_train, args, seed)
            by_seed.append(pd.DataFrame(worst).T)
            report.append({"data": data, "seed": seed, "worst": worst, "scores": whole})
            print(f"{data}, seed {seed}, fitted in {seconds:.0f} s")
            print(by_seed[-1].round(3).to_string(), flush=True)
            if args.out:
                args.out.write_text(json.dumps(report, indent=1))
        over_seeds = pd.concat(by_seed).groupby(level=0, sort=False)
        for name in ("mean", "std"):
            table = over_seeds.agg(name).round(3)
            print(f"{data}, {name} over seeds\n{table.to_string()}", flush=True)


if __name__ == "__main__":
    main()
