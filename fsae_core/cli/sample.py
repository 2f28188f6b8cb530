"""``fsae sample``: an ensemble of a month that was, or that could have been."""

from __future__ import annotations

__all__ = ["sample"]

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fsae_core.cli.output import JsonFlag, emit, progress

if TYPE_CHECKING:
    import xarray as xr


def sample(
    target: Annotated[Path, typer.Argument(help="The store to write: a folder .zarr, or one file .zip.")],
    members: Annotated[int, typer.Option(min=1, help="How many fields to draw.")] = 16,
    month: Annotated[str, typer.Option(help="Whose season and forcing, for example 1991-12.")] = "1991-12",
    days: Annotated[
        int | None,
        typer.Option(min=1, help="Draw so many days in a row, every third, instead of the month's mean."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Member k of a seed is always the same.")] = 0,
    steps: Annotated[int, typer.Option(min=2, help="Evaluations of the network.")] = 16,
    sampler: Annotated[str, typer.Option(help="heun or dpm++.")] = "heun",
    no_volcanoes: Annotated[bool, typer.Option("--no-volcanoes", help="A world without eruptions.")] = False,
    co2: Annotated[float | None, typer.Option(help="CO2 in ppm instead of that month's.")] = None,
    nino34: Annotated[float | None, typer.Option(help="Nino 3.4 in K instead of that month's.")] = None,
    resolution: Annotated[str, typer.Option(help="fine (zoom 5) or coarse (zoom 4).")] = "fine",
    weights: Annotated[str, typer.Option(help="Diffusion weights: a shipped name or a file.")] = (
        "diffusion-amip-16x"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a store of that name.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Draw an ensemble of near-surface temperature, reproducible by seed.

    crps (K) and spread_skill compare anomalies at zoom 4 with the simulated archive, where it has that month
    and nothing was changed; else they are null. Months before 2005 were trained on.
    """
    from fsae_core.codec.store import write_fields
    from fsae_core.diffusion.ensembles import sample_ensemble
    from fsae_core.errors import UserError

    started = time.monotonic()
    if target.suffix.lower() not in (".zarr", ".zip"):
        raise UserError(f"{target.name} was asked for, but a store is Zarr: name it .zarr or .zip.")
    if target.exists() and not overwrite:
        raise UserError(f"{target} exists already: choose another name or pass --overwrite.")
    if not target.parent.is_dir():
        raise UserError(f"The folder {target.parent} of {target.name} does not exist: make it first.")
    if resolution not in ("fine", "coarse"):
        raise UserError(f"Resolution {resolution} was asked for: choose fine or coarse.")
    ds = sample_ensemble(
        members,
        month,
        days=days,
        seed=seed,
        steps=steps,
        sampler=sampler,
        volcanoes=not no_volcanoes,
        co2=co2,
        nino34=nino34,
        fine=resolution == "fine",
        weights=weights,
        device=device,
        progress=progress("drawing"),
    )
    size = write_fields(ds, target, overwrite=overwrite)
    changed = no_volcanoes or co2 is not None or nino34 is not None
    scored = {"crps": None, "spread_skill": None} if changed else _scores(ds)
    emit(
        {
            "path": target,
            "members": members,
            "times": ds.sizes["time"],
            "zoom": ds["crs"].attrs["healpix_nside"].bit_length() - 1,
            **{key: ds.attrs[key] for key in ("month", "seed", "steps", "conditions", "weights")},
            "weights_sha256": ds.attrs["weights_sha256"],
            "seconds": round(time.monotonic() - started, 3),
            **scored,
            "bytes": size,
        },
        as_json,
    )


def _scores(ds: xr.Dataset) -> dict[str, Any]:
    """Of anomalies at zoom 4 against the shipped archives; null where they do not have these times."""
    from fsae_core.evaluate.ensemble import score_against_archive

    found = score_against_archive(ds)
    return {"crps": None, "spread_skill": None} if found is None else found
