"""What users have: levels and members, many files, points, other grids, archives behind a URL."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from archive_samples import TIMES, latlon, smooth

from fsae_core.archive import urls
from fsae_core.archive.reader import open_archive
from fsae_core.cli.info import _describe
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import cell_centres, n_cells


def refused(source, *needles: str, **options) -> None:
    with pytest.raises(UserError) as caught:
        open_archive(source, **options)
    message = str(caught.value)
    assert all(needle in message for needle in needles), message
    assert message.endswith((".", ")")) and "\n" not in message


def icosahedral(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude, in radians, of points as even as those of an icosahedral grid (a spiral)."""
    i = np.arange(points) + 0.5
    return np.mod(i * np.pi * (3 - 5**0.5), 2 * np.pi) - np.pi, np.arcsin(1 - 2 * i / points)


def icon(points: int = 20_480, times: int = 2) -> xr.Dataset:
    clon, clat = icosahedral(points)
    field = smooth(np.degrees(clon), np.degrees(clat))
    values = np.stack([field + 0.5 * i for i in range(times)]).astype(np.float32)
    ds = xr.Dataset({"t_2m": (("time", "ncells"), values, {"units": "K"})}, {"time": TIMES[:times]})
    for name, angle, standard in (("clon", clon, "longitude"), ("clat", clat, "latitude")):
        ds[name] = ("ncells", angle, {"units": "radian", "standard_name": standard})
    return ds.set_coords(["clon", "clat"])


@pytest.mark.parametrize("method", [None, "nearest", "conservative"])
@pytest.mark.parametrize("zoom", [3, 5, 6])
def test_triangles(tmp_path: Path, method, zoom) -> None:
    icon().to_netcdf(tmp_path / "icon.nc")
    got = open_archive(tmp_path / "icon.nc", zoom=zoom, method=method)
    assert "t2m" in got or "t_2m" in got
    field = got[next(iter(set(got.data_vars) - {"crs"}))]
    assert field.dims == ("time", "cell") and field.sizes["cell"] == n_cells(zoom)
    lon, lat = cell_centres(zoom)
    # Points are 1.4 degrees apart, and the field changes by half a kelvin a degree at most.
    assert field.values[0] == pytest.approx(smooth(lon, lat), abs=0.8)
    assert (field.values[1] - field.values[0]) == pytest.approx(0.5, abs=1e-4)
    if method != "nearest":
        points = icon()["t_2m"].values[0]
        assert field.values[0].mean() == pytest.approx(points.mean(), abs=0.02), "area means are kept"


def test_a_point_counts_by_its_own_area() -> None:
    """Half of the sphere with four times as many points weighs no more than the other half."""
    dense, sparse = icosahedral(40_000), icosahedral(10_000)
    lon = np.concatenate([dense[0][dense[1] > 0], sparse[0][sparse[1] <= 0]])
    lat = np.concatenate([dense[1][dense[1] > 0], sparse[1][sparse[1] <= 0]])
    ds = xr.Dataset({"x": ("cell_points", np.where(lat > 0, 1.0, 0.0))})
    ds = ds.assign_coords(lat=("cell_points", np.degrees(lat)), lon=("cell_points", np.degrees(lon)))
    got = open_archive(ds, zoom=4)["x"].values[0]
    assert got.mean() == pytest.approx(0.5, abs=0.005) and set(np.round(got[:20], 3)) == {1.0}
    assert open_archive(ds)["x"].sizes["cell"] == n_cells(6), "points are 1.3 degrees apart"


def test_points_with_gaps_and_parts_of_the_sphere() -> None:
    ds = icon()
    refused(ds.isel(ncells=np.flatnonzero(ds["clat"] < 0.5)), "of the sphere without any", "global fields")
    ds["t_2m"] = ds["t_2m"].where(ds["clat"] < 1.2)
    refused(ds, "no values in", "fill='mean'", zoom=4)
    refused(icon(), "method bilinear was asked for", "conservative or nearest", method="bilinear")
    refused(latlon(), "method nearest was asked for", "conservative or bilinear", method="nearest")
    broken = icon()
    broken["clat"] = broken["clat"] * 100
    refused(broken, "put the units right")


def test_reduced_gaussian_grib(tmp_path: Path) -> None:
    import eccodes

    handle = eccodes.codes_grib_new_from_samples("reduced_gg_pl_32_grib2")
    for key, value in {"shortName": "2t", "dataDate": 20010116, "dataTime": 0}.items():
        eccodes.codes_set(handle, key, value)
    lat, lon = (eccodes.codes_get_array(handle, k) for k in ("latitudes", "longitudes"))
    eccodes.codes_set_values(handle, smooth(lon, lat))
    with (tmp_path / "n32.grib").open("wb") as out:
        eccodes.codes_write(handle, out)
    got = open_archive(tmp_path / "n32.grib", zoom=4)
    lon, lat = cell_centres(4)
    assert got["t2m"].values[0] == pytest.approx(smooth(lon, lat), abs=1.2)


