"""HEALPix in nested order: cell centres, lon/lat lookup, the ring of eight neighbours, exact symmetries.

Geometry after Gorski et al. 2005 (doi:10.1086/427976). The sphere is twelve diamond faces in three bands of
four (north 0-3, equator 4-7, south 8-11). Inside a face a point has coordinates (x, y) in [0, 1]: x grows
towards the north-east, y towards the north-west. At zoom z a face has n = 2**z cells along each axis, and the
nested index of a cell interleaves the bits of its integer coordinates (x in the even bits).

Everything here is numpy, in degrees, longitudes in [-180, 180). Cached arrays are read-only.
"""

from __future__ import annotations

__all__ = [
    "MAX_ZOOM",
    "RING_STEPS",
    "cell_centres",
    "cell_vectors",
    "cell_xyf",
    "face_point",
    "face_to_lonlat",
    "lookup",
    "mirror_table",
    "n_cells",
    "nest_to_ring",
    "ring_table",
    "ring_to_nest",
    "rotation_table",
    "xyf_cell",
    "zoom_of",
]

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fsae_core.errors import UserError

MAX_ZOOM = 9

#: (dx, dy) of the neighbours in the column order of `ring_table`: SW, W, NW, N, NE, E, SE, S.
RING_STEPS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))

# Crossing a face boundary in direction (dx, dy): band -> (new band, columns to the east, map), where
# (x', y') = (a x + b y + c n + d, ...) with map = ((a, b, c, d), (a, b, c, d)). The polar caps are folded, so
# a step along a cap turns the axes; a direction that is absent has no cell there (three faces meet).
_KEEP_X, _KEEP_Y = (1, 0, 0, 0), (0, 1, 0, 0)
_X_UP, _X_DOWN, _Y_UP, _Y_DOWN = (1, 0, 1, 0), (1, 0, -1, 0), (0, 1, 1, 0), (0, 1, -1, 0)
_X_BACK, _Y_BACK = (-1, 0, 2, -1), (0, -1, 2, -1)  # 2n - 1 - x: folded over the north pole
_X_NEG, _Y_NEG = (-1, 0, 0, -1), (0, -1, 0, -1)  # -1 - x: folded under the south pole
_Axis = tuple[int, int, int, int]
_CROSSINGS: dict[tuple[int, int], dict[int, tuple[int, int, tuple[_Axis, _Axis]]]] = {
    (1, 0): {0: (0, 1, (_KEEP_Y, _X_BACK)), 1: (0, 0, (_X_DOWN, _KEEP_Y)), 2: (1, 1, (_X_DOWN, _KEEP_Y))},
    (0, 1): {0: (0, -1, (_Y_BACK, _KEEP_X)), 1: (0, -1, (_KEEP_X, _Y_DOWN)), 2: (1, 0, (_KEEP_X, _Y_DOWN))},
    (-1, 0): {0: (1, 0, (_X_UP, _KEEP_Y)), 1: (2, -1, (_X_UP, _KEEP_Y)), 2: (2, -1, (_KEEP_Y, _X_NEG))},
    (0, -1): {0: (1, 1, (_KEEP_X, _Y_UP)), 1: (2, 0, (_KEEP_X, _Y_UP)), 2: (2, 1, (_Y_NEG, _KEEP_X))},
    (1, 1): {0: (0, 2, (_X_BACK, _Y_BACK)), 2: (0, 0, (_X_DOWN, _Y_DOWN))},
    (-1, -1): {0: (2, 0, (_X_UP, _Y_UP)), 2: (2, 2, (_X_NEG, _Y_NEG))},
    (1, -1): {1: (1, 1, (_X_DOWN, _Y_UP))},
    (-1, 1): {1: (1, -1, (_X_UP, _Y_DOWN))},
}


def _check_zoom(zoom: int) -> int:
    if int(zoom) != zoom or not 0 <= zoom <= MAX_ZOOM:
        raise UserError(f"Zoom {zoom!r} was asked for, but zooms are whole numbers from 0 to {MAX_ZOOM}.")
    return int(zoom)


