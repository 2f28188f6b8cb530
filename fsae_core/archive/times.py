"""The time axis of an archive: datetime64[ns], rising, no time twice."""

from __future__ import annotations

__all__ = ["NO_TIME", "canonical_times"]

from typing import Any

import numpy as np
import xarray as xr

from fsae_core.errors import UserError

NO_TIME = np.datetime64("1970-01-01", "ns")
"""Stands in for the time of a field that has none; the history says so."""

_NAMES = ("time", "valid_time", "t", "date", "datetime", "time_counter", "forecast_time")


def canonical_times(dataset: xr.Dataset, file: str) -> tuple[xr.Dataset, list[str]]:
    """A dataset with a `time` dimension in rising datetime64[ns], and what was done to get there.

    Other calendars are kept as dates where each exists in the standard one (365_day, julian after 1582), and
    by the share of the year that has passed where some do not (360_day). Times out of order are sorted.
    Raises UserError for repeated, missing or undecodable times.
    """
    notes: list[str] = []
    dataset = _valid_time(dataset, file)
    if "time" not in dataset.dims:
        dataset = _find_time(dataset, file, notes)
    if "time" not in dataset.coords:
        raise UserError(
            f"{file} has {dataset.sizes['time']} steps along time but no dates; expected a CF time "
            "coordinate: add one."
        )
    if dataset.sizes["time"] == 0:
        raise UserError(f"{file} holds no time at all; expected at least one field.")
    times = _to_datetime64(dataset["time"], file, notes)
    if np.isnat(times).any():
        raise UserError(
            f"{file} has {int(np.isnat(times).sum())} missing dates in its time axis; remove those steps."
        )
    bounds = {"bounds": dataset["time"].attrs["bounds"]} if "bounds" in dataset["time"].attrs else {}
    attrs = {"standard_name": "time", "long_name": "time", **bounds}
    dataset = dataset.assign_coords(time=("time", times, attrs))
    if times.size and np.unique(times).size != times.size:
        values, counts = np.unique(times, return_counts=True)
        first = np.datetime_as_string(values[counts > 1][0], unit="m")
        raise UserError(
            f"{file} holds {int((counts > 1).sum())} times more than once (first {first}); expected each "
            "once: "
            "remove the copies, for example with xarray's drop_duplicates('time')."
        )
    if times.size > 1 and (np.diff(times) < np.timedelta64(0, "ns")).any():
        dataset = dataset.isel(time=np.argsort(times))
        notes.append("times sorted")
    return dataset, notes


def _valid_time(dataset: xr.Dataset, file: str) -> xr.Dataset:
    """GRIB's (time, step): one of the two may vary, and the valid time is what counts."""
    if "step" not in dataset.coords:
        return dataset
    if (
        "step" in dataset.dims
        and "time" in dataset.dims
        and dataset.sizes["time"] > 1
        and dataset.sizes["step"] > 1
    ):
        raise UserError(
            f"{file} holds {dataset.sizes['time']} forecasts of {dataset.sizes['step']} steps each; "
            "expected one axis of times: select one step or one forecast first."
        )
    if "valid_time" not in dataset.coords:
        dataset = dataset.assign_coords(valid_time=dataset["time"] + dataset["step"])
    for dim in ("time", "step"):
        if dim in dataset.dims and dataset.sizes[dim] == 1 and dataset["valid_time"].ndim > 1:
            dataset = dataset.isel({dim: 0})
    axis = dataset["valid_time"].dims
    dataset = dataset.drop_vars([c for c in ("time", "step") if c in dataset.coords])
    if axis:
        dataset = dataset.swap_dims({axis[0]: "valid_time"})
    return dataset.rename({"valid_time": "time"})


def _find_time(dataset: xr.Dataset, file: str, notes: list[str]) -> xr.Dataset:
    by_kind = [
        str(name)
        for name, coordinate in dataset.coords.items()
        if coordinate.attrs.get("standard_name") == "time" or np.issubdtype(coordinate.dtype, np.datetime64)
    ]
    named = [name for name in _NAMES if name in dataset.dims or name in dataset.coords]
    for name in [*by_kind, *named]:
        if name in dataset.dims:
            return dataset.rename({name: "time"})
        if name in dataset.coords and dataset[name].ndim == 0:
            single = dataset if name == "time" else dataset.rename({name: "time"})
            return single.expand_dims("time")
    notes.append("no time in the file: 1970-01-01 stands in")
    dataset = dataset.drop_vars("time", errors="ignore")
    return dataset.expand_dims(time=[NO_TIME])


def _to_datetime64(coordinate: xr.DataArray, file: str, notes: list[str]) -> np.ndarray:
    values = coordinate.values
    if np.issubdtype(values.dtype, np.datetime64):
        return values.astype("datetime64[ns]")
    if values.dtype == object and values.size and hasattr(values[0], "calendar"):
        calendar = values[0].calendar
        notes.append(f"calendar {calendar} -> standard")
        return np.array([_from_cftime(date, calendar) for date in values], "datetime64[ns]")
    raise UserError(
        f"{file} has a time axis without dates (units {coordinate.attrs.get('units', 'absent')!r}); "
        "expected CF units "
        "like 'days since 2000-01-01'."
    )


def _from_cftime(date: Any, calendar: str) -> np.datetime64:
    if calendar != "360_day":
        return np.datetime64(date.isoformat(), "ns")
    start = np.datetime64(f"{date.year:04d}-01-01", "ns")
    length = (np.datetime64(f"{date.year + 1:04d}-01-01", "ns") - start) / np.timedelta64(1, "s")
    day = date.dayofyr - 1 + (date.hour * 3600 + date.minute * 60 + date.second) / 86_400
    return start + np.timedelta64(round(length * day / 360), "s")
