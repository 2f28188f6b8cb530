"""Between fields in their units and what joint weights work on: anomalies of fields made more normal.

Rain is far from normal and never negative: its square root is what is compressed. The way back gives the
mean, not the square of the mean: for a root that is normal about y with variance s and is cut off at zero,
the mean of its square is `(y^2 + s) P(y / sqrt s) + y sqrt s p(y / sqrt s)`, with P and p the normal
distribution and its density. The variance s is what the compression left on training times, cell by cell.
"""

from __future__ import annotations

__all__ = ["RAIN", "JointClimate", "mean_of_square", "rooted"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.climatology import harmonic_basis

RAIN = ("pr", "tp")
"""Variables whose square root is compressed."""

Floats = NDArray[np.float32]


def rooted(variable: str, x: Floats) -> Floats:
    """A field in its units -> the square root for rain (no less than 0), itself for any other."""
    return np.sqrt(np.maximum(x, 0)) if variable in RAIN else x


def mean_of_square(y: Floats, left: Floats) -> Floats:
    """Expectation of max(Y, 0)^2 for Y normal about y (..., cells) with variance left (cells,)."""
    from scipy.special import ndtr

    spread = np.sqrt(np.maximum(left, 1e-8))
    scaled = y / spread
    density = np.exp(-0.5 * np.square(scaled)) / np.sqrt(2 * np.pi)
    return np.asarray((y * y + left) * ndtr(scaled) + y * spread * density, np.float32)


@dataclass(frozen=True)
class JointClimate:
    """Mean (variables, cells) and two harmonics of the year (variables, 4, cells) of the fields as they are
    compressed, see `rooted`."""

    mean: Floats
    cycle: Floats

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[Any]], zoom: int, spread: Floats) -> JointClimate:
        """From what `tensors` gave, with the variables' spreads."""
        cycle = tensors[f"cycle.{zoom}"].astype(np.float32) * spread[:, None, None]
        return cls(tensors[f"climatology.{zoom}"].astype(np.float32), cycle)

    def tensors(self, zoom: int, spread: Floats) -> dict[str, NDArray[Any]]:
        """The mean in single precision, harmonics in units of the spread for half precision."""
        return {f"climatology.{zoom}": self.mean, f"cycle.{zoom}": self.cycle / spread[:, None, None]}

    def at(self, variable: int, times: NDArray[np.datetime64]) -> Floats:
        """Of one variable, (time, cells)."""
        basis = harmonic_basis(times)[:, 1:].astype(np.float32)
        return np.asarray(self.mean[variable] + basis @ self.cycle[variable], np.float32)
