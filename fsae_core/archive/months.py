"""Means of a month or longer stand for the middle of their time, not for the day that they are stamped at.

Files put the date of a month's first or last day on its mean, or say its bounds (CF 1.11, 7.1). Whatever asks
for a day of the year (climatologies, forcings, the sun) would be half a month off, so `open_archive` moves
the times.
"""

from __future__ import annotations

__all__ = ["at_middles"]

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.timing import method_over_time

_SHORTEST = np.timedelta64(27, "D")
"""Of means that are moved: an hour's or a day's keep the time that they have beside instants."""
_LONGEST_MONTH = np.timedelta64(31, "D")

Times = NDArray[np.datetime64]


def at_middles(dataset: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """A dataset with `time` (datetime64[ns], rising), its times moved where they are dates of months or
    longer; and what was done.

    The bounds of the time decide; without them times that are all first days, or all last days, of
    successive months, unless a field says that it is of the instant.
    """
    if "time" not in dataset.coords or dataset["time"].ndim != 1 or not dataset.sizes["time"]:
        return dataset, []
    times = dataset["time"].values.astype("datetime64[ns]")
    bounds = _bounds(dataset, times)
    # They are not kept, so they must not be named either.
    attrs = {key: value for key, value in dataset["time"].attrs.items() if key != "bounds"}
    if "bounds" in dataset["time"].attrs:
        dataset = dataset.assign_coords(time=("time", times, attrs))
    if bounds is not None:
        middles = bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) / 2
    elif _are_edges_of_months(times) and not _has_instants(dataset):
        start = times.astype("datetime64[M]")
        first, after = (edge.astype("datetime64[ns]") for edge in (start, start + 1))
        middles = first + (after - first) / 2
    else:
        return dataset, []
    if (middles == times).all():
        return dataset, []
    moved = dataset.assign_coords(time=("time", middles.astype("datetime64[ns]"), attrs))
    return moved, ["times of monthly or longer means moved to their middle"]


def _bounds(dataset: xr.Dataset, times: Times) -> Times | None:
    """(time, 2) where the file has them and all are of a month or longer."""
    name: Any = dataset["time"].attrs.get("bounds")
    if name not in dataset.variables or dataset[name].shape != (len(times), 2):
        return None
    found = dataset[name].values
    if not np.issubdtype(found.dtype, np.datetime64) or np.isnat(found).any():
        return None
    found = found.astype("datetime64[ns]")
    span = found[:, 1] - found[:, 0]
    inside = (found[:, 0] <= times) & (times <= found[:, 1])
    return found if (span >= _SHORTEST).all() and inside.all() else None


def _are_edges_of_months(times: Times) -> bool:
    if len(times) < 2 or (times != times.astype("datetime64[D]")).any():
        return False
    days = times.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    first = (days == months.astype("datetime64[D]")).all()
    last = (days + 1 == (months + 1).astype("datetime64[D]")).all()
    # Years may be stamped so, too: at least two must follow each other by a month.
    return bool((first or last) and np.diff(times).min() <= _LONGEST_MONTH)


def _has_instants(dataset: xr.Dataset) -> bool:
    return any(method_over_time(array) == "point" for array in dataset.data_vars.values())
