"""Sample fields for the tests of this folder."""

from __future__ import annotations

import numpy as np
import xarray as xr

TIMES = np.array(["2001-01-16", "2001-02-15", "2001-03-16"], "datetime64[ns]")


def smooth(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """A temperature-like field without any symmetry, for points in degrees (broadcast)."""
    x, y = np.radians(lon), np.radians(lat)
    return (
        280.0
        - 30.0 * np.sin(y) ** 2
        + 5.0 * np.sin(y)
        + 4.0 * np.cos(y) * np.sin(x)
        + 2.0 * np.cos(y) * np.cos(x)
    )


def latlon(
    nlat: int = 36, nlon: int = 72, *, name: str = "t2m", units: str = "K", times: np.ndarray = TIMES
) -> xr.Dataset:
    """A global dataset (time, lat, lon) of `smooth`, south up, 0..360, half a kelvin warmer each step."""
    lat = -90 + (np.arange(nlat) + 0.5) * 180 / nlat
    lon = np.arange(nlon) * 360 / nlon
    field = smooth(lon[None, :], lat[:, None])
    values = np.stack([field + 0.5 * i for i in range(times.size)]).astype(np.float32)
    array = xr.DataArray(values, {"time": times, "lat": lat, "lon": lon}, ("time", "lat", "lon"), name)
    array.attrs["units"] = units
    return array.to_dataset()
