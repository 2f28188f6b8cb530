"""Files of any supported format -> a raw xarray.Dataset, CF packing decoded, nothing interpreted yet."""

from __future__ import annotations

__all__ = ["open_raw", "open_zarr_store"]

import warnings
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import xarray as xr

from fsae_core.archive.contained import check_codecs
from fsae_core.archive.guarded import guarded
from fsae_core.archive.packed_netcdf import PackedChunks, packed_chunks
from fsae_core.archive.sizes import check_claims, claims_of_netcdf, claims_of_zarr
from fsae_core.errors import UserError, short_reason

_NETCDF_SUFFIXES = {".nc", ".nc4", ".cdf", ".netcdf"}
_GRIB_SUFFIXES = {".grib", ".grib2", ".grb", ".grb2", ".gb2"}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_MAX_EXPANSION = 200.0
"""A zip whose members claim to expand more than this is refused: climate fields do not compress so well."""


def open_raw(path: Path) -> xr.Dataset:
    """Open NetCDF 3/4, GRIB 1/2, Zarr 2/3 (a directory or a zip) lazily.

    The kind is told from the content, not from the name. Raises UserError when the file is missing, damaged
    or of another kind.
    """
    if not _is_there(path):
        raise UserError(
            f"{path} does not exist; expected a NetCDF, GRIB or Zarr file, or one of the names of `fsae "
            "catalog`."
        )
    if path.is_dir():
        return _open_zarr_directory(path)
    head = _head(path)
    if not head:
        raise UserError(f"{path.name} is empty (0 bytes); copy or download it again.")
    if head[:4] == b"PK\x03\x04" or head[:4] == b"PK\x05\x06" or path.suffix.lower() == ".zip":
        return _open_zarr_zip(path)
    if head[:3] == b"CDF" or head[:8] == _HDF5 or path.suffix.lower() in _NETCDF_SUFFIXES:
        return _open_netcdf(path, head)
    if b"GRIB" in head[:1024] or path.suffix.lower() in _GRIB_SUFFIXES:
        return _open_grib(path)
    raise UserError(
        f"{path.name} is neither NetCDF, GRIB nor Zarr (it begins with {head[:4]!r}); "
        "convert it to one of these first."
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a link to itself, a name too long
        return False


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1024)


def _open_netcdf(path: Path, head: bytes) -> xr.Dataset:
    engine = "scipy" if head[:4] in (b"CDF\x01", b"CDF\x02") else "netcdf4"
    packed: dict[str, PackedChunks] = {}
    try:
        if engine == "netcdf4":
            check_claims(claims_of_netcdf(path), path.name)
            packed = packed_chunks(path) if head[:8] == _HDF5 else {}
            for chunks in packed.values():
                chunks.check_ends()
        dataset = _decode(path, engine)
        _read_last_bytes(dataset)
    except ImportError:
        raise
    except UserError as error:
        if path.name in str(error):
            raise
        raise UserError(f"{path.name} is damaged ({short_reason(error)}): make or copy it again.") from error
    except Exception as error:  # the readers raise anything from OSError to KeyError on damaged files
        raise UserError(
            f"{path.name} looks like NetCDF but cannot be read, it may be truncated ({short_reason(error)}); "
            "copy or download it again."
        ) from error
    return guarded(dataset, path.name, packed)


def _decode(path: Path, engine: str) -> xr.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # calendars and fill values are judged later, with sentences
        try:
            return xr.open_dataset(path, engine=engine)
        except ValueError as error:
            if "time" not in str(error) and "calendar" not in str(error):
                raise
            raise UserError(
                f"{path.name} has a time axis that cannot be decoded ({short_reason(error)}); "
                "expected CF units like 'days since 2000-01-01'."
            ) from error


def _read_last_bytes(dataset: xr.Dataset) -> None:
    """A truncated file opens well: only its last value betrays it.

    Of an array that says where its layers lie the first are of use without the last.
    """
    for array in dataset.data_vars.values():
        if array.size and "fsae_layered" not in array.attrs:
            array.isel({dim: -1 for dim in array.dims}).load()


def _open_grib(path: Path) -> xr.Dataset:
    import logging

    import cfgrib

    logging.getLogger("cfgrib").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # An empty indexpath keeps cfgrib from writing an .idx file beside the data.
            options = {"indexpath": "", "errors": "raise", "read_keys": ["stepRange"]}
            cubes = cfgrib.open_datasets(str(path), backend_kwargs=options)
    except Exception as error:  # eccodes raises many classes for damaged messages
        raise UserError(
            f"{path.name} looks like GRIB but cannot be read, it may be truncated ({short_reason(error)}); "
            "copy or download it again."
        ) from error
    if not cubes or not any(cube.data_vars for cube in cubes):
        raise UserError(f"{path.name} holds no complete GRIB message; copy or download it again.")
    return guarded(_merge_cubes(cubes, path.name), path.name)


