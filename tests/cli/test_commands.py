"""What the commands do and print."""

import json

import healpy as hp
import netCDF4
import numpy as np
import pytest
import xarray as xr
from block_mean import small_archive

from fsae_core.archive.reader import open_archive
from fsae_core.codec.store import read_store, write_fields
from fsae_core.sphere.pyramid import prolong, restrict

pytestmark = pytest.mark.usefixtures("weightless")


def test_compress_prints_what_was_lost(fsae, source, tmp_path):
    answer = fsae("compress", source, tmp_path / "s.zarr", "--ratio", 16, "--variable", "t2m", "--json")
    assert answer.code == 0
    x = small_archive()["t2m"].values.astype(np.float64)
    error = prolong(restrict(x, 2), 2) - x
    got = answer.json
    assert got["ratio_floats"] == 16 and 1 < got["ratio_bytes"] < 32
    assert got["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=2e-2)
    assert got["max_error"] == pytest.approx(np.abs(error).max(), rel=5e-2)
    assert got["psnr_db"] == pytest.approx(20 * np.log10(np.ptp(x) / got["rmse"]), rel=1e-3)
    assert got["native_bytes"] == x.size * 4
    own = {k: got[k] for k in ("rmse", "psnr_db", "max_error")}
    assert got["variables"]["t2m"] == {**own, "units": "K", "step": 0.015}
    assert read_store(tmp_path / "s.zarr").sizes == {"time": 5, "cell": 192}


def test_a_largest_error_is_kept(fsae, refuses, source, tmp_path):
    options = ("--ratio", 64, "--max-error", 0.5)
    got = fsae("compress", source, tmp_path / "s.zip", "--variable", "t2m", *options, "--json").json
    assert (
        got["max_error"]
        <= 0.5
        < fsae("compress", source, tmp_path / "t.zip", "--variable", "t2m", "--ratio", 64, "--json").json[
            "max_error"
        ]
    )
    told = fsae("info", tmp_path / "s.zip", "--json").json
    assert told["max_error"] == {"t2m": 0.5} and told["format"] == 2
    fsae("decompress", tmp_path / "s.zip", tmp_path / "back.zarr")
    off = open_archive(tmp_path / "back.zarr")["t2m"].values - small_archive()["t2m"].values.astype(
        np.float64
    )
    assert np.abs(off).max() == pytest.approx(got["max_error"], rel=1e-6)
    assert "each has its own units" in refuses("compress", source, tmp_path / "u.zip", *options)
    zero = ("--ratio", 64, "--max-error", 0, "--variable", "t2m")
    assert "largest error of 0 was asked for" in refuses("compress", source, tmp_path / "u.zip", *zero)


def test_all_coarser_ratios_in_one_store(fsae, refuses, source, tmp_path, monkeypatch):
    got = fsae("compress", source, tmp_path / "s.zip", "--ratio", 16, "--layers", "--json").json
    assert got["layers"] == [256, 64, 16] and got["ratio_floats"] == pytest.approx(
        1 / (1 / 16 + 1 / 64 + 1 / 256)
    )
    assert fsae("info", tmp_path / "s.zip", "--json").json["layers"] == [256, 64, 16]
    for ratio in (64, 16):
        target = tmp_path / f"back-{ratio}.zarr"
        assert fsae("decompress", tmp_path / "s.zip", target, "--ratio", ratio).code == 0
    errors = {}
    for ratio in (64, 16):
        back = open_archive(tmp_path / f"back-{ratio}.zarr")["t2m"].values
        errors[ratio] = np.sqrt(np.mean((back - small_archive()["t2m"].values) ** 2))
    assert errors[64] > 1.2 * errors[16]
    assert "holds 256, 64, 16" in refuses(
        "decompress", tmp_path / "s.zip", tmp_path / "back-4.zarr", "--ratio", 4
    )


def test_a_step_of_ones_own(fsae, refuses, source, tmp_path):
    base = ("--ratio", 4, "--variable", "t2m")
    fine = fsae("compress", source, tmp_path / "fine.zip", *base, "--step", 0.001, "--json").json
    coarse = fsae("compress", source, tmp_path / "coarse.zip", *base, "--step", 0.1, "--json").json
    assert fine["bytes"] > coarse["bytes"] and fine["rmse"] < coarse["rmse"]
    assert coarse["variables"]["t2m"]["step"] == 0.1
    assert "step of -1 was asked for" in refuses("compress", source, tmp_path / "u.zip", *base, "--step", -1)


def test_several_variables_have_no_common_error(fsae, source, tmp_path):
    got = fsae("compress", source, tmp_path / "s.zip", "--ratio", 4, "--json").json
    assert got["rmse"] is None and set(got["variables"]) == {"t2m", "msl"}
    assert got["variables"]["msl"]["rmse"] > got["variables"]["t2m"]["rmse"]


def test_some_of_the_times(fsae, refuses, source, tmp_path):
    options = ("--ratio", 4, "--start", "2008-07-02", "--end", "2008-07-03")
    assert fsae("compress", source, tmp_path / "s.zip", *options, "--json").json["times"] == 2
    assert "from 2008-07-01 to 2008-07-05" in refuses(
        "compress", source, tmp_path / "t.zip", "--ratio", 4, "--end", "1850"
    )
    assert "write them as 2008-07-01" in refuses(
        "compress", source, tmp_path / "t.zip", "--ratio", 4, "--start", "yesterday"
    )


@pytest.mark.parametrize("name", ["back.zarr", "back.zarr.zip"])
def test_decompress_to_healpix(fsae, source, tmp_path, name):
    fsae("compress", source, tmp_path / "s.zarr", "--ratio", 16)
    got = fsae("decompress", tmp_path / "s.zarr", tmp_path / name, "--json").json
    assert got["zoom"] == 4 and got["times"] == 5 and got["grid"] is None
    back = open_archive(tmp_path / name)
    x = small_archive()["msl"].values
    np.testing.assert_allclose(back["msl"].values, prolong(restrict(x, 2), 2), atol=3 * 0.0205 * x.std())
    coarse = fsae("decompress", tmp_path / "s.zarr", tmp_path / "coarse.zarr", "--zoom", 1, "--json").json
    assert coarse["zoom"] == 1 and open_archive(tmp_path / "coarse.zarr").sizes["cell"] == 48


def test_decompress_to_netcdf(fsae, source, tmp_path):
    fsae("compress", source, tmp_path / "s.zarr", "--ratio", 4)
    assert (
        fsae("decompress", tmp_path / "s.zarr", tmp_path / "back.nc", "--grid", 5, "--json").json["grid"] == 5
    )
    fsae("decompress", tmp_path / "s.zarr", tmp_path / "back.zarr")
    cells = open_archive(tmp_path / "back.zarr")["t2m"].values
    with netCDF4.Dataset(tmp_path / "back.nc") as file:
        assert file.Conventions.startswith("CF-")
        t2m, lat, lon = (file.variables[name] for name in ("t2m", "lat", "lon"))
        assert t2m.dimensions == ("time", "lat", "lon") and t2m.shape == (5, 36, 72)
        assert t2m.units == "K" and t2m.standard_name == "air_temperature"
        assert (lat.units, lon.units) == ("degrees_north", "degrees_east")
        assert lat[0] == -87.5 and lon[0] == -177.5 and lat.bounds == "lat_bnds"
        theta, phi = np.deg2rad(90 - lat[:])[:, None], np.deg2rad(lon[:])[None]
        expected = hp.get_interp_val(hp.reorder(cells[2], n2r=True), theta + 0 * phi, phi + 0 * theta)
        # Two interpolations of one field: alike to a small part of its spread, and not upside down.
        assert np.abs(t2m[2] - expected).std() < 0.05 * cells.std()
        assert np.abs(t2m[2][::-1] - expected).std() > 0.1 * cells.std()
    with xr.open_dataset(tmp_path / "back.nc") as ds:
        assert (ds["time"].values == small_archive()["time"].values).all()


def test_what_is_simulated_stays_so_by_way_of_netcdf(fsae, tmp_path):
    write_fields(small_archive().assign_attrs(fsae_simulated=1), tmp_path / "source.zarr")
    fsae("compress", tmp_path / "source.zarr", tmp_path / "s.zarr", "--ratio", 4)
    fsae("decompress", tmp_path / "s.zarr", tmp_path / "back.nc", "--grid", 5)
    fsae("prepare", tmp_path / "back.nc", tmp_path / "mine.zarr", "--zoom", 3)
    for name in ("s.zarr", "back.nc", "mine.zarr"):
        assert fsae("info", tmp_path / name, "--json").json["simulated"] is True, name


def test_prepare_and_info(fsae, tmp_path):
    lat, lon = np.linspace(89, -89, 90), np.arange(0, 360, 2.0)
    field = 280 + 20 * np.cos(np.deg2rad(lat))[:, None] * np.ones(180) + np.sin(np.deg2rad(lon))
    ds = xr.Dataset(
        {"t2m": (("time", "lat", "lon"), np.stack([field, field + 1]).astype(np.float32), {"units": "K"})},
        {
            "time": np.array(["2001-01-01", "2001-01-02"], "datetime64[ns]"),
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )
    ds.to_netcdf(tmp_path / "mine.nc")
    got = fsae("prepare", tmp_path / "mine.nc", tmp_path / "mine.zarr", "--zoom", 4, "--json").json
    assert got["zoom"] == 4 and got["times"] == 2 and got["variables"] == ["t2m"] and got["seconds"] >= 0
    told = fsae("info", tmp_path / "mine.zarr", "--json").json
    assert told["kind"] == "archive" and told["bytes"] == got["bytes"] and told["first"] == "2001-01-01T00:00"
    assert told["units"] == {"t2m": "K"}
    again = fsae("prepare", tmp_path / "mine.nc", tmp_path / "mine.zarr", "--zoom", 4)
    assert again.code == 0, "a finished run may be started again"
    zipped = fsae("prepare", tmp_path / "mine.nc", tmp_path / "mine.zip", "--zoom", 3, "--json").json
    assert zipped["zoom"] == 3
    fsae("compress", tmp_path / "mine.zarr", tmp_path / "s.zip", "--ratio", 64)
    told = fsae("info", tmp_path / "s.zip", "--json").json
    assert told["kind"] == "compressed" and told["variables"] == ["t2m"] and told["zoom"] == 1
    assert told["ratio"] == 64 and told["zoom_in"] == 4 and told["times"] == 2
    assert told["bytes"] == (tmp_path / "s.zip").stat().st_size


def test_readable_output_says_the_same(fsae, source, tmp_path):
    shown = fsae("compress", source, tmp_path / "s.zip", "--ratio", 64, "--variable", "t2m").out
    assert "ratio floats: 64" in shown and "rmse: " in shown and "units: K" in shown
    with pytest.raises(json.JSONDecodeError):
        json.loads(shown)
