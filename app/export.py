"""What a visitor takes home: original, reconstruction and difference as one CF NetCDF file.

Pure: datasets in, bytes out.
"""

from __future__ import annotations

__all__ = ["GRIDS", "file_word", "grid_step", "netcdf_bytes", "on_cells", "on_nodes", "to_netcdf"]

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from app import scratch
from app.fitting import coded_with
from app.picture import round_trip
from app.store import Archive
from fsae_core.codec.layout import INSTANT
from fsae_core.sphere.healpix import lookup

GRIDS = {"latlon": "Lat–lon", "healpix": "HEALPix"}
_STEPS = (0.25, 0.5, 1.0, 2.0, 4.0, 7.5, 15.0, 30.0)


def grid_step(zoom: int) -> float:
    """Degrees of the latitude-longitude grid whose boxes are closest to a zoom's cells."""
    cell = 58.6323 / 2**zoom
    return min(_STEPS, key=lambda step: abs(np.log(step / cell)))


def to_netcdf(
    archive: Archive,
    variable: str,
    indices: Sequence[int],
    method: str,
    ratio: int,
    grid: str,
    progress: Any = None,
) -> tuple[str, bytes]:
    """(file name, bytes) with variables v, v_reconstruction and v_difference at the times asked for.

    grid: "healpix" (nested cells) or "latlon" (the value of the cell each node lies in).
    progress: as tqdm; stopping it stops the work.
    """
    ds = archive.cut(coded_with(archive, [variable], method), indices)
    small, back = round_trip(ds, method, ratio, progress)
    truth, recon = ds[variable].astype(np.float32), back[variable]
    attrs = {k: v for k, v in truth.attrs.items() if k not in ("grid_mapping", INSTANT)}
    name = attrs.get("long_name", variable)
    out = xr.Dataset(
        {
            variable: truth.assign_attrs(attrs),
            f"{variable}_reconstruction": recon.assign_attrs(attrs, long_name=f"{name}, reconstructed"),
            f"{variable}_difference": (recon - truth).assign_attrs(
                units=attrs.get("units", "1"), long_name=f"{name}, reconstruction minus original"
            ),
        }
    )
    out = on_nodes(out, archive.zoom) if grid == "latlon" else on_cells(out, ds["crs"])
    out.attrs = {
        "Conventions": "CF-1.11",
        "title": f"{name}: original and reconstruction at {ratio}x fewer values",
        "source": archive.attribution or str(archive.dataset.attrs.get("source", "unknown")),
        "history": f"compressed and decompressed by Field-Space Explorer, {small.attrs['fsae_model']}",
        "fsae_model": small.attrs["fsae_model"],
        "fsae_ratio": ratio,
    }
    if archive.simulated:
        out.attrs["comment"] = "SIMULATED: not an observation, not a forecast"
    body = netcdf_bytes(out)
    when = archive.labels[indices[0]].replace(":", "") if len(indices) == 1 else f"{len(indices)}times"
    stem = "-".join(part for part in (file_word(archive.name), variable, when, f"{ratio}x", grid) if part)
    return f"{stem}.nc", body


def netcdf_bytes(ds: xr.Dataset) -> bytes:
    """A dataset as a compressed NetCDF 4 file."""
    with scratch.room("export") as folder:
        path = folder / "out.nc"
        ds.to_netcdf(path, encoding={v: {"zlib": True, "complevel": 4} for v in ds.data_vars if v != "crs"})
        return path.read_bytes()


def on_cells(ds: xr.Dataset, crs: xr.DataArray) -> xr.Dataset:
    """Nested cells, each variable with its grid mapping."""
    for name, array in ds.data_vars.items():
        if "cell" in array.dims:
            ds[name].attrs["grid_mapping"] = "crs"
    return ds.assign(crs=crs)


def on_nodes(ds: xr.Dataset, zoom: int) -> xr.Dataset:
    """The value of the cell that each node of the zoom's latitude-longitude grid lies in."""
    step = grid_step(zoom)
    lat = np.arange(90.0 - step / 2, -90.0, -step)
    lon = np.arange(-180.0 + step / 2, 180.0, step)
    index = lookup(lon[None, :], lat[:, None], zoom)
    at = xr.DataArray(index, dims=("lat", "lon"))
    out = ds.drop_vars("crs", errors="ignore").isel(cell=at)
    return out.assign_coords(
        lat=("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
        lon=("lon", lon, {"units": "degrees_east", "standard_name": "longitude"}),
    )


def file_word(name: str) -> str:
    """A name that can be part of a file's."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:60].strip("-.") or "field"
