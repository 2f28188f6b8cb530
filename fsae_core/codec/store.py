"""A compressed dataset as a Zarr v3 store, a directory or one zip, and back.

On disk a field is float16, standardised by its own ``<v>_offset`` and ``<v>_scale`` (float32), so that
pascals fit as well as kelvins. Chunks are packed by zstd, their bytes shuffled (20 to 30 % smaller than
unshuffled on t2m of ERA5 and of a model), and carry a crc32c. A store gets its name when it is complete.
"""

from __future__ import annotations

__all__ = ["StoreSize", "bytes_on_disk", "read_store", "write_fields", "write_store"]

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.files import open_raw
from fsae_core.codec.atomic import PARTIAL, writing_store
from fsae_core.codec.layout import check_compressed, field_names
from fsae_core.errors import UserError, short_reason
from fsae_core.sphere.healpix import n_cells

_CHUNK_BYTES = 2**21


@dataclass(frozen=True)
class StoreSize:
    """Both ratios of a store; the weights that the decoder needs are not counted in either.

    ratio_floats: values in the native fields / values in the compressed fields.
    ratio_bytes: bytes of the native fields as float32 / bytes on disk, metadata and checksums included.
    """

    ratio_floats: float
    ratio_bytes: float
    bytes: int
    native_bytes: int


def write_store(cds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> StoreSize:
    """Write what `compress` gave; a path that ends in .zip becomes one file. UserError as in `writing`."""
    check_compressed(cds)
    out = cds.copy()
    names = field_names(cds)
    for name in names:
        standard = (cds[name] - cds[f"{name}_offset"]) / cds[f"{name}_scale"]
        kept = standard.transpose(*cds[name].dims).astype(np.float16)
        out[name] = kept.assign_attrs(cds[name].attrs, fsae_standardised="value = stored * scale + offset")
    _write_zarr(out, path, overwrite)
    native = sum(cds[n].size // cds.sizes["cell"] for n in names) * n_cells(int(cds.attrs["fsae_zoom_in"]))
    size = bytes_on_disk(path)
    return StoreSize(native / sum(cds[n].size for n in names), 4 * native / size, size, 4 * native)


def read_store(path: str | Path) -> xr.Dataset:
    """Read a compressed store into memory, checksums verified; what `compress` gave comes back.

    Raises UserError when the path is not such a store, is damaged, half written or of a newer format.
    """
    path = Path(path)
    ds = open_raw(path)
    if path.name.endswith(PARTIAL):
        raise UserError(f"{path.name} is half written by a run that was stopped: run that command again.")
    check_compressed(ds, path.name)
    missing = _missing_chunks(ds, path)
    if missing:
        raise UserError(f"{path.name} is half written ({missing} chunks are missing): make or copy it again.")
    try:
        ds = ds.load()
    except Exception as error:  # zarr, numcodecs and the file system have no common class for damaged bytes
        raise UserError(f"{path.name} is damaged ({short_reason(error)}): make or copy it again.") from error
    for name in field_names(ds):
        attrs = {k: v for k, v in ds[name].attrs.items() if k != "fsae_standardised"}
        values = ds[name].astype(np.float32) * ds[f"{name}_scale"] + ds[f"{name}_offset"]
        ds[name] = (ds[name].dims, values.transpose(*ds[name].dims).values, attrs)
    return ds.drop_encoding()


def write_fields(ds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> int:
    """Write a canonical archive at once as float32 Zarr v3, a folder or one .zip; gives its bytes on disk."""
    _write_zarr(ds, path, overwrite)
    return bytes_on_disk(path)


def bytes_on_disk(path: str | Path) -> int:
    """Bytes of a file, or of every file in a folder."""
    path = Path(path)
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _write_zarr(ds: xr.Dataset, path: str | Path, overwrite: bool) -> None:
    import zarr

    plain = ds.drop_encoding()
    # Metadata are most of the bytes of a single field: they are written once, without white space.
    with writing_store(path, overwrite=overwrite) as folder, zarr.config.set({"json_indent": None}):
        plain.to_zarr(
            folder,
            mode="w",
            zarr_format=3,
            consolidated=False,
            encoding={str(name): _encoding(plain[name]) for name in plain.variables},
            # A chunk of nothing but fill values is written too: one that is absent is one that was lost.
            write_empty_chunks=True,
        )


def _encoding(array: xr.DataArray) -> dict[str, Any]:
    """Chunks of whole spheres of about 2 MB, packed, and a checksum over the packed bytes."""
    from zarr.codecs import BloscCodec, Crc32cCodec

    packer = BloscCodec(cname="zstd", clevel=9, shuffle="shuffle", typesize=array.dtype.itemsize)
    encoding: dict[str, Any] = {"compressors": (packer, Crc32cCodec())}
    if np.issubdtype(array.dtype, np.floating):
        encoding["_FillValue"] = None
    if array.ndim and array.size:
        per_step = array.dtype.itemsize * array.size // array.shape[0]
        step = max(1, min(array.shape[0], _CHUNK_BYTES // max(per_step, 1)))
        encoding["chunks"] = (step, *array.shape[1:]) if "cell" in array.dims else array.shape
    return encoding


def _missing_chunks(ds: xr.Dataset, path: Path) -> int:
    """Chunks that the metadata promise and the store does not have (Zarr reads those as fill values)."""
    if path.is_dir():
        files = [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
    else:
        with zipfile.ZipFile(path) as archive:
            files = archive.namelist()
    root = min((f for f in files if f.endswith("zarr.json")), key=len).removesuffix("zarr.json")
    missing = 0
    for name, array in ds.variables.items():
        chunks = array.encoding["chunks"]
        expected = math.prod(-(-size // chunk) for size, chunk in zip(array.shape, chunks, strict=True))
        key = f"{root}{name}/c"
        missing += expected - sum(file == key or file.startswith(f"{key}/") for file in files)
    return missing
