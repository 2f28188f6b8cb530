"""From latitude-longitude grids to HEALPix and back, with cached sparse weights.

"conservative" gives each cell the area-weighted mean of the boxes it overlaps: use it where the cells are as
large as the boxes or larger. "bilinear" interpolates between the four nodes around a cell's centre: use it
where cells are smaller. Rows of both kinds of weights sum to 1, so constants are kept.
"""

from __future__ import annotations

__all__ = ["LatLonGrid", "regrid", "regrid_weights", "to_latlon"]

import hashlib
import logging
import os
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from fsae_core.assets import cache_dir
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import RING_STEPS, cell_centres, face_point, lookup, n_cells, xyf_cell, zoom_of
from fsae_core.sphere.latlon import LatLonGrid
from fsae_core.sphere.overlap import overlap_weights
from fsae_core.sphere.pyramid import neighbour_index

_log = logging.getLogger(__name__)

_VERSION = 2  # part of the cache's file names: raise it when weights change
_METHODS = ("conservative", "bilinear")
_FIELDS_AT_ONCE = 16
_SLOT = {step: slot for slot, step in enumerate(RING_STEPS)}


def _bilinear_weights(grid: LatLonGrid, zoom: int) -> sparse.csr_matrix:
    """Weights of the four nodes around each cell centre; beyond the last row the pole is that row's mean."""
    lon, lat = cell_centres(zoom)
    rows, columns = grid.rows, grid.columns
    nlat, nlon = len(rows), len(columns)
    turn = np.mod(lon - grid.first_lon, 360.0) * (nlon / 360.0)
    west = np.floor(turn).astype(np.int64)
    fx = turn - west
    node_lat = np.asarray(grid.lat_deg)[rows]
    south = np.clip(np.searchsorted(node_lat, lat, side="right") - 1, 0, nlat - 2)
    fy = (lat - node_lat[south]) / (node_lat[south + 1] - node_lat[south])
    # Poleward of the outermost nodes: their share falls linearly to zero at the pole.
    north_cap = 1.0 - np.clip((90.0 - lat) / max(90.0 - node_lat[-1], 1e-9), 0.0, 1.0)
    south_cap = 1.0 - np.clip((90.0 + lat) / max(90.0 + node_lat[0], 1e-9), 0.0, 1.0)
    fy = np.clip(fy, 0.0, 1.0)
    keep = (1.0 - north_cap) * (1.0 - south_cap)
    entries: list[tuple[NDArray, tuple[ArrayLike, NDArray], NDArray]] = [
        (np.arange(n_cells(zoom)), (south + up, (west + right) % nlon), keep * wy * wx)
        for up, wy in ((0, 1.0 - fy), (1, fy))
        for right, wx in ((0, 1.0 - fx), (1, fx))
    ]
    for cap, row in ((north_cap, nlat - 1), (south_cap, 0)):
        cells = np.flatnonzero(cap > 0.0)
        around = np.tile(np.arange(nlon), len(cells))
        entries.append((np.repeat(cells, nlon), (row, around), np.repeat(cap[cells] / nlon, nlon)))
    cell, position, weight = zip(*entries, strict=True)
    node = [rows[row] * grid.shape[1] + columns[column] for row, column in position]
    weights = sparse.coo_matrix(
        (np.concatenate(weight), (np.concatenate(cell), np.concatenate(node))),
        shape=(n_cells(zoom), grid.shape[0] * grid.shape[1]),
    ).tocsr()
    weights.eliminate_zeros()
    return weights


def _read_weights(path: Path, shape: tuple[int, int]) -> sparse.csr_matrix | None:
    """Weights from the cache; None when they are not there, damaged or of another shape."""
    try:
        # The zip's own checksums notice a flipped bit; the rest is checked below.
        with np.load(path, allow_pickle=False) as file:
            data, indices, indptr = file["data"], file["indices"], file["indptr"]
        weights = sparse.csr_matrix((data, indices, indptr), shape=shape)
        weights.check_format(full_check=True)
        sums = np.asarray(weights.sum(axis=1)).ravel()
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever is wrong with a cached file, building it again puts it right
        _log.warning("The cached weights %s are damaged (%s) and are built again.", path, error)
        return None
    return weights if np.allclose(sums, 1.0, rtol=0.0, atol=1e-9) else None


def _write_weights(path: Path, weights: sparse.csr_matrix) -> None:
    """Write beside the target and rename, so that a reader never sees half a file."""
    part: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, data=weights.data, indices=weights.indices, indptr=weights.indptr)
        os.replace(part, path)
    except OSError as error:  # a full or read-only disk costs time, not the result
        _log.warning("The weights could not be kept in %s: %s", path, error)
        if part is not None:
            Path(part).unlink(missing_ok=True)


@lru_cache(maxsize=8)
def _weights(grid: LatLonGrid, zoom: int, method: str) -> sparse.csr_matrix:
    shape = (n_cells(zoom), grid.shape[0] * grid.shape[1])
    name = hashlib.sha256(f"{_VERSION} {grid.key} {zoom} {method}".encode()).hexdigest()[:32]
    path = cache_dir() / "regrid" / f"{name}.npz"
    weights = _read_weights(path, shape)
    if weights is None:
        weights = overlap_weights(grid, zoom) if method == "conservative" else _bilinear_weights(grid, zoom)
        _write_weights(path, weights)
    return weights


