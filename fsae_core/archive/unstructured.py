"""Grids of one point a row: triangles (ICON), reduced Gaussian rows, cubed spheres; any points that cover the
sphere.

Each point stands for the places that are closest to it. "conservative" takes the mean over a cell of what
stands there, from places all over the cell, and "nearest" takes what stands at its centre.
"""

from __future__ import annotations

__all__ = ["PointsLayout", "find_points", "on_cells"]

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from fsae_core.errors import UserError
from fsae_core.sphere.healpix import MAX_ZOOM, cell_centres, n_cells

_LATITUDES = ("lat", "latitude", "clat", "nav_lat", "grid_latitude_points")
_LONGITUDES = ("lon", "longitude", "clon", "nav_lon", "grid_longitude_points")
_PLACES_A_POINT = 16
"""So many places a point are looked at, or one a cell where cells are larger than that."""
_HOLE = 2.0
"""In mean distances between points: a cell farther from all of them is not covered."""
_MOST_SUBLEVELS = 4


@dataclass(frozen=True)
class PointsLayout:
    """Name of the one dimension of space, and where its points are, (points,) in degrees."""

    dim: str
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]

    @property
    def dims(self) -> tuple[str, ...]:
        """The one dimension of space."""
        return (self.dim,)

    @property
    def spacing(self) -> float:
        """Mean distance between points, in degrees."""
        return float(np.degrees(np.sqrt(4 * np.pi / self.lat.size)))


def find_points(dataset: xr.Dataset, file: str) -> PointsLayout | None:
    """The layout of a dataset whose latitudes and longitudes lie along one common dimension; None for others.

    Raises UserError for points that do not cover the sphere, and for places that cannot be.
    """
    for lat_name in _named(dataset, "latitude", _LATITUDES):
        lat = dataset[lat_name]
        if lat.ndim != 1 or lat_name == lat.dims[0]:
            continue
        for lon_name in _named(dataset, "longitude", _LONGITUDES):
            lon = dataset[lon_name]
            if lon.dims == lat.dims and lon_name != lat_name:
                return _checked(str(lat.dims[0]), _degrees(lat, file), _degrees(lon, file), file)
    return None


def _named(dataset: xr.Dataset, standard: str, names: tuple[str, ...]) -> list[str]:
    return [
        str(name)
        for name, variable in dataset.variables.items()
        if variable.attrs.get("standard_name") == standard or str(name).lower() in names
    ]


def _degrees(places: xr.DataArray, file: str) -> NDArray[np.float64]:
    if places.dtype.kind not in "fiu":
        raise UserError(f"{file} has no numbers in {places.name}, expected degrees or radians: repair it.")
    values = places.values.astype(np.float64)
    units = str(places.attrs.get("units", "")).lower()
    in_radians = units.startswith("rad") or (not units and str(places.name).lower() in ("clat", "clon"))
    return np.degrees(values) if in_radians else values


def _checked(dim: str, lat: NDArray[np.float64], lon: NDArray[np.float64], file: str) -> PointsLayout:
    if not (np.isfinite(lat).all() and np.isfinite(lon).all()):
        raise UserError(f"{file} has missing values in its latitude or longitude; expected numbers.")
    if lat.size and (np.abs(lat).max() > 90.01 or np.abs(lon).max() > 720):
        raise UserError(
            f"{file} has latitudes from {lat.min():.4g} to {lat.max():.4g} and longitudes from "
            f"{lon.min():.4g} to {lon.max():.4g}; expected degrees (or radians that say so in their units): "
            "put the units right."
        )
    layout = PointsLayout(dim, lat, lon)
    zoom = 4
    distance = _nearest(layout, cell_centres(zoom))[0] if lat.size else np.array([180.0])
    room = _HOLE * layout.spacing if lat.size else 0
    share = float((distance > room).mean())
    if share > 0 or lat.size < 12:
        raise UserError(
            f"{file} has one point a row ({lat.size} points) that leave {100 * share:.2g} % of the sphere "
            "without any: an unstructured or reduced Gaussian grid was expected to cover the whole sphere; "
            "give global fields."
        )
    return layout


def _vectors(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def _nearest(
    layout: PointsLayout, places: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distance in degrees to the closest point of each place (lon, lat), and which it is."""
    chord, index = cKDTree(_vectors(layout.lon, layout.lat)).query(_vectors(*places))
    return np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1))), index


def on_cells(
    values: NDArray[np.floating], layout: PointsLayout, zoom: int, method: str
) -> NDArray[np.float32]:
    """(..., points) -> (..., cells), nested. What is missing in more than half of a cell is missing there."""
    weights = _weights(layout.lat.tobytes(), layout.lon.tobytes(), zoom, method)
    flat = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
    valid = np.isfinite(flat)
    sums = weights @ np.where(valid, flat, 0.0).T
    if not valid.all():
        share = weights @ valid.T.astype(np.float64)
        sums = np.where(share >= 0.5, sums / np.maximum(share, 0.5), np.nan)
    return np.ascontiguousarray(sums.T, np.float32).reshape(*values.shape[:-1], n_cells(zoom))


@lru_cache(maxsize=4)
def _weights(lat: bytes, lon: bytes, zoom: int, method: str) -> sparse.csr_matrix:
    """(cells, points), rows sum to 1."""
    layout = PointsLayout("", np.frombuffer(lat), np.frombuffer(lon))
    finer = 0
    if method == "conservative":
        wanted = _PLACES_A_POINT * layout.lat.size / n_cells(zoom)
        finer = int(np.clip(np.ceil(np.log2(max(wanted, 1)) / 2), 1, min(_MOST_SUBLEVELS, MAX_ZOOM - zoom)))
    index = _nearest(layout, cell_centres(zoom + finer))[1]
    cells = np.repeat(np.arange(n_cells(zoom)), 4**finer)
    share = np.full(cells.size, 0.25**finer)
    shape = (n_cells(zoom), layout.lat.size)
    return sparse.coo_matrix((share, (cells, index)), shape=shape).tocsr()
