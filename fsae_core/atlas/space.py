"""Principal components of compressed fields: the space that maps, neighbours and novelty are computed
in."""

from __future__ import annotations

__all__ = ["FeatureSpace"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.atlas.calendar import Floats, Times
from fsae_core.atlas.seasons import SeasonalCycle

Single = NDArray[np.float32]


@dataclass(frozen=True)
class FeatureSpace:
    """Fields (time, n) -> scores (time, d), largest variance first.

    centre: (n,); basis: (n, d) orthonormal; share: (d,) of the variance; season: taken out before, None for
    raw fields in their units.
    """

    centre: Single
    basis: Single
    share: Single
    season: SeasonalCycle | None = None

    @classmethod
    def fit(cls, x: Floats, times: Times, components: int, *, deseasonalise: bool) -> FeatureSpace:
        """From compressed fields (time, n); at most as many components as there are numbers or times."""
        season = SeasonalCycle.fit(x, times) if deseasonalise else None
        y = np.asarray(season.departures(x, times) if season else x, np.float64)
        centre = y.mean(axis=0)
        y = y - centre
        count = min(components, *y.shape)
        # The smaller of the two Gram matrices has the same leading part.
        if y.shape[0] >= y.shape[1]:
            values, vectors = np.linalg.eigh(y.T @ y)
            values, basis = values[::-1][:count], vectors[:, ::-1][:, :count]
        else:
            values, vectors = np.linalg.eigh(y @ y.T)
            values = values[::-1][:count]
            basis = np.linalg.qr(y.T @ vectors[:, ::-1][:, :count])[0]
        # A sign is free; the one with the largest entry positive is the same on every machine.
        top = np.abs(basis).argmax(axis=0)
        basis = basis * np.sign(basis[top, np.arange(count)])
        total = max(float(np.square(y).sum()), np.finfo(float).tiny)
        return cls(
            centre.astype(np.float32),
            basis.astype(np.float32),
            (np.maximum(values, 0) / total).astype(np.float32),
            season,
        )

    def scores(self, x: Floats, times: Times) -> Single:
        """Compressed fields (time, n) at their times -> (time, d) float32."""
        y = self.season.departures(x, times) if self.season else x
        return ((np.asarray(y, np.float64) - self.centre) @ self.basis.astype(np.float64)).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Arrays by name."""
        own = {"centre": self.centre, "basis": self.basis, "share": self.share}
        season = self.season.to_dict() if self.season else {}
        return {**own, **{f"season.{key}": value for key, value in season.items()}}

    @classmethod
    def from_dict(cls, arrays: Mapping[str, Any]) -> FeatureSpace:
        """The inverse of `to_dict`."""
        season = {k.removeprefix("season."): v for k, v in arrays.items() if k.startswith("season.")}
        return cls(
            arrays["centre"],
            arrays["basis"],
            arrays["share"],
            SeasonalCycle.from_dict(season) if season else None,
        )
