"""Means of months stand for the middle of their month, whatever date the file puts on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from archive_samples import latlon

from fsae_core.archive.months import at_middles
from fsae_core.archive.reader import open_archive
from fsae_core.archive.writer import write_archive

FIRSTS = np.arange("2000-11", "2001-05", dtype="datetime64[M]").astype("datetime64[ns]")
LASTS = (np.arange("2000-12", "2001-06", dtype="datetime64[M]").astype("datetime64[D]") - 1).astype(
    "datetime64[ns]"
)
MIDDLES = np.array(
    ["2000-11-16", "2000-12-16T12", "2001-01-16T12", "2001-02-15", "2001-03-16T12", "2001-04-16"],
    "datetime64[ns]",
)


def _dataset(times: np.ndarray, methods: str | None = "time: mean") -> xr.Dataset:
    attrs = {"cell_methods": methods} if methods else {}
    return xr.Dataset({"t2m": ("time", np.zeros(times.size, np.float32), attrs)}, {"time": times})


@pytest.mark.parametrize("times", [FIRSTS, LASTS])
@pytest.mark.parametrize("methods", ["time: mean", None])
def test_dates_of_first_and_last_days_are_moved(times, methods):
    found, notes = at_middles(_dataset(times, methods))
    assert (found["time"].values == MIDDLES).all() and len(notes) == 1
    again, notes = at_middles(found)
    assert (again["time"].values == MIDDLES).all() and not notes


@pytest.mark.parametrize(
    ("times", "methods"),
    [
        (FIRSTS, "time: point"),
        (FIRSTS[:1], "time: mean"),  # a day or a month: nobody knows
        (FIRSTS + np.timedelta64(14, "D"), "time: mean"),
        (FIRSTS + np.timedelta64(12, "h"), "time: mean"),  # days, at noon
        (np.array(["2000-01-01", "2001-01-01", "2002-01-01"], "datetime64[ns]"), "time: mean"),
        (np.arange("2000-01-01", "2000-02-10", dtype="datetime64[D]").astype("datetime64[ns]"), None),
    ],
)
def test_others_stay(times, methods):
    found, notes = at_middles(_dataset(times, methods))
    assert (found["time"].values == times).all() and not notes


def _with_bounds(times: np.ndarray, low: np.ndarray, high: np.ndarray) -> xr.Dataset:
    ds = _dataset(times).assign(time_bnds=(("time", "bnds"), np.stack([low, high], axis=1)))
    ds["time"].attrs["bounds"] = "time_bnds"
    return ds


def test_bounds_decide_where_a_file_has_them():
    year = np.array(["2000-01-01", "2001-01-01"], "datetime64[ns]")
    after = np.array(["2001-01-01", "2002-01-01"], "datetime64[ns]")
    found, notes = at_middles(_with_bounds(year, year, after))
    assert [str(t)[:10] for t in found["time"].values] == ["2000-07-02", "2001-07-02"] and notes
    assert "bounds" not in found["time"].attrs
    hour = np.timedelta64(1, "h")
    days = FIRSTS[0] + np.arange(1, 7) * hour
    found, notes = at_middles(_with_bounds(days, days - hour, days))
    assert (found["time"].values == days).all() and not notes


def test_a_file_of_months_is_opened_at_their_middles_and_written_so(tmp_path: Path):
    source = tmp_path / "months.nc"
    raw = latlon(times=FIRSTS)
    raw.to_netcdf(source)
    ds = open_archive(source, zoom=2)
    assert (ds["time"].values == MIDDLES).all() and "moved to their middle" in ds.attrs["history"]
    write_archive(ds, tmp_path / "months.zarr")
    again = open_archive(tmp_path / "months.zarr")
    assert (again["time"].values == MIDDLES).all()
    assert again.attrs["history"].count("moved to their middle") == 1


def test_the_shipped_months_stand_at_their_middles():
    times = open_archive("amip", variables="t2m")["time"].values
    assert str(times[0])[:13] == "1979-01-16T12" and len(np.unique(times.astype("datetime64[M]"))) == 420
