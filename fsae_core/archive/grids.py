"""What grid a file is on: a global latitude-longitude one, HEALPix, or points that cover the sphere;
anything else is refused with a reason."""

from __future__ import annotations

__all__ = ["HealpixLayout", "LatLonLayout", "find_layout"]

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from fsae_core.archive.unstructured import PointsLayout, find_points
from fsae_core.errors import UserError

_LATITUDES = ("latitude", "lat", "nav_lat", "y", "rlat", "g0_lat_1")
_LONGITUDES = ("longitude", "lon", "nav_lon", "x", "rlon", "g0_lon_2")
_CELL_DIMS = ("cell", "cells", "cell_id", "cell_ids", "healpix", "pix", "pixel", "ncells", "values", "hpx")
_ORDERS = {"nest": "nest", "nested": "nest", "ring": "ring", "true": "nest", "false": "ring"}


@dataclass(frozen=True)
class LatLonLayout:
    """Names of the two dimensions and their coordinates in degrees, in the file's own order."""

    lat_dim: str
    lon_dim: str
    lat: np.ndarray
    lon: np.ndarray

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of space, in the order that regridding takes."""
        return (self.lat_dim, self.lon_dim)


@dataclass(frozen=True)
class HealpixLayout:
    """Name of the cell dimension, zoom, `nest` or `ring`, and the order of the file's cells in it (or
    None)."""

    cell_dim: str
    zoom: int
    order: str
    permutation: np.ndarray | None

    @property
    def dims(self) -> tuple[str, ...]:
        """The one dimension of space."""
        return (self.cell_dim,)


def find_layout(
    dataset: xr.Dataset, file: str, order: str | None = None
) -> LatLonLayout | HealpixLayout | PointsLayout:
    """Tell the grid of a raw dataset. `order` declares nest or ring where the file does not.

    Raises UserError for grids that are not supported, regional, or not declared well enough.
    """
    cell_dim = _cell_dimension(dataset)
    if cell_dim is not None and (_declarations(dataset) or order is not None):
        return _healpix(dataset, cell_dim, file, order)
    points = find_points(dataset, file)
    if points is not None:
        return points
    if cell_dim is not None:
        return _healpix(dataset, cell_dim, file, order)
    _check_rotated(dataset, file)
    lat_dim, lat = _axis(dataset, "latitude", _LATITUDES, file)
    lon_dim, lon = _axis(dataset, "longitude", _LONGITUDES, file)
    _check_degrees(lat, lon, file)
    return LatLonLayout(lat_dim, lon_dim, lat, lon)


def _axis(dataset: xr.Dataset, which: str, names: tuple[str, ...], file: str) -> tuple[str, np.ndarray]:
    found = [
        str(name)
        for name, variable in dataset.variables.items()
        if variable.attrs.get("standard_name") == which or str(name).lower() in names[:2]
    ]
    found += [name for name in names if name in dataset.variables and name not in found]
    for name in found:
        values = dataset[name]
        if values.ndim == 2:
            raise UserError(
                f"{file} has a two-dimensional {which} (a curvilinear or rotated grid); expected a regular "
                "or Gaussian "
                "grid or HEALPix: remap it first, for example with `cdo remapbil,r360x180`."
            )
        if values.ndim == 1 and values.dims[0] in dataset.dims:
            return str(values.dims[0]), values.values.astype(np.float64)
    dims = ", ".join(f"{k} ({v})" for k, v in dataset.sizes.items())
    raise UserError(
        f"{file} has no {which} coordinate (its dimensions are {dims}); expected a 1-d {which} in degrees, "
        "or HEALPix "
        "with a crs variable."
    )


def _check_rotated(dataset: xr.Dataset, file: str) -> None:
    """Coordinates of a rotated pole or a projection look like degrees, but are none on the sphere."""
    for name, variable in dataset.variables.items():
        mapping = str(variable.attrs.get("grid_mapping_name", "")).lower()
        standard = str(variable.attrs.get("standard_name", ""))
        turned = standard.startswith(("grid_latitude", "grid_longitude")) and name in dataset.dims
        flat = standard.startswith(("projection_x", "projection_y")) and name in dataset.dims
        if turned or flat or mapping not in ("", "latitude_longitude", "healpix"):
            what = mapping or ("rotated_latitude_longitude" if turned else "a map projection")
            raise UserError(
                f"{file} is on a rotated or projected grid ({what[:60]}, by its variable {name}); expected a "
                "regular or Gaussian grid or HEALPix: remap it first, for example with "
                "`cdo remapbil,r360x180`."
            )


def _check_degrees(lat: np.ndarray, lon: np.ndarray, file: str) -> None:
    if not (np.isfinite(lat).all() and np.isfinite(lon).all()):
        raise UserError(
            f"{file} has missing values in its latitude or longitude; expected numbers in degrees."
        )
    if lat.size > 4 and np.abs(lat).max() <= np.pi / 2 + 1e-6 and np.ptp(lon) <= 2 * np.pi + 1e-6:
        raise UserError(
            f"{file} has latitudes from {lat.min():.4g} to {lat.max():.4g}, which look like radians; "
            "expected degrees: "
            "multiply latitude and longitude by 180/pi."
        )
    if np.abs(lat).max() > 90.0 + 1e-6:
        raise UserError(
            f"{file} has latitudes from {lat.min():.4g} to {lat.max():.4g}; expected -90 to 90 degrees: "
            "check that the "
            "coordinates are not swapped or projected."
        )


def _cell_dimension(dataset: xr.Dataset) -> str | None:
    declared = bool(_declarations(dataset))
    lat = any(str(name).lower() in _LATITUDES[:2] for name in dataset.dims)
    for name in dataset.dims:
        if str(name).lower() in _CELL_DIMS and (declared or not lat):
            unstructured = any(
                dataset[n].dims == (name,) for n in ("lat", "latitude") if n in dataset.variables
            )
            if declared or not unstructured:
                return str(name)
    return None


def _declarations(dataset: xr.Dataset) -> dict[str, object]:
    """Everything the file says about its HEALPix layout: CF and xdggs grid mappings, GRIB keys, plain
    attributes."""
    found: dict[str, object] = {}
    sources = [variable.attrs for variable in dataset.variables.values()] + [dataset.attrs]
    for attrs in sources:
        mapping = str(
            attrs.get("grid_mapping_name", attrs.get("grid_name", attrs.get("GRIB_gridType", "")))
        ).lower()
        for key, value in attrs.items():
            short = key.lower().removeprefix("healpix_").removeprefix("grib_")
            if key.lower().startswith("healpix_") or mapping == "healpix":
                if short in ("nside", "n_side"):
                    found.setdefault("nside", value)
                elif short in ("refinement_level", "level", "zoom"):
                    found.setdefault("zoom", value)
                elif short in (
                    "order",
                    "ordering",
                    "indexing_scheme",
                    "orderingconvention",
                    "nest",
                    "nested",
                ):
                    found.setdefault("order", value)
            elif key.upper() in ("NSIDE", "ORDERING"):
                found.setdefault("nside" if key.upper() == "NSIDE" else "order", value)
        if mapping == "healpix":
            found.setdefault("mapping", "healpix")
    return found


def _healpix(dataset: xr.Dataset, cell_dim: str, file: str, order: str | None) -> HealpixLayout:
    cells = dataset.sizes[cell_dim]
    said = _declarations(dataset)
    nside = _nside(said, cells, file)
    zoom = nside.bit_length() - 1
    if 1 << zoom != nside:
        raise UserError(
            f"{file} is HEALPix with nside {nside}, which is not a power of two; expected 1, 2, 4 ... 512 "
            "(nested cells exist only then): regrid it first."
        )
    if zoom > 9:
        raise UserError(
            f"{file} is HEALPix with nside {nside}; expected at most 512 (zoom 9): coarsen it first."
        )
    declared = _ORDERS.get(str(said.get("order", "")).lower())
    if order is not None:
        if order not in ("nest", "ring"):
            raise UserError(f"The order {order!r} was asked for {file}; expected 'nest' or 'ring'.")
        if declared is not None and declared != order:
            raise UserError(
                f"{file} says its cells are in {declared} order but order={order!r} was given; drop one."
            )
        declared = order
    if declared is None:
        raise UserError(
            f"{file} is HEALPix but does not say whether its cells are in nest or ring order; pass "
            "order='nest' or "
            "order='ring', or add the attribute healpix_order to its crs variable."
        )
    return HealpixLayout(cell_dim, zoom, declared, _permutation(dataset, cell_dim, cells, file))


def _whole(value: object, name: str, most: int, file: str) -> int:
    """An attribute, which may be any number or text, as a number that can be a zoom or an nside."""
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not 0 <= number <= most or number != int(number):
        raise UserError(
            f"{file} says that its HEALPix {name} is {str(value)[:40]!r}, expected a whole number: "
            "put the attribute right."
        )
    return int(number)


def _nside(said: dict[str, object], cells: int, file: str) -> int:
    from_cells = round((cells / 12) ** 0.5)
    declared: int | None = None
    if "nside" in said:
        declared = _whole(said["nside"], "nside", 2**29, file)
    elif "zoom" in said:
        declared = 1 << _whole(said["zoom"], "zoom", 29, file)
    if declared is not None and 12 * declared**2 != cells:
        kind = "a part of the sphere" if cells < 12 * declared**2 else "more cells than the sphere has"
        raise UserError(
            f"{file} has {cells} HEALPix cells but nside {declared} has {12 * declared**2}: {kind}; "
            "expected the whole "
            "sphere."
        )
    if 12 * from_cells**2 != cells:
        raise UserError(
            f"{file} has {cells} cells, which is not 12 nside^2; expected a whole HEALPix sphere (or a "
            "regular grid with "
            "latitude and longitude)."
        )
    return from_cells


def _permutation(dataset: xr.Dataset, cell_dim: str, cells: int, file: str) -> np.ndarray | None:
    for name in ("cell_ids", "cell_id", cell_dim):
        if name in dataset.coords and dataset[name].dims == (cell_dim,):
            ids = dataset[name].values
            if not np.issubdtype(ids.dtype, np.integer):
                continue
            ids = ids.astype(np.int64)
            if np.array_equal(ids, np.arange(cells)):
                return None
            if not np.array_equal(np.sort(ids), np.arange(cells)):
                raise UserError(
                    f"{file} numbers its cells in {name} with gaps or twice; expected 0 to {cells - 1}."
                )
            return np.argsort(ids)
    return None
