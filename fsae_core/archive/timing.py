"""Whether a field belongs to the hour of its time stamp, or to a day or month."""

from __future__ import annotations

__all__ = ["is_instant"]

import numpy as np
import xarray as xr


def is_instant(ds: xr.Dataset, variable: str) -> bool:
    """True for analyses and hourly output, False for means.

    CF cell_methods and GRIB's step type decide; where a file is silent, times at three or more hours of the
    day are taken for instants (means are stamped at one hour, or at the two ends of their period).
    """
    attrs = ds[variable].attrs
    methods = str(attrs.get("cell_methods", ""))
    if "time:" in methods:
        return "point" in methods
    if "GRIB_stepType" in attrs:
        return attrs["GRIB_stepType"] == "instant"
    if "time" not in ds[variable].dims:
        return False
    stamps = np.asarray(ds["time"].values).astype("datetime64[s]")
    return np.unique(stamps - stamps.astype("datetime64[D]")).size >= 3
