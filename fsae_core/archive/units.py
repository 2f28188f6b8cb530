"""Units as files write them, turned into the canonical ones, or refused.

Only affine conversions (value * factor + offset) between units of one quantity are known; anything else is an
error rather than a guess. Precipitation given as a depth (m, mm, kg m-2) needs the time over which it fell.
"""

from __future__ import annotations

__all__ = ["Conversion", "check_plausible", "conversion", "normalise_units"]

import re
from dataclasses import dataclass

import numpy as np

from fsae_core.archive.variables import Variable
from fsae_core.errors import UserError

STANDARD_GRAVITY = 9.80665
"""m s-2, WMO: geopotential (m2 s-2) / g = geopotential height (m)."""

_RATE: dict[str, float] = {
    "mm day-1": 1.0,
    "kg m-2 day-1": 1.0,
    "kg m-2 s-1": 86_400.0,
    "mm s-1": 86_400.0,
    "mm h-1": 24.0,
    "kg m-2 h-1": 24.0,
    "m s-1": 86_400_000.0,
    "m h-1": 24_000.0,
    "m day-1": 1_000.0,
    "cm day-1": 10.0,
}
_DEPTH: dict[str, float] = {"m": 1_000.0, "cm": 10.0, "mm": 1.0, "kg m-2": 1.0}

_TABLES: dict[str, dict[str, tuple[float, float]]] = {
    "temperature": {
        "K": (1.0, 0.0),
        "degC": (1.0, 273.15),
        "degF": (5.0 / 9.0, 273.15 - 32.0 * 5.0 / 9.0),
    },
    "speed": {"m s-1": (1.0, 0.0), "km h-1": (1.0 / 3.6, 0.0), "kt": (1852.0 / 3600.0, 0.0)},
    "pressure": {"Pa": (1.0, 0.0), "hPa": (100.0, 0.0), "kPa": (1000.0, 0.0)},
    "height": {
        "m": (1.0, 0.0),
        "dam": (10.0, 0.0),
        "km": (1000.0, 0.0),
        "m2 s-2": (1.0 / STANDARD_GRAVITY, 0.0),
    },
    "precipitation": {unit: (factor, 0.0) for unit, factor in _RATE.items()},
}

_SPELLINGS = {
    "k": "K",
    "kelvin": "K",
    "degk": "K",
    "deg_k": "K",
    "c": "degC",
    "°c": "degC",
    "degc": "degC",
    "deg_c": "degC",
    "celsius": "degC",
    "degree_c": "degC",
    "degrees_c": "degC",
    "degree_celsius": "degC",
    "degrees_celsius": "degC",
    "degreesc": "degC",
    "f": "degF",
    "degf": "degF",
    "fahrenheit": "degF",
    "degree_fahrenheit": "degF",
    "degrees_fahrenheit": "degF",
    "pascal": "Pa",
    "pascals": "Pa",
    "pa": "Pa",
    "hpa": "hPa",
    "mb": "hPa",
    "mbar": "hPa",
    "millibar": "hPa",
    "millibars": "hPa",
    "kpa": "kPa",
    "gpm": "m",
    "meter": "m",
    "meters": "m",
    "metre": "m",
    "metres": "m",
    "m of water equivalent": "m",
    "gpdam": "dam",
    "dm": "dam",
    "knot": "kt",
    "knots": "kt",
    "kts": "kt",
    "m**2 s**-2": "m2 s-2",
    "j kg-1": "m2 s-2",
    "": "",
}
_TIME_WORDS = {"d": "day", "days": "day", "hr": "h", "hour": "h", "hours": "h", "sec": "s", "second": "s"}


def normalise_units(units: str) -> str:
    """One spelling for one unit: 'm s**-1', 'm/s', 'ms^-1' and 'm.s-1' all give 'm s-1'."""
    text = " ".join(str(units).strip().split())
    if text.lower() in _SPELLINGS:
        return _SPELLINGS[text.lower()]
    text = text.replace("**", "").replace("^", "").replace("*", " ").replace("·", " ")
    text = re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z])|(?<=\d)\.(?=[A-Za-z])", " ", text)
    head, *below = text.split("/")
    parts = head.split()
    for divisor in below:
        for token in divisor.split():
            match = re.fullmatch(r"([A-Za-z]+)(-?\d+)?", token)
            if match is None:
                return text
            parts.append(f"{match[1]}{-int(match[2] or 1)}" if int(match[2] or 1) > 0 else token)
    words = []
    for token in parts:
        match = re.fullmatch(r"([A-Za-z]+)(-?\d+)?", token)
        if match is None:
            return " ".join(parts)
        words.append(_TIME_WORDS.get(match[1].lower(), match[1]) + (match[2] or ""))
    text = " ".join(words)
    if text.lower() in {"ms-1"}:
        return "m s-1"
    return _SPELLINGS.get(text.lower(), text)


@dataclass(frozen=True)
class Conversion:
    """canonical = value * factor + offset; `note` says what was done, empty when nothing was."""

    factor: float
    offset: float
    note: str

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Same shape, in canonical units; float32 stays float32 (computed in float64 when it changes)."""
        if self.factor == 1.0 and self.offset == 0.0:
            return values
        return (values.astype(np.float64) * self.factor + self.offset).astype(values.dtype)


def conversion(
    variable: Variable, units: str, *, accumulation_hours: float | None = None, where: str
) -> Conversion:
    """How to bring `units` to the canonical units of `variable`.

    where: the file and the variable's name in it, for the error's sentence.
    Raises UserError when the units are of another quantity, unknown, or a precipitation depth without a
    period.
    """
    found = normalise_units(units)
    table = _TABLES[variable.quantity]
    if found in table:
        factor, offset = table[found]
        changed = (factor, offset) != (1.0, 0.0)
        note = f"{variable.name}: {units} -> {variable.units}" if changed else ""
        return Conversion(factor, offset, note)
    if variable.quantity == "precipitation" and found in _DEPTH:
        if accumulation_hours is None or accumulation_hours <= 0:
            raise UserError(
                f"{where} is a precipitation depth in {units!r} without the time over which it fell; "
                f"pass accumulation_hours= (1 for hourly ERA5, 24 for daily sums) or give it in mm day-1."
            )
        factor = _DEPTH[found] * 24.0 / accumulation_hours
        return Conversion(
            factor, 0.0, f"{variable.name}: {units} in {accumulation_hours:g} h -> {variable.units}"
        )
    accepted = ", ".join([*table, *(_DEPTH if variable.quantity == "precipitation" else ())])
    raise UserError(
        f"{where} has units {units!r}, which cannot become {variable.units} ({variable.long_name}); "
        f"expected one of {accepted}: correct the units attribute or rename the variable."
    )


def check_plausible(variable: Variable, low: float, high: float, units: str, *, where: str) -> None:
    """Raise UserError when the range of the values (canonical units) cannot be this variable's."""
    bottom, top = variable.plausible
    if low >= bottom and high <= top:
        return
    hint = ""
    if variable.quantity == "temperature" and low >= -120.0 and high <= 75.0:
        hint = " (they look like degC)"
    elif variable.quantity == "pressure" and low >= 800.0 and high <= 1150.0:
        hint = " (they look like hPa)"
    elif (
        variable.quantity == "height" and bottom * STANDARD_GRAVITY <= low and high <= top * STANDARD_GRAVITY
    ):
        hint = " (they look like m2 s-2)"
    raise UserError(
        f"{where} says its units are {units!r} but its values run from {low:.5g} to {high:.5g} "
        f"{variable.units}"
        f"{hint}, outside {bottom:g} to {top:g}; correct the units attribute."
    )