@lru_cache(maxsize=4)
def _single_weights(grid: LatLonGrid, zoom: int, method: str) -> sparse.csr_matrix:
    return _weights(grid, zoom, method).astype(np.float32)


def regrid_weights(grid: LatLonGrid, zoom: int, method: str = "conservative") -> sparse.csr_matrix:
    """Weights (n_cells, nlat * nlon) float64 from `grid` to HEALPix, cached: do not change them in place.

    `method` is "conservative" or "bilinear". Raises UserError for another method or zoom.
    """
    if method not in _METHODS:
        raise UserError(f'Regridding by {method!r} was asked for, "conservative" or "bilinear" was expected.')
    n_cells(zoom)
    return _weights(grid, int(zoom), method)


def regrid(
    values: ArrayLike, grid: LatLonGrid, zoom: int, method: str = "conservative"
) -> NDArray[np.floating]:
    """Fields (..., nlat, nlon) to (..., n_cells), float32 for float32 and float64 for all else.

    NaN nodes are left out and the other weights scaled up; a cell of which less than half is valid is NaN.
    Raises UserError when the last two axes are not those of the grid.
    """
    fields = np.asarray(values)
    if fields.ndim < 2 or fields.shape[-2:] != grid.shape:
        raise UserError(
            f"Fields of shape {fields.shape} were found, but (..., latitude, longitude) = "
            f"(..., {grid.shape[0]}, {grid.shape[1]}) was expected; transpose them first."
        )
    weights = regrid_weights(grid, zoom, method)
    if fields.dtype == np.float32:
        weights = _single_weights(grid, int(zoom), method)
    flat = fields.reshape(-1, weights.shape[1]).astype(weights.dtype, copy=False)
    out = np.empty((len(flat), weights.shape[0]), dtype=weights.dtype)
    for start in range(0, len(flat), _FIELDS_AT_ONCE):
        chunk = flat[start : start + _FIELDS_AT_ONCE]
        out[start : start + _FIELDS_AT_ONCE] = _apply(weights, chunk)
    return out.reshape(*fields.shape[:-2], -1)


def _apply(weights: sparse.csr_matrix, fields: NDArray[np.floating]) -> NDArray[np.floating]:
    missing = np.isnan(fields)
    if not missing.any():
        return (weights @ fields.T).T
    total = (weights @ np.where(missing, 0, fields).T).T
    valid = (weights @ (~missing).astype(weights.dtype).T).T
    # The tolerance keeps a cell that is exactly half valid, whatever the order of summation.
    return np.where(valid >= 0.5 - 1e-6, total / np.maximum(valid, 1e-6), np.nan).astype(weights.dtype)


def to_latlon(
    field: ArrayLike, lon_deg: ArrayLike, lat_deg: ArrayLike, method: str = "nearest"
) -> NDArray[np.floating]:
    """Sample fields (..., n_cells) at the nodes `lat_deg` (nlat,) x `lon_deg` (nlon,): (..., nlat, nlon).

    "nearest" takes the cell that holds the node; "bilinear" interpolates between the four cell centres around
    it in the cells' own coordinates, continuous over the whole sphere. Raises UserError for another method.
    """
    cells = np.asarray(field)
    zoom = zoom_of(cells.shape[-1] if cells.ndim else 0)
    lon, lat = np.meshgrid(np.asarray(lon_deg, dtype=np.float64), np.asarray(lat_deg, dtype=np.float64))
    if method == "nearest":
        return cells[..., lookup(lon, lat, zoom)]
    if method != "bilinear":
        raise UserError(f'Sampling method {method!r} was asked for, "nearest" or "bilinear" was expected.')
    n = 2**zoom
    x, y, face = face_point(lon, lat)
    ix, iy = (np.clip((v * n).astype(np.int64), 0, n - 1) for v in (x, y))
    fx, fy = x * n - ix - 0.5, y * n - iy - 0.5
    home = xyf_cell(ix, iy, face, zoom)
    index, (slot, cell, _, _) = neighbour_index(zoom)
    to_x = np.where(fx > 0, _SLOT[1, 0], _SLOT[-1, 0])
    to_y = np.where(fy > 0, _SLOT[0, 1], _SLOT[0, -1])
    to_xy = np.where(
        fx > 0, np.where(fy > 0, _SLOT[1, 1], _SLOT[1, -1]), np.where(fy > 0, _SLOT[-1, 1], _SLOT[-1, -1])
    )
    ax, ay = np.abs(fx), np.abs(fy)
    corner = ax * ay
    absent = np.zeros(index.shape, dtype=bool)
    absent[slot, cell] = True
    # Where three faces meet, the point stands for a fourth cell that is the mean of the three: continuous.
    third = np.where(absent[to_xy, home], corner / 3, 0.0)
    dtype = cells.dtype if cells.dtype.kind == "f" else np.dtype(np.float64)
    parts = (
        (home, (1 - ax) * (1 - ay) + third),
        (index[to_x, home], ax * (1 - ay) + third),
        (index[to_y, home], (1 - ax) * ay + third),
        (index[to_xy, home], corner - 3 * third),
    )
    return sum(cells[..., where] * weight.astype(dtype) for where, weight in parts)
