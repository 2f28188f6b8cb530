"""Gaps are filled from the record's patterns; records with gaps open complete."""

import netCDF4  # noqa: F401  (the engine behind to_netcdf here)
import numpy as np
import pytest
import xarray as xr
from atlas_samples import record

from fsae_core.atlas.infill import infill
from fsae_core.atlas.records import open_complete
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import cell_centres


@pytest.fixture(scope="module")
def observed():
    ds = record(noise=1.0, patterns=12)
    return ds["t2m"].values, ds["time"].values


def test_gaps_get_better_than_the_season(observed):
    x, times = observed
    gappy = x.copy()
    lat = cell_centres(3)[1]
    gappy[:120, lat < -60] = np.nan
    hidden = np.isnan(gappy)
    got = infill(gappy, times)
    np.testing.assert_array_equal(got.values[~hidden], x[~hidden])
    error = np.sqrt(np.mean((got.values[hidden] - x[hidden]) ** 2))
    assert error < 0.6 and np.isfinite(got.values).all()
    assert got.share == pytest.approx(hidden.mean()) and got.rmse < 0.6 * got.spread
    assert np.abs(got.values[hidden]).max() < np.abs(x).max() + 3


def test_filling_repeats_itself(observed):
    x, times = observed
    gappy = x.copy()
    gappy[5:60, 100:180] = np.nan
    np.testing.assert_array_equal(infill(gappy, times).values, infill(gappy, times).values)


def test_cells_that_are_never_seen_take_their_neighbours(observed):
    x, times = observed
    gappy = x.copy()
    gappy[:, [300, 301]] = np.nan
    got = infill(gappy, times).values
    assert np.abs(got[:, [300, 301]] - x[:, [300, 301]]).max() < 8
    assert np.corrcoef(got[:, 300], x[:, 300])[0, 1] > 0.9


def test_complete_fields_are_left_alone(observed):
    x, times = observed
    got = infill(x, times)
    np.testing.assert_array_equal(got.values, x)
    assert got.share == 0


def test_what_cannot_be_filled_is_refused(observed):
    x, times = observed
    gappy = x.copy()
    gappy[7] = np.nan
    with pytest.raises(UserError, match="1 times of the record have no value"):
        infill(gappy, times)
    gappy = x.copy()
    gappy[:, :50] = np.nan
    with pytest.raises(UserError, match="50 of 768 cells"):
        infill(gappy, times)


@pytest.fixture
def gappy_file(tmp_path):
    """An anomaly in K on a 5 degree grid, ten years, Antarctica missing at first."""
    rng = np.random.default_rng(0)
    lat, lon = np.arange(-87.5, 90, 5), np.arange(-177.5, 180, 5)
    times = np.arange("1950-01", "1960-01", dtype="datetime64[M]").astype("datetime64[ns]")
    shape = np.stack([np.cos(np.deg2rad(k * lat))[:, None] * np.cos(np.deg2rad(k * lon)) for k in (1, 2, 3)])
    x = np.einsum("tk,kij->tij", rng.standard_normal((len(times), 3)), shape)
    x[:40, lat < -65] = np.nan
    ds = xr.Dataset(
        {"tempanomaly": (("time", "lat", "lon"), x.astype(np.float32), {"units": "K"})},
        {
            "time": times,
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )
    path = tmp_path / "observed.nc"
    ds.to_netcdf(path)
    return path


def test_a_record_with_gaps_opens_complete(gappy_file):
    ds = open_complete(gappy_file, zoom=3)
    assert np.isfinite(ds["tempanomaly"].values).all() and ds["tempanomaly"].attrs["units"] == "K"
    assert "filled from patterns" in ds.attrs["history"] and "each field's mean" not in ds.attrs["history"]
    later = open_complete(gappy_file, "tempanomaly", zoom=3, start="1955", end="1956-06")
    assert later.sizes["time"] == 18 and str(later["time"].values[0])[:7] == "1955-01"
    with pytest.raises(UserError, match="from 1950-01-16 to 1959-12-16"):
        open_complete(gappy_file, zoom=3, start="1990")
    with pytest.raises(UserError, match="not both dates"):
        open_complete(gappy_file, zoom=3, start="yesterday")


def test_a_shipped_archive_opens_as_ever():
    ds = open_complete("amip", start="2013-06", end="2013-08")
    assert ds.sizes == {"time": 3, "cell": 3072} and "t2m" in ds
    assert set(ds.data_vars) == {"t2m", "crs"}
