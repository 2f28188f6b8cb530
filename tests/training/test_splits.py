"""Splits are by time, and test times are in no training set."""

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.reader import open_archive
from fsae_core.training.mixture import gather_sets
from fsae_core.training.splits import Split, split_of


def archive(days: int, **attrs: str) -> xr.Dataset:
    times = np.datetime64("2001-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D")
    return xr.Dataset(coords={"time": times}, attrs=attrs)


@pytest.mark.parametrize("days", [3, 4, 7, 20, 365])
def test_an_unknown_archive_is_split_in_order_without_overlap(days):
    ds = archive(days)
    split = split_of(ds)
    masks = [Split.mask(ds["time"].values, period) for period in (split.train, split.validate, split.test)]
    assert all(mask.any() for mask in masks)
    assert (np.sum(masks, axis=0) == 1).all()
    assert [np.flatnonzero(mask).max() for mask in masks] == sorted(np.flatnonzero(m).max() for m in masks)


def test_the_last_day_counts_to_its_end():
    times = np.array(["2004-12-31T23:59", "2005-01-01T00:00"], "datetime64[ns]")
    known = split_of(archive(5, fsae_name="amip"))
    assert Split.mask(times, known.train).tolist() == [True, False]
    assert Split.mask(times, known.validate).tolist() == [False, True]
    assert Split.mask(times, None).tolist() == [False, False]


def test_the_test_times_of_the_real_week_are_never_learned_from():
    week = open_archive("era5-week")
    times = week["time"].values
    split = split_of(week)
    held_out = Split.mask(times, split.test)
    assert held_out.sum() == 7 and (times[held_out] >= np.datetime64("2026-03-30")).all()
    train, _, splits = gather_sets(["era5-week"], 3)
    assert splits["era5-week"]["test"] == split.test
    learned = {t for one in train for t in one.times}
    assert learned and not learned & set(times[held_out])
