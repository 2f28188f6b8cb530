"""Whether a field belongs to the hour of its time stamp, or to a day or month."""

from __future__ import annotations

__all__ = ["is_instant", "method_over_time", "methods_of_step"]

import re

import numpy as np
import xarray as xr

_TIME_METHOD = re.compile(r"(?<!\w)time:\s+(?:\w+:\s+)*(\w+)")
"""The method that follows "time:", also where axes share one ("area: time: mean")."""

_STEP_METHODS = {"instant": "point", "accum": "sum", "max": "maximum", "min": "minimum"}


def method_over_time(field: xr.DataArray) -> str | None:
    """What CF cell_methods say of the time: mean, point, sum ...; None where they say nothing."""
    found = _TIME_METHOD.search(str(field.attrs.get("cell_methods", "")))
    return found and found[1]


def is_instant(ds: xr.Dataset, variable: str) -> bool:
    """True for analyses and hourly output, False for means.

    CF cell_methods decide; where they say nothing of the time, stamps at three or more hours of the day are
    taken for instants (means are stamped at one hour, or at the two ends of their period).
    """
    method = method_over_time(ds[variable])
    if method:
        return method == "point"
    if "time" not in ds[variable].dims:
        return False
    stamps = np.asarray(ds["time"].values).astype("datetime64[s]")
    return np.unique(stamps - stamps.astype("datetime64[D]")).size >= 3


def methods_of_step(step_type: str) -> str | None:
    """CF cell_methods for GRIB's step type (instant, avg and its kin, accum, max, min); None for others."""
    method = "mean" if step_type.startswith("avg") else _STEP_METHODS.get(step_type)
    return method and f"time: {method}"
