"""The sea and the land under the simulated atmosphere, day by day, from the boundary data in jcm's wheel.

Climatologies of sea surface temperature, ice, soil temperature, soil water and snow, and the observed
anomalies of the sea surface (1979-2013, against 1981-2010), are monthly means that stand in the middles of
their months, linear in between. (jcm's own reader puts them at the first, so that seasons come half a month
early.) Anomalies are cut at 5 K: larger ones in the file lie on ice, where they reach 23 K, and the shipped
archive does not follow them. The soil follows 1.5 times the
centred 12-month mean of the sea's mean anomaly: a crude stand-in for the warming of the land.
"""

from __future__ import annotations

__all__ = [
    "FIRST_MONTH",
    "LAND_WARMING",
    "LARGEST_ANOMALY",
    "LAST_MONTH",
    "ObservedSurface",
    "SurfaceDay",
    "running_year",
]

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]

FIRST_MONTH, LAST_MONTH = np.datetime64("1979-01", "M"), np.datetime64("2013-12", "M")
"""The months that sea surface temperatures were observed for."""

LARGEST_ANOMALY = 5.0
"""Kelvin, either way."""

LAND_WARMING = 1.5
"""Kelvin of soil for a kelvin of the sea's mean."""

_CLIMATE = {
    "sst": "sst",
    "ice": "icec",
    "soil_temperature": "stl",
    "soil_water": "soilw_am",
    "snow": "snowc",
}


@dataclass(frozen=True)
class SurfaceDay:
    """One day's boundary values, each (lon, lat) float32.

    sst: K, of the ice where there is some. ice: share of the sea. soil_temperature: K. soil_water: share of
    what the soil can hold. snow: water on the ground in units of 60 kg m-2, 1 and more covers it.
    """

    sst: Floats
    ice: Floats
    soil_temperature: Floats
    soil_water: Floats
    snow: Floats


def running_year(values: ArrayLike) -> NDArray[np.float64]:
    """Months (n,) -> centred means over 12 months, six before to five after; fewer at the ends."""
    series = np.asarray(values, np.float64)
    sums = np.concatenate([[0.0], np.cumsum(series)])
    first = np.maximum(np.arange(series.size) - 6, 0)
    stop = np.minimum(np.arange(series.size) + 6, series.size)
    return (sums[stop] - sums[first]) / (stop - first)


class ObservedSurface:
    """Boundary values on one Gaussian grid.

    folder: jcm's `data/bc`. lat, lon: of the model's grid, degrees, rising.
    """

    def __init__(self, folder: Path, lat: ArrayLike, lon: ArrayLike) -> None:
        lat, lon = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
        with xr.open_dataset(folder / "t30/clim/forcing.nc") as file:
            self._climate = {ours: _on_grid(file[theirs], lat, lon) for ours, theirs in _CLIMATE.items()}
            self.albedo = np.clip(_on_grid(file["alb"], lat, lon), 0.0, 1.0)
        with xr.open_dataset(folder / "t30/anom/sea_surface_temperature_anomaly.nc") as file:
            anomaly = file["ssta"].sortby("lat").transpose("time", "lon", "lat")
            months = anomaly["time"].values.astype("datetime64[M]")
            self._anomaly = _on_grid(anomaly.clip(-LARGEST_ANOMALY, LARGEST_ANOMALY), lat, lon)
        with xr.open_dataset(folder / "t30/clim/terrain.nc") as file:
            sea = (file["lsm"] < 0.5).transpose("lon", "lat").values
        area = np.where(sea, np.cos(np.radians(anomaly["lat"].values)), 0.0)
        self.mean_anomaly = (anomaly.values * area).sum(axis=(1, 2)) / area.sum()
        self._warming = LAND_WARMING * running_year(self.mean_anomaly)
        edges = _days(np.append(months, months[-1] + 1))
        self._middles = (edges[1:] + edges[:-1]) / 2

    def on(self, day: np.datetime64) -> SurfaceDay:
        """Values of that day; before the first and after the last observed month its anomaly stays."""
        noon = _days(day) + 0.5
        months = day.astype("datetime64[M]") + np.arange(-1, 3)
        edges = _days(months)
        middles = (edges[1:] + edges[:-1]) / 2
        late = int(noon >= middles[1])
        share = (noon - middles[late]) / (middles[late + 1] - middles[late])
        first, second = (int(month) % 12 for month in months[late : late + 2].astype(np.int64))
        fields = {
            name: (1 - share) * table[first] + share * table[second] for name, table in self._climate.items()
        }
        place = np.interp(noon, self._middles, np.arange(self._middles.size))
        before = min(int(place), self._middles.size - 2)
        part = place - before
        fields["sst"] = fields["sst"] + (1 - part) * self._anomaly[before] + part * self._anomaly[before + 1]
        fields["soil_temperature"] = fields["soil_temperature"] + np.interp(
            noon, self._middles, self._warming
        )
        for name in ("ice", "soil_water"):
            fields[name] = np.clip(fields[name], 0.0, 1.0)
        return SurfaceDay(**{name: np.asarray(field, np.float32) for name, field in fields.items()})


def _days(dates: ArrayLike) -> NDArray[np.int64]:
    """Dates -> days since 1970."""
    return np.asarray(dates).astype("datetime64[D]").astype(np.int64)


def _on_grid(array: xr.DataArray, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> Floats:
    """(..., lon, lat) of the wheel's 96 x 48 grid -> the model's: as it is, or linear between the nodes.

    Beyond the last row the pole is that row's mean.
    """
    array = array.sortby("lat").transpose(*(d for d in ("time",) if d in array.dims), "lon", "lat")
    values = array.values.astype(np.float64)
    if array.shape[-2:] == (lon.size, lat.size):
        return values.astype(np.float32)
    own_lat = np.concatenate([[-90.0], array["lat"].values, [90.0]])
    own_lon = array["lon"].values
    poles = values[..., [0, -1]].mean(axis=-2, keepdims=True).repeat(own_lon.size, axis=-2)
    values = np.concatenate([poles[..., :1], values, poles[..., 1:]], axis=-1)
    turn = np.mod(lon - own_lon[0], 360.0) * (own_lon.size / 360.0)
    west, east = np.floor(turn).astype(int) % own_lon.size, np.floor(turn).astype(int) + 1
    part = (turn - np.floor(turn))[:, None]
    values = (1 - part) * values[..., west, :] + part * values[..., east % own_lon.size, :]
    south = np.clip(np.searchsorted(own_lat, lat, side="right") - 1, 0, own_lat.size - 2)
    part = (lat - own_lat[south]) / (own_lat[south + 1] - own_lat[south])
    return ((1 - part) * values[..., south] + part * values[..., south + 1]).astype(np.float32)
