"""What a generated field is conditioned on: season, CO2, volcanic aerosol, Nino 3.4, resolution class."""

from __future__ import annotations

__all__ = ["CONDITIONS", "Climate", "climate_at", "response_features", "season_features"]

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fsae_core.archive.climatology import annual_phase
from fsae_core.archive.forcing import co2_ppm, nino34, volcanic_aod

Floats = NDArray[np.float64]

CONDITIONS = ("co2", "aod", "nino34")
_CENTRE = np.array([360.0, 0.0, 0.0])
_SCALE = np.array([20.0, 0.05, 0.8])


@dataclass(frozen=True)
class Climate:
    """Conditions of a row of frames.

    phase: (frame,) of the year in radians; values: (frame, 3) of `CONDITIONS` in ppm, optical depth and K,
    NaN where unknown; fine: whether the class is the fine one.
    """

    phase: Floats
    values: Floats
    fine: bool

    def having(self, **values: float) -> Climate:
        """With some conditions at other values in every frame; NaN makes one unknown."""
        changed = self.values.copy()
        for name, value in values.items():
            changed[:, CONDITIONS.index(name)] = value
        return replace(self, values=changed)

    @property
    def scaled(self) -> Floats:
        """Values about their middle, of order one, (frame, 3); NaN stays."""
        return (self.values - _CENTRE) / _SCALE

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which conditions are known, (3,)."""
        return np.asarray(np.isfinite(self.values).all(axis=0))


def climate_at(times: ArrayLike, *, fine: bool = False, volcanoes: bool = True) -> Climate:
    """Conditions as they were at datetime64 (frame,); without volcanoes the aerosol is 0."""
    stamps = np.atleast_1d(np.asarray(times))
    aod = volcanic_aod(stamps) if volcanoes else np.zeros(len(stamps))
    values = np.stack([co2_ppm(stamps), aod, nino34(stamps)], axis=1)
    return Climate(annual_phase(stamps), values, fine)


def season_features(phase: ArrayLike, harmonics: int) -> Floats:
    """Phase of the year (frame,) -> 1, cos p, sin p, cos 2p, ..., (frame, 1 + 2 harmonics)."""
    p = np.asarray(phase, dtype=np.float64)
    angles = [np.ones_like(p)]
    for k in range(1, harmonics + 1):
        angles += [np.cos(k * p), np.sin(k * p)]
    return np.stack(angles, axis=1)


def response_features(climate: Climate, harmonics: int = 1) -> Floats:
    """Each condition times 1, cos p, sin p, ...: (frame, 3 (1 + 2 harmonics))."""
    turned = climate.scaled[:, :, None] * season_features(climate.phase, harmonics)[:, None, :]
    return turned.reshape(len(climate.phase), -1)
