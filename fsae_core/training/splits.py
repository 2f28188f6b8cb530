"""Which times train, validate and test.

Splits are by time: neighbours in time are too alike to be told apart.
"""

from __future__ import annotations

__all__ = ["Split", "split_of"]

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

Period = tuple[str, str]


@dataclass(frozen=True)
class Split:
    """Periods (first day, last day), both included; validate may be None."""

    train: Period
    validate: Period | None
    test: Period

    @staticmethod
    def mask(times: ArrayLike, period: Period | None) -> NDArray[np.bool_]:
        """Datetime64 (time,) -> which lie in the period."""
        stamps = np.asarray(times).astype("datetime64[s]")
        if period is None:
            return np.zeros(stamps.shape, bool)
        first, last = (np.datetime64(day, "D") for day in period)
        return (stamps >= first) & (stamps < last + 1)

    def as_dict(self) -> dict[str, Any]:
        """For a checkpoint's card."""
        return asdict(self)


_KNOWN = {
    "era5-week": Split(("2026-03-25", "2026-03-29"), None, ("2026-03-30", "2026-03-31")),
    "amip": Split(("1979-01-01", "2004-12-31"), ("2005-01-01", "2006-12-31"), ("2007-01-01", "2013-12-31")),
    "amip-hr": Split(("1992-05-01", "1993-12-31"), None, ("2008-01-01", "2008-12-31")),
}
"""By the name of the archive.

amip and amip-hr stand for the daily archives too.
"""

_TRAIN_SHARE, _VALIDATE_SHARE = 0.7, 0.15


def split_of(ds: xr.Dataset) -> Split:
    """The fixed split of a known archive (attribute fsae_name), else 70 / 15 / 15 percent of its times in
    order."""
    known = _KNOWN.get(str(ds.attrs.get("fsae_name", "")))
    if known is not None:
        return known
    days = np.unique(np.asarray(ds["time"].values).astype("datetime64[D]"))
    if len(days) < 3:
        span = (str(days[0]), str(days[-1]))
        return Split(span, None, ("9999-01-01", "9999-01-01"))
    first = min(max(1, int(len(days) * _TRAIN_SHARE)), len(days) - 2)
    second = min(max(first + 1, int(len(days) * (_TRAIN_SHARE + _VALIDATE_SHARE))), len(days) - 1)
    validate = (str(days[first]), str(days[second - 1]))
    return Split((str(days[0]), str(days[first - 1])), validate, (str(days[second]), str(days[-1])))
