"""The command line: ``mvdisent reproduce``."""

from __future__ import annotations

from pathlib import Path

import click

from . import __version__
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


if __name__ == "__main__":
    main()
