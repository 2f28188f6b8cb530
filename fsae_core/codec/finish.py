"""The end of a run: metadata round the chunks, and the whole to its place.

It can be stopped anywhere and begun again: moves of whole folders are all that changes what a run has made.
"""

from __future__ import annotations

__all__ = [
    "COMPLETE",
    "FILE",
    "STORE",
    "ZIP",
    "assemble",
    "bring_back",
    "move",
    "put_together",
    "write_whole",
]

import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.zipping import zip_folder
from fsae_core.codec.choice import FieldModel
from fsae_core.codec.layers import Layers
from fsae_core.codec.part_work import CHUNKS, Record
from fsae_core.codec.pipeline import assembled
from fsae_core.codec.plan import Part
from fsae_core.codec.shelf import named_variables
from fsae_core.codec.store import prepared, rows_of_chunk, rows_of_details, write_metadata
from fsae_core.sphere.healpix import zoom_of

COMPLETE = "complete"
"""A file that says that a store only has to be moved to its place."""
STORE, ZIP, FILE = "store", "store.zip", "whole.nc"
"""What is made in a run's folder before it gets its name: a Zarr, the same in one file, a NetCDF."""
_OLD = "replaced"


def assemble(
    ds: xr.Dataset,
    coders: dict[str, Layers],
    parts: list[Part],
    records: dict[int, Record],
    models: list[FieldModel],
) -> xr.Dataset:
    """The compressed dataset with true metadata, offsets and scales, and Dask arrays in place of fields."""
    import dask.array as da

    variables = {}
    for name, layers in coders.items():
        array, own = ds[name], [part for part in parts if part.variable == name]
        lead, first = array.shape[:-1], records[own[0].index]
        sides = []
        for which in ("offset", "scale"):
            side = np.zeros(lead, np.float32)
            for part in own:
                numbers = records[part.index].side(which)
                if not lead:
                    side = numbers.reshape(())
                elif part.member is None:
                    side[part.start : part.stop] = numbers
                else:
                    side[part.start : part.stop, part.member] = numbers
            sides.append(side)

        detailed = records[own[0].index].places
        at_once = rows_of_details(zoom_of(array.shape[-1])) if detailed else None

        def nothing(
            values: int,
            kind: Any,
            lead: tuple[int, ...] = lead,
            beside: int = 0,
            at_once: int | None = None,
        ) -> Any:
            rows = at_once or rows_of_chunk(values + beside)
            chunks = ((min(lead[0], rows),) if lead else ()) + (1,) * (len(lead) - 1)
            return da.zeros((*lead, values), dtype=kind, chunks=(*chunks, values))

        total = sum(first.values)
        fields = [
            nothing(values, np.float32, beside=total - values, at_once=at_once) for values in first.values
        ]
        places = nothing(total, np.int32, at_once=at_once) if detailed else None
        bounded = layers.coders[-1].max_error is not None
        whole = nothing(array.shape[-1], np.int32) if bounded else None
        variables[name] = named_variables(array, layers, list(first.zooms), fields, sides, whole, places)
    return assembled(ds, variables, models)


def bring_back(work: Path) -> None:
    """Chunks that a run had moved to their store when it was stopped."""
    for moved in (work / STORE).glob("*/c"):
        place = work / CHUNKS / moved.parent.name / "c"
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(moved, place)


def put_together(work: Path, target: Path, small: xr.Dataset) -> None:
    """Metadata round the chunks; what is made then only has to be moved."""
    store = work / STORE
    shutil.rmtree(store, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole, encoding = prepared(small)
        write_metadata(whole, encoding, store)
    for name, array in whole.variables.items():
        if array.chunks is not None:
            os.replace(work / CHUNKS / str(name) / "c", store / str(name) / "c")
    if target.suffix.lower() == ".zip":
        zip_folder(store, work / ZIP, pack_text=True)
    write_whole(work / COMPLETE, "")


def move(work: Path, target: Path) -> None:
    """The complete store to its place, unless that is done."""
    made = work / {".zip": ZIP, ".nc": FILE}.get(target.suffix.lower(), STORE)
    if not made.exists():
        return
    if target.exists():
        old = work / _OLD
        if old.exists():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        os.replace(target, old)
    os.replace(made, target)


def write_whole(path: Path, text: str) -> None:
    """A small file, there whole or not at all."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(text)
    os.replace(draft, path)
