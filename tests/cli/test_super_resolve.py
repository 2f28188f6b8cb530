"""``fsae super-resolve`` with the shipped weights."""

import netCDF4
import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.reader import open_archive
from fsae_core.codec.store import write_fields
from fsae_core.codec.super_resolution import super_resolve


@pytest.fixture(scope="module")
def low(tmp_path_factory):
    path = tmp_path_factory.mktemp("low") / "low.zarr"
    write_fields(open_archive("era5-week", zoom=4, variables="t2m").isel(time=slice(-3, None)), path)
    return path


def test_a_region_to_netcdf(fsae, low, tmp_path):
    target = tmp_path / "amazon.nc"
    answer = fsae("super-resolve", low, target, "--zoom", 6, "--region", -55, -5, -40, 5, "--json")
    assert answer.code == 0, answer.err
    got = answer.json
    assert (got["zoom_in"], got["zoom_out"], got["smooth_zooms"]) == (4, 6, 0)
    assert got["times"] == 3 and got["times_trained_on"] == 0 and got["seconds"] >= 0
    assert got["bytes"] == target.stat().st_size and got["weights"] == "general-16x"
    want = super_resolve(open_archive(low), 6, (-55.0, -5.0, -40.0, 5.0))
    with xr.open_dataset(target) as back:
        assert back.sizes["cell"] == got["cells"] == want.sizes["cell"]
        np.testing.assert_array_equal(back["t2m"].values, want["t2m"].values)
        np.testing.assert_array_equal(back["cell"].values, want["cell"].values)
        assert back.attrs["fsae_sr_sha256"] == want.attrs["fsae_sr_sha256"]
    with netCDF4.Dataset(target) as raw:
        assert raw["t2m"].grid_mapping == "crs" and raw["crs"].grid_mapping_name == "healpix"
        assert raw.Conventions.startswith("CF") and raw["cell"].standard_name == "healpix_index"


@pytest.mark.parametrize("name", ["fine.nc", "fine.zarr", "fine.zarr.zip"])
def test_the_sphere_is_an_archive_again(fsae, low, tmp_path, name):
    got = fsae("super-resolve", low, tmp_path / name, "--zoom", 5, "--json").json
    assert got["zoom_out"] == 5 and got["region"] is None
    back = open_archive(tmp_path / name)
    assert back.sizes == {"time": 3, "cell": 12288} and back.attrs["fsae_sr_zoom_in"] == 4
    coarse = fsae(
        "super-resolve", tmp_path / name, tmp_path / "finer.nc", "--zoom", 6, "--region", 0, 0, 9, 9
    )
    assert coarse.code == 0


def test_a_region_to_zarr(fsae, low, tmp_path):
    got = fsae(
        "super-resolve", low, tmp_path / "r.zarr", "--zoom", 6, "--region", 170, 0, -170, 9, "--json"
    ).json
    with xr.open_zarr(tmp_path / "r.zarr", consolidated=False) as back:
        assert back.sizes["cell"] == got["cells"] and back["cell"].values.max() > got["cells"]
        assert (np.abs(back["lon"].values) >= 170).all() and np.isfinite(back["t2m"].values).all()


def test_calibrated(fsae, low, tmp_path):
    got = fsae("super-resolve", low, tmp_path / "c.zarr", "--zoom", 6, "--calibrate", "--json").json
    assert "as fits the field itself from zoom 3 to 4" in got["method"]
    plain = super_resolve(open_archive(low), 6)["t2m"].values
    assert 0.01 < np.abs(open_archive(tmp_path / "c.zarr")["t2m"].values - plain).max() < 10
    refused = fsae(
        "super-resolve", "era5-week", tmp_path / "d.nc", "--zoom", 7, "--variable", "tp", "--calibrate"
    )
    assert refused.code == 2 and "leave --calibrate out" in refused.err


def test_what_was_learned_from_is_told(fsae, tmp_path):
    path = tmp_path / "week.zarr"
    write_fields(open_archive("era5-week", zoom=4, variables="t2m").isel(time=slice(0, 3)), path)
    answer = fsae("super-resolve", path, tmp_path / "x.nc", "--zoom", 6, "--region", 0, 0, 9, 9, "--json")
    assert answer.json["times_trained_on"] == 3 and "trained on 3 of these 3 times" in answer.err


def test_mistakes(refuses, fsae, low, tmp_path):
    target = tmp_path / "x.nc"
    assert "choose a finer one (5 to 9)" in refuses("super-resolve", low, target, "--zoom", 4)
    assert "south below north" in refuses("super-resolve", low, target, "--zoom", 6, "--region", 0, 9, 9, 0)
    assert "not on the globe" in refuses("super-resolve", low, target, "--zoom", 6, "--region", 0, 0, 9, 99)
    assert "west before east" in refuses("super-resolve", low, target, "--zoom", 6, "--region", 9, 0, 0, 9)
    assert "name it so" in refuses("super-resolve", low, tmp_path / "x.png", "--zoom", 6)
    assert "does not exist" in refuses("super-resolve", tmp_path / "absent.nc", target, "--zoom", 6)
    assert "holds t2m" in refuses("super-resolve", low, target, "--zoom", 6, "--variable", "snow")
    assert "no weights named" in refuses("super-resolve", low, target, "--zoom", 6, "--model", "magic")
    assert "source and target at once" in refuses("super-resolve", low, low, "--zoom", 6, "--overwrite")
    assert not target.exists()
    small = ("--zoom", 6, "--region", 0, 0, 9, 9)
    assert fsae("super-resolve", low, target, *small).code == 0
    assert "exists already" in refuses("super-resolve", low, target, *small)
    assert fsae("super-resolve", low, target, *small, "--overwrite").code == 0
