"""``fsae prepare``: any lat/lon or HEALPix file to a canonical HEALPix archive."""

from __future__ import annotations

__all__ = ["prepare"]

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fsae_core.cli.output import JsonFlag, LevelOption, VariableOption, emit, progress


class Method(StrEnum):
    """How a lat/lon grid is brought to the sphere's cells."""

    conservative = "conservative"
    bilinear = "bilinear"
    nearest = "nearest"


def prepare(
    source: Annotated[
        str, typer.Argument(help="NetCDF, GRIB or Zarr (path, URL, or pattern of many), or a name.")
    ],
    target: Annotated[Path, typer.Argument(help="The archive to write: a folder .zarr, or one file .zip.")],
    zoom: Annotated[
        int | None, typer.Option(min=0, max=9, help="Zoom of the archive; by default closest to the grid.")
    ] = None,
    variable: VariableOption = None,
    level: LevelOption = None,
    method: Annotated[
        Method | None,
        typer.Option(help="By default what keeps area means; nearest is for grids of one point a row."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Turn a file of your own into a HEALPix archive. A stopped run goes on when it is started again."""
    from fsae_core.archive.canonical import data_names, zoom_of_dataset
    from fsae_core.archive.reader import open_archive
    from fsae_core.archive.writer import write_archive
    from fsae_core.codec.store import write_fields
    from fsae_core.codec.store_size import bytes_on_disk
    from fsae_core.errors import UserError

    started = time.monotonic()
    if target.suffix.lower() not in (".zarr", ".zip"):
        raise UserError(
            f"{target.name} was asked for, but an archive is a Zarr store: name it .zarr or .zip."
        )
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise UserError(f"{target} is source and target at once: choose another name for the archive.")
    ds = open_archive(
        source, variables=variable, level=level, zoom=zoom, method=method.value if method else None
    )
    if target.suffix.lower() == ".zip":
        write_fields(ds, target, progress=progress("preparing"))
    else:
        write_archive(ds, target, progress=progress("preparing"))
    emit(
        {
            "path": target,
            "variables": list(data_names(ds)),
            "zoom": zoom_of_dataset(ds),
            "times": ds.sizes["time"],
            "bytes": bytes_on_disk(target),
            "seconds": round(time.monotonic() - started, 3),
        },
        as_json,
    )
