"""Map projections: plate carrée, Mollweide and the globe, all in one frame of 360 by 180 units.

Every projection fills x in [-180, 180] and y in [-90, 90], so that a window on one is a window on all.
Pure numpy: nothing here knows of the user interface.
"""

from __future__ import annotations

__all__ = ["PROJECTIONS", "Projection", "break_at_jumps", "graticule"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PROJECTIONS = ("plate-carree", "mollweide", "globe")
_SQRT2 = np.sqrt(2.0)


def _wrap(lon: np.ndarray) -> np.ndarray:
    """Degrees to [-180, 180)."""
    return (lon + 180.0) % 360.0 - 180.0


@dataclass(frozen=True)
class Projection:
    """One projection of the sphere to the plane.

    name: one of PROJECTIONS.
    lon0: the longitude in the middle, degrees.
    lat0: the latitude in the middle of the globe, degrees; the others ignore it.
    """

    name: str = "plate-carree"
    lon0: float = 0.0
    lat0: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in PROJECTIONS:
            raise ValueError(f"unknown projection {self.name!r}, expected one of {', '.join(PROJECTIONS)}")

    @property
    def separable(self) -> bool:
        """Whether longitude depends on x alone and latitude on y alone."""
        return self.name == "plate-carree"

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(x0, x1, y0, y1) of the whole map, with a little air around a round one."""
        if self.separable:
            return (-180.0, 180.0, -90.0, 90.0)
        return (-184.0, 184.0, -92.0, 92.0)

    def inverse(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Plane to sphere: x, y broadcast; (lon, lat) in degrees, NaN beside the map."""
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        if self.name == "plate-carree":
            outside = (np.abs(x) > 180.0) | (np.abs(y) > 90.0)
            lon, lat = x.copy(), y.copy()
        elif self.name == "mollweide":
            sin_t = np.clip(y / 90.0, -1.0, 1.0)
            t = np.arcsin(sin_t)
            cos_t = np.cos(t)
            lat = np.degrees(np.arcsin(np.clip((2 * t + np.sin(2 * t)) / np.pi, -1.0, 1.0)))
            lon = x / np.maximum(cos_t, 1e-12)
            outside = (np.abs(y) > 90.0) | (np.abs(lon) > 180.0)
        else:
            u, v = x / 90.0, y / 90.0
            rho2 = u * u + v * v
            outside = rho2 > 1.0
            w = np.sqrt(np.clip(1.0 - rho2, 0.0, None))
            phi = np.radians(self.lat0)
            lat = np.degrees(np.arcsin(np.clip(w * np.sin(phi) + v * np.cos(phi), -1.0, 1.0)))
            lon = np.degrees(np.arctan2(u, w * np.cos(phi) - v * np.sin(phi)))
        lon = _wrap(lon + self.lon0)
        return np.where(outside, np.nan, lon), np.where(outside, np.nan, lat)

    def forward(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sphere to plane: degrees; NaN on the far side of the globe."""
        lon, lat = np.broadcast_arrays(np.asarray(lon, float), np.asarray(lat, float))
        rel = _wrap(lon - self.lon0)
        if self.name == "plate-carree":
            return rel, lat.copy()
        if self.name == "mollweide":
            t = _mollweide_angle(np.radians(lat))
            return rel * np.cos(t), 90.0 * np.sin(t)
        lam, phi, phi0 = np.radians(rel), np.radians(lat), np.radians(self.lat0)
        toward = np.sin(phi0) * np.sin(phi) + np.cos(phi0) * np.cos(phi) * np.cos(lam)
        x = 90.0 * np.cos(phi) * np.sin(lam)
        y = 90.0 * (np.cos(phi0) * np.sin(phi) - np.sin(phi0) * np.cos(phi) * np.cos(lam))
        behind = toward < 0.0
        return np.where(behind, np.nan, x), np.where(behind, np.nan, y)

    def outline(self) -> tuple[np.ndarray, np.ndarray]:
        """The edge of the map as one closed curve."""
        t = np.linspace(0.0, 2.0 * np.pi, 181)
        if self.name == "globe":
            return 90.0 * np.cos(t), 90.0 * np.sin(t)
        if self.name == "mollweide":
            return 180.0 * np.cos(t), 90.0 * np.sin(t)
        return np.array([-180.0, 180, 180, -180, -180]), np.array([-90.0, -90, 90, 90, -90])


def _mollweide_angle(phi: np.ndarray) -> np.ndarray:
    """Solve 2 t + sin 2t = pi sin(phi) by Newton's method; the poles are fixed points, put in by hand."""
    target = np.pi * np.sin(phi)
    t = phi.copy()
    for _ in range(12):
        slope = np.maximum(2.0 + 2.0 * np.cos(2.0 * t), 1e-9)
        t = np.clip(t - (2.0 * t + np.sin(2.0 * t) - target) / slope, -np.pi / 2, np.pi / 2)
    return np.where(np.abs(np.abs(phi) - np.pi / 2) < 1e-9, phi, t)


def break_at_jumps(x: np.ndarray, y: np.ndarray, jump: float = 90.0) -> tuple[np.ndarray, np.ndarray]:
    """Put a NaN wherever a curve runs off one edge of the map and comes back at the other."""
    with np.errstate(invalid="ignore"):
        where = np.flatnonzero(np.abs(np.diff(x)) > jump) + 1
    return np.insert(x, where, np.nan), np.insert(y, where, np.nan)


def graticule(
    projection: Projection, step: float = 30.0, lats: Sequence[float] = (-60, -30, 0, 30, 60)
) -> tuple[np.ndarray, np.ndarray]:
    """Meridians every `step` degrees and the parallels `lats` as one NaN-separated curve."""
    xs: list[np.ndarray] = []
    ys: list[np.ndarray] = []
    along_lat = np.linspace(-90.0, 90.0, 91)
    along_lon = np.linspace(-180.0, 180.0 - 1e-9, 181) + projection.lon0
    lines = [(np.full_like(along_lat, lon), along_lat) for lon in np.arange(-180.0, 180.0, step)]
    lines += [(along_lon, np.full_like(along_lon, lat)) for lat in lats]
    for lon, lat in lines:
        x, y = break_at_jumps(*projection.forward(lon, lat))
        xs += [x, np.array([np.nan])]
        ys += [y, np.array([np.nan])]
    return np.concatenate(xs), np.concatenate(ys)
