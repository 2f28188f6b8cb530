"""``fsae compress``: an archive to a compressed store, and what was lost."""

from __future__ import annotations

__all__ = ["compress"]

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from fsae_core.cli.output import JsonFlag, LevelOption, VariableOption, emit, progress, warn


def compress(
    source: Annotated[str, typer.Argument(help="Anything `prepare` reads, or a name from `fsae catalog`.")],
    target: Annotated[Path, typer.Argument(help="The store to write: a folder .zarr, or one file .zip.")],
    ratio: Annotated[int, typer.Option(help="4, 16, 64 or 256: values in a field / values kept.")],
    model: Annotated[
        str,
        typer.Option(
            help="fs-ae (the best shipped weights for the archive), adaptive (numbers where a field is "
            "hard to tell), joint (its variables together), cnn-vae, "
            "a name, or a file."
        ),
    ] = "fs-ae",
    variable: VariableOption = None,
    level: LevelOption = None,
    start: Annotated[str | None, typer.Option(help="First time, for example 2008-07-01.")] = None,
    end: Annotated[str | None, typer.Option(help="Last time, the whole of that day, month or year.")] = None,
    max_error: Annotated[
        float | None, typer.Option(help="No value may be off by more, in its units; costs many bytes.")
    ] = None,
    step: Annotated[
        float | None,
        typer.Option(help="Of the quantiser, in units of a field's spread; else so that RMSE grows by 2 %."),
    ] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="Keep all coarser ratios too, each to be had alone.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes of this machine that compress parts of the archive.")
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler (tcp://...) whose workers see the same files."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Decode what was written and say what was lost.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a store of that name.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Compress an archive, read the store back, and print what was lost.

    However long the archive, a few parts of it are in memory at once, and a run that was stopped or killed
    goes on when the same command is given again. Errors are of the values that come back from the files,
    equal area, over all times; with several variables they stand under each of them.
    """
    if workers > 1 and scheduler is None:
        from fsae_core.codec.forkserver import get_ready

        get_ready()  # its imports and ours, below, take a second or two each
    from fsae_core.archive.source import Source
    from fsae_core.codec import archive_run, choice
    from fsae_core.codec.layout import LATENT, STEP, held_ratios
    from fsae_core.errors import UserError
    from fsae_core.sphere.healpix import zoom_of

    started = time.monotonic()
    if target.suffix.lower() not in (".zarr", ".zip"):
        raise UserError(f"{target.name} was asked for, but a store is Zarr: name it .zarr or .zip.")
    if overwrite and target.exists() and Path(source).exists() and target.samefile(source):
        raise UserError(f"{target} is source and target at once: choose another name for the store.")
    if ratio not in choice.RATIOS:
        choice.levels_of_ratio(ratio, 9)
    wanted = "auto" if model == "fs-ae" else model
    done = archive_run.compress_archive(
        Source(source, None if variable is None else tuple(variable), start, end, level),
        target,
        ratio,
        model=wanted,
        device=device,
        step=step,
        max_error=max_error,
        layers=layers,
        workers=workers,
        scheduler=scheduler,
        check=check,
        overwrite=overwrite,
        progress=progress("compressing"),
    )
    small, size, fitted = done.small, done.size, done.models[-1]
    times: Any = small["time"].values if "time" in small.dims else []
    learned = int(fitted.card.trained_on(str(small.attrs.get("fsae_name", "")), times).sum())
    if learned:
        warn(
            f"The weights {fitted.card.name} were trained on {learned} of these {len(times)} times: "
            "there the errors are smaller than on new ones."
        )
    losses = {
        name: {
            "rmse": total.rmse,
            "psnr_db": total.psnr_db,
            "max_error": total.max_error,
            "units": small[name].attrs.get("units"),
            "step": small[name].attrs.get(STEP),
        }
        for name, total in done.errors.items()
    }
    only = next(iter(losses.values())) if len(losses) == 1 else {}
    emit(
        {
            "path": target,
            "ratio_floats": size.ratio_floats,
            "ratio_bytes": size.ratio_bytes,
            **{key: only.get(key) for key in ("rmse", "psnr_db", "max_error")},
            "variables": losses,
            "bytes": size.bytes,
            "native_bytes": size.native_bytes,
            "times": len(times),
            "times_trained_on": learned,
            "zoom_in": small.attrs["fsae_zoom_in"],
            "layers": held_ratios(small),
            "zoom": None if LATENT in small.dims else zoom_of(small.sizes["cell"]),
            "model": fitted.card.name,
            "weights_bytes": fitted.card.bytes,
            "parts": done.parts,
            "parts_resumed": done.resumed,
            "seconds": round(time.monotonic() - started, 3),
        },
        as_json,
    )