def levels_file() -> xr.Dataset:
    base = latlon(name="t")["t"]
    whole = xr.concat([base - 30, base - 10, base], xr.DataArray([500.0, 850.0, 1000.0], dims="lev"))
    whole["lev"].attrs["units"] = "hPa"
    wind = xr.concat([base, base + 1], xr.DataArray([10.0, 100.0], dims="height"))
    wind["height"].attrs["units"] = "m"
    ds = whole.assign_attrs(units="K").to_dataset(name="t")
    ds["wind"] = wind.assign_attrs(units="m s-1")
    return ds


def test_levels_by_name() -> None:
    ds = levels_file()
    got = open_archive(ds, variables=["t@850", "wind@100"], zoom=3)
    assert {"t850", "wind_100"} <= set(got.data_vars)
    assert float(got["wind_100"].mean() - got["t850"].mean()) == pytest.approx(11, abs=1e-3)
    assert "t500" in open_archive(ds, variables="t", level=500, zoom=3)
    assert "t500" in open_archive(ds, variables="t500", zoom=3)
    refused(ds, "t not on level 700", "500, 850, 1000 hPa", variables="t@700")
    refused(ds, "wind not on level 2, but on 10, 100", variables="wind", level=2)
    refused(ds, "'high' of t was asked for", variables="t@high")
    refused(ds, "several levels", "--level", variables="wind")
    ds["height"] = ("height", ["low", "high"])
    refused(ds, "no numbers for the levels", variables="wind", level=10)


def test_a_level_on_the_command_line(tmp_path: Path) -> None:
    from fsae_core.cli import main

    levels_file()[["t"]].to_netcdf(tmp_path / "t.nc")
    assert (
        main(["prepare", str(tmp_path / "t.nc"), str(tmp_path / "a.zarr"), "--level", "850", "--zoom", "3"])
        == 0
    )
    assert "t850" in open_archive(tmp_path / "a.zarr")
    command = ["compress", str(tmp_path / "t.nc"), str(tmp_path / "s.zip"), "--ratio", "4", "-v", "t@500"]
    assert main(command) == 0


def test_grib_ensembles(write_grib) -> None:
    members = [
        {"shortName": "2t", "productDefinitionTemplateNumber": 1, "number": m, "dataTime": hour}
        for m in range(3)
        for hour in (0, 600, 1200)
    ]
    got = open_archive(write_grib(members), zoom=2)
    assert got["t2m"].dims == ("time", "member", "cell") and got["t2m"].shape == (3, 3, n_cells(2))
    assert got["member"].values.tolist() == [0, 1, 2]
    lazy = open_archive(write_grib(members), zoom=2, lazy=True)
    assert lazy["t2m"].chunks is not None
    np.testing.assert_array_equal(lazy["t2m"].values, got["t2m"].values)


@pytest.mark.parametrize("calendar", ["360_day", "noleap", "julian", "proleptic_gregorian"])
def test_calendars_across_files(tmp_path: Path, calendar: str) -> None:
    days = xr.date_range("2001-01-01", periods=6, freq="60D", calendar=calendar, use_cftime=True)
    whole = latlon(18, 36, times=TIMES[:1]).isel(time=[0] * 6)
    whole["t2m"].values += np.arange(6)[:, None, None]
    whole = whole.assign_coords(time=days)
    for i in range(3):
        whole.isel(time=slice(2 * i, 2 * i + 2)).to_netcdf(tmp_path / f"part_{3 - i}.nc")
    got = open_archive(str(tmp_path / "part_*.nc"), zoom=3, lazy=True)
    assert got["t2m"].chunks is not None and got.sizes["time"] == 6
    assert (np.diff(got["time"].values) > np.timedelta64(50, "D")).all()
    assert np.diff(got["t2m"].mean("cell").values) == pytest.approx(1, abs=1e-3)
    assert "3 files, the first of them part_1.nc" in got.attrs["history"]


def test_many_files(tmp_path: Path) -> None:
    times = np.array(["2001-01-01", "2001-01-02"], "datetime64[ns]")
    later = times + np.timedelta64(2, "D")
    (tmp_path / "deep").mkdir()
    for name, variable, stamps in (
        ("a_t2m.nc", "t2m", times),
        ("deep/b_t2m.nc", "t2m", later),
        ("c_u10.nc", "u10", times),
        ("deep/d_u10.nc", "u10", later),
    ):
        ds = latlon(18, 36, times=stamps, name=variable, units="K" if variable == "t2m" else "m s-1")
        if variable == "u10":
            ds[variable] = ds[variable] / 20
            ds[variable].attrs["units"] = "m s-1"
        ds.to_netcdf(tmp_path / name)
    got = open_archive(str(tmp_path / "**" / "*.nc"), zoom=3)
    assert {"t2m", "u10"} <= set(got.data_vars) and got.sizes["time"] == 4 and got["t2m"].chunks is None
    assert _describe(str(tmp_path / "**" / "*.nc"))["bytes"] == sum(
        p.stat().st_size for p in tmp_path.rglob("*.nc")
    )
    one = open_archive(tmp_path / "deep" / "b_t2m.nc", zoom=3)
    np.testing.assert_array_equal(got["t2m"].values[2:], one["t2m"].values)
    refused(str(tmp_path / "*.grib"), "No file matches")
    refused(str(tmp_path / "**" / "[abc]*.nc"), "c_u10.nc (u10) has other times or members than a_t2m.nc")
    latlon(18, 36, times=times).to_netcdf(tmp_path / "a_t2m_again.nc")
    refused(str(tmp_path / "a_*.nc"), "ends at 2001-01-02", "begins at 2001-01-01", "leave one out")
    latlon(90, 180, times=later).to_netcdf(tmp_path / "fine.nc")
    refused(str(tmp_path / "[af]*.nc"), "at zoom", "choose one zoom for all")
    (tmp_path / "a_broken.nc").write_bytes(b"CDF\x01 and then nothing")
    refused(str(tmp_path / "a_*.nc"), "a_broken.nc looks like NetCDF but cannot be read")


