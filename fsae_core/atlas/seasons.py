"""The seasonal cycle of a compressed field: taken out of its mean and of its spread.

Each number of the compressed field has a mean and two annual harmonics, and so has the square of what is
left. What is left, divided by the root of that, is comparable between cells and between seasons: winter
over a continent is no longer the loudest. Both are fitted on all times of the archive: the atlas describes
them and predicts nothing.
"""

from __future__ import annotations

__all__ = ["SeasonalCycle"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.climatology import harmonic_basis
from fsae_core.atlas.calendar import Floats, Times, month_numbers

_MIN_MONTHS = 10
"""Fewer calendar months than this leave two harmonics undetermined: then only the mean is taken out."""

_LEAST_SHARE = 0.1
"""The variance of a season is no less than this share of the year's mean variance."""

_ROUNDING = 1e-5
"""Spread, as a share of the mean, below which nothing is told from rounding."""


@dataclass(frozen=True)
class SeasonalCycle:
    """mean, variance: (terms, n) float32, terms as in `harmonic_basis`, 5 or (short archives) 1."""

    mean: NDArray[np.float32]
    variance: NDArray[np.float32]

    @classmethod
    def fit(cls, x: Floats, times: Times) -> SeasonalCycle:
        """From fields (time, n)."""
        terms = 5 if np.unique(month_numbers(times)).size >= _MIN_MONTHS else 1
        basis = harmonic_basis(times)[:, :terms]
        solve = np.linalg.pinv(basis)
        wide = np.asarray(x, np.float64)
        mean = solve @ wide
        variance = solve @ np.square(wide - basis @ mean)
        return cls(mean.astype(np.float32), variance.astype(np.float32))

    def mean_at(self, times: Times) -> NDArray[np.float64]:
        """The mean of the season at each time, (time, n)."""
        return harmonic_basis(times)[:, : len(self.mean)] @ self.mean.astype(np.float64)

    def departures(self, x: Floats, times: Times) -> NDArray[np.float32]:
        """(time, n) -> departures from the season in its standard deviations, (time, n)."""
        basis = harmonic_basis(times)[:, : len(self.mean)]
        variance = basis @ self.variance.astype(np.float64)
        # What varies by rounding alone counts as constant: its departures are next to 0.
        rounding = np.square(_ROUNDING * np.abs(self.mean.astype(np.float64)).max(axis=0))
        floor = np.maximum(_LEAST_SHARE * self.variance[0].astype(np.float64), rounding)
        floor = np.maximum(floor, np.finfo(np.float32).tiny)
        left = np.asarray(x, np.float64) - self.mean_at(times)
        return (left / np.sqrt(np.maximum(variance, floor))).astype(np.float32)

    def to_dict(self) -> dict[str, NDArray[np.float32]]:
        """Arrays by name."""
        return {"mean": self.mean, "variance": self.variance}

    @classmethod
    def from_dict(cls, arrays: Mapping[str, NDArray[np.float32]]) -> SeasonalCycle:
        """The inverse of `to_dict`."""
        return cls(arrays["mean"], arrays["variance"])
