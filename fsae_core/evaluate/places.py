"""Where a reconstruction fails: in steep terrain, at a field's extremes, at its worst cell."""

from __future__ import annotations

__all__ = [
    "error_of_extremes",
    "mean_by_steepness",
    "rmse_by_steepness",
    "steepness",
    "worst_place",
    "worst_places",
]

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.statics import static_fields
from fsae_core.sphere.healpix import cell_centres, cell_vectors, ring_table, zoom_of

EARTH_RADIUS_KM = 6371.0

Array = NDArray[Any]


def steepness(field: Array) -> NDArray[np.float64]:
    """Size of the horizontal gradient of a field (cells,) on the Earth, per km.

    The plane through a cell that fits its ring of neighbours best (least squares, in the tangent plane).
    """
    zoom = zoom_of(field.shape[-1])
    ring = ring_table(zoom)
    here = cell_vectors(zoom)
    there = np.where(ring < 0, 0, ring)
    known = (ring >= 0)[..., None]
    step = np.where(known, here[there] - here[:, None], 0.0)
    step -= np.einsum("cki,ci->ck", step, here)[..., None] * here[:, None]  # into the tangent plane
    rise = np.where(ring < 0, 0.0, field.astype(np.float64)[there] - field.astype(np.float64)[:, None])
    # Along the vertical there is no step: one is put there so that the matrix can be inverted.
    normal = np.einsum("cki,ckj->cij", step, step)
    size = np.trace(normal, axis1=1, axis2=2)[:, None, None]
    normal += size * np.einsum("ci,cj->cij", here, here)
    slope = np.linalg.solve(normal, np.einsum("cki,ck->ci", step, rise)[..., None])[..., 0]
    return np.linalg.norm(slope, axis=-1) / EARTH_RADIUS_KM


@lru_cache(maxsize=4)
def _terrain(zoom: int, bins: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Bin of every cell, 0 where the ground is level, else 1 to ``bins``; the quantile at each bin's
    middle."""
    steep = steepness(static_fields(zoom)["orography"])
    sloping = np.flatnonzero(steep > 0)
    order = sloping[np.argsort(steep[sloping], kind="stable")]
    bin_of = np.zeros(steep.size, np.int64)
    bin_of[order] = 1 + (np.arange(order.size) * bins) // max(order.size, 1)
    return bin_of, np.concatenate([[0.0], (np.arange(bins) + 0.5) / bins])


def rmse_by_steepness(truth: Array, recon: Array, bins: int = 10) -> tuple[Array, Array]:
    """RMSE over level ground (mostly sea), then over bins of steeper and steeper ground, equally many cells
    each.

    (quantile of the size of the orography's gradient among the cells that slope, RMSE), both (bins + 1,);
    orography: the shipped one at the field's zoom. NaN where a bin has no cell.
    """
    square = np.square(recon.astype(np.float64) - truth).reshape(-1, truth.shape[-1]).mean(axis=0)
    quantile, mean = mean_by_steepness(square, bins)
    return quantile, np.sqrt(mean)


def mean_by_steepness(values: Array, bins: int = 10) -> tuple[Array, Array]:
    """Means of (cells,) over the bins of `rmse_by_steepness`: (quantile, mean), both (bins + 1,)."""
    bin_of, quantile = _terrain(zoom_of(values.shape[-1]), bins)
    count = np.bincount(bin_of, minlength=bins + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return quantile, np.bincount(bin_of, weights=values, minlength=bins + 1) / count


def error_of_extremes(truth: Array, recon: Array, share: float = 0.001) -> tuple[float, float]:
    """RMSE over each field's highest cells, and over its lowest: the share of its cells, one at least."""
    a, b = (v.reshape(-1, v.shape[-1]).astype(np.float64) for v in (truth, recon))
    count = max(1, round(share * a.shape[-1]))
    order = np.argsort(a, axis=-1, kind="stable")
    square = (b - a) ** 2

    def of(cells: NDArray[np.int64]) -> float:
        return float(np.sqrt(np.take_along_axis(square, cells, axis=-1).mean()))

    return of(order[:, -count:]), of(order[:, :count])


def worst_place(truth: Array, recon: Array) -> tuple[int, int, float, float, float]:
    """Of fields (time, cells): (time's index, cell, longitude, latitude in degrees, reconstruction -
    truth)."""
    error = recon.astype(np.float64) - truth
    time, cell = (int(i) for i in np.unravel_index(np.argmax(np.abs(error)), error.shape))
    lon, lat = cell_centres(zoom_of(truth.shape[-1]))
    return time, cell, float(lon[cell]), float(lat[cell]), float(error[time, cell])


def worst_places(
    truth: Array, recon: Array, count: int = 5, apart: float = 8.0
) -> list[tuple[float, float, float]]:
    """Of one field (cells,): the places of the largest errors that are ``apart`` degrees from each other.

    (longitude, latitude in degrees, reconstruction - truth), the largest first; fewer where the sphere or its
    errors have no more.
    """
    zoom = zoom_of(truth.shape[-1])
    lon, lat = cell_centres(zoom)
    vectors = cell_vectors(zoom)
    error = recon.astype(np.float64) - truth
    left = np.abs(error)
    near = np.cos(np.deg2rad(apart))
    found: list[tuple[float, float, float]] = []
    while len(found) < count:
        cell = int(np.argmax(left))
        if not left[cell] > 0:
            break
        found.append((float(lon[cell]), float(lat[cell]), float(error[cell])))
        left[vectors @ vectors[cell] > near] = -1.0
    return found
