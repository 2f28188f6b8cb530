"""Overlap areas of HEALPix cells with the boxes of a lat/lon grid: the weights of conservative regridding.

In the plane (longitude, sine of latitude) areas are true, boxes are rectangles and, between two neighbouring
rings of cell corners, every cell is bounded by two smooth lines. So the sphere is cut into strips at all
corner rings and all box boundaries. Where no cell side crosses a meridian inside a strip, areas are lengths
along the parallel on which every side has its mean longitude; each crossing moves a known area between four
neighbours. All integrals are closed, so the weights are exact to rounding.
"""

from __future__ import annotations

__all__ = ["overlap_weights"]

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fsae_core.sphere.healpix import lookup, n_cells
from fsae_core.sphere.latlon import LatLonGrid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_THIN = 1e-13  # a box boundary so close to a ring of corners lies on it


@dataclass(frozen=True)
class _Sides:
    """Cell sides between two parallels, west to east: mean, least and greatest longitude in quarter turns.

    `excess(side, meridian)` is the mean over the strip of max(side - meridian, 0), for sides that cross it.
    """

    mean: Floats
    low: Floats
    high: Floats
    excess: Callable[[Ints, Floats], Floats]


def _corner_sine(down: Floats) -> Floats:
    """Sine of latitude of the rings of corners: `down` is 0 at the north pole and 4 at the south pole."""
    near = np.minimum(np.minimum(down, 4.0 - down), 1.0)
    cap = np.where(down < 2.0, 1.0, -1.0) * (1.0 - near * near / 3.0)
    return np.where(near < 1.0, cap, (2.0 - down) * (2.0 / 3.0))


def _belt_sides(n: int, top: float, bottom: float) -> _Sides:
    """Equatorial strip: two families of straight sides, one leaning east and one leaning west."""
    rise = np.mod((0.375 * (top + bottom) - 0.5) * n, 1.0)
    mean = ((np.arange(4 * n)[:, None] + np.sort([rise, 1.0 - rise])) / n).ravel()
    half = 0.375 * (top - bottom)
    return _Sides(mean, mean - half, mean + half, lambda i, at: (mean[i] + half - at) ** 2 / (4.0 * half))


def _cap_sides(k: int, n: int, top: float, bottom: float) -> _Sides:
    """Polar strip k from its pole: in each quarter sides j / t and 1 - j / t, t growing away from the pole.

    The sine of latitude is linear in t**2, so the mean of 1 / t over the strip is 1 / mean(t).
    """
    near, far = sorted(n * np.sqrt(3.0 * (1.0 - np.abs([top, bottom]))))
    west = np.arange(2 * k + 1) % 2 == 0  # sides counted from the quarter's western end
    step = np.where(west, np.arange(2 * k + 1) // 2, k - np.arange(2 * k + 1) // 2)

    def at(t: float) -> Floats:
        quarter = np.where(west, step / max(t, 1e-300), 1.0 - step / max(t, 1e-300))
        return (np.arange(4.0)[:, None] + quarter).ravel()

    def excess(i: Ints, meridian: Floats) -> Floats:
        quarter, side = np.divmod(i, 2 * k + 1)
        turn = meridian - quarter
        slope = np.where(west[side], turn, 1.0 - turn)
        crossing = step[side] / np.where(slope > 0.0, slope, 1.0)
        return slope * (crossing - np.where(west[side], near, far)) ** 2 / (far * far - near * near)

    ends = at(near), at(far)
    return _Sides(at((near + far) / 2), np.minimum(*ends), np.maximum(*ends), excess)


def _sides(strip: int, n: int, top: float, bottom: float) -> _Sides:
    if n <= strip < 3 * n:
        return _belt_sides(n, top, bottom)
    return _cap_sides(min(strip, 4 * n - 1 - strip), n, top, bottom)


def _strip_overlap(sides: _Sides, first: float, n_boxes: int) -> tuple[Ints, Ints, Floats]:
    """Shares (side, box, length): the strip between side i and i + 1 in the box between meridian j and j + 1.

    Meridians lie at `first` + j * 4 / n_boxes quarter turns, with the first in [0, 4 / n_boxes).
    """
    n_sides, step = len(sides.mean), 4.0 / n_boxes
    marks = np.concatenate([sides.mean, first + np.arange(n_boxes) * step])
    order = np.argsort(marks, kind="stable")
    marks = marks[order]
    passed = np.cumsum(order < n_sides)
    side, box = passed - 1, np.arange(1, len(marks) + 1) - passed - 1
    length = np.diff(marks, append=marks[0] + 4.0)

    # Crossings of side i with meridian j: what the mean side assigned wrongly goes back.
    begin = np.ceil((sides.low - first) / step).astype(np.int64)
    count = np.maximum(np.floor((sides.high - first) / step).astype(np.int64) - begin + 1, 0)
    i = np.repeat(np.arange(n_sides), count)
    j = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count) + begin[i]
    meridian = first + j * step
    gain = np.maximum(sides.mean[i] - meridian, 0.0) - sides.excess(i, meridian)
    return (
        np.concatenate([side, i - 1, i, i - 1, i]) % n_sides,
        np.concatenate([box, j - 1, j, j, j - 1]) % n_boxes,
        np.concatenate([length, gain, gain, -gain, -gain]),
    )


def overlap_weights(grid: LatLonGrid, zoom: int) -> sparse.csr_matrix:
    """Share of each cell's area in each box, float64 (n_cells, nlat * nlon); rows sum to 1."""
    n, nlon = 2**zoom, len(grid.columns)
    western = (grid.first_lon - 180.0 / nlon) / 90.0
    first = float(np.mod(western, 4.0 / nlon))
    columns = grid.columns[(np.arange(nlon) - round((western - first) * nlon / 4.0)) % nlon]
    corners = _corner_sine(np.arange(4 * n + 1) / n)  # from north to south
    parallels = np.sin(np.radians(grid.lat_edges[::-1]))
    rows = grid.rows[::-1]
    cells, boxes, areas = [], [], []
    for strip, (top, bottom) in enumerate(pairwise(corners)):
        mean = _sides(strip, n, top, bottom).mean
        between = (mean + np.append(mean[1:], mean[0] + 4.0)) / 2
        ids = lookup(90.0 * between, np.degrees(np.arcsin((top + bottom) / 2)), zoom)
        inside = parallels[(parallels < top - _THIN) & (parallels > bottom + _THIN)]
        for high, low in pairwise([top, *inside, bottom]):
            sides = _sides(strip, n, high, low)  # in the same order all over the strip
            side, box, length = _strip_overlap(sides, first, nlon)
            row = int(np.searchsorted(-parallels, -(high + low) / 2)) - 1
            cells.append(ids[side])
            boxes.append(rows[row] * grid.shape[1] + columns[box])
            areas.append(length * (high - low))
    weights = sparse.coo_matrix(
        (np.concatenate(areas), (np.concatenate(cells), np.concatenate(boxes))),
        shape=(n_cells(zoom), grid.shape[0] * grid.shape[1]),
    ).tocsr()  # which adds up the entries of a cell and a box
    # What is left of areas that cancelled would only make every later product slower.
    weights.data[weights.data < 1e-9 * 2.0 / (3.0 * n * n)] = 0.0
    weights.eliminate_zeros()
    weights.data /= np.repeat(np.asarray(weights.sum(axis=1)).ravel(), np.diff(weights.indptr))
    return weights