def test_many_files_compress_without_being_read_at_once(tmp_path: Path) -> None:
    from fsae_core.codec.archive_run import compress_archive
    from fsae_core.codec.store import read_store

    for year in (2001, 2002):
        days = (np.datetime64(f"{year}-01-01") + np.arange(40)).astype("datetime64[ns]")
        latlon(48, 96, times=days).assign_attrs(title="of a test").to_netcdf(tmp_path / f"t_{year}.nc")
    got = compress_archive(str(tmp_path / "t_*.nc"), tmp_path / "s.zarr", 16, workers=2)
    assert got.parts == 2 and read_store(tmp_path / "s.zarr").sizes["time"] == 80
    assert got.errors["t2m"].rmse < 1.5


def test_grids_that_are_turned_or_flat(tmp_path: Path) -> None:
    """CORDEX-like files with one-dimensional rlat and rlon alone, and projected ones."""
    for standard, mapping, said in (
        (("grid_latitude", "grid_longitude"), "rotated_latitude_longitude", "rotated_latitude_longitude"),
        (("projection_y_coordinate", "projection_x_coordinate"), "lambert_conformal_conic", "projected grid"),
        (("grid_latitude", "grid_longitude"), None, "rotated_latitude_longitude"),
    ):
        ds = latlon().rename(lat="rlat", lon="rlon")
        ds["rlat"].attrs, ds["rlon"].attrs = {"standard_name": standard[0]}, {"standard_name": standard[1]}
        if mapping:
            ds["crs_of_file"] = ((), 0, {"grid_mapping_name": mapping})
        refused(ds, "rotated or projected grid", said, "remapbil")
    plain = latlon()
    plain["crs"] = ((), 0, {"grid_mapping_name": "latitude_longitude"})
    assert "t2m" in open_archive(plain, zoom=3)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder behind a local web server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args) -> None:
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(urls, "cache_dir", lambda: tmp_path / "cache")


@pytest.mark.parametrize("name", ["x.nc", "x.zarr", "x.zarr.zip", "store"])
def test_behind_http(served, name: str, tmp_path: Path) -> None:
    folder, address = served
    ds = latlon(18, 36)
    if name == "x.nc":
        ds.to_netcdf(folder / name)
    elif name.endswith(".zip"):
        from fsae_core.codec.store import write_fields

        write_fields(open_archive(ds, zoom=3), folder / name)
    else:
        ds.to_zarr(folder / name, zarr_format=3, consolidated=False)
    got = open_archive(f"{address}/{name}", zoom=3)
    lon, lat = cell_centres(3)
    assert got["t2m"].values[0] == pytest.approx(smooth(lon, lat), abs=0.4)
    fetched = sorted(p.name for p in (tmp_path / "cache").rglob("*") if p.is_file())
    assert fetched == ([name] if name in ("x.nc", "x.zarr.zip") else [])
    assert _describe(f"{address}/{name}")["variables"] == ["t2m"]
    refused(f"{address}/absent.nc", "absent.nc", "cannot be read")


def test_a_file_that_changed_is_fetched_again(served) -> None:
    folder, address = served
    latlon(18, 36).to_netcdf(folder / "x.nc")
    assert open_archive(f"{address}/x.nc", zoom=2).sizes["time"] == 3
    latlon(18, 36).isel(time=[0]).to_netcdf(folder / "x.nc")
    assert open_archive(f"{address}/x.nc", zoom=2).sizes["time"] == 1


def test_servers_and_packages_that_are_not_there() -> None:
    refused("http://127.0.0.1:9/x.nc", "http://127.0.0.1:9/x.nc cannot be read", "network")
    refused("nonsense://x/y.nc", "no address that can be opened", "s3:// or gs://")
    for scheme, package in (("s3", "s3fs"), ("gs", "gcsfs")):
        try:
            __import__(package)
        except ImportError:
            refused(f"{scheme}://bucket/x.zarr", f"needs the package {package}", f"pip install {package}")
