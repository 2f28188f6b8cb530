"""A canonical archive on a regular latitude-longitude grid, as CF NetCDF that any tool reads."""

from __future__ import annotations

__all__ = ["check_spacing", "on_grid", "write_netcdf"]

from pathlib import Path

import numpy as np
import xarray as xr

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
    rows = check_spacing(degrees)
    lat = (np.arange(rows) + 0.5) * (180 / rows) - 90
    lon = (np.arange(2 * rows) + 0.5) * (180 / rows) - 180
    # What only the codec reads stays behind; that a field is simulated is told wherever it goes.
    own = {k for k in ds.attrs if k.startswith("fsae_") and k != "fsae_simulated"}
    out = xr.Dataset(attrs={k: v for k, v in ds.attrs.items() if k not in own})
    for name in data_names(ds):
        values = to_latlon(ds[name].values, lon, lat, method="bilinear").astype(np.float32)
        lead = ds[name].dims[:-1]
        attrs = {k: v for k, v in ds[name].attrs.items() if k != "grid_mapping"}
        coords = {dim: ds[dim] for dim in lead if dim in ds.coords}
        out[name] = xr.DataArray(values, dims=(*lead, "lat", "lon"), coords=coords, attrs=attrs)
    for axis, centres, name, units in (
        ("lat", lat, "latitude", "degrees_north"),
        ("lon", lon, "longitude", "degrees_east"),
    ):
        attrs = {"standard_name": name, "long_name": name, "units": units, "bounds": f"{axis}_bnds"}
        out[axis] = xr.DataArray(centres, dims=axis, attrs={**attrs, "axis": "Y" if axis == "lat" else "X"})
        edges = np.stack([centres - 90 / rows, centres + 90 / rows], axis=1)
        out[f"{axis}_bnds"] = xr.DataArray(edges, dims=(axis, "bnds"))
    out.attrs["Conventions"] = "CF-1.11"
    note = f"interpolated (bilinear) to a grid of {degrees:g} degrees"
    out.attrs["history"] = "\n".join(part for part in (ds.attrs.get("history", ""), note) if part)
    return out


def write_netcdf(ds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a deflated NetCDF-4 file; it gets its name when it is complete. UserError as in `writing`."""
    fields = [str(name) for name in ds.data_vars if ds[name].dtype == np.float32]
    encoding = {name: {"zlib": True, "complevel": 4, "shuffle": True, "_FillValue": None} for name in fields}
    for name in set(ds.variables) - set(fields):
        encoding[str(name)] = {"_FillValue": None}
    with writing(path, overwrite=overwrite) as partial:
        ds.drop_encoding().to_netcdf(partial, engine="netcdf4", encoding=encoding)
