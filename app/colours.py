"""Colours by what they mean: one map a quantity, symmetric diverging maps for what has a sign.

Palettes are cmocean's (Thyng et al. 2016, doi:10.5670/oceanog.2016.66), of even lightness and safe for most
colour vision.
"""

from __future__ import annotations

__all__ = ["DIVERGING", "Scale", "error_scale", "field_scale", "palette", "speed_scale"]

import warnings
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

DIVERGING = "balance"
_MAPS = {
    "t2m": "thermal",
    "msl": "haline",
    "z500": "haline",
    "tp": "rain",
    "pr": "rain",
    "u10": "delta",
    "v10": "delta",
}
_SIGNED = {"u10", "v10"}
_RAIN = {"tp", "pr"}


@dataclass(frozen=True)
class Scale:
    """A palette by name and the values at its two ends."""

    palette: str
    low: float
    high: float


@lru_cache(maxsize=16)
def palette(name: str, n: int = 256) -> tuple[str, ...]:
    """A cmocean map as `n` hex colours; it runs in the direction in which cmocean ships it."""
    with warnings.catch_warnings():
        # cmocean 4.0 makes its maps in a way that matplotlib 3.11 announces to drop
        warnings.filterwarnings("ignore", message="Passing 'N' to ListedColormap")
        import cmocean

    rgba = getattr(cmocean.cm, name)(np.linspace(0.0, 1.0, n))
    return tuple("#{:02x}{:02x}{:02x}".format(*(round(255 * float(c)) for c in row[:3])) for row in rgba)


def _nice(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 4, 5, 6, 8, 10 times a power of ten, not below `value`."""
    if not np.isfinite(value) or value <= 0.0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    for step in (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0):
        if value <= step * power * (1 + 1e-9):
            return float(step * power)
    return float(10.0 * power)


def field_scale(variable: str, sample: np.ndarray) -> Scale:
    """The range that an archive's values of one variable are shown in, steady through time.

    sample: values of any shape; NaN are left out. Rain is cut at the 99.8th percentile, for a few
    thunderstorms would otherwise leave the rest of the world blank.
    """
    values = np.asarray(sample)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return Scale("thermal", 0.0, 1.0)
    if variable in _SIGNED or (values.min() < 0 < values.max() and variable not in _MAPS):
        # fields of either sign, known or not, are centred on zero
        top = _nice(float(np.percentile(np.abs(values), 99.9)))
        return Scale(_MAPS.get(variable, "delta"), -top, top)
    if variable in _RAIN:
        return Scale("rain", 0.0, _nice(float(np.percentile(values, 99.8))))
    low, high = (float(v) for v in np.percentile(values, (0.05, 99.95)))
    step = _nice(max(high - low, 1e-12)) / 20.0
    low, high = np.floor(low / step) * step, np.ceil(high / step) * step
    if not high > low:
        low, high = low - 1.0, high + 1.0
    return Scale(_MAPS.get(variable, "haline"), float(low), float(high))


def speed_scale(speed: np.ndarray) -> Scale:
    """A range from zero for the speed of a wind."""
    return replace(field_scale("speed", speed), palette="speed", low=0.0)


def error_scale(error: np.ndarray) -> Scale:
    """A symmetric range for a difference: the 99.9th percentile of its size, rounded up."""
    size = np.abs(np.asarray(error))
    size = size[np.isfinite(size)]
    top = _nice(float(np.percentile(size, 99.9))) if size.size else 1.0
    return Scale(DIVERGING, -top, top)
