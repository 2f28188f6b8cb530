"""Which cells a window of a map shows, and in which box of longitudes and latitudes they lie.

Pure numpy: nothing here knows of the user interface.
"""

from __future__ import annotations

__all__ = ["Look", "box_of", "decoded_cells", "drawn_zoom", "visible_cells"]

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.projection import Projection
from app.sphere_view import Window, display_zoom, pixel_index
from fsae_core.sphere.box import Box
from fsae_core.sphere.healpix import MAX_ZOOM, n_cells

Index = NDArray[np.int64]

MOST_CELLS = 60_000
"""Cells that are decoded at once for a view: all of zoom 6, or a part of a finer zoom."""
_MARGIN = 2
"""Zooms coarser than what is decoded at which the view is rounded up: a small pan needs no new cells."""


@dataclass(frozen=True)
class Look:
    """Where a visitor looks: the projection and the window with its pixels."""

    projection: Projection
    window: Window


@lru_cache(maxsize=12)
def visible_cells(look: Look, zoom: int) -> Index:
    """Cells (ascending, of `zoom`) that the window shows, whole or in part."""
    # At four times a pixel's size no cell falls between the pixels, not even by its corner.
    z = min(zoom, max(display_zoom(look.window, MAX_ZOOM) - 2, 0))
    seen = np.zeros(n_cells(z) + 1, bool)
    seen[pixel_index(look.projection, look.window, z)] = True  # -1, off the map, is the last
    cells = _descendants(np.flatnonzero(seen[:-1]), zoom - z)
    cells.setflags(write=False)
    return cells


def _descendants(cells: Index, levels: int) -> Index:
    size = 4**levels
    return np.asarray((cells[:, None] * size + np.arange(size)).ravel(), np.int64)


def drawn_zoom(look: Look, zoom_in: int, zoom_out: int) -> int:
    """The zoom at which a view is decoded: as fine as its pixels, `zoom_out` at most, and no more cells than
    are made at once."""
    zoom = min(zoom_out, display_zoom(look.window, MAX_ZOOM))
    while zoom > zoom_in + 1 and len(decoded_cells(look, zoom)) > MOST_CELLS:
        zoom -= 1
    return max(zoom, zoom_in + 1)


def decoded_cells(look: Look, zoom: int) -> Index:
    """The visible cells with a margin."""
    coarse = max(zoom - _MARGIN, 0)
    return _descendants(visible_cells(look, coarse), zoom - coarse)


def box_of(look: Look) -> Box | None:
    """The smallest box (west, south, east, north) around what the window shows; None for the whole sphere."""
    p, w = look.projection, look.window
    x = np.linspace(w.x0, w.x1, 181)
    y = np.linspace(w.y0, w.y1, 91)
    lon, lat = p.inverse(x[None, :], y[:, None])
    here = np.isfinite(lon)
    if not here.any():
        return None
    south, north = float(lat[here].min()), float(lat[here].max())
    east_of, width = _arc(lon[here])
    if width > 350:
        if south < -88 and north > 88:
            return None
        return (-180.0, _down(south), 180.0, _up(north))
    west = (east_of + 180) % 360 - 180
    east = west + width
    if east > 180:
        east -= 360
    if west > east and width > 180:  # a box across the seam spans half the globe at most
        return (-180.0, _down(south), 180.0, _up(north))
    return (round(west, 3), _down(south), round(east, 3), _up(north))


def _down(degrees: float) -> float:
    return float(max(-90.0, np.floor(degrees * 1000) / 1000))


def _up(degrees: float) -> float:
    return float(min(90.0, np.ceil(degrees * 1000) / 1000))


def _arc(lon: NDArray[np.float64]) -> tuple[float, float]:
    """The shortest arc with all these longitudes: (its western end, its width) in degrees."""
    around = np.unique(np.round(lon % 360, 3))
    gaps = np.diff(np.append(around, around[0] + 360))
    widest = int(np.argmax(gaps))
    return float(around[(widest + 1) % len(around)]), float(360 - gaps[widest])
