"""What the simulated atmosphere is given: sea and land day by day; what is read off its levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.simulation_levels import height_of_pressure, sea_level_pressure
from fsae_core.archive.simulation_surface import LAND_WARMING, LARGEST_ANOMALY, ObservedSurface, running_year

LAT, LON = np.linspace(-87.0, 87.0, 48), np.arange(96) * 3.75
MONTHS = 24


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Boundary data as jcm's wheel has them, with values that say where and when they are from."""
    for folder in ("t30/clim", "t30/anom"):
        (tmp_path / folder).mkdir(parents=True)
    grid = {"lon": LON, "lat": LAT}
    months = xr.DataArray(np.arange(12.0), dims="time")
    by_lat = xr.DataArray(LAT, dims="lat")
    flat = xr.zeros_like(by_lat) + xr.DataArray(np.zeros(96), dims="lon")
    sst = 280.0 + months + 0.1 * by_lat + flat
    fields = {
        "sst": sst,
        "stl": sst - 5,
        "icec": 0.1 * months + flat,
        "soilw_am": 0 * sst,
        "snowc": 3 + 0 * sst,
    }
    fields["alb"] = 0.2 + flat
    clim = xr.Dataset({name: field.transpose("lon", "lat", ...) for name, field in fields.items()}, grid)
    clim.to_netcdf(tmp_path / "t30/clim/forcing.nc")
    lsm = xr.where(xr.DataArray(LON, dims="lon") < 180, 1.0, 0.0) + flat
    xr.Dataset({"lsm": lsm.transpose("lon", "lat")}, grid).to_netcdf(tmp_path / "t30/clim/terrain.nc")
    times = np.arange("1979-01", "1981-01", dtype="datetime64[M]").astype("datetime64[ns]")
    over_sea = xr.where(xr.DataArray(LON, dims="lon") < 180, 9.0, 0.25)
    ssta = (xr.DataArray(np.arange(24.0), dims="time") * over_sea + flat).transpose("time", "lat", "lon")
    anomaly = xr.Dataset({"ssta": ssta}, {**grid, "time": times}).isel(lat=slice(None, None, -1))
    anomaly.to_netcdf(tmp_path / "t30/anom/sea_surface_temperature_anomaly.nc")
    return tmp_path


def test_climate_stands_in_the_middle_of_its_month(wheel: Path):
    surface = ObservedSurface(wheel, LAT, LON)
    days = ("1979-01-16", "1979-05-01", "1979-12-31", "1980-01-01", "1979-08-16")
    ice = [surface.on(np.datetime64(day)).ice[3, 3] for day in days]
    assert ice[0] == pytest.approx(0.0, abs=1e-6) and ice[4] == pytest.approx(0.7)
    assert ice[1] == pytest.approx(0.35, abs=2e-3)  # half a day past half the way from April to May
    # The table goes from 1.1 back to 0 over the turn of the year.
    assert ice[2] == pytest.approx(0.55, abs=0.02) and ice[2] - ice[3] == pytest.approx(1.1 / 31, rel=1e-4)
    day = surface.on(np.datetime64("1979-01-16"))
    assert day.snow == pytest.approx(3.0) and day.soil_water == pytest.approx(0.0, abs=1e-6)
    assert surface.albedo.shape == day.sst.shape == (96, 48) and day.sst.dtype == np.float32


def test_the_soil_warms_with_the_sea(wheel: Path):
    surface = ObservedSurface(wheel, LAT, LON)
    for month, day in ((0, "1979-01-16"), (12, "1980-01-16"), (23, "1980-12-16")):
        climate = 275 + month % 12 + 0.1 * LAT
        warming = LAND_WARMING * running_year(surface.mean_anomaly)[month]
        assert surface.on(np.datetime64(day)).soil_temperature[5] == pytest.approx(
            climate + warming, abs=1e-3
        )


