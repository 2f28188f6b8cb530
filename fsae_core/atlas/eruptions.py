"""Great eruptions since 1880 whose aerosol reached the stratosphere, and the times that they may have
touched.

Peak optical depths are global means at 550 nm of the GISS record (Sato et al. 1993, doi:10.1029/93JD02553,
and its update of 2012, https://data.giss.nasa.gov/modelforce/strataer/tau.line_2012.12.txt), monthly values
with what else was in the stratosphere. They are approximate: from satellites since 1979, before that from
solar extinction at few stations; reconstructions differ by tens of percent, more the older they are. Dates
are of the greatest explosion after the Global Volcanism Program (https://volcano.si.edu).
"""

from __future__ import annotations

__all__ = ["ERUPTIONS", "Eruption", "aftermath", "eruptions_between", "null_pool", "quiet"]

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsae_core.atlas.calendar import Times, decimal_years

_QUIET_SHARE = 0.5
"""Less of the record than this without eruptions is too little for a null: then all times are used."""

GISS = "Sato et al. 1993, doi:10.1029/93JD02553, updated 2012 (NASA GISS)"


@dataclass(frozen=True)
class Eruption:
    """date: of the greatest explosion; latitude, longitude: degrees; peak_aod: greatest global monthly mean
    at 550 nm, about; peak: its month; source: of the two; note: what to keep in mind."""

    name: str
    date: str
    latitude: float
    longitude: float
    peak_aod: float
    peak: str
    source: str = GISS
    note: str = ""

    @property
    def year(self) -> float:
        """Decimal year of the date."""
        return float(decimal_years(np.array([self.date], "datetime64[D]"))[0])


ERUPTIONS = (
    Eruption("Krakatau", "1883-08-27", -6.10, 105.42, 0.164, "1884-04"),
    Eruption("Santa Maria", "1902-10-25", 14.76, -91.55, 0.082, "1903-04", note="After Soufriere and Pelee."),
    Eruption("Katmai", "1912-06-06", 58.27, -155.16, 0.040, "1912-08", note="Northern hemisphere only."),
    Eruption("Agung", "1963-03-17", -8.34, 115.51, 0.089, "1963-11", note="Mostly the southern hemisphere."),
    Eruption(
        "El Chichon", "1982-04-04", 17.36, -93.23, 0.098, "1982-12", note="With the great El Nino of 1982-83."
    ),
    Eruption("Pinatubo", "1991-06-15", 15.13, 120.35, 0.149, "1992-02", note="With the El Nino of 1991-92."),
)


def eruptions_between(times: Times) -> tuple[Eruption, ...]:
    """Those of the catalogue that fall within the record (time,)."""
    if len(times) == 0:
        return ()
    first, last = np.asarray(times).min(), np.asarray(times).max()
    return tuple(e for e in ERUPTIONS if first <= np.datetime64(e.date) <= last)


def aftermath(
    eruption: Eruption, times: Times, after: float = 0.25, length: float = 2.0
) -> NDArray[np.bool_]:
    """Times (time,) from `after` years behind the eruption's month on, `length` years long.

    Counted in whole months, so that two years of a monthly record are 24 times.
    """
    month = np.datetime64(eruption.date, "M")
    first = month + round(12 * after)
    stamps = np.asarray(times).astype("datetime64[M]")
    return (stamps >= first) & (stamps < first + round(12 * length))


def quiet(times: Times, years: float = 3.0, eruptions: Iterable[Eruption] = ERUPTIONS) -> NDArray[np.bool_]:
    """Times (time,) that no eruption of the catalogue touches: not in the `years` from its month on."""
    calm = np.ones(len(times), bool)
    for eruption in eruptions:
        calm &= ~aftermath(eruption, times, 0.0, years)
    return calm


def null_pool(times: Times) -> NDArray[np.bool_]:
    """Times (time,) that a null may be made of: the quiet ones, where they are half of the record."""
    calm = quiet(times)
    return calm if calm.mean() >= _QUIET_SHARE else np.ones_like(calm)
