"""A small sound file of every family."""

from __future__ import annotations

import shutil
from pathlib import Path

import eccodes
import numpy as np
import xarray as xr
from archive_samples import latlon, smooth

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.assets import asset_path
from fsae_core.codec.pipeline import compress
from fsae_core.codec.store import write_fields, write_store


def healpix() -> xr.Dataset:
    rng = np.random.default_rng(0)
    times = (np.datetime64("2001-01-01") + np.arange(3)).astype("datetime64[ns]")
    values = (280 + 10 * rng.standard_normal((3, 3072))).astype(np.float32)
    array = xr.DataArray(values, dims=("time", "cell"), coords={"time": times}, attrs={"units": "K"})
    return canonical_dataset({"t2m": array}, {"source": "made by a test"})


def write_grib(path: Path, messages: int = 2) -> None:
    lat, lon = np.linspace(90, -90, 37), np.arange(0, 360, 5.0)
    with path.open("wb") as out:
        for i in range(messages):
            handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
            keys = {
                "Ni": 72, "Nj": 37, "latitudeOfFirstGridPointInDegrees": 90.0,
                "latitudeOfLastGridPointInDegrees": -90.0, "longitudeOfFirstGridPointInDegrees": 0.0,
                "longitudeOfLastGridPointInDegrees": 355.0, "iDirectionIncrementInDegrees": 5.0,
                "jDirectionIncrementInDegrees": 5.0, "dataDate": 20010116 + i, "dataTime": 0,
                "shortName": "2t",
            }  # fmt: skip
            for key, value in keys.items():
                eccodes.codes_set(handle, key, value)
            eccodes.codes_set_values(handle, smooth(lon[None, :], lat[:, None]).ravel())
            eccodes.codes_write(handle, out)
            eccodes.codes_release(handle)


def sound(folder: Path) -> dict[str, Path]:
    """One sound file or store of every family."""
    folder.mkdir()
    grid = latlon(18, 36)
    made = {
        "netcdf3": folder / "x3.nc",
        "netcdf4": folder / "x4.nc",
        "grib": folder / "x.grib",
        "zarr2": folder / "x2.zarr",
        "zarr3": folder / "x3.zarr",
        "archive": folder / "archive.zarr",
        "archive zip": folder / "archive.zarr.zip",
        "store": folder / "store.zarr",
        "store zip": folder / "store.zarr.zip",
        "adaptive store": folder / "adaptive-store.zarr",
        "weights": folder / "weights.safetensors",
    }
    grid.to_netcdf(made["netcdf3"], engine="scipy", format="NETCDF3_64BIT")
    grid.to_netcdf(
        made["netcdf4"], engine="netcdf4", encoding={"t2m": {"zlib": True, "chunksizes": (1, 18, 36)}}
    )
    write_grib(made["grib"])
    grid.to_zarr(made["zarr2"], zarr_format=2, consolidated=True)
    grid.to_zarr(made["zarr3"], zarr_format=3, consolidated=False)
    write_fields(healpix(), made["archive"])
    write_fields(healpix(), made["archive zip"])
    small = compress(healpix(), 16, model="general-16x")
    write_store(small, made["store"])
    write_store(small, made["store zip"])
    write_store(compress(healpix(), 16, model="adaptive"), made["adaptive store"])
    shutil.copy(asset_path("weights", "general-16x.safetensors"), made["weights"])
    return made
