"""A compressed store to files that any tool reads, block by block, in the memory of a few times.

While they are made there is a folder beside them, ``NAME.partial``, that belongs to one run: the fields so
far as a Zarr, and a mark for each block that is whole. A run that is stopped or killed goes on from there.
"""

from __future__ import annotations

__all__ = ["UNPACK", "Unpacked", "unpack"]

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import data_names
from fsae_core.archive.zipping import zip_folder
from fsae_core.codec import latlon
from fsae_core.codec.atomic import PARTIAL, check_target
from fsae_core.codec.block import Progress
from fsae_core.codec.finish import COMPLETE, FILE, STORE, ZIP, move, write_whole
from fsae_core.codec.lock import check_free, owned
from fsae_core.codec.part_work import PARTS
from fsae_core.codec.store import blocks_of_file, chunks_of_fields, promised, write_metadata
from fsae_core.errors import UserError

_PLAN, _BEGUN = "plan.json", "begun"
UNPACK = "decompress"
"""What a plan says that it is."""

Block = tuple[str, tuple[slice, ...]]


@dataclass(frozen=True)
class Unpacked:
    """parts: blocks of times; resumed: those that an earlier run had made."""

    parts: int
    resumed: int


def unpack(
    ds: xr.Dataset,
    target: str | Path,
    *,
    grid: float | None = None,
    signature: dict[str, Any] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Unpacked:
    """Write a canonical archive whose fields are made when they are asked for.

    target: a Zarr (a folder, or one .zip), with ``grid`` (degrees) a NetCDF (.nc). signature: what tells this
    run from others, in words that JSON holds. UserError as in `check_target`, while another run is at work on
    the target, or where one of other words was begun there.
    """
    target = Path(target)
    work = target.with_name(target.name + PARTIAL)
    check_free(work)
    if not ((work / _PLAN).is_file() and target.exists()):
        check_target(target, overwrite)
    frame = ds if grid is None else latlon.frame(ds, grid)
    todo = [(name, block) for name in data_names(ds) for block in blocks_of_file(ds[name])]
    plan = {
        "kind": UNPACK,
        "variables": list(data_names(ds)),
        "parts": len(todo),
        "signature": {
            **(signature or {}),
            "grid": grid,
            "sizes": {str(k): v for k, v in frame.sizes.items()},
        },
    }
    with owned(work):
        try:
            _take_over(work, json.dumps(plan, sort_keys=True), overwrite)
            done = {i for i in range(len(todo)) if (work / PARTS / f"{i}.json").exists()}
            if not (work / COMPLETE).exists():
                _fill(work, ds, frame, grid, todo, done, progress)
                _finish(work, target, frame, todo)
            move(work, target)
        except UserError:
            if not any((work / PARTS).glob("*.json")):
                shutil.rmtree(work, ignore_errors=True)
            raise
        shutil.rmtree(work, ignore_errors=True)
    return Unpacked(len(todo), len(done))


def _take_over(work: Path, plan: str, overwrite: bool) -> None:
    """What the same run left, or nothing. UserError where another run has made parts."""
    path = work / _PLAN
    before = path.read_text() if path.is_file() else ""
    if before == plan:
        return
    if any((work / PARTS).glob("*.json")) and not overwrite:
        raise UserError(
            f"{work.name} holds an unfinished run with another source or other options: repeat that command "
            "to finish it, or remove the folder (or pass --overwrite) to begin anew."
        )
    for old in work.iterdir():
        if old.name != "owner.json":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    write_whole(path, plan)


def _fill(
    work: Path,
    ds: xr.Dataset,
    frame: xr.Dataset,
    grid: float | None,
    todo: list[Block],
    done: set[int],
    progress: Progress | None,
) -> None:
    """Make the blocks that are not done, each of whole chunks, and mark them."""
    import zarr

    if not (work / _BEGUN).exists():
        skeleton, encoding = frame.copy(), {}
        for name in data_names(ds):
            if grid is None:
                skeleton[name] = promised(frame[name], chunks_of_fields(frame[name]))
            else:
                encoding[name] = {"chunks": frame[name].data.chunksize, "_FillValue": None}
        shutil.rmtree(work / STORE, ignore_errors=True)
        write_metadata(skeleton, encoding, work / STORE)
        (work / PARTS).mkdir(exist_ok=True)
        write_whole(work / _BEGUN, "")
    left = [(i, *part) for i, part in enumerate(todo) if i not in done]
    with zarr.config.set({"array.write_empty_chunks": True}):
        group = zarr.open_group(work / STORE, mode="r+")
        for i, name, block in progress(left) if progress else left:
            values = ds[name].variable[block].values
            array: Any = group[name]
            array[block or ...] = (
                np.asarray(values, array.dtype) if grid is None else latlon.interpolated(values, grid)
            )
            write_whole(work / PARTS / f"{i}.json", "{}")


def _finish(work: Path, target: Path, frame: xr.Dataset, todo: list[Block]) -> None:
    """What has to be moved to its place, whole."""
    import zarr

    suffix = target.suffix.lower()
    if suffix == ".zip":
        zip_folder(work / STORE, work / ZIP, pack_text=True)
    elif suffix == ".nc":
        group = zarr.open_group(work / STORE, mode="r")
        with latlon.new_netcdf(frame, work / FILE) as file:
            for name, block in todo:
                array: Any = group[name]
                file[name][block or ...] = array[block or ...]
    write_whole(work / COMPLETE, "")