def _frozen(array: NDArray) -> NDArray:
    array.setflags(write=False)
    return array


def n_cells(zoom: int) -> int:
    """Number of cells at `zoom`: 12 * 4**zoom."""
    return 12 * 4 ** _check_zoom(zoom)


def zoom_of(n: int) -> int:
    """The zoom whose sphere has `n` cells; UserError if there is none."""
    for zoom in range(MAX_ZOOM + 1):
        if 12 * 4**zoom == n:
            return zoom
    raise UserError(
        f"A field of {n} cells is no HEALPix sphere: 12 * 4**zoom cells with zoom 0 to {MAX_ZOOM} were "
        "expected (12, 48, 192, ...); regrid it first."
    )


def _spread_bits(v: NDArray[np.int64]) -> NDArray[np.int64]:
    v = (v | (v << 8)) & 0x00FF00FF
    v = (v | (v << 4)) & 0x0F0F0F0F
    v = (v | (v << 2)) & 0x33333333
    return (v | (v << 1)) & 0x55555555


def _gather_bits(v: NDArray[np.int64]) -> NDArray[np.int64]:
    v = v & 0x55555555
    v = (v | (v >> 1)) & 0x33333333
    v = (v | (v >> 2)) & 0x0F0F0F0F
    v = (v | (v >> 4)) & 0x00FF00FF
    return (v | (v >> 8)) & 0x0000FFFF


