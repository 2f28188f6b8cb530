"""A compressed dataset as a Zarr v3 store, a directory or one zip, and back.

On disk (format 2) a field is standardised by its own ``<v>_offset`` and ``<v>_scale`` (float32; left out
where they are 0 and 1), quantised by its step and entropy-coded by the codec `fsae_latents`; corrections are
coded by `fsae_whole`. Every chunk carries a CRC32C. A store gets its name when it is complete. With layers
(format 3) those of a variable are one array, see `layered_store`. Format 1, float16 packed by zstd, is read
as well, and format 2 with an array for each layer.
"""

from __future__ import annotations

__all__ = [
    "blocks_of_file",
    "chunks_of_fields",
    "in_memory",
    "open_store",
    "prepared",
    "promised",
    "read_store",
    "rows_of_chunk",
    "rows_of_details",
    "write_fields",
    "write_metadata",
    "write_store",
]

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.files import open_raw
from fsae_core.codec import detail_codec
from fsae_core.codec.atomic import PARTIAL, writing_store
from fsae_core.codec.block import Progress, rows_at_once
from fsae_core.codec.layered_store import apart, codec_of_array, side_by_side
from fsae_core.codec.layout import (
    LAYERED_FORMAT,
    STANDARDISED,
    STEP,
    check_compressed,
    field_names,
    held_ratios,
    layer_name,
    places_name,
)
from fsae_core.codec.lazy import as_places, in_units
from fsae_core.codec.missing import missing_chunks
from fsae_core.codec.store_size import StoreSize, bytes_on_disk, size_of_store
from fsae_core.codec.zarr_codec import LatentsCodec, WholeCodec
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells, zoom_of

_CHUNK_BYTES = 2**21
_CHUNK_FIELDS, _CHUNK_VALUES = 64, 2**18
"""Of entropy-coded chunks: as many fields as help each other, few enough to be decoded for one of them."""


