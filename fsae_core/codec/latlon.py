"""A canonical archive on a regular latitude-longitude grid, as CF NetCDF that any tool reads."""

from __future__ import annotations

__all__ = ["check_spacing", "frame", "interpolated", "new_netcdf", "on_grid", "write_netcdf"]

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import data_names
from fsae_core.codec.atomic import writing
from fsae_core.errors import UserError
from fsae_core.sphere.regrid import to_latlon

_FINEST, _COARSEST = 0.05, 30.0


def check_spacing(degrees: float) -> int:
    """Rows of the grid; UserError unless ``degrees`` is 0.05 to 30 and divides 180."""
    rows = round(180 / degrees) if degrees > 0 else 0
    if not _FINEST <= degrees <= _COARSEST or abs(rows * degrees - 180) > 1e-6 * 180:
        raise UserError(
            f"A grid of {degrees:g} degrees was asked for; expected {_FINEST:g} to {_COARSEST:g} and a whole "
            "number of them in 180: choose 0.25, 0.5, 1, 2 or 2.5 for example."
        )
    return rows


def on_grid(ds: xr.Dataset, degrees: float) -> xr.Dataset:
    """Interpolate (bilinear) to the centres of boxes of ``degrees``, south to north, -180 to 180.

    Gives dims (time[, member], lat, lon) with CF coordinates and their bounds. Raises UserError for a spacing
    that does not divide the sphere.
    """
    out = frame(ds, degrees)
    for name in data_names(ds):
        out[name] = out[name].copy(data=interpolated(ds[name].values, degrees))
    return out


@contextmanager
def new_netcdf(framed: xr.Dataset, path: Path) -> Iterator[Any]:
    """A deflated NetCDF-4 file of what `frame` gave, open so that the fields can be written into it."""
    import netCDF4

    framed.to_netcdf(path, engine="netcdf4", encoding=_encoding(framed), compute=False)
    with netCDF4.Dataset(path, "r+") as file:
        yield file


def write_netcdf(ds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a deflated NetCDF-4 file; it gets its name when it is complete. UserError as in `writing`."""
    with writing(path, overwrite=overwrite) as partial:
        plain = ds.drop_encoding()
        plain.to_netcdf(partial, engine="netcdf4", encoding=_encoding(plain))


def interpolated(values: Any, degrees: float) -> NDArray[np.float32]:
    """Fields (..., cell) at the centres of the boxes, (..., lat, lon)."""
    lat, lon = _centres(check_spacing(degrees))
    return to_latlon(values, lon, lat, method="bilinear").astype(np.float32)


def _centres(rows: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Latitudes and longitudes."""
    half = (np.arange(2 * rows) + 0.5) * (180 / rows)
    return half[:rows] - 90, half - 180


def frame(ds: xr.Dataset, degrees: float) -> xr.Dataset:
    """What `on_grid` gives but for the values of the fields, for which Dask arrays of nothing stand."""
    import dask.array as da

    rows = check_spacing(degrees)
    lat, lon = _centres(rows)
    # What only the codec reads stays behind; that a field is simulated is told wherever it goes.
    own = {k for k in ds.attrs if k.startswith("fsae_") and k != "fsae_simulated"}
    out = xr.Dataset(attrs={k: v for k, v in ds.attrs.items() if k not in own})
    for name in data_names(ds):
        lead = ds[name].dims[:-1]
        attrs = {k: v for k, v in ds[name].attrs.items() if k != "grid_mapping"}
        coords = {dim: ds[dim] for dim in lead if dim in ds.coords}
        shape = (*ds[name].shape[:-1], rows, 2 * rows)
        nothing = da.zeros(shape, dtype=np.float32, chunks=(*[1] * len(lead), *shape[-2:]))
        out[name] = xr.DataArray(nothing, dims=(*lead, "lat", "lon"), coords=coords, attrs=attrs)
    for dim, axis, standard in (("time", "T", "time"), ("member", "E", "realization")):
        if dim in out.coords:
            out[dim].attrs = {"standard_name": standard, "axis": axis, **out[dim].attrs}
    for dim, centres, name, units in (
        ("lat", lat, "latitude", "degrees_north"),
        ("lon", lon, "longitude", "degrees_east"),
    ):
        attrs = {"standard_name": name, "long_name": name, "units": units, "bounds": f"{dim}_bnds"}
        out[dim] = xr.DataArray(centres, dims=dim, attrs={**attrs, "axis": "Y" if dim == "lat" else "X"})
        edges = np.stack([centres - 90 / rows, centres + 90 / rows], axis=1)
        out[f"{dim}_bnds"] = xr.DataArray(edges, dims=(dim, "bnds"))
    out.attrs["Conventions"] = "CF-1.11"
    note = f"interpolated (bilinear) to a grid of {degrees:g} degrees"
    out.attrs["history"] = "\n".join(part for part in (ds.attrs.get("history", ""), note) if part)
    return out.drop_encoding()


def _encoding(ds: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Fields are packed one by one; times are whole minutes or seconds in float64, which any tool reads."""
    encoding: dict[str, dict[str, Any]] = {str(name): {"_FillValue": None} for name in ds.variables}
    for name, array in ds.data_vars.items():
        if array.dtype == np.float32 and array.dims[-2:] == ("lat", "lon"):
            chunks = (*[1] * (array.ndim - 2), *array.shape[-2:])
            encoding[str(name)] |= {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": chunks}
    if "time" in ds.coords and np.issubdtype(ds["time"].dtype, np.datetime64):
        encoding["time"] |= {"dtype": "float64", "units": "days since 1970-01-01 00:00:00"}
    return encoding