def _merge_cubes(cubes: list[xr.Dataset], file: str) -> xr.Dataset:
    """One dataset of cfgrib's hypercubes; the level's coordinate becomes an attribute so that they fit
    together."""
    merged: dict[str, xr.DataArray] = {}
    for cube in cubes:
        for name, array in cube.data_vars.items():
            level = array.attrs.get("GRIB_typeOfLevel", "unknown")
            if name in merged:
                other = merged[name].attrs.get("GRIB_typeOfLevel", "unknown")
                raise UserError(
                    f"{file} holds {name} more than once ({other} and {level}, or different steps), "
                    "expected one "
                    f"level and step a variable; select one first, for example with "
                    f"`grib_copy -w typeOfLevel={level} {file} one.grib`."
                )
            attrs = dict(array.attrs)
            if "step" in array.dims:
                # cfgrib gives the range of the first step alone; others may be longer.
                attrs.pop("GRIB_stepRange", None)
            if level in array.coords and array.coords[level].ndim == 0:
                attrs["level_hpa"] = float(array.coords[level]) if level == "isobaricInhPa" else None
                array = array.drop_vars(level)
            kept = {k: v for k, v in attrs.items() if v is not None}
            merged[str(name)] = array.drop_attrs(deep=False).assign_attrs(kept)
    try:
        return xr.Dataset(merged, attrs=cubes[0].attrs)
    except (ValueError, xr.MergeError) as error:
        names = ", ".join(merged)
        raise UserError(
            f"{file} holds variables on different grids or times ({names}); expected one grid and one set "
            "of times: "
            "split the file by variable."
        ) from error


def _open_zarr_directory(path: Path) -> xr.Dataset:
    if not any((path / marker).is_file() for marker in ("zarr.json", ".zgroup", ".zmetadata")):
        raise UserError(f"{path} is a folder but not a Zarr store (it has neither zarr.json nor .zgroup).")
    return open_zarr_store(path, path.name)


def _open_zarr_zip(path: Path) -> xr.Dataset:
    import zarr

    group = _zip_group(path)
    store = zarr.storage.ZipStore(path, mode="r")
    if not group:
        return open_zarr_store(store, path.name)
    zarr.open_group(store, path=group, mode="r")  # a zip store opens with its first group, not with a path
    return open_zarr_store(zarr.storage.StorePath(store, group), path.name)


def _zip_group(path: Path) -> str:
    """Check a zip before anything in it is read; the folder in it that is the store, "" for its root."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{path.name} is a damaged or truncated zip; copy or download it again.") from error
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if ".." in parts or member.filename.startswith(("/", "\\")) or ":" in (parts[0] if parts else ""):
            raise UserError(
                f"{path.name} holds the unsafe path {member.filename!r} (outside the archive) and was not "
                "opened."
            )
    expanded = sum(member.file_size for member in members)
    if expanded > _MAX_EXPANSION * max(path.stat().st_size, 1):
        raise UserError(
            f"{path.name} expands to {expanded / 1e9:.1f} GB, which is not a Zarr of fields; not opened."
        )
    roots = {
        str(PurePosixPath(member.filename).parent)
        for member in members
        if PurePosixPath(member.filename).name in ("zarr.json", ".zgroup")
    }
    if not roots:
        raise UserError(f"{path.name} is a zip but not a Zarr store (it has neither zarr.json nor .zgroup).")
    top = min(roots, key=lambda root: (0 if root == "." else len(PurePosixPath(root).parts), root))
    return "" if top == "." else top


def open_zarr_store(store: Any, name: str) -> xr.Dataset:
    """A Zarr in any kind of store, lazily. UserError where it cannot be read."""
    import zarr

    from fsae_core.archive.bombs import PIPELINE

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # absent consolidated metadata only costs time
            group = zarr.open_group(store, mode="r")
            check_codecs(group, name)
            check_claims(claims_of_zarr(group), name)
            with zarr.config.set({"codec_pipeline.path": PIPELINE}):
                dataset = guarded(xr.open_zarr(store, chunks=None), name)
        _read_last_bytes(dataset)
    except MemoryError:
        raise
    except UserError as error:
        if name in str(error):
            raise
        raise UserError(f"{name} is damaged ({short_reason(error)}): make or copy it again.") from error
    except Exception as error:  # zarr and the codecs raise many classes on damaged stores
        raise UserError(
            f"{name} looks like Zarr but cannot be read ({short_reason(error)}); it may be incomplete: "
            "make it again."
        ) from error
    return dataset
