"""``fsae compress``: an archive to a compressed store, and what was lost."""

from __future__ import annotations

__all__ = ["compress"]

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fsae_core.cli.output import JsonFlag, VariableOption, emit, progress, warn

if TYPE_CHECKING:
    import xarray as xr

    from fsae_core.codec.choice import FieldModel

_TIMES_AT_ONCE = 32


def compress(
    source: Annotated[str, typer.Argument(help="Anything `prepare` reads, or a name from `fsae catalog`.")],
    target: Annotated[Path, typer.Argument(help="The store to write: a folder .zarr, or one file .zip.")],
    ratio: Annotated[int, typer.Option(help="4, 16, 64 or 256: values in a field / values kept.")],
    model: Annotated[
        str, typer.Option(help="fs-ae (the best shipped weights for the archive), a name, or a file.")
    ] = "fs-ae",
    variable: VariableOption = None,
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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a store of that name.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Compress an archive, read the store back, and print what was lost.

    Errors are of the values that come back from the file, equal area, over all times; with several variables
    they stand under each of them.
    """
    from fsae_core.archive.canonical import data_names
    from fsae_core.archive.reader import open_archive
    from fsae_core.archive.timing import is_instant
    from fsae_core.codec import choice, pipeline, store
    from fsae_core.codec.layout import INSTANT, LATENT, held_ratios
    from fsae_core.errors import UserError
    from fsae_core.sphere.healpix import zoom_of

    started = time.monotonic()
    if target.suffix.lower() not in (".zarr", ".zip"):
        raise UserError(f"{target.name} was asked for, but a store is Zarr: name it .zarr or .zip.")
    if target.exists() and not overwrite:
        raise UserError(f"{target} exists already: choose another name or pass --overwrite.")
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise UserError(f"{target} is source and target at once: choose another name for the store.")
    if ratio not in choice.RATIOS:
        choice.levels_of_ratio(ratio, 9)
    ds = open_archive(source, variables=variable)
    for name in data_names(ds):
        ds[name].attrs[INSTANT] = int(is_instant(ds, name))
    ds = _between(ds, start, end, source)
    wanted = "auto" if model == "fs-ae" else model
    fitted = choice.pick_model(ds, ratio, wanted, device)
    small = pipeline.compress(
        ds,
        ratio,
        model=wanted if layers else fitted,
        device=device,
        progress=progress("compressing"),
        step=step,
        max_error=max_error,
        layers=layers,
    )
    learned = int(fitted.card.trained_on(str(ds.attrs.get("fsae_name", "")), ds["time"].values).sum())
    if learned:
        warn(
            f"The weights {fitted.card.name} were trained on {learned} of these {ds.sizes['time']} times: "
            "there the errors are smaller than on new ones."
        )
    size = store.write_store(small, target, overwrite=overwrite)
    losses = _losses(ds, store.read_store(target), None if layers else fitted, device)
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
            "times": ds.sizes["time"],
            "times_trained_on": learned,
            "zoom_in": small.attrs["fsae_zoom_in"],
            "layers": held_ratios(small),
            "zoom": None if LATENT in small.dims else zoom_of(small.sizes["cell"]),
            "model": fitted.card.name,
            "weights_bytes": fitted.card.bytes,
            "seconds": round(time.monotonic() - started, 3),
        },
        as_json,
    )


def _between(ds: xr.Dataset, start: str | None, end: str | None, source: str) -> xr.Dataset:
    if start is None and end is None:
        return ds
    from fsae_core.errors import UserError

    try:
        part = ds.sel(time=slice(start, end))
    except (ValueError, KeyError, TypeError) as error:  # what pandas says to words that are no date
        raise UserError(
            f"--start {start} and --end {end} are not both dates: write them as 2008-07-01."
        ) from error
    if not part.sizes["time"]:
        first, last = (str(t)[:10] for t in ds["time"].values[[0, -1]])
        raise UserError(f"{source} has no time between {start} and {end}: it runs from {first} to {last}.")
    return part


def _losses(
    ds: xr.Dataset, small: xr.Dataset, model: FieldModel | None, device: str
) -> dict[str, dict[str, Any]]:
    """What differs between the archive and what the store gives back, by variable."""
    from fsae_core.archive.canonical import data_names
    from fsae_core.codec.layout import STEP
    from fsae_core.codec.pipeline import decompress
    from fsae_core.evaluate.metrics import ErrorSums

    sums = {name: ErrorSums() for name in data_names(ds)}
    blocks = [slice(i, i + _TIMES_AT_ONCE) for i in range(0, ds.sizes["time"], _TIMES_AT_ONCE)]
    for block in progress("checking")(blocks):
        truth, back = ds.isel(time=block), decompress(small.isel(time=block), model=model, device=device)
        for name, total in sums.items():
            total.add(truth[name].values, back[name].values)
    return {
        name: {
            "rmse": total.rmse,
            "psnr_db": total.psnr_db,
            "max_error": total.max_error,
            "units": ds[name].attrs.get("units"),
            "step": small[name].attrs.get(STEP),
        }
        for name, total in sums.items()
    }
