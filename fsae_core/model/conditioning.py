"""What both sides of the compression know and need not store: surface, sunlight, season.

The surface enters twice: as the adaptive norm of every block, and as local bases, one set of patterns for
each token, which a block may combine (a shared map gives the patterns from orography, land share, latitude
and a few learned channels; the field chooses the weights). Both depend on the surface alone and are
computed once for all fields.
"""

from __future__ import annotations

__all__ = [
    "SOLAR",
    "SURFACE",
    "SurfaceEncoder",
    "solar_declination",
    "solar_features",
    "sunlight",
    "surface_features",
]

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from fsae_core.sphere.healpix import cell_centres, n_cells, zoom_of
from fsae_core.sphere.pyramid import prolong, restrict

SURFACE = 9
"""Surface features a cell: orography and land share, each with what 1, 2 and 3 coarser zooms miss;
latitude."""

SOLAR = 3
"""Sunlight features a token."""

_KILOMETRE = 1000.0
_TILT = 23.44  # obliquity of the ecliptic, degrees


def surface_features(orography: ArrayLike, land: ArrayLike) -> NDArray[np.float32]:
    """Orography (cells,) in metres and land share (cells,) in 0..1 -> (cells, SURFACE) float32.

    Relative to the field's own zoom: what the next coarser levels miss says how rough the surface is at the
    scale of the cells, whatever that scale is.
    """
    features = []
    for field in (np.asarray(orography, np.float64) / _KILOMETRE, np.asarray(land, np.float64)):
        zoom = zoom_of(field.shape[-1])
        features.append(field)
        features += [field - prolong(restrict(field, min(d, zoom)), min(d, zoom)) for d in (1, 2, 3)]
    _, lat = cell_centres(zoom_of(features[0].shape[-1]))
    features.append(np.sin(np.radians(lat)) ** 2)
    return np.stack(features, axis=-1).astype(np.float32)


def solar_declination(times: ArrayLike) -> NDArray[np.float64]:
    """datetime64 (time,) -> degrees north at which the sun stands overhead at noon, to about a degree."""
    days = np.asarray(times).astype("datetime64[D]")
    day = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(float)
    return -_TILT * np.cos(2 * np.pi * (day + 10.0) / 365.25)


def solar_features(times: ArrayLike, zoom: int) -> NDArray[np.float32]:
    """Datetime64 (time,) in UTC -> (time, cells, SOLAR) float32 at `zoom`.

    Cosine of the zenith angle (negative at night), its rate of change (morning or afternoon), and the part
    of it that does not change within the day. For instantaneous fields; declination to about a degree
    (Spencer 1971 is finer than a temperature field notices).
    """
    stamps = np.asarray(times).astype("datetime64[s]")
    hour = (stamps - stamps.astype("datetime64[D]")) / np.timedelta64(3600, "s")
    declination = np.radians(solar_declination(stamps))
    noon = 2 * np.pi * hour / 24.0 - np.pi
    # Sums of angles by products of sines: sines are for times and for cells, not for each of both.
    sines = (np.sin(noon), np.cos(noon), np.sin(declination), np.cos(declination))
    sin_noon, cos_noon, sin_sun, cos_sun = (sine.astype(np.float32)[:, None] for sine in sines)
    sin_lat, east, north = _directions(zoom)
    out = np.empty((len(stamps), sin_lat.size, SOLAR), np.float32)
    out[..., 2] = seasonal = sin_lat * sin_sun
    out[..., 0] = seasonal + cos_sun * (cos_noon * north - sin_noon * east)
    out[..., 1] = sin_noon * north + cos_noon * east
    return out


@lru_cache(maxsize=8)
def _directions(zoom: int) -> tuple[NDArray[np.float32], ...]:
    """Sine of the cells' latitude, and its cosine times sine and cosine of longitude, (cells,)."""
    lon, lat = (np.radians(angle) for angle in cell_centres(zoom))
    east, north = np.cos(lat) * np.sin(lon), np.cos(lat) * np.cos(lon)
    return tuple(part.astype(np.float32) for part in (np.sin(lat), east, north))


def sunlight(times: ArrayLike, zoom: int, sunlit: tuple[float, float]) -> NDArray[np.float32]:
    """`solar_features`, zero (that is, not known) where the declination is outside `sunlit`, in degrees:
    far from the seasons of training the position of the sun misleads."""
    features = solar_features(times, zoom)
    low, high = sunlit
    declination = solar_declination(times)
    features[(declination < low) | (declination > high)] = 0.0
    return features


class SurfaceEncoder(nn.Module):
    """Surface features -> the modulation and the local bases of each block.

    channels: learned features of the surface that no file holds (how its temperature answers to the sun,
    say), a field at `zoom`, brought to any other zoom by restriction or prolongation; 0 for none.
    """

    def __init__(
        self,
        *,
        width: int,
        bases: int,
        blocks: int,
        channels: int,
        zoom: int,
        hidden: int = 32,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.blocks, self.bases, self.dropout = blocks, bases, dropout
        self.channels = nn.Parameter(0.1 * torch.randn(channels, n_cells(zoom))) if channels else None
        self.cell = nn.Sequential(
            nn.Linear(SURFACE + channels, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()
        )
        self.patterns = nn.Linear(hidden, bases * blocks)
        self.token = nn.Sequential(nn.Linear(hidden, 64), nn.SiLU())
        self.modulation = nn.ModuleList(nn.Linear(64, 4 * width) for _ in range(blocks))
        for name, parameter in self.modulation.named_parameters():
            nn.init.normal_(parameter, std=0.0 if name.endswith("bias") else 0.02)

    def at_zoom(self, zoom: int) -> Tensor | None:
        """The learned channels as fields, (channels, cells of `zoom`)."""
        if self.channels is None:
            return None
        step = zoom - zoom_of(self.channels.shape[-1])
        return restrict(self.channels, -step) if step < 0 else prolong(self.channels, step)

    def forward(
        self, surface: Tensor, token_zoom: int, turn: Tensor | None = None
    ) -> list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]:
        """(cells, SURFACE) -> for each block scale and shift (twice, (tokens, width)) and bases (tokens,
        own, bases).

        turn: index (cells,) of an exact symmetry of the sphere under which the fields were turned, or None.
        """
        channels = self.at_zoom(zoom_of(surface.shape[0]))
        features = surface
        if channels is not None:
            channels = nn.functional.dropout(channels, self.dropout, self.training)
            features = torch.cat([surface, channels.T], dim=-1)
        if turn is not None:
            features = features.index_select(0, turn)
        cells = self.cell(features).unflatten(0, (n_cells(token_zoom), -1))
        patterns = self.patterns(cells).chunk(self.blocks, dim=-1)
        token = self.token(cells.mean(1))
        out = []
        for layer, pattern in zip(self.modulation, patterns, strict=True):
            scale_a, shift_a, scale_b, shift_b = layer(token).chunk(4, dim=-1)
            out.append((scale_a, shift_a, scale_b, shift_b, pattern))
        return out
