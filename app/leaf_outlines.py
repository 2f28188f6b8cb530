"""Outlines of a compressed field's cells on a map, where these are of different sizes.

Pure numpy: nothing here knows of the user interface.
"""

from __future__ import annotations

__all__ = ["LeafOutlines", "outlines_of"]

import numpy as np
from numpy.typing import NDArray

from app.projection import Projection, break_at_jumps
from app.sphere_view import Window
from fsae_core.sphere.healpix import cell_xyf, face_to_lonlat
from fsae_core.sphere.kept import split_cells
from fsae_core.sphere.leaves import first_cells, leaf_zooms

_SMALLEST = 2.0
"""Pixels: cells that would look narrower than this are left without outlines."""
_POINTS = {0: 17, 1: 9, 2: 6, 3: 4}
"""Of a side, by zoom; 2 in all finer cells."""
_JUMP = 40.0
"""Degrees of the map that no side of a cell spans, but one that leaves it and comes back does."""


class LeafOutlines:
    """zooms: of the leaves (leaf,) of one field, in nested order, none finer than ``finest``."""

    def __init__(self, zooms: NDArray[np.int8], finest: int) -> None:
        self.cells = {
            int(zoom): first_cells(zooms[None], finest)[0][zooms == zoom] >> 2 * (finest - int(zoom))
            for zoom in np.unique(zooms)
        }

    def lines(self, projection: Projection, window: Window) -> dict[str, NDArray[np.float32]]:
        """x and y of NaN-separated outlines for a window, in its own units."""
        pixel = (window.x1 - window.x0) / max(16, window.width)
        xs: list[NDArray[np.float64]] = []
        ys: list[NDArray[np.float64]] = []
        for zoom, cells in self.cells.items():
            if 58.6 / 2**zoom < _SMALLEST * pixel:
                continue
            x, y = projection.forward(*_sides(cells, zoom))
            outside = (
                (np.nanmax(x, axis=1, initial=-np.inf) < window.x0)
                | (np.nanmin(x, axis=1, initial=np.inf) > window.x1)
                | (np.nanmax(y, axis=1, initial=-np.inf) < window.y0)
                | (np.nanmin(y, axis=1, initial=np.inf) > window.y1)
            )
            x, y = (np.pad(v[~outside], ((0, 0), (0, 1)), constant_values=np.nan).ravel() for v in (x, y))
            x, y = break_at_jumps(x, y, _JUMP)
            xs.append(x)
            ys.append(y)
        return {
            key: np.concatenate(parts).astype(np.float32) if parts else np.empty(0, np.float32)
            for key, parts in (("x", xs), ("y", ys))
        }


def outlines_of(places: NDArray[np.int32], finest: int) -> LeafOutlines:
    """Of the cells that a field (zoom ``finest``) is told of by numbers at these places (number,)."""
    return LeafOutlines(leaf_zooms(split_cells(places[None], finest), 1)[0], finest)


def _sides(cells: NDArray[np.int64], zoom: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude along the outline of each cell, (cells, points)."""
    x, y, face = (v[:, None] for v in cell_xyf(cells, zoom))
    along = np.linspace(0.0, 1.0, _POINTS.get(zoom, 2))
    ones = np.ones_like(along)
    right = np.concatenate([along, ones, along[::-1], 0 * ones])
    up = np.concatenate([0 * ones, along, ones, along[::-1]])
    # A hair inside, so that points on a face's edge and at the poles belong to this face.
    inside = 1e-6 * 2.0**zoom
    right, up = (np.clip(v, inside, 1 - inside) for v in (right, up))
    return face_to_lonlat((x + right) / 2**zoom, (y + up) / 2**zoom, np.broadcast_to(face, x.shape))
