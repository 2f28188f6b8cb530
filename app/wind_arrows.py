"""Arrows of a wind on a map: so many pixels apart, as long as the wind is strong.

Pure numpy: nothing here knows of the user interface. Directions are those on the sphere, carried to the plane
by the projection, so that arrows bend with the meridians and none points wrongly near a pole.
"""

from __future__ import annotations

__all__ = ["SPACING", "Wind", "arrows"]

import numpy as np

from app.projection import Projection
from app.sphere_view import Window, display_zoom
from fsae_core.sphere.healpix import MAX_ZOOM, lookup, zoom_of
from fsae_core.sphere.tangent import east_north, restrict_wind

SPACING = 20
"""Pixels between arrows."""

_STEP = 0.05
"""Degrees of a great circle by which a direction on the sphere is carried to the plane."""
_HEAD, _SPREAD = 0.34, np.radians(24.0)
_CALM = 0.06
"""Winds below this share of the strongest are shown as nothing."""


class Wind:
    """Components towards east and north, (cells,) each, of one time; strong: the speed that fills the space
    between two arrows, by default the one that a cell in fifty exceeds."""

    def __init__(self, u: np.ndarray, v: np.ndarray, strong: float | None = None) -> None:
        if strong is None:
            strong = float(np.nanpercentile(np.hypot(u, v), 98)) or 1.0
        self.strong = strong
        self.zoom = zoom_of(u.shape[-1])
        self._levels = {self.zoom: (u, v)}

    def at(self, zoom: int) -> tuple[np.ndarray, np.ndarray]:
        """Both components at a zoom not finer than their own, means of vectors."""
        if zoom not in self._levels:
            self._levels[zoom] = restrict_wind(*self._levels[self.zoom], self.zoom - zoom)
        return self._levels[zoom]


def arrows(wind: Wind, projection: Projection, window: Window) -> dict[str, np.ndarray]:
    """x and y of NaN-separated arrows for a window, in its own units: shaft, then the two barbs."""
    across = window.x1 - window.x0
    gap = SPACING * across / max(16, window.width)
    x, y = (
        np.arange(np.ceil(low / gap), np.floor(high / gap) + 1) * gap
        for low, high in ((window.x0, window.x1), (window.y0, window.y1))
    )
    x, y = (a.ravel() for a in np.meshgrid(x, y))
    lon, lat = projection.inverse(x, y)
    # Beside the map there is nothing; so close to a pole neighbours on the map are no neighbours.
    on_map = np.isfinite(lon) & (np.abs(lat) < 89.0)
    x, y, lon, lat = (a[on_map] for a in (x, y, lon, lat))
    zoom = min(_coarse_enough(window), wind.zoom)
    cells = lookup(lon, lat, zoom)
    u, v = (part[cells] for part in wind.at(zoom))
    speed = np.hypot(u, v)
    east, north = (axis[cells] for axis in east_north(zoom))
    with np.errstate(invalid="ignore", divide="ignore"):
        way = (u[:, None] * east + v[:, None] * north) / speed[:, None]
        end = _point(lon, lat) + np.radians(_STEP) * way
        there = projection.forward(
            np.degrees(np.arctan2(end[:, 1], end[:, 0])),
            np.degrees(np.arctan2(end[:, 2], np.hypot(end[:, 0], end[:, 1]))),
        )
        dx, dy = there[0] - x, there[1] - y
        length = np.hypot(dx, dy)
        # A step over the edge of the map comes back on its other side.
        kept = (speed > _CALM * wind.strong) & (length > 0) & (length < 20 * _STEP)
    x, y, dx, dy, speed, length = (a[kept] for a in (x, y, dx, dy, speed, length))
    size = 0.95 * gap * np.minimum(speed / wind.strong, 1.3)
    dx, dy = dx / length * size, dy / length * size
    tip = x + dx / 2, y + dy / 2
    barbs = []
    for turn in (np.pi - _SPREAD, np.pi + _SPREAD):
        c, s = _HEAD * np.cos(turn), _HEAD * np.sin(turn)
        barbs.append((tip[0] + c * dx - s * dy, tip[1] + s * dx + c * dy))
    nothing = np.full_like(x, np.nan)
    lines_x = np.stack([x - dx / 2, tip[0], barbs[0][0], tip[0], barbs[1][0], nothing], axis=1)
    lines_y = np.stack([y - dy / 2, tip[1], barbs[0][1], tip[1], barbs[1][1], nothing], axis=1)
    return {"x": lines_x.ravel().astype(np.float32), "y": lines_y.ravel().astype(np.float32)}


def _point(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    lam, phi = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def _coarse_enough(window: Window) -> int:
    """The zoom whose cells are about as far apart as the arrows: each shows a mean, not a whim."""
    wide = Window(
        window.x0, window.x1, window.y0, window.y1, max(1, window.width // SPACING), window.height // SPACING
    )
    return display_zoom(wide, MAX_ZOOM)
