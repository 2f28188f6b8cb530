"""``fsae atlas``: an archive's compressed fields on a map, and the times that stand out."""

from __future__ import annotations

__all__ = ["atlas"]

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from fsae_core.cli.output import JsonFlag, emit, progress, warn

_SHOWN = 10


def atlas(
    source: Annotated[str, typer.Argument(help="Anything `prepare` reads, or a name from `fsae catalog`.")],
    out: Annotated[Path, typer.Option("--out", help="The Parquet file to write.")],
    variable: Annotated[
        str | None, typer.Option("--variable", "-v", help="Which variable; t2m or the first by default.")
    ] = None,
    ratio: Annotated[int, typer.Option(help="4, 16, 64 or 256: values in a field / values kept.")] = 16,
    model: Annotated[
        str, typer.Option(help="fs-ae (the best shipped weights for the archive), a name, or a file.")
    ] = "fs-ae",
    zoom: Annotated[
        int | None,
        typer.Option(min=0, max=9, help="Zoom that fields are brought to before they are compressed."),
    ] = None,
    start: Annotated[str | None, typer.Option(help="First time, for example 1950-01.")] = None,
    end: Annotated[str | None, typer.Option(help="Last time, the whole of that day, month or year.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same atlas.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of that name.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Draw the map of an archive's compressed fields and tell which times stand out.

    Gaps of observed records are filled from the record itself. A stopped run goes on when it is started
    again.
    """
    from fsae_core.atlas.atlas import AtlasConfig
    from fsae_core.atlas.build import build_atlas
    from fsae_core.atlas.file import write_atlas
    from fsae_core.atlas.records import open_complete
    from fsae_core.errors import UserError

    started = time.monotonic()
    if out.suffix.lower() != ".parquet":
        raise UserError(f"{out.name} was asked for, but an atlas is a Parquet file: name it .parquet.")
    if not out.parent.is_dir():
        raise UserError(f"The folder {out.parent} of {out.name} does not exist: make it first.")
    if out.exists() and not overwrite:
        raise UserError(f"{out} exists already: choose another name or pass --overwrite.")
    c = AtlasConfig(ratio=ratio, model="auto" if model == "fs-ae" else model)
    config = replace(
        c,
        map=replace(c.map, seed=seed),
        displacement=replace(c.displacement, seed=seed),
        novelty=replace(c.novelty, seed=seed),
    )
    ds = open_complete(source, variable, zoom=zoom, start=start, end=end)
    keep = out.with_name(f"{out.name}.stages")
    made = build_atlas(
        ds,
        variable=variable,
        config=config,
        device=device,
        progress=progress("building the atlas"),
        keep=keep,
    )
    write_atlas(made, out, overwrite=overwrite)
    shutil.rmtree(keep)
    if made.about["surrogates"] is None:
        warn("Nothing in this record tells its years apart (too short, or no trend): no year displacement.")
    outliers = made.outliers()
    emit(
        {
            "path": out,
            "times": len(made.table),
            "outliers": len(outliers),
            "most_novel": [
                {"time": str(row.time)[:16], "novelty": float(row.novelty), "p": float(row.p_novelty)}
                for row in outliers.head(_SHOWN).itertuples()
            ],
            "eruptions": made.about["eruptions"],
            "enso_share": made.about["enso_share"],
            "variable": made.about["variable"],
            "model": made.about["model"],
            "ratio": ratio,
            "zoom_in": made.about["zoom_in"],
            "bytes": out.stat().st_size,
            "seconds": round(time.monotonic() - started, 3),
        },
        as_json,
    )
