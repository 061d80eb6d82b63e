"""Options that several commands take, and values as they are written there."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import click

from . import _fit_job
from ._disentangler import MultiViewDisentangler


def parse_seeds(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Read different whole numbers."""
    try:
        seeds = tuple(int(seed) for seed in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r}; pass whole numbers, such as 0,1,2") from None
    if min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise click.BadParameter(f"{value!r}; pass different numbers, 0 or more")
    return seeds


def parse_views(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Read how views are made."""
    try:
        _fit_job.factors_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def parse_params(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> dict[str, Any]:
    """Read parameters of the model, as literals or as words."""
    params = {}
    for text in value:
        name, equals, plain = text.partition("=")
        if not equals or name not in MultiViewDisentangler().get_params():
            raise click.BadParameter(f"{text!r}; pass a parameter of the model, such as lr=0.002")
        try:
            params[name] = ast.literal_eval(plain)
        except (ValueError, SyntaxError):  # a word without quotes
            params[name] = plain
    return params


SET = click.option(
    "--set",
    "params",
    callback=parse_params,
    multiple=True,
    metavar="NAME=VALUE",
    help="Parameter of MultiViewDisentangler, such as max_epochs=60; may be given again.",
)
JOBS = click.option(
    "--n-jobs", type=int, default=1, show_default=True, help="Files at a time; -1: all cores."
)
MODEL = click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