def test_anomalies_stand_in_the_middle_of_their_month(wheel: Path):
    surface = ObservedSurface(wheel, LAT, LON)
    middle = surface.on(np.datetime64("1980-01-16"))  # its noon is the middle of January
    climate = 280 + 0.1 * LAT
    assert middle.sst[60] == pytest.approx(climate + 3, abs=1e-3)
    assert middle.sst[10] == pytest.approx(climate + LARGEST_ANOMALY, abs=1e-3)
    before, after = (surface.on(np.datetime64(day)).sst[60, 0] for day in ("1978-01-01", "1985-01-01"))
    assert after - before == pytest.approx(LARGEST_ANOMALY, abs=1e-3)


def test_the_land_follows_the_sea_and_not_itself(wheel: Path):
    surface = ObservedSurface(wheel, LAT, LON)
    assert surface.mean_anomaly == pytest.approx(np.arange(24.0) / 4)
    years = running_year(surface.mean_anomaly)
    assert years[6:18] == pytest.approx((np.arange(6, 18) - 0.5) / 4)
    assert years[0] == pytest.approx(np.arange(6).mean() / 4) and years[-1] == pytest.approx(
        np.arange(17, 24).mean() / 4
    )


def test_another_grid_lies_between_the_nodes(wheel: Path):
    lat, lon = np.linspace(-88.0, 88.0, 96), np.arange(192) * 1.875
    fine = ObservedSurface(wheel, lat, lon)
    inside = np.abs(lat) < 87
    sst = fine.on(np.datetime64("1979-01-16")).sst  # the middle of the first month: no anomaly
    assert sst[100, inside] == pytest.approx(280 + 0.1 * lat[inside], abs=1e-3)
    assert sst[0, ~inside] == pytest.approx(280 + 0.1 * np.clip(lat[~inside], -87, 87), abs=1e-3)
    assert fine.albedo == pytest.approx(0.2) and fine.albedo.shape == (192, 96)
    same = ObservedSurface(wheel, LAT, LON).on(np.datetime64("1979-05-05"))
    assert fine.on(np.datetime64("1979-05-05")).ice[::2].mean() == pytest.approx(same.ice.mean(), rel=1e-5)


def test_pressure_at_sea_level_in_the_standard_atmosphere():
    height = np.array([0.0, 500.0, 2000.0, 5000.0])
    pressure = np.array([101_325.0, 95_460.8, 79_495.2, 54_019.9])  # ICAO 1993, by geopotential height
    assert sea_level_pressure(pressure, 288.15 - 0.0065 * height, height) == pytest.approx(
        101_325.0, rel=2e-5
    )


def test_pressure_at_sea_level_below_cold_and_hot_plateaus():
    """Trenberth et al. 1993: no air warmer than 290.5 K is thought up, the coldest is taken for warmer."""
    plain = 70_000.0 * (1 + 0.0065 * 2800.0 / 235.0) ** (9.80665 / (287.05 * 0.0065))
    assert sea_level_pressure(70_000.0, 215.0, 2800.0) == pytest.approx(plain)
    hot = 85_000.0 * np.exp(9.80665 * 1400.0 / (287.05 * (300.0 + 290.5) / 2))
    assert sea_level_pressure(85_000.0, 300.0, 1400.0) == pytest.approx(hot)
    capped, lapsed = (sea_level_pressure(85_000.0, t, 1400.0) for t in (290.4, 280.0))
    assert hot < capped < lapsed
    assert sea_level_pressure(100_000.0, 240.0, 0.0) == pytest.approx(100_000.0)


def test_height_of_a_pressure_level():
    sigma = np.array([0.1, 0.4, 0.8, 0.95])
    pressure = np.array([[100_000.0, 90_000.0], [60_000.0, 51_000.0]])
    height = -7_000.0 * np.log(sigma[:, None, None] * pressure / 100_000.0)
    wanted = np.full((2, 2), -7_000.0 * np.log(0.5))
    assert height_of_pressure(50_000.0, sigma, pressure, height) == pytest.approx(wanted)
    broken = height_of_pressure(50_000.0, sigma, np.full((2, 2), np.nan), height)
    assert np.isnan(broken).all()
