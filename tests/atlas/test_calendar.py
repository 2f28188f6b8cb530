"""Decimal years, slow parts and the seasonal cycle."""

import numpy as np
import pytest
from atlas_samples import months, record

from fsae_core.archive.climatology import annual_phase
from fsae_core.atlas.calendar import decimal_years, month_numbers, slow_part
from fsae_core.atlas.seasons import SeasonalCycle


def test_decimal_years():
    times = np.array(["1991-01-01", "1991-07-02T12", "1992-12-31T23"], "datetime64[ns]")
    np.testing.assert_allclose(decimal_years(times), [1991.0, 1991.5, 1993.0], atol=2e-3)
    assert (np.diff(decimal_years(months())) > 0).all()
    assert month_numbers(times).tolist() == [1, 7, 12]


def test_slow_part_keeps_straight_lines_to_the_ends():
    years = decimal_years(months())
    line = np.stack([3 * years, 7 - 0.2 * years], axis=1)
    np.testing.assert_allclose(slow_part(line, years, 10.0), line, rtol=1e-8)


def test_slow_part_leaves_what_is_quick():
    years = decimal_years(months())
    quick = np.sin(2 * np.pi * years / 3)[:, None]
    assert slow_part(quick, years, 10.0).std() < 0.05 * quick.std()


def test_slow_part_of_one_time():
    np.testing.assert_allclose(slow_part(np.ones((1, 2)), np.array([2000.0]), 10.0), 1.0)


def test_seasons_are_taken_out_of_mean_and_spread():
    rng = np.random.default_rng(0)
    times = months("1900-01", "2000-01")
    phase = annual_phase(times)
    spread = 2 + np.cos(phase)
    x = np.stack([10 + 5 * np.sin(phase), -3 * np.cos(2 * phase)], axis=1)
    x += spread[:, None] * rng.standard_normal((len(times), 2))
    left = SeasonalCycle.fit(x, times).departures(x, times)
    by_month = left.reshape(-1, 12, 2)
    np.testing.assert_allclose(by_month.mean(axis=0), 0.0, atol=0.35)
    np.testing.assert_allclose(by_month.std(axis=0), 1.0, atol=0.25)
    raw = x.reshape(-1, 12, 2).std(axis=0)
    assert raw.max() > 2 * raw.min(), "the sample must have a season in its spread"


def test_a_short_record_loses_its_mean_only():
    times = np.arange("2026-03-25", "2026-03-31", dtype="datetime64[D]").astype("datetime64[ns]")
    x = np.random.default_rng(0).standard_normal((6, 3)) + 5
    cycle = SeasonalCycle.fit(x, times)
    assert cycle.mean.shape == (1, 3)
    np.testing.assert_allclose(cycle.departures(x, times).mean(axis=0), 0.0, atol=1e-5)


def test_a_constant_field_departs_by_nothing():
    times = months()
    x = np.full((len(times), 2), 4.0)
    left = SeasonalCycle.fit(x, times).departures(x, times)
    assert np.isfinite(left).all() and np.abs(left).max() < 0.05


def test_seasons_travel_as_arrays():
    ds = record()
    x, times = ds["t2m"].values, ds["time"].values
    cycle = SeasonalCycle.fit(x, times)
    again = SeasonalCycle.from_dict(cycle.to_dict())
    np.testing.assert_array_equal(again.departures(x, times), cycle.departures(x, times))
    with pytest.raises(KeyError):
        SeasonalCycle.from_dict({"mean": cycle.mean})
