"""The command line: ``mvdisent reproduce``, ``fit``, ``extract`` and ``info``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pandas as pd

from . import __version__, _extract, _fit_job, _options, _param_checks, _workers
from . import _reproduce as job
from ._build import resolve_device
from ._disentangler import MultiViewDisentangler
from ._format import check_target


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mvdisent")
def main() -> None:
    """Learn what several views of a sound share, and what is private to each."""


@main.command()
@click.option(
    "--data",
    type=click.Choice(["paper", "bandlimited"]),
    default="bandlimited",
    show_default=True,
    help="Tones: 'paper' is naive waveforms from 55 to 7040 Hz, as the paper most plausibly had; "
    "'bandlimited' sums harmonics, from 55 to 1760 Hz, so that nothing aliases.",
)
@click.option(
    "--objective",
    type=click.Choice(["default", *job.OBJECTIVES]),
    default="default",
    show_default=True,
    help="'marl' is the paper's, 'swap' has a referee, 'transport', the default, has partners.",
)
@click.option(
    "--n-samples",
    type=click.IntRange(min=2000),
    default=32000,
    show_default=True,
    help="One-second tones to train on, in pairs. The probes see half as many others.",
)
@click.option(
    "--seeds",
    callback=_options.parse_seeds,
    default="0",
    show_default=True,
    metavar="LIST",
    help="Seeds, such as 0,1,2: of the tones, the model and the probes.",
)
@click.option("--quick", is_flag=True, help="A small run of the same kind, under 90 seconds.")
@_options.SET
@click.option(
    "--device", default="auto", show_default=True, help="Torch device; 'auto' takes CUDA, if any."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("mvdisent-report"),
    show_default=True,
    help="Folder for report.json, the pictures and the model.",
)
def reproduce(
    data: str,
    objective: str,
    n_samples: int,
    seeds: tuple[int, ...],
    quick: bool,
    params: dict[str, Any],
    device: str,
    out: Path,
) -> None:
    """Train on tones and print the paper's table beside the measured one.

    A sample is a pair of one-second tones of one waveform (shared) at two
    frequencies (private). Without labels, the model is to learn a shared block
    that knows the waveform and a private block that knows the frequency. Small
    networks then try to read both factors from both blocks.
    """
    try:
        job.check_params(params)
    except (ValueError, TypeError) as error:
        raise click.BadParameter(str(error), param_hint="--set") from None
    params = {"device": str(resolve_device(device)), "verbose": 1, **params}
    objective = MultiViewDisentangler().objective if objective == "default" else objective
    size = job.QUICK if quick else job.full_size(n_samples)
    try:
        out.mkdir(parents=True, exist_ok=True)  # before the work, not after it
    except OSError as error:
        raise click.BadParameter(f"{out}: {error.strerror}", param_hint="--out") from None
    try:
        results = [
            job.run_seed(data, objective, size, seed, params=params, say=click.echo)
            for seed in seeds
        ]
        report = job.summarise(data, size, seeds, results)
        click.echo("\n" + job.format_report(report) + "\n")
        for path in job.write_report(out, report, results[0], seed=seeds[0]):
            click.echo(f"wrote {path}")
    except FloatingPointError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo(f"interrupted; nothing was written to {out}", err=True)
        raise SystemExit(130) from None


@main.command()
@click.argument("table", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--views",
    callback=_options.parse_views,
    required=True,
    metavar="HOW",
    help="'pair_by:FACTOR[:OTHER]': two clips alike in a column, that differ in the other; "
    "'crops': two windows of one file; 'augment': one clip twice, each at a gain of its own.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File for the model, which 'mvdisent extract' takes.",
)
@click.option(
    "--spectra",
    type=click.Choice(tuple(_fit_job.SPECTRA)),
    help="64 mel bands, or one a semitone; 'root-': fourth root, not dB; 'fourier-': for timbres; "
    "'pooled-': over time. 'mel', if not given; for crops 'pooled-mel'.",
)
@click.option(
    "--shift",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="BANDS",
    help="Shift each view by up to so many bands up or down: transposition becomes private.",
)
@click.option("--duration", type=float, default=1.0, show_default=True, help="Seconds of a clip.")
@click.option("--sample-rate", type=int, default=16000, show_default=True, help="In Hz.")
@click.option(
    "--level", type=float, default=0.2, show_default=True, help="Root mean square of each clip."
)
@click.option(
    "--split",
    help="Split to fit on, such as train: a folder, or a value of the column 'split'. "
    "All, if not given.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@_options.SET
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the spectra, which the next call finds again; OUT.spectra, if not given.",
)
@click.option("--skip-faulty", is_flag=True, help="Leave faulty files out, and list them.")
@_options.JOBS
def fit(
    table: Path,
    views: str,
    out: Path,
    spectra: str | None,
    shift: int,
    duration: float,
    sample_rate: int,
    level: float,
    split: str | None,
    seed: int,
    params: dict[str, Any],
    cache: Path | None,
    skip_faulty: bool,
    n_jobs: int,
) -> None:
    """Fit a model to the sound files of TABLE, and save it.

    TABLE is a folder, or a .csv or .jsonl file in one, with a column file_name and one
    for the factor of pair_by. Spectra are kept on disk: a second call computes none again.

    Exit codes: 0, done; 3, done without faulty files, which are listed in
    OUT.skipped.csv; 2, an argument is wrong; 130, interrupted.
    """
    cache = out.with_name(f"{out.name}.spectra") if cache is None else cache
    listed = out.with_name(f"{out.name}.skipped.csv")
    on_error = "skip" if skip_faulty else "raise"
    spectra = spectra or (_fit_job.POOLED if views == "crops" and not shift else "mel")
    sound = _fit_job.Sound(sample_rate, duration, level, spectra, cache, n_jobs, on_error)
    try:
        check_target(out)
        clips = _fit_job.open_table(table, views, split)
        click.echo(f"{len(clips)} clips; spectra are kept in {cache}")
        fitted = _fit_job.fit(
            clips,
            views,
            out,
            sound,
            shift=shift,
            params={"random_state": seed, "verbose": 1, **params},
        )
    except (ValueError, TypeError, OSError, FloatingPointError) as error:
        raise click.UsageError(str(error)) from None
    except KeyboardInterrupt:
        click.echo(f"interrupted; {out} was not written", err=True)
        raise SystemExit(130) from None
    click.echo(f"wrote {out}, fitted on {fitted.n_samples} samples of {fitted.n_views} views")
    _tell_skipped(fitted.skipped, listed)


def _tell_skipped(skipped: pd.DataFrame, listed: Path) -> None:
    """List the files that were left out, if any, and exit with 3."""
    listed.unlink(missing_ok=True)
    if len(skipped):
        skipped.to_csv(listed, index=False)
        click.echo(f"skipped {len(skipped)} files, listed in {listed}", err=True)
        raise SystemExit(3)


def _load(path: Path) -> _extract.Model:
    try:
        return _extract.load_model(path)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="MODEL") from None


@main.command()
@_options.MODEL
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Table to write: a .parquet or a .csv file.",
)
@click.option(
    "--per",
    type=click.Choice(_extract.PER),
    default="file",
    show_default=True,
    help="A row a file (mean and standard deviation over its windows), or a row a window.",
)
@click.option(
    "--hop",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds from one window to the next; as long as a window, if not given.",
)
@click.option(
    "--level",
    type=click.FloatRange(min=1e-6, max=1e6),
    default=0.2,
    show_default=True,
    help="Root mean square that each window is scaled to, as in training.",
)
@_options.JOBS
@click.option(
    "--workers",
    type=click.Choice(_workers.KINDS),
    default="threads",
    show_default=True,
    help="Who works at the files; Dask's and Ray's may be other machines, that see the same paths.",
)
@click.option("--address", help="Of Dask's scheduler or Ray's head; this machine, if not given.")
def extract(
    model: Path,
    folder: Path,
    out: Path,
    per: str,
    hop: float | None,
    level: float,
    n_jobs: int,
    workers: str,
    address: str | None,
) -> None:
    """Write the features of every sound file in FOLDER as one table.

    MODEL is a saved pipeline of LogMel or LogCQT and MultiViewDisentangler. Each file is read
    window by window, as long as the clips of the training; silent windows are left out.
    After an interruption the same command goes on; what a worker that died had is done again.

    Exit codes: 0, all files are in the table; 3, some were skipped, and are listed in
    OUT.skipped.csv; 1, the disk failed, or workers did; 2, bad arguments; 130, interrupted.
    """
    loaded = _load(model)
    listed = out.with_name(f"{out.name}.skipped.csv")
    settings = _extract.Settings(per, loaded.seconds if hop is None else hop, level)
    team = _workers.Workers(workers, n_jobs, address)
    try:
        _extract.check_out(out)
        _param_checks.check_jobs(n_jobs)
        n_files, skipped = _extract.extract(loaded, folder, out, settings, team)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except (_workers.WorkersDied, OSError) as error:
        raise click.ClickException(f"{error}; the same command goes on from here") from None
    except KeyboardInterrupt:
        click.echo("interrupted; the same command goes on from here", err=True)
        raise SystemExit(130) from None
    click.echo(f"wrote {out}: {n_files} files")
    _tell_skipped(skipped, listed)


@main.command()
@_options.MODEL
def info(model: Path) -> None:
    """Tell what the model file MODEL expects and gives."""
    click.echo(_extract.describe(model, _load(model)))


if __name__ == "__main__":
    main()
