"""Global latitude-longitude grids: regular or Gaussian, in any orientation and longitude convention."""

from __future__ import annotations

__all__ = ["LatLonGrid"]

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fsae_core.errors import UserError

_RAGGED = 0.02  # tolerated unevenness of longitudes, share of a step (float32 files round them)
_GAUSSIAN = 1.5  # tolerated ratio of the widest to the narrowest latitude step
_POLE_GAP = 1.25  # tolerated distance of the outermost row from its pole, in latitude steps


@dataclass(frozen=True, eq=False)
class LatLonGrid:
    """A global grid of nodes: `lon_deg` (nlon,) and `lat_deg` (nlat,), ordered as the data's last two axes.

    Longitudes are evenly spaced around the globe in any convention and start (0..360, -180..180, -179.5...),
    may wrap in the middle and may repeat the first meridian at the end; latitudes run north-up or south-up,
    regular or Gaussian, with or without the poles. Each node stands for a box that reaches half-way (in
    degrees) to its neighbours, and to the pole in the outermost rows.
    Raises UserError for radians, regional or uneven grids and values that are not finite.
    """

    lon_deg: ArrayLike
    lat_deg: ArrayLike

    def __post_init__(self) -> None:
        for name in ("lon_deg", "lat_deg"):
            values = np.array(getattr(self, name), dtype=np.float64)
            if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
                raise UserError(
                    f"{name} of shape {values.shape} was found, but a grid needs one axis of at least two "
                    "finite degrees; unstructured and rotated grids have to be regridded elsewhere first."
                )
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        self._check_latitudes()
        self._check_longitudes()

    def _check_latitudes(self) -> None:
        lat, lon = np.asarray(self.lat_deg), np.asarray(self.lon_deg)
        top = np.abs(lat).max()
        if top > 90.0 + 1e-4:
            raise UserError(f"Latitude {top:g} was found, degrees from -90 to 90 were expected.")
        if top <= np.pi / 2 + 1e-3 and np.ptp(lon) <= 2 * np.pi + 1e-3:
            raise UserError(
                f"Latitudes reach only {top:.4g} and longitudes span {np.ptp(lon):.4g}, which look like "
                "radians; degrees were expected, so multiply both by 180/pi."
            )
        steps = np.diff(lat)
        if not ((steps > 0).all() or (steps < 0).all()):
            raise UserError(
                "Latitudes are not in order: sort the rows from pole to pole and drop repeated ones."
            )
        step = np.abs(steps)
        if step.max() > _GAUSSIAN * step.min():
            raise UserError(
                f"Latitude steps from {step.min():.4g} to {step.max():.4g} degrees were found, a regular or "
                "Gaussian grid was expected; regrid the file to one first."
            )
        if max(90.0 - lat.max(), 90.0 + lat.min()) > _POLE_GAP * step.max() + 1e-4:
            raise UserError(
                f"Latitudes from {lat.min():g} to {lat.max():g} were found, a global grid from pole to pole "
                "was expected; regional fields cannot be put on the sphere."
            )

    def _check_longitudes(self) -> None:
        turn = self._ordered_longitudes[1]
        gaps = np.diff(turn, append=turn[0] + 360.0)
        step = 360.0 / len(turn)
        if len(turn) < 4 or np.abs(gaps - step).max() > _RAGGED * step:
            lon = np.asarray(self.lon_deg)
            raise UserError(
                f"{len(lon)} longitudes from {lon.min():g} to {lon.max():g} with gaps of {gaps.min():.4g} to "
                f"{gaps.max():.4g} degrees were found, even steps around the whole globe were expected; "
                "regional fields cannot be put on the sphere."
            )

    @cached_property
    def _ordered_longitudes(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        lon = np.asarray(self.lon_deg)
        step = abs(lon[1] - lon[0])
        closes = len(lon) > 4 and abs(abs(lon[-1] - lon[0]) - 360.0) < _RAGGED * step
        turn = np.mod(lon[:-1] if closes else lon, 360.0)
        order = np.argsort(turn, kind="stable")
        return order, turn[order]

    @property
    def shape(self) -> tuple[int, int]:
        """(nlat, nlon) of the data."""
        return len(np.asarray(self.lat_deg)), len(np.asarray(self.lon_deg))

    @property
    def step_deg(self) -> float:
        """Mean distance of neighbouring nodes at the equator, degrees."""
        return float(np.sqrt(np.abs(np.diff(self.lat_deg)).mean() * 360.0 / len(self.columns)))

    @property
    def columns(self) -> NDArray[np.int64]:
        """Columns of the data ordered eastward from `first_lon`, a repeated closing meridian left out."""
        return self._ordered_longitudes[0]

    @property
    def first_lon(self) -> float:
        """Longitude of the first of `columns`, in [0, 360)."""
        return float(self._ordered_longitudes[1][0])

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the data ordered from south to north."""
        return np.argsort(self.lat_deg, kind="stable")

    @cached_property
    def lat_edges(self) -> NDArray[np.float64]:
        """Box boundaries from -90 to 90 in the order of `rows`, shape (nlat + 1,)."""
        lat = np.clip(np.asarray(self.lat_deg)[self.rows], -90.0, 90.0)
        return np.concatenate([[-90.0], (lat[1:] + lat[:-1]) / 2, [90.0]])

    @cached_property
    def key(self) -> str:
        """A hash of the coordinates; equal grids have equal keys."""
        digest = hashlib.sha256(repr(self.shape).encode())
        for values in (self.lon_deg, self.lat_deg):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()[:24]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LatLonGrid) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)
