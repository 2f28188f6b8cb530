"""Places that are worth a look at finer zooms, and the windows that show them.

Pure: nothing here knows of the user interface.
"""

from __future__ import annotations

__all__ = [
    "GLOBE",
    "PLACES",
    "Bookmark",
    "around",
    "kept_place",
    "look_at",
    "place_at",
    "place_name",
    "turned",
]

from dataclasses import dataclass, replace

import numpy as np

from app.projection import Projection
from app.view_region import Look, box_of
from fsae_core.sphere.box import Box

GLOBE = "globe"
_GLOBE_STEP = 5.0  # degrees: the sliders' own


@dataclass(frozen=True)
class Bookmark:
    """A place by its box (west, south, east, north in degrees); key: its name in addresses and tests."""

    key: str
    name: str
    box: Box

    @property
    def middle(self) -> tuple[float, float]:
        """(longitude, latitude) in degrees."""
        west, south, east, north = self.box
        return (west + east) / 2, (south + north) / 2


#: Mountains that coarse cells flatten, a sharp front of the sea, coasts of a river, of ice, of islands.
PLACES = (
    Bookmark("alps", "Alps", (3.0, 42.0, 19.0, 50.0)),
    Bookmark("himalaya", "Himalaya", (70.0, 25.0, 105.0, 42.0)),
    Bookmark("gulf-stream", "Gulf Stream", (-80.0, 28.0, -45.0, 46.0)),
    Bookmark("amazon", "Amazon mouth", (-58.0, -6.0, -44.0, 6.0)),
    Bookmark("antarctica", "Antarctica’s edge", (0.0, -74.0, 90.0, -62.0)),
    Bookmark("japan", "Japan", (128.0, 30.0, 148.0, 46.0)),
)


def around(box: Box, projection: Projection) -> tuple[float, float, float, float]:
    """The smallest window of the maps' shape (twice as wide as high) in which a box is seen."""
    west, south, east, north = box
    t = np.linspace(0.0, 1.0, 33)
    lon, lat = west + (east - west) * t, south + (north - south) * t
    edge = np.concatenate(
        [
            np.stack([lon, np.full_like(t, south)]),
            np.stack([lon, np.full_like(t, north)]),
            np.stack([np.full_like(t, west), lat]),
            np.stack([np.full_like(t, east), lat]),
        ],
        axis=1,
    )
    x, y = projection.forward(*edge)
    seen = np.isfinite(x)
    x, y = x[seen], y[seen]
    middle_x, middle_y = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    half = max((x.max() - x.min()) / 2, y.max() - y.min(), 1e-3)
    x0, x1, y0, y1 = (
        round(float(v), 4)
        for v in (middle_x - half, middle_x + half, middle_y - half / 2, middle_y + half / 2)
    )
    return x0, x1, y0, y1


def look_at(box: Box, projection: Projection) -> tuple[Projection, tuple[float, float, float, float]]:
    """The projection, turned so that the box lies well in it, and the window around the box.

    Round maps are turned towards it; a flat one only where its seam would cut the box.
    """
    west, south, east, north = box
    lon, lat = (west + east) / 2, (south + north) / 2
    if not projection.separable:
        turned = float((_GLOBE_STEP * np.round(lon / _GLOBE_STEP) + 180) % 360 - 180)
        tilt = float(_GLOBE_STEP * np.round(lat / _GLOBE_STEP)) if projection.name == "globe" else 0.0
        projection = replace(projection, lon0=turned, lat0=tilt)
    elif abs((lon - projection.lon0 + 180) % 360 - 180) + (east - west) / 2 > 180:
        projection = replace(projection, lon0=0.0 if abs(lon) + (east - west) / 2 <= 180 else 180.0)
    return projection, around(box, projection)


def place_name(key: str) -> str:
    """The name of a bookmark or of the whole globe; empty for another key."""
    return "Whole globe" if key == GLOBE else next((p.name for p in PLACES if p.key == key), "")


def turned(key: str, projection: Projection) -> tuple[Projection, tuple[float, float, float, float]]:
    """`look_at` for a bookmark, or the whole map for the globe."""
    if key == GLOBE:
        return projection, projection.bounds
    return look_at(next(p for p in PLACES if p.key == key).box, projection)


def place_at(window: tuple[float, ...], projection: Projection) -> str:
    """The key of what a window shows, if it is a bookmark's or the whole map; else empty."""
    for key in (GLOBE, *(p.key for p in PLACES)):
        there, wanted = turned(key, projection)
        if there == projection and all(abs(a - b) < 1e-3 for a, b in zip(window, wanted, strict=True)):
            return key
    return ""


def kept_place(look: Look, projection: Projection) -> tuple[Projection, tuple[float, float, float, float]]:
    """`look_at` in another projection for what is looked at; the whole map for half the globe or more."""
    box = box_of(look)
    if box is None or box[2] - box[0] > 179:
        return projection, projection.bounds
    west, south, east, north = box
    return look_at((west, south, east + 360 * (east < west), north), projection)
