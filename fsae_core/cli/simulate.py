"""``fsae simulate``: an AMIP-style run of SPEEDY, month by month, as an archive of one's own."""

from __future__ import annotations

__all__ = ["simulate"]

import time
from pathlib import Path
from typing import Annotated

import typer

from fsae_core.cli.output import JsonFlag, emit, progress, warn


def simulate(
    target: Annotated[Path, typer.Argument(help="The archive to write: a folder .zarr.")],
    start: Annotated[str, typer.Option(help="First month, 1979-01 or later.")],
    end: Annotated[str, typer.Option(help="The month after the last, 2014-01 or earlier.")],
    truncation: Annotated[
        int, typer.Option(help="Of the spectral model: 31 is zoom 4, 63 zoom 5 and six times the work.")
    ] = 31,
    seed: Annotated[int, typer.Option(min=0, help="Of the initial state: other weather.")] = 0,
    volcanoes: Annotated[
        bool, typer.Option("--volcanoes/--no-volcanoes", help="Whether volcanic aerosol dims the sun.")
    ] = True,
    every: Annotated[int, typer.Option(min=1, help="Keep the mean of each so manieth day.")] = 3,
    monthly: Annotated[
        Path | None, typer.Option(help="Write means over all days of each month to this archive too.")
    ] = None,
    spin_up: Annotated[
        int, typer.Option(min=0, help="Days before the first month that are run and not kept.")
    ] = 120,
    as_json: JsonFlag = False,
) -> None:
    """Simulate the weather over the observed sea surface, 1979 to 2013. It never happened: no forecast.

    Needs the extra `simulate`. A stopped run goes on when it is started again with the same options.
    """
    from fsae_core.archive.simulate import Simulation
    from fsae_core.archive.simulate import simulate as run_simulation
    from fsae_core.errors import UserError

    started = time.monotonic()
    for path in (target, monthly):
        if path is not None and path.suffix.lower() != ".zarr":
            raise UserError(f"{path.name} was asked for, but a run writes a folder: name it .zarr.")
    if monthly is not None and monthly.absolute() == target.absolute():
        raise UserError(f"{target} was given for daily and monthly means at once: choose two names.")
    run = Simulation(start, end, truncation, seed, volcanoes, every, spin_up)
    outcome = run_simulation(target, run, monthly=monthly, progress=progress("months"), say=warn)
    emit(
        {
            "path": target,
            "years": outcome.years,
            "seconds": round(time.monotonic() - started, 3),
            "days_run": outcome.days,
            "times": outcome.times,
            "zoom": outcome.zoom,
            "truncation": truncation,
            "seed": seed,
            "volcanoes": volcanoes,
            "monthly": monthly,
            "run_again": list(outcome.again),
            "simulated": True,
        },
        as_json,
    )
