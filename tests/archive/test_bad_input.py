"""Bad input: every case ends in one sentence that names the file and says what to do."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from archive_samples import TIMES, latlon

from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError


def refused(source: Path | xr.Dataset | str, *needles: str, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        open_archive(source, **options)
    message = str(caught.value)
    for needle in needles:
        assert needle in message
    assert "\n" not in message
    assert message.endswith(".")
    assert len(message) < 400
    if isinstance(source, Path):
        assert source.name in message
    return message


@pytest.mark.parametrize(("kind", "engine"), [("NETCDF4", "netcdf4"), ("NETCDF3_64BIT", "scipy")])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated_netcdf(tmp_path: Path, kind: str, engine: str, share: float) -> None:
    path = tmp_path / "cut.nc"
    latlon().to_netcdf(path, format=kind, engine=engine)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path, "truncated", "download it again")


def test_empty_missing_and_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "empty.nc").touch()
    refused(tmp_path / "empty.nc", "empty (0 bytes)")
    refused(tmp_path / "nowhere.nc", "does not exist")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    refused(tmp_path / "table.csv", "neither NetCDF, GRIB nor Zarr")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "not a Zarr store")
    refused("no-such-archive", "does not exist", "fsae catalog")


def test_truncated_grib(tmp_path: Path, write_grib: Callable[..., Path]) -> None:
    path = write_grib([{"shortName": "2t"}])
    path.write_bytes(path.read_bytes()[:-500])
    refused(path, "GRIB")


def test_grib_with_two_variables_where_another_was_expected(write_grib: Callable[..., Path]) -> None:
    path = write_grib([{"shortName": "2t"}, {"shortName": "msl"}])
    refused(path, "has no u10", "it holds", "t2m", "msl", variables="u10")


def test_grib_with_ambiguous_levels(write_grib: Callable[..., Path]) -> None:
    levels = [{"shortName": "t", "typeOfLevel": "isobaricInhPa", "level": p} for p in (850, 500)]
    path = write_grib(levels)
    refused(path, "several levels", "variables=['t850']")
    assert "t500" in open_archive(path, variables="t500", zoom=2)


def test_grib_with_one_name_on_two_kinds_of_level(write_grib: Callable[..., Path]) -> None:
    path = write_grib(
        [
            {"shortName": "t", "typeOfLevel": "isobaricInhPa", "level": 850},
            {"shortName": "t", "typeOfLevel": "hybrid", "level": 1},
        ]
    )
    refused(path, "more than once", "select one first")


def test_regional_grid() -> None:
    refused(latlon().sel(lat=slice(20, 70)), "global grid from pole to pole")
    refused(latlon().isel(lon=slice(0, 40)), "the whole globe")


def test_missing_latitude(tmp_path: Path) -> None:
    path = tmp_path / "nolat.nc"
    latlon().drop_vars("lat").to_netcdf(path)
    refused(path, "no latitude coordinate", "lat (36)")


def test_radians(tmp_path: Path) -> None:
    source = latlon()
    source = source.assign_coords(lat=np.radians(source["lat"]), lon=np.radians(source["lon"]))
    source.to_netcdf(tmp_path / "rad.nc")
    refused(tmp_path / "rad.nc", "radians", "180/pi")


def test_curvilinear_and_unstructured() -> None:
    lon, lat = np.meshgrid(np.arange(0, 360, 10.0), np.arange(-85, 90, 10.0))
    curved = xr.Dataset({"t2m": (("time", "y", "x"), np.zeros((1, *lon.shape)))}, {"time": TIMES[:1]})
    refused(
        curved.assign_coords(lat=(("y", "x"), lat), lon=(("y", "x"), lon)),
        "two-dimensional latitude",
        "remap",
    )
    points = xr.Dataset({"t2m": (("time", "values"), np.zeros((1, 50)))}, {"time": TIMES[:1]})
    points = points.assign_coords(
        latitude=("values", np.linspace(-90, 90, 50)), longitude=("values", np.zeros(50))
    )
    refused(points, "unstructured or reduced Gaussian")


def test_nan_over_land() -> None:
    source = latlon()
    source["t2m"] = source["t2m"].where((source["lat"] > 0) | (source["lon"] > 90))
    refused(source, "t2m has no values in", "% of its cells", "fill='mean'")
    source["t2m"] = source["t2m"].where(source["time"] > TIMES[0])
    refused(source, "without a single value", fill="mean")


def test_infinite_values_count_as_missing() -> None:
    source = latlon()
    source["t2m"].values[1, 10:20] = np.inf
    refused(source, "no values in")


def test_celsius_labelled_kelvin(tmp_path: Path) -> None:
    source = latlon()
    source["t2m"] = (source["t2m"] - 273.15).assign_attrs(units="K")
    source.to_netcdf(tmp_path / "cold.nc")
    refused(tmp_path / "cold.nc", "look like degC", "correct the units attribute")


def test_impossible_and_absent_units() -> None:
    refused(latlon(units="Pa"), "units 'Pa'", "cannot become K")
    source = latlon(name="pr")
    source["pr"] = source["pr"] * 0
    source["pr"].attrs = {}
    refused(source, "has no units", "mm day-1")


def test_precipitation_depth_without_period() -> None:
    source = latlon(name="tp", units="m")
    source["tp"] = (source["tp"] * 1e-5).assign_attrs(units="m")
    refused(source, "accumulation_hours")
    assert open_archive(source, zoom=2, accumulation_hours=24)["tp"].max() < 4
    assert open_archive(source.assign_attrs(source="ERA5"), zoom=2)["tp"].max() > 60


def test_duplicated_times() -> None:
    refused(latlon().isel(time=[0, 1, 1, 2]), "more than once", "2001-02-15", "drop_duplicates")


def test_times_without_dates() -> None:
    refused(latlon().assign_coords(time=[0, 1, 2]), "time axis without dates", "days since")
    refused(latlon().drop_vars("time"), "no dates")


def test_two_names_of_one_variable() -> None:
    source = latlon()
    source["tas"] = source["t2m"]
    refused(source, "both t2m and tas", "variables=")


def test_no_field_at_all() -> None:
    refused(latlon().drop_vars("t2m"), "no numeric field")


def _cells(n: int, **crs: object) -> xr.Dataset:
    dataset = xr.Dataset(
        {"t2m": (("time", "cell"), np.full((1, n), 280.0, np.float32), {"units": "K"})}, {"time": TIMES[:1]}
    )
    return dataset.assign(crs=((), 0, {"grid_mapping_name": "healpix", **crs})) if crs else dataset


def test_healpix_nside_not_a_power_of_two() -> None:
    refused(_cells(12 * 6**2, healpix_nside=6, healpix_order="ring"), "nside 6", "power of two")


def test_healpix_order_undeclared() -> None:
    refused(_cells(768), "nest or ring", "order='ring'")
    refused(_cells(768, healpix_nside=8), "nest or ring")


def test_healpix_declarations_that_contradict() -> None:
    refused(
        _cells(768, healpix_nside=8, healpix_order="nest"), "says its cells are in nest order", order="ring"
    )
    refused(_cells(768, healpix_nside=16, healpix_order="nest"), "a part of the sphere")
    refused(_cells(700), "not 12 nside^2")


def test_finer_than_the_archive() -> None:
    refused(_cells(768, healpix_nside=8, healpix_order="nest"), "finer zoom 5", zoom=5)
    canonical = open_archive(_cells(768, healpix_nside=8, healpix_order="nest"))
    refused(canonical, "finer zoom 5", zoom=5)


def test_a_zip_that_is_not_a_zarr(tmp_path: Path) -> None:
    path = tmp_path / "notes.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "hello")
    refused(path, "is a zip but not a Zarr store")
    path.write_bytes(path.read_bytes()[:40])
    refused(path, "damaged or truncated zip")


@pytest.mark.parametrize(
    "member", ["../outside/zarr.json", "/etc/zarr.json", "a/../../zarr.json", "..\\zarr.json", "C:/x"]
)
def test_a_zip_with_path_traversal(tmp_path: Path, member: str) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("zarr.json", "{}")
        archive.writestr(member, "{}")
    refused(path, "unsafe path", "not opened")
    assert [p.name for p in tmp_path.iterdir()] == ["evil.zip"]


def test_a_zip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zarr.json", "{}" + " " * 50_000_000)
    refused(path, "expands to")


def test_a_damaged_zarr(tmp_path: Path) -> None:
    store = tmp_path / "broken.zarr"
    latlon().to_zarr(store, zarr_format=3)
    for chunk in (store / "t2m" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"nonsense")
    refused(store, "is damaged")


def test_a_compressed_store_is_not_an_archive() -> None:
    refused(
        xr.Dataset({"t2m": (("time", "cell"), np.zeros((1, 48)))}, attrs={"fsae_format": 1}),
        "compressed store",
    )
