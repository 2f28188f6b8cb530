"""``fsae super-resolve``: an archive at a finer zoom, the whole sphere or a region."""

from __future__ import annotations

__all__ = ["super_resolve"]

import time
from pathlib import Path
from typing import Annotated

import typer

from fsae_core.cli.output import JsonFlag, VariableOption, emit, progress, warn


def super_resolve(
    source: Annotated[str, typer.Argument(help="Anything `prepare` reads, or a name from `fsae catalog`.")],
    target: Annotated[Path, typer.Argument(help="A NetCDF (.nc) or a Zarr store (.zarr, .zip), on HEALPix.")],
    zoom: Annotated[int, typer.Option(help="The finer zoom.")],
    region: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option(
            metavar="WEST SOUTH EAST NORTH",
            help="Degrees; west > east crosses the 180th meridian. The whole sphere if not given.",
        ),
    ] = None,
    variable: VariableOption = None,
    model: Annotated[
        str, typer.Option(help="auto (the archive's own weights, else general), general, a name or a file.")
    ] = "auto",
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Fit t2m's detail to the field's own scales, with a lapse rate."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of that name.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Estimate what an archive would look like at a finer zoom, with weights that never saw such pairs.

    Detail is estimated, not observed; means over the coarse cells are kept. How it was made is told in the
    attributes fsae_sr_... of the file.
    """
    from fsae_core.archive.canonical import data_names
    from fsae_core.archive.reader import open_archive
    from fsae_core.codec import latlon, store, store_size
    from fsae_core.codec.calibration import CALIBRATED, CalibratedResolver
    from fsae_core.codec.super_resolution import super_resolve as refine
    from fsae_core.errors import UserError

    started = time.monotonic()
    suffix = target.suffix.lower()
    if suffix not in (".nc", ".zarr", ".zip"):
        raise UserError(f"{target.name} was asked for, but fields go to .nc, .zarr or .zip: name it so.")
    if target.exists() and not overwrite:
        raise UserError(f"{target} exists already: choose another name or pass --overwrite.")
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise UserError(f"{target} is source and target at once: choose another name for the result.")
    ds = open_archive(source, variables=variable)
    fitted = {
        name: CalibratedResolver(ds, name, zoom, model=model, device=device)
        for name in (data_names(ds) if calibrate else ())
        if name in CALIBRATED
    }
    if calibrate and not fitted:
        raise UserError(
            f"{source} has no {' or '.join(CALIBRATED)}, which alone is calibrated: leave --calibrate out."
        )
    fine = refine(
        ds, zoom, region, model=model, device=device, progress=progress("super-resolving"), resolvers=fitted
    )
    learned = fine.attrs["fsae_sr_times_trained_on"]
    if learned:
        warn(
            f"The weights were trained on {learned} of these {ds.sizes['time']} times: there the detail is "
            "closer to the truth than on new ones."
        )
    if suffix == ".nc":
        latlon.write_netcdf(fine, target, overwrite=overwrite)
    else:
        store.write_fields(fine, target, overwrite=overwrite)
    emit(
        {
            "path": target,
            "zoom_in": fine.attrs["fsae_sr_zoom_in"],
            "zoom_out": fine.attrs["fsae_sr_zoom_out"],
            "smooth_zooms": fine.attrs["fsae_sr_smooth_zooms"],
            "method": fine.attrs["fsae_sr_method"],
            "weights": fine.attrs["fsae_sr_weights"],
            "variables": list(data_names(fine)),
            "times": fine.sizes["time"],
            "times_trained_on": learned,
            "region": region,
            "cells": fine.sizes["cell"],
            "bytes": store_size.bytes_on_disk(target),
            "seconds": round(time.monotonic() - started, 3),
        },
        as_json,
    )
