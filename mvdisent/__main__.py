"""The command line: ``mvdisent reproduce``, ``extract`` and ``info``."""

from __future__ import annotations

from pathlib import Path

import click

from . import __version__, _extract, _param_checks
from . import _reproduce as job
from ._build import resolve_device


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mvdisent")
def main() -> None:
    """Learn what several views of a sound share, and what is private to each."""


def _parse_seeds(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        seeds = tuple(int(seed) for seed in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r}; pass whole numbers, such as 0,1,2") from None
    if min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise click.BadParameter(f"{value!r}; pass different numbers, 0 or more")
    return seeds


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
    type=click.Choice(list(job.OBJECTIVES)),
    default="marl",
    show_default=True,
    help="'marl' is the paper's; 'swap' decodes each view from what the others share, and has a "
    "referee between the blocks.",
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
    callback=_parse_seeds,
    default="0",
    show_default=True,
    metavar="LIST",
    help="Seeds, such as 0,1,2: of the tones, the model and the probes.",
)
@click.option("--quick", is_flag=True, help="A small run of the same kind, under 90 seconds.")
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
    device: str,
    out: Path,
) -> None:
    """Train on tones and print the paper's table beside the measured one.

    A sample is a pair of one-second tones of one waveform (shared) at two
    frequencies (private). Without labels, the model is to learn a shared block
    that knows the waveform and a private block that knows the frequency. Small
    networks then try to read both factors from both blocks.
    """
    device = str(resolve_device(device))
    size = job.QUICK if quick else job.full_size(n_samples)
    try:
        out.mkdir(parents=True, exist_ok=True)  # before the work, not after it
    except OSError as error:
        raise click.BadParameter(f"{out}: {error.strerror}", param_hint="--out") from None
    try:
        results = [
            job.run_seed(data, objective, size, seed, device=device, verbose=1, say=click.echo)
            for seed in seeds
        ]
        report = job.summarise(data, size, seeds, results)
        click.echo("\n" + job.format_report(report) + "\n")
        for path in job.write_report(out, report, results[0], seed=seeds[0]):
            click.echo(f"wrote {path}")
    except KeyboardInterrupt:
        click.echo(f"interrupted; nothing was written to {out}", err=True)
        raise SystemExit(130) from None


_MODEL = click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))


def _load(path: Path) -> _extract.Model:
    try:
        return _extract.load_model(path)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="MODEL") from None


@main.command()
@_MODEL
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
@click.option(
    "--n-jobs", type=int, default=1, show_default=True, help="Files at a time; -1: all cores."
)
def extract(
    model: Path, folder: Path, out: Path, per: str, hop: float | None, level: float, n_jobs: int
) -> None:
    """Write the features of every sound file in FOLDER as one table.

    MODEL is a saved pipeline of LogMel and MultiViewDisentangler. Each file is read
    window by window, as long as the clips of the training; silent windows are left out.
    After an interruption the same command goes on from where it was.

    Exit codes: 0, all files are in the table; 3, some were skipped, and are listed in
    OUT.skipped.csv; 2, an argument is wrong; 130, interrupted.
    """
    loaded = _load(model)
    listed = out.with_name(f"{out.name}.skipped.csv")
    settings = _extract.Settings(per, loaded.seconds if hop is None else hop, level)
    try:
        _extract.check_out(out)
        _param_checks.check_jobs(n_jobs)
        n_files, skipped = _extract.extract(loaded, folder, out, settings, n_jobs=n_jobs)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except KeyboardInterrupt:
        click.echo("interrupted; the same command goes on from here", err=True)
        raise SystemExit(130) from None
    click.echo(f"wrote {out}: {n_files} files")
    listed.unlink(missing_ok=True)
    if len(skipped):
        skipped.to_csv(listed, index=False)
        click.echo(f"skipped {len(skipped)} files, listed in {listed}", err=True)
        raise SystemExit(3)


@main.command()
@_MODEL
def info(model: Path) -> None:
    """Tell what the model file MODEL expects and gives."""
    click.echo(_extract.describe(model, _load(model)))


if __name__ == "__main__":
    main()
