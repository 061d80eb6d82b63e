"""The main job: train on tones, probe held-out ones, and lay the paper's table beside."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._disentangler import MultiViewDisentangler
from .audio import LogMel
from .audio._inversion import to_decibels
from .datasets import TONE_SETTINGS, make_tone_views
from .metrics import mutual_info_matrix, probe_table
from .persistence import save
from .persistence._net_params import check_saved_net_params
from .plotting import LatentDisplay, MutualInfoDisplay, ReconstructionDisplay
from .views import split_views

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLE_RATE = 16000
BLOCKS = ("private", "shared", "both")
FACTORS = ("timbre", "frequency")
CODES = {"features": "what transform returns", "mean": "posterior means", "draw": "draws"}

#: What tells these parameters of the model.
OPTIONS = {"objective": "--objective", "random_state": "--seeds", "device": "--device"}

#: How the report names the objectives.
OBJECTIVES = {
    "transport": "swapped views and partners by optimal transport",
    "marl": "the paper's",
    "swap": "swapped views and a referee",
}

#: Accuracy of a small MLP on the frozen latents, from the paper's table.
PAPER_TABLE = pd.DataFrame(
    {"timbre": [0.7431, 0.9741, 0.9809], "frequency": [0.7663, 0.2978, 0.8772]}, index=list(BLOCKS)
)


class Size(NamedTuple):
    """How much is trained and probed."""

    n_train: int  # rows that the model is fitted on
    n_probe: int  # rows, never fitted on, that the probes are trained and tested on
    max_epochs: int


class SeedResult(NamedTuple):
    """What one seed gives."""

    tables: dict[str, pd.DataFrame]  # by code: rows private, shared, both, chance, ceiling
    mutual_info: pd.DataFrame  # factors by dimensions, in nats
    seconds: dict[str, float]  # by stage
    model: MultiViewDisentangler
    X_probe: NDArray[np.float32]
    features: pd.DataFrame  # of single views
    factors: pd.DataFrame  # of single views


#: alpha = beta = gamma, and n_private, by objective and data; see docs/benchmarks.rst.
SETTINGS = {
    "marl": {"paper": (0.25, 8), "bandlimited": (2.0, 8)},
    "swap": {"paper": (0.5, 8), "bandlimited": (1.0, 2)},
    "transport": {"paper": (1.0, 8), "bandlimited": (1.0, 8)},
}

#: Of ``LogMel``, by objective; see docs/separation.rst.
SPECTRA: Mapping[str, Mapping[str, Any]] = {
    "marl": {},
    "swap": {},
    "transport": {"n_fft": 2048, "hop_length": 1024, "n_mels": 128, "compression": 0.25},
}

#: Under 90 seconds on two cores, all in.
QUICK = Size(n_train=2500, n_probe=1250, max_epochs=30)


def full_size(n_samples: int) -> Size:
    """Fit on ``n_samples`` tones, in pairs; probe half as many others."""
    return Size(n_samples // 2, n_samples // 4, MultiViewDisentangler().max_epochs)


def check_params(params: Mapping[str, Any]) -> None:
    """Refuse parameters of the model that are told otherwise, or are wrong, before the work."""
    for name, option in OPTIONS.items():
        if name in params:
            raise ValueError(f"{name}={params[name]!r}; pass {option} instead")
    MultiViewDisentangler(**params)._validate_params()
    check_saved_net_params(params.get("net_params"))


def run_seed(
    data: str,
    objective: str,
    size: Size,
    seed: int,
    *,
    params: Mapping[str, Any],
    say: Callable[[str], None],
) -> SeedResult:
    """Make tones, fit on some, and probe the others.

    Parameters
    ----------
    data : {"paper", "bandlimited"}
        Setting of the tones; see ``datasets.TONE_SETTINGS``.
    objective : {"transport", "marl", "swap"}
        As in ``MultiViewDisentangler``.
    size : Size
        Rows and epochs.
    seed : int
        Seed of the tones, the model and the probes.
    params : mapping of str to object
        Parameters of the model, in place of those of the job. ``device`` is needed: the
        spectra are found there, too.
    say : callable
        Takes each line of progress.

    Returns
    -------
    result : SeedResult
        Tables, mutual information, seconds and the model.
    """
    seconds: dict[str, float] = {}
    clock = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal clock
        seconds[stage] = time.perf_counter() - clock
        clock += seconds[stage]

    say(f"seed {seed}: making {2 * (size.n_train + size.n_probe):,} one-second tones ({data})")
    X, factors = make_tone_views(
        size.n_train + size.n_probe,
        sample_rate=SAMPLE_RATE,
        transform=LogMel(SAMPLE_RATE, device=params["device"], **SPECTRA[objective]).fit_transform,
        random_state=seed,
        **TONE_SETTINGS[data],
    )
    lap("data")
    say(f"seed {seed}: fitting on {2 * size.n_train:,} of them, in pairs")
    weight, n_private = SETTINGS[objective][data]
    of_job = {
        "n_private": n_private,
        "objective": objective,
        "max_epochs": size.max_epochs,
        "random_state": seed,
        **dict.fromkeys(("alpha", "beta", "gamma"), weight),
    }
    model = MultiViewDisentangler(**{**of_job, **params})
    model.fit(X[: size.n_train])
    lap("fit")
    say(f"seed {seed}: probing {2 * size.n_probe:,} tones that the model never saw")
    X_probe = X[size.n_train :]
    views, single, groups = split_views(X_probe, factors[size.n_train :])
    truth = single[list(FACTORS)]
    tables = {}
    for code in CODES:
        private, shared = model.encode(views, code=code)
        blocks = {"private": private[:, 0], "shared": shared}
        blocks["both"] = np.concatenate(list(blocks.values()), axis=1)
        tables[code] = probe_table(
            blocks,
            truth,
            groups=groups,
            reference=views if code == "features" else None,
            random_state=seed,
            n_jobs=2,
        )
    features = pd.DataFrame(model.transform(views), columns=model.get_feature_names_out())
    mutual_info = mutual_info_matrix(features, truth, n_jobs=2, random_state=seed)
    lap("probe")
    return SeedResult(tables, mutual_info, seconds, model, X_probe, features, truth)


def summarise(
    data: str, size: Size, seeds: Sequence[int], results: Sequence[SeedResult]
) -> dict[str, Any]:
    """Build the report: means and spreads (standard deviations) over the seeds."""

    def cells(code: str) -> dict[str, Any]:
        stack = np.stack(
            [r.tables[code].loc[list(BLOCKS), list(FACTORS)].to_numpy(float) for r in results]
        )
        mean, std = stack.mean(0), stack.std(0, ddof=1) if len(results) > 1 else 0 * stack[0]
        return {
            block: {
                factor: {
                    "mean": float(mean[i, j]),
                    "std": float(std[i, j]),
                    "by_seed": stack[:, i, j].tolist(),
                }
                for j, factor in enumerate(FACTORS)
            }
            for i, block in enumerate(BLOCKS)
        }

    def row(name: str) -> dict[str, float]:
        values = [r.tables["features"].loc[name, list(FACTORS)] for r in results]
        return {factor: float(np.mean([v[factor] for v in values])) for factor in FACTORS}

    mutual_info = pd.concat([r.mutual_info for r in results]).groupby(level=0).mean()
    return {
        "data": data,
        "n_samples": 2 * size.n_train,
        "n_held_out": 2 * size.n_probe,
        "max_epochs": results[0].model.max_epochs,
        "seeds": list(seeds),
        "probed": CODES["features"],
        "probe": "mlp, on single views of held-out samples",
        "table": cells("features"),
        "tables": {CODES[code]: cells(code) for code in CODES},
        "paper": {block: PAPER_TABLE.loc[block].to_dict() for block in BLOCKS},
        "chance": row("chance"),
        "ceiling": row("ceiling"),
        "mi": {factor: mutual_info.loc[factor].to_dict() for factor in FACTORS},
        "params": _plain_params(results[0].model),
        "spectra": dict(SPECTRA[results[0].model.objective]),
        "seconds": {
            stage: [round(r.seconds[stage], 1) for r in results] for stage in results[0].seconds
        },
    }


def _plain_params(model: MultiViewDisentangler) -> dict[str, Any]:
    return {k: v for k, v in model.get_params().items() if k not in ("random_state", "verbose")}


def format_report(report: Mapping[str, Any]) -> str:
    """Lay out the report as text: the paper's table, ours, and mutual information."""
    lines = [
        f"Accuracy of a small MLP on frozen features of {report['n_held_out']:,} held-out tones "
        f"({report['data']})",
        f"objective: {OBJECTIVES[report['params']['objective']]}, {_describe_weights(report)}; "
        f"{report['params']['n_private']} private and {report['params']['n_shared']} shared "
        "dimensions",
        f"spectra: {_describe_spectra(report['spectra'])}",
        f"probed: {report['probed']}; seeds {', '.join(map(str, report['seeds']))}"
        + ("; mean +- standard deviation" if len(report["seeds"]) > 1 else ""),
        "",
        f"{'':<10}{'timbre (4 classes)':^32}{'frequency (21 classes)':^32}",
        f"{'block':<10}" + f"{'paper':>10}{'ours':>20}  " * 2,
    ]
    for block in BLOCKS:
        line = f"{block:<10}"
        for factor in FACTORS:
            cell = report["table"][block][factor]
            ours = f"{cell['mean']:.3f}"
            if len(report["seeds"]) > 1:
                ours += f" +- {cell['std']:.3f}"
            line += f"{report['paper'][block][factor]:>10.3f}{ours:>20}  "
        lines.append(line.rstrip())
    for name in ("chance", "ceiling"):
        values = (f"{'':>10}{report[name][factor]:>20.3f}  " for factor in FACTORS)
        lines.append(f"{name:<10}{''.join(values)}".rstrip())
    lines += ["", "The same cells from other codes of the same models:"]
    for code, cells in report["tables"].items():
        if code != report["probed"]:
            values = (f"{cells[b][f]['mean']:.3f}" for b in BLOCKS for f in FACTORS)
            lines.append(
                f"  {code}: private {{}}/{{}}, shared {{}}/{{}}, both {{}}/{{}}".format(*values)
            )
    lines += ["", "Mutual information of each dimension with each factor, in nats:"]
    names = list(report["mi"][FACTORS[0]])
    for block in ("private", "shared"):
        columns = [name for name in names if name.startswith(block)]
        lines.append(f"  {block:<12}" + "".join(f"{name.split('_')[1]:>7}" for name in columns))
        for factor in FACTORS:
            values = (report["mi"][factor][name] for name in columns)
            lines.append(f"  {factor:<12}" + "".join(f"{value:>7.2f}" for value in values))
    return "\n".join(lines)


