"""Canonical archives on disk: a Zarr v3 directory that can be continued, or one small zip that can be
shipped."""

from __future__ import annotations

__all__ = ["Packing", "write_archive", "write_packed"]

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import data_names
from fsae_core.archive.zipping import zip_folder
from fsae_core.errors import UserError

TARGET_CHUNK = 2 * 2**20
"""Bytes of a chunk before compression: whole spheres, as many times as fit; the contract asks for 1 to 4
MB."""


@dataclass(frozen=True)
class Packing:
    """CF packing of one variable: stored integer * step + offset. The largest error is step / 2."""

    step: float
    offset: float = 0.0
    dtype: str = "int16"


def write_archive(
    dataset: xr.Dataset, path: str | Path, *, progress: Callable[[Iterable[int]], Iterable[int]] | None = None
) -> Path:
    """Write a canonical dataset to a Zarr v3 directory as float32, some times at once.

    A stopped run is continued when the same dataset is written to the same path again; until then the store
    says how far it came (attribute `fsae_times_written`) and what is there can be read. Raises UserError
    when `path` holds something else.
    """
    path = Path(path)
    names = data_names(dataset)
    times = dataset.sizes["time"]
    per_time = 4 * dataset.sizes["cell"]
    step = int(max(1, min(times, TARGET_CHUNK // per_time)))
    if path.exists():
        done = _written(path, dataset, step)
    else:
        done = 0
        _skeleton(dataset, path, step)
    firsts = range(done, times, step)
    for first in progress(firsts) if progress is not None else firsts:
        part = slice(first, min(first + step, times))
        block = dataset[list(names)].isel(time=part).load()
        block = block.drop_vars([v for v in block.variables if "time" not in block[v].dims])
        block.drop_vars("time").to_zarr(path, region={"time": part}, zarr_format=3, consolidated=False)
        _mark(path, part.stop if part.stop < times else None)
    return path


def _signature(dataset: xr.Dataset, step: int) -> str:
    times = dataset["time"].values.astype("datetime64[s]").astype(np.int64)
    first, last = (int(times[0]), int(times[-1])) if times.size else (0, 0)
    return json.dumps([list(data_names(dataset)), dict(dataset.sizes), first, last, int(times.sum()), step])


def _skeleton(dataset: xr.Dataset, path: Path, step: int) -> None:
    """All metadata and coordinates, no fields; made beside and renamed, so that a half-made one has no
    name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = data_names(dataset)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        lazy = dataset.chunk({"time": step})
        lazy = lazy.assign_attrs(fsae_times_written=0, fsae_signature=_signature(dataset, step))
        encoding: dict[str, dict[str, Any]] = {
            name: {"chunks": _chunks(dataset[name], step), "dtype": "float32"} for name in names
        }
        for name in names:
            lazy[name].encoding = {}
        lazy.to_zarr(draft, mode="w", compute=False, zarr_format=3, consolidated=False, encoding=encoding)
        draft.chmod(0o755)
        os.replace(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _chunks(array: xr.DataArray, step: int) -> tuple[int, ...]:
    return tuple(
        step if dim == "time" else 1 if dim == "member" else size for dim, size in array.sizes.items()
    )


def _written(path: Path, dataset: xr.Dataset, step: int) -> int:
    attrs = _attributes(path)
    if attrs.get("fsae_signature") != _signature(dataset, step):
        raise UserError(f"{path} exists and holds something else; remove it or choose another name.")
    written = attrs.get("fsae_times_written")
    return dataset.sizes["time"] if written is None else int(written)


def _attributes(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((path / "zarr.json").read_text()).get("attributes", {}))
    except (OSError, ValueError):
        return {}


def _mark(path: Path, written: int | None) -> None:
    """Note how many times are there, atomically; None: all of them."""
    document = json.loads((path / "zarr.json").read_text())
    if written is None:
        document["attributes"].pop("fsae_times_written", None)
    else:
        document["attributes"]["fsae_times_written"] = written
    draft = path / ".zarr.json.draft"
    draft.write_text(json.dumps(document, indent=2))
    os.replace(draft, path / "zarr.json")


def write_packed(dataset: xr.Dataset, path: Path, packing: Mapping[str, Packing]) -> int:
    """Write a small canonical dataset as one zip: integers, bit-shuffled and zstd-compressed; returns its
    bytes.

    The same dataset gives the same bytes: members are stored in order of name with a fixed date. Raises
    UserError when a value does not fit the packing.
    """
    from zarr.codecs import BloscCodec

    names = data_names(dataset)
    encoding: dict[str, dict[str, Any]] = {}
    packed = dataset.copy()
    for name in names:
        pack = packing[name]
        info = np.iinfo(pack.dtype)
        values = packed[name].values.astype(np.float64)
        low, high = (
            (float(values.min()) - pack.offset) / pack.step,
            (float(values.max()) - pack.offset) / pack.step,
        )
        if low < info.min - 0.5 or high > info.max + 0.5:
            raise UserError(
                f"{name} runs from {values.min():g} to {values.max():g}, outside its packing {pack}."
            )
        per_time = np.dtype(pack.dtype).itemsize * packed[name].isel(time=0).size
        step = int(max(1, min(packed.sizes["time"], 2 * TARGET_CHUNK // per_time)))
        codec = BloscCodec(
            cname="zstd", clevel=9, shuffle="bitshuffle", typesize=np.dtype(pack.dtype).itemsize
        )
        encoding[name] = {
            "dtype": pack.dtype,
            "scale_factor": pack.step,
            "add_offset": pack.offset,
            "chunks": _chunks(packed[name], step),
            "compressors": [codec],
        }
        packed[name].encoding = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", xr.SerializationWarning
            )  # no fill value is meant: no gaps in an archive
            packed.to_zarr(store, mode="w", zarr_format=3, consolidated=False, encoding=encoding)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        zip_folder(store, draft)
        os.replace(draft, path)
    return path.stat().st_size
