"""ds.fsae: what the functions give, on any Dataset that can be opened."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import fsae_core as fsae
from fsae_core.errors import UserError


@pytest.fixture(scope="module")
def one() -> xr.Dataset:
    return fsae.open_archive("era5-week")[["t2m", "crs"]].isel(time=[20])


def test_compress_and_decompress_are_the_functions(one):
    small = one.fsae.compress(64)
    xr.testing.assert_identical(small, fsae.compress(one, 64))
    xr.testing.assert_identical(small.fsae.decompress(), fsae.decompress(small))


def test_a_grid_of_latitudes_and_longitudes_is_regridded_first():
    lat, lon = np.arange(-88.0, 90.0, 4.0), np.arange(0.0, 360.0, 4.0)
    warm = (280 + 20 * np.cos(np.radians(lat))[:, None] * np.ones(lon.size)).astype("f4")
    ds = xr.Dataset(
        {"t2m": (("time", "lat", "lon"), warm[None], {"units": "K"})},
        {
            "time": np.array(["2020-01-01"], "M8[ns]"),
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )
    cells = ds.fsae.healpix()
    assert cells["t2m"].dims == ("time", "cell")
    small = ds.fsae.compress(16)
    assert small["t2m"].size * 16 == cells["t2m"].size
    assert ds.fsae.healpix(3)["t2m"].size == 768
    back = small.fsae.decompress()
    assert float(np.abs(back["t2m"].values - cells["t2m"].values).max()) < 3


def test_a_finer_zoom_of_a_region(one):
    fine = one.fsae.healpix(5).fsae.super_resolve(6, region=(0.0, 40.0, 20.0, 50.0))
    whole = fsae.super_resolve(one.fsae.healpix(5), 6, region=(0.0, 40.0, 20.0, 50.0))
    xr.testing.assert_identical(fine, whole)


def test_what_is_compressed_is_not_compressed_again(one):
    with pytest.raises(UserError, match="compressed already"):
        one.fsae.compress(64).fsae.compress(4)


@pytest.mark.parametrize(
    "code",
    [
        "import xarray as xr, fsae_core; xr.Dataset().fsae",
        "import fsae_core as fsae, xarray as xr; fsae.open_archive; xr.Dataset().fsae",
        "import sys, xarray, fsae_core; assert 'torch' not in sys.modules",
    ],
)
def test_it_is_there_without_being_asked_for_and_costs_nothing(code):
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
