"""The HEALPix map: what a window of so many pixels shows of a field on the sphere.

A pixel shows the cell it lies in (direct lookup: no holes, no smoothing that the data do not have). Where
cells are finer than pixels the picture is taken from the pyramid level that matches the pixel: it does not
alias. The lookup depends on the window only and is kept: five panes and all their times share it.
Pure numpy: nothing here knows of the user interface.
"""

from __future__ import annotations

__all__ = ["Field", "Window", "display_zoom", "pixel_index", "render"]

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from app.projection import Projection
from fsae_core.sphere import healpix, pyramid

MAX_PIXELS = 1_200_000
_CELL_DEGREES = 58.6323  # edge of a zoom-0 cell: sqrt(4 pi / 12) rad


@dataclass(frozen=True)
class Window:
    """A rectangle of the plane, in projection units, and the pixels it is drawn with."""

    x0: float = -180.0
    x1: float = 180.0
    y0: float = -90.0
    y1: float = 90.0
    width: int = 640
    height: int = 320

    def sized(self) -> tuple[int, int]:
        """(width, height) in pixels, at least 16 and together at most MAX_PIXELS."""
        w, h = max(16, self.width), max(16, self.height)
        shrink = min(1.0, np.sqrt(MAX_PIXELS / (w * h)))
        return int(w * shrink), int(h * shrink)

    @property
    def pixel_degrees(self) -> float:
        """Size of a pixel in degrees of a great circle, in the middle of the map."""
        return max((self.x1 - self.x0) / max(16, self.width), (self.y1 - self.y0) / max(16, self.height))


class Field:
    """One field on the sphere with the coarser levels that have been asked for.

    cells: (12 * 4**zoom,) nested order, NaN where there is no value.
    """

    def __init__(self, cells: np.ndarray) -> None:
        self.cells = np.ascontiguousarray(cells, np.float32)
        self.zoom = healpix.zoom_of(self.cells.shape[-1])
        self.complete = bool(np.isfinite(self.cells).all())
        self._levels: dict[int, np.ndarray] = {}

    def at(self, zoom: int) -> np.ndarray:
        """The field at a zoom not finer than its own, with one NaN behind it for what is off the map."""
        zoom = min(zoom, self.zoom)
        if zoom not in self._levels:
            levels = self.zoom - zoom
            mean = pyramid.restrict if self.complete else _mean_of_valid
            level = mean(self.cells, levels) if levels else self.cells
            self._levels[zoom] = np.append(level, np.float32(np.nan)).astype(np.float32)
        return self._levels[zoom]


def _mean_of_valid(cells: np.ndarray, levels: int) -> np.ndarray:
    valid = np.isfinite(cells)
    share = pyramid.restrict(valid.astype(np.float32), levels)
    total = pyramid.restrict(np.where(valid, cells, np.float32(0)), levels)
    return np.where(share > 0, total / np.where(share > 0, share, 1), np.float32(np.nan))


def display_zoom(window: Window, field_zoom: int) -> int:
    """The coarsest level whose cells are not larger than a pixel, or the field's own."""
    zoom = int(np.ceil(np.log2(_CELL_DEGREES / max(window.pixel_degrees, 1e-6))))
    return int(np.clip(zoom, 0, field_zoom))


def pixel_index(projection: Projection, window: Window, zoom: int) -> np.ndarray:
    """(height, width) index of the cell each pixel lies in, bottom row first; -1 beside the map."""
    finest = display_zoom(window, healpix.MAX_ZOOM)
    if zoom > finest:
        return _lookup(projection, window, zoom)
    return _coarser(projection, window, finest, zoom)


@lru_cache(maxsize=32)
def _coarser(projection: Projection, window: Window, finest: int, zoom: int) -> np.ndarray:
    # In nested order a cell's ancestor is its number without the last two bits a level; -1 stays -1.
    return _frozen(_lookup(projection, window, finest) >> (2 * (finest - zoom)))


@lru_cache(maxsize=16)
def _lookup(projection: Projection, window: Window, zoom: int) -> np.ndarray:
    w, h = window.sized()
    x = window.x0 + (np.arange(w) + 0.5) * (window.x1 - window.x0) / w
    y = window.y0 + (np.arange(h) + 0.5) * (window.y1 - window.y0) / h
    if projection.separable:
        middle = np.zeros(1)
        lon, _ = projection.inverse(x, middle)
        _, lat = projection.inverse(middle, y)
        lon, lat = np.broadcast_arrays(lon[None, :], lat[:, None])
    else:
        lon, lat = projection.inverse(x[None, :], y[:, None])
    inside = np.isfinite(lon) & np.isfinite(lat)
    if inside.all():
        index = np.asarray(healpix.lookup(lon, lat, zoom))
    else:
        index = np.full((h, w), -1, np.int64)
        index[inside] = healpix.lookup(lon[inside], lat[inside], zoom)
    return _frozen(index.astype(np.int32))


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def render(field: Field, projection: Projection, window: Window) -> np.ndarray:
    """The window's picture: float32 (height, width), bottom row first, NaN where there is nothing."""
    zoom = display_zoom(window, field.zoom)
    return field.at(zoom)[pixel_index(projection, window, zoom)]
