"""What the points of the map of times can be coloured by: values, words, palettes and their ends.

Pure: tables in, numbers out.
"""

from __future__ import annotations

__all__ = ["MONTHS", "QUANTITIES", "Coloured", "coloured", "column_of"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
QUANTITIES = {
    "month": "Month",
    "year": "Year",
    "global_mean": "Global mean",
    "nino34": "Niño 3.4, relative",
    "displacement": "Year displacement",
    "novelty": "Novelty",
}
_PALETTES = {
    "month": "phase",
    "year": "haline",
    "global_mean": "thermal",
    "nino34": "balance",
    "displacement": "balance",
    "novelty": "matter",
}
_SIGNED = ("nino34", "displacement")


@dataclass(frozen=True)
class Coloured:
    """values: (time,) float, NaN where not told; title: of the colour bar, with the unit; low, high: its
    ends; cyclic: they have the same colour."""

    name: str
    values: np.ndarray
    title: str
    unit: str
    palette: str
    low: float
    high: float
    cyclic: bool = False

    @property
    def told(self) -> bool:
        return bool(np.isfinite(self.values).any())

    def words(self, row: int) -> str:
        """One value as it is read."""
        value = self.values[row]
        if not np.isfinite(value):
            return "not told"
        if self.name == "month":
            return MONTHS[int(value) - 1]
        if self.name == "year":
            return f"{int(value)}"
        sign = "+" if self.name in _SIGNED and value > 0 else ""
        return f"{sign}{value:.2f} {self.unit}".replace("-", "−").strip()


def column_of(quantity: str, enso: bool) -> str:
    """The column of an atlas' table; enso: El Nino taken out, which changes displacement alone."""
    return "displacement_no_enso" if quantity == "displacement" and enso else quantity


def coloured(frame: pd.DataFrame, quantity: str, unit: str, enso: bool = False) -> Coloured:
    """A quantity of `QUANTITIES` of an atlas' table. unit: of the mapped variable."""
    values = frame[column_of(quantity, enso)].to_numpy(np.float64)
    units = {"global_mean": unit, "nino34": "K", "displacement": "years"}
    own = units.get(quantity, "")
    title = {
        "displacement": "Year displacement" + (", El Niño removed" if enso else ""),
        "novelty": "Novelty (1 is usual)",
    }.get(quantity, QUANTITIES[quantity])
    title = f"{title}, {own}" if own else title
    if quantity == "month":
        return Coloured(quantity, values, title, own, "phase", 0.5, 12.5, True)
    low, high = _ends(values, quantity)
    return Coloured(quantity, values, title, own, _PALETTES[quantity], low, high)


def _ends(values: np.ndarray, quantity: str) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if known.size == 0:
        return 0.0, 1.0
    if quantity in _SIGNED:
        top = float(np.percentile(np.abs(known), 99)) or 1.0
        return -top, top
    if quantity == "year":
        return float(known.min()), float(max(known.max(), known.min() + 1))
    low, high = (float(v) for v in np.percentile(known, (0.5, 99.5)))
    return (low, high) if high > low else (low - 0.5, high + 0.5)