def cell_xyf(cell: ArrayLike, zoom: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Integer face coordinates (x, y, face) of nested indices, any shape."""
    cell = np.asarray(cell, dtype=np.int64)
    within = cell & (4 ** _check_zoom(zoom) - 1)
    return _gather_bits(within), _gather_bits(within >> 1), cell >> (2 * zoom)


def xyf_cell(x: ArrayLike, y: ArrayLike, face: ArrayLike, zoom: int) -> NDArray[np.int64]:
    """Nested index of integer face coordinates; the inverse of `cell_xyf`."""
    x, y, face = (np.asarray(a, dtype=np.int64) for a in (x, y, face))
    return (face << (2 * _check_zoom(zoom))) | _spread_bits(x) | (_spread_bits(y) << 1)


def _plane(
    x: ArrayLike, y: ArrayLike, face: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sine of latitude, cosine of latitude and longitude [0, 360) of points in face coordinates."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    band, column = np.divmod(np.asarray(face), 4)
    down = (band + 2) - x - y  # 0 at the north pole, 4 at the south pole
    near = np.minimum(np.minimum(down, 4.0 - down), 1.0)  # below 1 inside a polar cap
    depth = near * near / 3.0  # 1 - |sine of latitude| inside a cap
    belt = (2.0 - down) * (2.0 / 3.0)
    cap = near < 1.0
    sine = np.where(cap, np.where(down < 2.0, 1.0 - depth, depth - 1.0), belt)
    cosine = np.sqrt(np.where(cap, depth * (2.0 - depth), (1.0 - belt) * (1.0 + belt)))
    along = (2 * column + (band != 1)) * near + x - y
    lon = 45.0 * along / np.where(near > 0.0, near, 1.0)
    return sine, cosine, np.mod(lon, 360.0)


def face_to_lonlat(
    x: ArrayLike, y: ArrayLike, face: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude in degrees of points at face coordinates x, y in [0, 1] (paper, section 4)."""
    sine, cosine, lon = _plane(x, y, face)
    return np.where(lon >= 180.0, lon - 360.0, lon), np.degrees(np.arctan2(sine, cosine))


def face_point(
    lon_deg: ArrayLike, lat_deg: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Face coordinates x, y in [0, 1] and face of points on the sphere; the inverse of `face_to_lonlat`.

    Raises UserError for latitudes outside [-90, 90] or values that are not finite.
    """
    lon, lat = np.broadcast_arrays(
        np.asarray(lon_deg, dtype=np.float64), np.asarray(lat_deg, dtype=np.float64)
    )
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise UserError("A longitude or latitude is not a finite number; remove the missing points first.")
    if (np.abs(lat) > 90.0).any():
        worst = lat.flat[int(np.argmax(np.abs(lat)))]
        raise UserError(f"Latitude {worst:g} was found, degrees from -90 to 90 were expected.")
    turn = np.mod(lon, 360.0) / 90.0
    turn = np.where(turn >= 4.0, 0.0, turn)  # a tiny negative longitude rounds up to 360
    sine = np.sin(np.radians(lat))

    # Equatorial belt: lines of constant x and y are straight in (longitude, sine of latitude).
    rise, fall = 0.5 + turn + 0.75 * sine, 0.5 + turn - 0.75 * sine
    row, col = np.floor(rise).astype(np.int64), np.floor(fall).astype(np.int64)
    belt_face = np.where(row == col, 4 + (col & 3), np.where(col < row, col & 3, 8 + (row & 3)))
    belt_x, belt_y = rise - row, 1.0 - (fall - col)

    # Polar caps; half-angle form of sqrt(3 (1 - |sine|)), exact at the pole.
    reach = np.minimum(np.sqrt(6.0) * np.sin(np.radians(90.0 - np.abs(lat)) / 2.0), 1.0)
    quarter = np.minimum(turn.astype(np.int64), 3)
    east, west = (turn - quarter) * reach, (1.0 - (turn - quarter)) * reach
    north = lat > 0.0
    cap = np.abs(sine) > 2.0 / 3.0
    x = np.where(cap, np.where(north, 1.0 - west, east), belt_x)
    y = np.where(cap, np.where(north, 1.0 - east, west), belt_y)
    return x, y, np.where(cap, np.where(north, quarter, quarter + 8), belt_face)


def lookup(lon_deg: ArrayLike, lat_deg: ArrayLike, zoom: int) -> NDArray[np.int64]:
    """Nested index of the cell that holds each point; any shape, degrees, any longitude convention."""
    n = 2 ** _check_zoom(zoom)
    x, y, face = face_point(lon_deg, lat_deg)
    ix = np.clip((x * n).astype(np.int64), 0, n - 1)
    iy = np.clip((y * n).astype(np.int64), 0, n - 1)
    return xyf_cell(ix, iy, face, zoom)


def _centre_points(zoom: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    x, y, face = cell_xyf(np.arange(n_cells(zoom)), zoom)
    return (x + 0.5) / 2**zoom, (y + 0.5) / 2**zoom, face


@lru_cache(maxsize=MAX_ZOOM + 1)
def cell_centres(zoom: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes in [-180, 180) and latitudes of all cell centres, degrees, each of shape (n_cells,)."""
    lon, lat = face_to_lonlat(*_centre_points(zoom))
    return _frozen(lon), _frozen(lat)


@lru_cache(maxsize=MAX_ZOOM + 1)
def cell_vectors(zoom: int) -> NDArray[np.float64]:
    """Unit vectors of all cell centres, shape (n_cells, 3): x towards 0E 0N, y towards 90E 0N, z north."""
    sine, cosine, lon = _plane(*_centre_points(zoom))
    lon = np.radians(lon)
    return _frozen(np.stack([cosine * np.cos(lon), cosine * np.sin(lon), sine], axis=-1))


@lru_cache(maxsize=MAX_ZOOM + 1)
def ring_table(zoom: int) -> NDArray[np.int64]:
    """Neighbours of every cell, shape (n_cells, 8), in the order SW, W, NW, N, NE, E, SE, S; -1 where absent.

    SW, NW, NE, SE share an edge with the cell, W, N, E, S a corner. From zoom 1 on exactly 24 cells lack one
    corner neighbour; at zoom 0 all twelve lack two.
    """
    n = 2 ** _check_zoom(zoom)
    x, y, face = cell_xyf(np.arange(n_cells(zoom)), zoom)
    table = np.empty((n_cells(zoom), len(RING_STEPS)), dtype=np.int64)
    for slot, (dx, dy) in enumerate(RING_STEPS):
        tx, ty = x + dx, y + dy
        table[:, slot] = xyf_cell(np.clip(tx, 0, n - 1), np.clip(ty, 0, n - 1), face, zoom)
        crossed_x, crossed_y = np.where(tx < 0, -1, tx // n), np.where(ty < 0, -1, ty // n)
        edge = np.flatnonzero((crossed_x != 0) | (crossed_y != 0))
        for direction in {(int(a), int(b)) for a, b in zip(crossed_x[edge], crossed_y[edge], strict=True)}:
            here = edge[(crossed_x[edge] == direction[0]) & (crossed_y[edge] == direction[1])]
            for band in range(3):
                cells = here[face[here] // 4 == band]
                table[cells, slot] = _cross(direction, band, tx[cells], ty[cells], face[cells], zoom)
    return _frozen(table)


def _cross(
    direction: tuple[int, int],
    band: int,
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    face: NDArray[np.int64],
    zoom: int,
) -> NDArray[np.int64] | int:
    """Nested index of coordinates that left their face in `direction`; -1 where no cell lies there."""
    crossing = _CROSSINGS[direction].get(band)
    if crossing is None:
        return -1
    new_band, east, axes = crossing
    new_x, new_y = (a * x + b * y + c * 2**zoom + d for a, b, c, d in axes)
    return xyf_cell(new_x, new_y, 4 * new_band + (face + east) % 4, zoom)


@lru_cache(maxsize=32)
def rotation_table(zoom: int, quarter_turns: int) -> NDArray[np.int64]:
    """Index such that `field[..., table]` is the field turned exactly 90 * quarter_turns degrees eastward."""
    x, y, face = cell_xyf(np.arange(n_cells(zoom)), zoom)
    return _frozen(xyf_cell(x, y, face // 4 * 4 + (face - quarter_turns) % 4, zoom))


@lru_cache(maxsize=32)
def mirror_table(zoom: int, axis: str) -> NDArray[np.int64]:
    """Index such that `field[..., table]` is the mirror image: axis "lat" north-south, "lon" lon -> -lon."""
    last = 2 ** _check_zoom(zoom) - 1
    x, y, face = cell_xyf(np.arange(n_cells(zoom)), zoom)
    band, column = np.divmod(face, 4)
    if axis == "lat":
        return _frozen(xyf_cell(last - y, last - x, 4 * (2 - band) + column, zoom))
    if axis == "lon":
        return _frozen(xyf_cell(y, x, 4 * band + np.where(band == 1, -column, 3 - column) % 4, zoom))
    raise UserError(f'Mirror axis {axis!r} was asked for, "lat" or "lon" was expected.')


@lru_cache(maxsize=MAX_ZOOM + 1)
def nest_to_ring(zoom: int) -> NDArray[np.int64]:
    """Ring index of each nested cell; `nested_field = ring_field[..., nest_to_ring(zoom)]`."""
    n = 2 ** _check_zoom(zoom)
    x, y, face = cell_xyf(np.arange(n_cells(zoom)), zoom)
    band, column = np.divmod(face, 4)
    ring = (band + 2) * n - x - y - 1  # 1 .. 4n - 1 from the north
    length = np.minimum(np.minimum(ring, 4 * n - ring), n)  # a quarter of the cells on the ring
    shifted = np.where(length == n, (ring - n) & 1, 0)
    place = ((2 * column + (band != 1)) * length + x - y - 1 + shifted) // 2 % (4 * length)
    south = 4 * n - ring
    start = np.where(
        ring < n,
        2 * ring * (ring - 1),
        np.where(
            ring <= 3 * n, 2 * n * (n - 1) + (ring - n) * 4 * n, n_cells(zoom) - 2 * south * (south + 1)
        ),
    )
    return _frozen(start + place)


@lru_cache(maxsize=MAX_ZOOM + 1)
def ring_to_nest(zoom: int) -> NDArray[np.int64]:
    """Nested index of each ring-ordered cell; `ring_field = nested_field[..., ring_to_nest(zoom)]`."""
    table = np.empty(n_cells(zoom), dtype=np.int64)
    table[nest_to_ring(zoom)] = np.arange(n_cells(zoom))
    return _frozen(table)
