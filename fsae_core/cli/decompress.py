"""``fsae decompress``: a compressed store back to a HEALPix archive or a lat/lon NetCDF."""

from __future__ import annotations

__all__ = ["decompress"]

import time
from pathlib import Path
from typing import Annotated

import typer

from fsae_core.cli.output import JsonFlag, emit, progress


def decompress(
    source: Annotated[Path, typer.Argument(help="A store that `fsae compress` wrote.")],
    target: Annotated[
        Path, typer.Argument(help="A HEALPix archive (.zarr, .zip) or a lat/lon NetCDF (.nc).")
    ],
    zoom: Annotated[
        int | None, typer.Option(min=0, max=9, help="A coarser zoom than the field's own.")
    ] = None,
    ratio: Annotated[
        int | None, typer.Option(help="A coarser ratio, of a store that was written with --layers.")
    ] = None,
    grid: Annotated[float | None, typer.Option(help="Degrees between grid points; NetCDF only.")] = None,
    model: Annotated[str | None, typer.Option(help="Weights that are not shipped: their file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of that name.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Bring the fields of a compressed store back, a few times at once however long it is.

    A run that was stopped or killed goes on when the same command is given again.
    """
    from fsae_core.archive.canonical import zoom_of_dataset
    from fsae_core.archive.source import Source
    from fsae_core.codec import latlon, store_size
    from fsae_core.codec.backend import FsaeBackend
    from fsae_core.codec.unpack import unpack
    from fsae_core.errors import UserError

    started = time.monotonic()
    suffix = target.suffix.lower()
    if suffix not in (".zarr", ".zip", ".nc"):
        raise UserError(f"{target.name} was asked for, but fields go to .zarr, .zip or .nc: name it so.")
    if (suffix == ".nc") != (grid is not None):
        raise UserError(
            f"{target.name} with {'no --grid' if grid is None else f'--grid {grid:g}'} was asked for, but a "
            "NetCDF is on a lat/lon grid (give --grid DEGREES) and a Zarr on HEALPix (give none)."
        )
    if grid is not None:
        latlon.check_spacing(grid)
    ds = FsaeBackend().open_dataset(source, zoom=zoom, ratio=ratio, model=model, device=device)
    told = {"source": Source(str(source)).resolved().signature(), "ratio": ratio, "model": model}
    done = unpack(
        ds, target, grid=grid, signature=told, overwrite=overwrite, progress=progress("decompressing")
    )
    emit(
        {
            "path": target,
            "zoom": zoom_of_dataset(ds),
            "times": ds.sizes.get("time", 0),
            "grid": grid,
            "parts": done.parts,
            "parts_resumed": done.resumed,
            "bytes": store_size.bytes_on_disk(target),
            "seconds": round(time.monotonic() - started, 3),
        },
        as_json,
    )
