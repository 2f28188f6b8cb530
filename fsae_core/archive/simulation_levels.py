"""From sigma levels to what is drawn on maps: sea level pressure, the height of a pressure level."""

from __future__ import annotations

__all__ = ["height_of_pressure", "sea_level_pressure"]

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LAPSE = 0.0065  # K m-1, the standard atmosphere's
_COLD, _HOT = 255.0, 290.5  # K
_GRAVITY = 9.80665  # m s-2
_GAS = 287.05  # J kg-1 K-1, dry air


def sea_level_pressure(pressure: ArrayLike, temperature: ArrayLike, height: ArrayLike) -> NDArray[np.float64]:
    """Pressure (Pa), temperature (K) and height (m) of the lowest model level -> pressure at sea level (Pa).

    Hydrostatic, through air that warms by 6.5 K km-1 on the way down; less so where it would be warmer than
    290.5 K below, from halfway to 255 K where it is colder above (Trenberth et al. 1993, NCAR/TN-396+STR).
    """
    pressure, height = np.asarray(pressure, np.float64), np.asarray(height, np.float64)
    above = np.asarray(temperature, np.float64)
    top = np.where(above < _COLD, (above + _COLD) / 2, np.where(above > _HOT, (above + _HOT) / 2, above))
    bottom = np.where(above > _HOT, top, np.minimum(top + _LAPSE * height, _HOT))
    warming = (bottom - top) / top
    # Through a layer of linear temperature the mean is the logarithmic one; equal ends are its limit.
    mean = top * np.where(warming == 0.0, 1.0, warming / np.where(warming == 0.0, 1.0, np.log1p(warming)))
    return pressure * np.exp(_GRAVITY * height / (_GAS * mean))


def height_of_pressure(
    level: float, sigma: ArrayLike, pressure: ArrayLike, height: ArrayLike
) -> NDArray[np.float64]:
    """Height (m) of a pressure level (Pa), linear in the logarithm of pressure between model levels.

    sigma: (level,), rising. pressure: of the surface in Pa, (...,). height: of the model levels in m, (level,
    ...). Below the lowest level and above the highest, the line through the nearest two goes on.
    """
    log_sigma = np.log(np.asarray(sigma, np.float64))
    wanted = np.log(level) - np.log(np.asarray(pressure, np.float64))
    height = np.asarray(height, np.float64)
    above = np.clip(np.searchsorted(log_sigma, wanted, side="right") - 1, 0, log_sigma.size - 2)
    share = (wanted - log_sigma[above]) / (log_sigma[above + 1] - log_sigma[above])
    upper = np.take_along_axis(height, above[None], axis=0)[0]
    lower = np.take_along_axis(height, above[None] + 1, axis=0)[0]
    return (1 - share) * upper + share * lower
