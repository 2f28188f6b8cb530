"""What drives the simulated archive: CO2, volcanic aerosol and El Nino, as functions of time.

CO2: annual means at Mauna Loa (NOAA GML), linear between the middles of the years and on with the slope of
the ends. Aerosol: optical depth that rises from the eruption for four months and then fades by a factor e in
eleven. Nino 3.4: anomaly of the sea surface temperature that the simulation was given, 5 S - 5 N, 170 W -
120 W, from the boundary data of SPEEDY in the wheel of jcm 3.0.0 (Apache-2.0), monthly.
"""

from __future__ import annotations

__all__ = ["AOD_DIMMING", "ERUPTIONS", "Eruption", "co2_ppm", "nino34", "volcanic_aod"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

AOD_DIMMING = 23.0
"""W m-2 of insolation that one unit of optical depth takes away in the simulation."""

RISE_MONTHS = 4.0
FADE_MONTHS = 11.0
_MONTH_DAYS = 365.2425 / 12


@dataclass(frozen=True)
class Eruption:
    """start: first day that there is aerosol; peak: largest optical depth."""

    name: str
    start: str
    peak: float


ERUPTIONS = (Eruption("El Chichon", "1982-04-01", 0.09), Eruption("Pinatubo", "1991-06-01", 0.15))

_FIRST_YEAR = 1979
_CO2 = (
    336.78, 338.68, 340.10, 341.44, 343.03, 344.58, 346.04, 347.39, 349.16, 351.56,
    353.07, 354.35, 355.57, 356.38, 357.07, 358.82, 360.80, 362.59, 363.71, 366.65,
    368.33, 369.52, 371.13, 373.22, 375.77, 377.49, 379.80, 381.90, 383.76, 385.59,
    387.37, 389.85, 391.63, 393.82, 396.48,
)  # fmt: skip
_NINO34 = (
    "-8 -3 -1 11 -9 4 -24 9 30 23 24 56 "  # 1979
    "47 29 12 15 12 30 0 -21 -14 -14 4 27 "  # 1980
    "-44 -48 -10 -29 -21 -23 -44 -22 -11 -7 -40 -26 "  # 1981
    "21 20 0 26 60 85 51 67 101 160 188 217 "  # 1982
    "197 163 122 70 71 44 -6 -17 -22 -61 -78 -79 "  # 1983
    "-70 -19 -27 -25 -39 -58 -34 -30 -26 -65 -101 -117 "  # 1984
    "-90 -81 -66 -72 -67 -60 -44 -30 -50 -53 -42 -42 "  # 1985
    "-66 -61 -40 -15 -27 -2 8 21 51 69 86 86 "  # 1986
    "103 104 98 72 71 101 120 136 141 127 116 101 "  # 1987
    "71 47 29 -28 -95 -110 -132 -125 -108 -173 -191 -184 "  # 1988
    "-179 -122 -106 -96 -70 -62 -46 -55 -40 -40 -27 -15 "  # 1989
    "2 20 13 18 19 -8 5 20 10 28 16 33 "  # 1990
    "40 21 7 28 48 56 56 58 40 90 107 151 "  # 1991
    "154 146 126 109 95 51 39 1 -7 -27 -13 18 "  # 1992
    "27 42 43 63 81 50 34 5 25 26 29 31 "  # 1993
    "10 0 16 29 30 35 16 42 33 73 105 119 "  # 1994
    "92 70 45 25 6 2 0 -27 -55 -80 -81 -79 "  # 1995
    "-77 -69 -45 -31 -27 -20 -14 -22 -26 -32 -28 -43 "  # 1996
    "-47 -32 -17 19 57 91 132 167 177 204 218 214 "  # 1997
    "202 178 119 70 56 -50 -81 -90 -79 -100 -110 -146 "  # 1998
    "-140 -111 -80 -73 -80 -88 -78 -106 -99 -104 -140 -156 "  # 1999
    "-160 -131 -97 -69 -68 -61 -47 -45 -49 -63 -75 -79 "  # 2000
    "-65 -48 -23 -19 -20 2 2 0 -17 -9 -16 -35 "  # 2001
    "-18 2 -10 5 17 56 58 73 81 102 127 124 "  # 2002
    "96 62 49 0 -36 -12 15 1 9 39 40 31 "  # 2003
    "19 8 -10 7 16 11 38 52 61 62 60 71 "  # 2004
    "52 24 28 18 29 31 17 7 -4 6 -26 -54 "  # 2005
    "-69 -56 -56 -17 1 15 10 27 53 64 89 99 "  # 2006
    "62 16 -9 -4 -28 -15 -33 -53 -89 -120 -144 -135 "  # 2007
    "-159 -166 -114 -97 -72 -50 -15 -2 -27 -37 -42 -78 "  # 2008
    "-91 -71 -59 -30 8 39 60 60 65 74 127 138 "  # 2009
    "125 93 74 43 -15 -50 -86 -114 -138 -154 -156 -166 "  # 2010
    "-162 -122 -109 -78 -54 -35 -36 -62 -77 -93 -110 -103 "  # 2011
    "-105 -79 -63 -43 -23 9 31 55 34 23 24 -11 "  # 2012
    "-33 -26 -17 -15 -26 -23 -22 -19 -6 -22 6 -5 "  # 2013
)  # fmt: skip
"""Hundredths of a kelvin, January to December."""


def _days(times: ArrayLike) -> Floats:
    """datetime64 (...,) -> days since 1970."""
    stamps = np.asarray(times).astype("datetime64[s]")
    return stamps.astype(np.int64) / 86400.0


def co2_ppm(times: ArrayLike) -> Floats:
    """Mole fraction of CO2 in ppm at datetime64 (...,): 336.8 in 1979, 396.5 in 2013."""
    years = np.arange(_FIRST_YEAR, _FIRST_YEAR + len(_CO2) + 1).astype(str).astype("datetime64[Y]")
    edges = _days(years)
    middles, values = (edges[1:] + edges[:-1]) / 2, np.array(_CO2)
    days = _days(times)
    inside = np.interp(days, middles, values)
    before = np.minimum(days - middles[0], 0.0) * (values[1] - values[0]) / (middles[1] - middles[0])
    after = np.maximum(days - middles[-1], 0.0) * (values[-1] - values[-2]) / (middles[-1] - middles[-2])
    return inside + before + after


def volcanic_aod(times: ArrayLike, eruptions: tuple[Eruption, ...] = ERUPTIONS) -> Floats:
    """Stratospheric aerosol optical depth at datetime64 (...,); without eruptions it is 0."""
    days = _days(times)
    total = np.zeros_like(days)
    for one in eruptions:
        months = (days - _days(np.datetime64(one.start))) / _MONTH_DAYS
        rise = np.clip(months / RISE_MONTHS, 0.0, 1.0)
        total += one.peak * rise * np.exp(-np.maximum(months - RISE_MONTHS, 0.0) / FADE_MONTHS)
    return total


def nino34(times: ArrayLike) -> Floats:
    """Nino 3.4 in K at datetime64 (...,), linear between the middles of months; NaN outside 1979-2013."""
    table = np.array("".join(_NINO34).split(), dtype=np.float64) / 100
    months = np.datetime64(f"{_FIRST_YEAR}-01", "M") + np.arange(len(table) + 1)
    edges = _days(months)
    days = _days(times)
    found = np.interp(days, (edges[1:] + edges[:-1]) / 2, table)
    return np.where((days >= edges[0]) & (days < edges[-1]), found, np.nan)