def write_store(cds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> StoreSize:
    """Write what `compress` gave; a path that ends in .zip becomes one file. UserError as in `writing`."""
    check_compressed(cds)
    _write_zarr(*prepared(cds), path, overwrite)
    return size_of_store(cds, path)


def prepared(cds: xr.Dataset) -> tuple[xr.Dataset, dict[str, Any]]:
    """What is kept of a compressed dataset, fields standardised, and how each of its variables is encoded."""
    out, encoding = cds.copy(), {}
    for name in field_names(cds):
        offset, scale = (cds[f"{name}_{side}"] for side in ("offset", "scale"))
        layers = [*(layer_name(name, ratio) for ratio in held_ratios(cds)[:-1]), name]
        standard = [
            ((cds[own] - offset) / scale)
            .transpose(*cds[own].dims)
            .astype(np.float32)
            .assign_attrs(cds[own].attrs)
            for own in layers
        ]
        whole = standard[-1]
        codec: Any = _latents_codec(cds[name])
        rows = None
        if places_name(name) in cds.variables:
            out = out.drop_vars([name, places_name(name)])
            whole = detail_codec.side_by_side(whole, cds[places_name(name)])
            codec = detail_codec.DetailsCodec(codec.step, int(cds.attrs["fsae_zoom_in"]), cds[name].shape[-1])
            rows = rows_of_details(int(cds.attrs["fsae_zoom_in"]))
        if len(layers) > 1:
            out = out.drop_vars(layers).assign_attrs(fsae_format=LAYERED_FORMAT)
            whole = side_by_side(standard)
            codec = codec_of_array(whole)
        out[name] = whole.assign_attrs({STANDARDISED: "value = stored * scale + offset"})
        encoding[name] = _coded(out[name], codec, rows)
        if not offset.any() and (scale == 1).all():
            out = out.drop_vars([f"{name}_offset", f"{name}_scale"])
        if f"{name}_correction" in cds.variables:
            corrections = cds[f"{name}_correction"]
            codec = WholeCodec(zoom_of(corrections.shape[-1]))
            encoding[f"{name}_correction"] = _coded(corrections, codec)
    return out, encoding


def open_store(path: str | Path) -> xr.Dataset:
    """Open a compressed store lazily: what `compress` gave comes back, decoded chunk by chunk as it is used.

    Raises UserError when the path is not such a store, is half written, of a newer format or contradicts
    itself; a damaged chunk raises when it is read.
    """
    path = Path(path)
    if path.name.endswith(PARTIAL) and path.exists():
        raise UserError(f"{path.name} is half written by a run that was stopped: run that command again.")
    ds = open_raw(path)
    chunks: dict[Any, tuple[int, ...]] = {
        name: tuple(array.encoding.get("chunks") or array.shape) for name, array in ds.variables.items()
    }
    shapes = {name: array.shape for name, array in ds.variables.items()}
    ds = detail_codec.apart(apart(_completed(ds), path.name), path.name)
    check_compressed(ds, path.name)
    missing = missing_chunks({name: (shapes[name], chunks[name]) for name in chunks}, path)
    if missing:
        raise UserError(f"{path.name} is half written ({missing} chunks are missing): make or copy it again.")
    for name in field_names(ds):
        sides = [f"{name}_{part}" for part in ("offset", "scale")]
        for side in sides:
            ds[side] = ds[side].load()
        offset, scale = (ds[side].values.astype(np.float32) for side in sides)
        for own in (name, *(layer_name(name, ratio) for ratio in held_ratios(ds)[:-1])):
            lazy = in_units(ds[own].variable, offset, scale)
            lazy.attrs.pop(STANDARDISED, None)
            rows = chunks[own if own in chunks else name][:-1]
            if places_name(own) in ds.variables:
                ds[places_name(own)] = as_places(ds[places_name(own)].variable)
            lazy.encoding = {"preferred_chunks": dict(zip(lazy.dims, (*rows, lazy.shape[-1]), strict=True))}
            ds[own] = lazy
    return ds


def read_store(path: str | Path) -> xr.Dataset:
    """Read a compressed store into memory, all checksums verified. UserError as in `open_store`."""
    return open_store(path).load().drop_encoding()


def _completed(ds: xr.Dataset) -> xr.Dataset:
    """With the offsets and scales that are left out because they are 0 and 1."""
    ds = ds.copy()
    for name in [str(n) for n, array in ds.data_vars.items() if STANDARDISED in array.attrs]:
        if not {f"{name}_offset", f"{name}_scale"} & set(ds.variables):
            lead = ds[name].dims[:-1]
            shape = ds[name].shape[:-1]
            ds[f"{name}_offset"] = (lead, np.zeros(shape, np.float32))
            ds[f"{name}_scale"] = (lead, np.ones(shape, np.float32))
    return ds


def write_fields(
    ds: xr.Dataset, path: str | Path, *, overwrite: bool = False, progress: Progress | None = None
) -> int:
    """Write a canonical archive at once as float32 Zarr v3, a folder or one .zip; gives its bytes on disk.

    Of fields that are not in memory a few times are read, or made, at once.
    """
    import zarr

    later = [str(name) for name in ds.data_vars if "cell" in ds[name].dims and not in_memory(ds[name])]
    skeleton = ds.copy()
    for name in later:
        skeleton[name] = promised(ds[name], chunks_of_fields(ds[name]))
    with writing_store(path, overwrite=overwrite) as folder:
        write_metadata(skeleton, {}, folder)
        todo = [(name, block) for name in later for block in blocks_of_file(ds[name])]
        with zarr.config.set({"array.write_empty_chunks": True}):
            group = zarr.open_group(folder, mode="r+")
            for name, block in progress(todo) if progress else todo:
                array: Any = group[name]
                array[block] = np.asarray(ds[name].variable[block].values, array.dtype)
    return bytes_on_disk(path)


def in_memory(array: xr.DataArray) -> bool:
    """Whether its values are there, not to be read or made."""
    return array.chunks is None and array.variable._in_memory


def promised(array: xr.DataArray, chunks: tuple[int, ...]) -> xr.DataArray:
    """A stand-in for values that are written later, block by block."""
    import dask.array as da

    whole = tuple(min(a, b) for a, b in zip(chunks, array.shape, strict=True))
    return array.copy(data=da.zeros(array.shape, dtype=array.dtype, chunks=whole))


def chunks_of_fields(array: xr.DataArray) -> tuple[int, ...]:
    """Of an archive's variable in a store."""
    return tuple(_encoding(array)["chunks"])


def blocks_of_file(array: xr.DataArray) -> list[tuple[slice, ...]]:
    """What is written of an archive's variable at once: whole chunks of a few times."""
    if array.ndim == 1:
        return [()]
    rows = max(chunks_of_fields(array)[0], rows_at_once(array.size // array.shape[0]))
    return [(slice(i, min(i + rows, array.shape[0])),) for i in range(0, array.shape[0], rows)]


def _write_zarr(ds: xr.Dataset, encoding: dict[str, Any], path: str | Path, overwrite: bool) -> None:
    with writing_store(path, overwrite=overwrite) as folder:
        write_metadata(ds, encoding, folder)


def write_metadata(ds: xr.Dataset, encoding: dict[str, Any], folder: Path) -> None:
    """Write a Zarr of format 3 but for the chunks of Dask arrays, or all of it where there are none."""
    import zarr

    plain = ds.drop_encoding()
    # Metadata are most of the bytes of a single field: they are written once, without white space.
    with zarr.config.set({"json_indent": None}):
        plain.to_zarr(
            folder,
            mode="w",
            zarr_format=3,
            consolidated=False,
            compute=False,
            encoding={
                str(name): encoding.get(str(name)) or _encoding(plain[name]) for name in plain.variables
            },
            # A chunk of nothing but fill values is written too: one that is absent is one that was lost.
            write_empty_chunks=True,
        )


def _latents_codec(array: xr.DataArray) -> LatentsCodec:
    zoom = zoom_of(array.shape[-1]) if str(array.dims[-1]).startswith("cell") else -1
    return LatentsCodec(float(array.attrs[STEP]), zoom)


def rows_of_chunk(values: int) -> int:
    """Times that are coded together, of so many values each: a power of two, so that chunks nest."""
    return _power_of_two(min(_CHUNK_FIELDS, _CHUNK_VALUES // values))


def rows_of_details(zoom_in: int) -> int:
    """The same of adaptive fields of this zoom, whose details are mostly of cells one zoom coarser."""
    return rows_of_chunk(max(1, n_cells(zoom_in) // 4))


def _power_of_two(number: int) -> int:
    """The largest that is not larger, and at least 1."""
    return 1 << (max(1, number).bit_length() - 1)


def _coded(array: xr.DataArray, codec: Any, rows: int | None = None) -> dict[str, Any]:
    """One entropy-coded stream a chunk: some dozens of times of one member, or so many rows."""
    chunks = [1] * (array.ndim - 1) + [array.shape[-1]]
    if array.ndim > 1:
        chunks[0] = max(1, min(array.shape[0], rows or rows_of_chunk(array.shape[-1])))
    encoding: dict[str, Any] = {
        "serializer": codec,
        "compressors": (),
        "filters": (),
        "chunks": tuple(chunks),
    }
    if np.issubdtype(array.dtype, np.floating):
        # What Zarr fills up the last chunk with; the codec leaves it out.
        encoding |= {"_FillValue": None, "fill_value": np.float32(0)}
    return encoding


def _encoding(array: xr.DataArray) -> dict[str, Any]:
    """Chunks of whole spheres of about 2 MB, packed, and a checksum over the packed bytes."""
    from zarr.codecs import BloscCodec, Crc32cCodec

    packer = BloscCodec(cname="zstd", clevel=9, shuffle="shuffle", typesize=array.dtype.itemsize)
    encoding: dict[str, Any] = {"compressors": (packer, Crc32cCodec())}
    if np.issubdtype(array.dtype, np.floating):
        encoding["_FillValue"] = None
    if array.ndim and array.size:
        per_step = array.dtype.itemsize * array.size // array.shape[0]
        step = max(1, min(array.shape[0], _power_of_two(_CHUNK_BYTES // max(per_step, 1))))
        encoding["chunks"] = (step, *array.shape[1:]) if "cell" in array.dims else array.shape
    return encoding