def _describe_weights(report: Mapping[str, Any]) -> str:
    weights = {name: f"{report['params'][name]:g}" for name in ("alpha", "beta", "gamma")}
    if len(set(weights.values())) == 1:
        return f"{' = '.join(weights)} = {weights['alpha']}"
    return ", ".join(f"{name} = {weight}" for name, weight in weights.items())


def _describe_spectra(settings: Mapping[str, Any]) -> str:
    given = [f"{name}={value}" for name, value in settings.items()]
    return f"LogMel({', '.join([str(SAMPLE_RATE), *given])})"


def write_report(
    out: Path, report: Mapping[str, Any], result: SeedResult, *, seed: int
) -> list[Path]:
    """Write the report, the pictures and the model, all or none.

    Everything is made in a folder within ``out`` first, then moved, the report
    last: an interruption leaves no half-written file.
    """
    out.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=out))
    try:
        save(result.model, scratch / "model.safetensors")
        _draw(scratch, report, result, seed=seed)
        (scratch / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        made = sorted(scratch.iterdir(), key=lambda path: path.name == "report.json")
        for path in made:
            os.replace(path, out / path.name)
    finally:
        shutil.rmtree(scratch)
    return [out / path.name for path in made]


def _draw(folder: Path, report: Mapping[str, Any], result: SeedResult, *, seed: int) -> None:
    mutual_info = pd.DataFrame(report["mi"]).T
    blocks = {block: result.features.filter(like=f"{block}_").to_numpy() for block in BLOCKS[:2]}
    displays: dict[str, MutualInfoDisplay | LatentDisplay | ReconstructionDisplay] = {
        "mutual_info.png": MutualInfoDisplay(mutual_info).plot(),
        "latents.png": LatentDisplay.from_predictions(blocks, result.factors, random_state=seed),
        "reconstruction.png": _reconstructions(result),
    }
    for name, display in displays.items():
        figure = cast("Figure", display.figure_)  # made by the display, so no part of another
        figure.savefig(folder / name, dpi=150, bbox_inches="tight")


def _reconstructions(result: SeedResult) -> ReconstructionDisplay:
    """Draw a tone of each waveform, and it again with the shared code of the next."""
    rows = np.sort(result.factors["timbre"].drop_duplicates().index.to_numpy())
    timbres = result.factors["timbre"].to_numpy()[rows]
    X = result.X_probe.reshape(-1, 1, *result.X_probe.shape[2:])[rows]
    private, shared = result.model.encode(X, code="mean")
    labels = [
        f"{timbre}\nswapped to {other}"
        for timbre, other in zip(timbres, np.roll(timbres, -1), strict=True)
    ]
    swapped = result.model.decode(private, np.roll(shared, -1, axis=0))
    front = LogMel(SAMPLE_RATE, **SPECTRA[result.model.objective])
    X, X_hat, swapped = (
        to_decibels(spectra[:, 0], front)
        for spectra in (X, result.model.decode(private, shared), swapped)
    )
    return ReconstructionDisplay(X, X_hat, swaps=swapped, labels=labels).plot()
