"""Whether fields are taken for instants or for means: what files say, and what their times say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from archive_samples import latlon

from fsae_core.archive.reader import open_archive
from fsae_core.archive.timing import is_instant, methods_of_step
from fsae_core.archive.writer import write_archive
from fsae_core.errors import UserError

DAYS = np.arange("2001-01-01", "2001-01-11", dtype="datetime64[D]").astype("datetime64[ns]")
SIX_HOURLY = DAYS[0] + np.arange(12) * np.timedelta64(6, "h")
MEANS = "time: mean"
AVERAGED = {"productDefinitionTemplateNumber": 8, "stepType": "avg", "stepRange": "0-24"}
ACCUMULATED = {"productDefinitionTemplateNumber": 8, "stepType": "accum", "stepRange": "0-6"}


def _dataset(times: np.ndarray, methods: str | None = None) -> xr.Dataset:
    attrs = {"cell_methods": methods} if methods else {}
    return xr.Dataset({"t2m": ("time", np.zeros(times.size, np.float32), attrs)}, {"time": times})


@pytest.mark.parametrize(
    ("times", "instant"),
    [
        (SIX_HOURLY, True),
        (SIX_HOURLY[:3], True),
        (SIX_HOURLY[:2], False),  # two hours of the day may be the ends of a period
        (SIX_HOURLY[:1], False),
        (DAYS, False),
        (DAYS + np.timedelta64(12, "h"), False),
        (np.sort(np.concatenate([DAYS, DAYS + np.timedelta64(12, "h")])), False),
        (np.array(["2001-01-16T12", "2001-02-15T00", "2001-03-16T12"], "datetime64[ns]"), False),
    ],
)
def test_where_the_file_is_silent_the_hours_of_the_day_tell(times: np.ndarray, instant: bool) -> None:
    assert is_instant(_dataset(times), "t2m") is instant


@pytest.mark.parametrize(
    ("methods", "instant"),
    [
        ("time: point", True),
        ("area: mean time: point", True),
        ("area: time: point", True),
        ("time: mean", False),
        ("area: time: mean", False),
        ("time: maximum", False),
        ("area: point time: mean", False),
        ("time: mean (interval: 1 hour comment: of points)", False),
    ],
)
def test_cell_methods_win_over_the_hours(methods: str, instant: bool) -> None:
    for times in (SIX_HOURLY, DAYS, DAYS[:1]):
        assert is_instant(_dataset(times, methods), "t2m") is instant


def test_cell_methods_that_do_not_speak_of_time_leave_it_to_the_hours() -> None:
    assert is_instant(_dataset(SIX_HOURLY, "area: mean"), "t2m")
    assert not is_instant(_dataset(DAYS, "area: point lifetime: point"), "t2m")


def test_a_field_without_time_is_no_instant() -> None:
    assert not is_instant(xr.Dataset({"t2m": ("cell", np.zeros(12))}), "t2m")


@pytest.mark.parametrize(
    ("step_type", "methods"),
    [
        ("instant", "time: point"),
        ("avg", "time: mean"),
        ("avgua", "time: mean"),  # ERA5's monthly means
        ("accum", "time: sum"),
        ("max", "time: maximum"),
        ("min", "time: minimum"),
        ("diff", None),
        ("", None),
    ],
)
def test_step_types(step_type: str, methods: str | None) -> None:
    assert methods_of_step(step_type) == methods


def test_a_single_analysis_of_gfs_is_instantaneous(shared_data: Path, tmp_path: Path) -> None:
    dataset = open_archive(shared_data / "real" / "gfs0p25_tmp_2020070200.grib", zoom=4)
    assert dataset["t2m"].attrs["cell_methods"] == "time: point"
    assert is_instant(dataset, "t2m")
    again = open_archive(write_archive(dataset, tmp_path / "gfs.zarr"), zoom=3)
    assert is_instant(again, "t2m")


def test_grib_that_is_averaged_is_a_mean(write_grib: Callable[..., Path]) -> None:
    dataset = open_archive(write_grib([{"shortName": "2t", **AVERAGED}]), zoom=1)
    (name,) = (str(n) for n in dataset.data_vars if n != "crs")
    assert dataset[name].attrs["cell_methods"] == MEANS
    assert not is_instant(dataset, name)


def test_the_rate_of_an_accumulated_depth_is_a_mean(write_grib: Callable[..., Path]) -> None:
    days = ({"shortName": "tp", "dataDate": date, **ACCUMULATED} for date in (20010116, 20010117))
    dataset = open_archive(write_grib(list(days)), zoom=1)
    assert dataset["tp"].attrs["cell_methods"] == MEANS
    assert dataset["tp"].values.mean() == pytest.approx(4 * 270, rel=0.02)  # of 270 mm in 6 hours


@pytest.mark.parametrize("second", ["6-12", "0-12"])
def test_depths_of_several_steps_need_their_period_told(write_grib: Callable[..., Path], second: str) -> None:
    steps = ({"shortName": "tp", **ACCUMULATED, "stepRange": text} for text in ("0-6", second))
    path = write_grib(list(steps))
    with pytest.raises(UserError, match="without the time over which it fell"):
        open_archive(path, zoom=1)
    assert open_archive(path, zoom=1, accumulation_hours=6).sizes["time"] == 2


def test_what_the_file_says_of_time_is_kept() -> None:
    source = latlon()
    source["t2m"].attrs |= {"GRIB_stepType": "instant", "cell_methods": "area: time: mean"}
    assert open_archive(source, zoom=1)["t2m"].attrs["cell_methods"] == "area: time: mean"
    source["t2m"].attrs["cell_methods"] = "area: mean"
    assert open_archive(source, zoom=1)["t2m"].attrs["cell_methods"] == "area: mean time: point"
