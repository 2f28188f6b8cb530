"""Every kind of file gives the same canonical archive."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import healpy
import numpy as np
import pytest
import xarray as xr
from archive_samples import TIMES, latlon, smooth

from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import cell_centres
from fsae_core.sphere.pyramid import restrict

ZOOM = 3


def check_canonical(dataset: xr.Dataset, zoom: int, *names: str) -> None:
    assert dataset["crs"].attrs == {
        "grid_mapping_name": "healpix",
        "healpix_nside": 2**zoom,
        "healpix_order": "nest",
    }
    for name in names:
        assert dataset[name].dims == ("time", "cell")
        assert dataset[name].dtype == np.float32
        assert dataset[name].sizes["cell"] == 12 * 4**zoom
        assert dataset[name].attrs["grid_mapping"] == "crs"
        assert {"units", "long_name"} <= set(dataset[name].attrs)
    assert {"source", "licence", "history", "institution", "references"} <= set(dataset.attrs)


def check_field(dataset: xr.Dataset, zoom: int, tolerance: float = 0.35, step: int = 0) -> None:
    lon, lat = cell_centres(zoom)
    assert dataset["t2m"].values[step] == pytest.approx(smooth(lon, lat) + 0.5 * step, abs=tolerance)


@pytest.mark.parametrize(
    ("engine", "kind"),
    [
        ("scipy", "NETCDF3_64BIT"),
        ("scipy", "NETCDF3_CLASSIC"),
        ("netcdf4", "NETCDF4"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_netcdf(tmp_path: Path, engine: str, kind: str, packed: bool) -> None:
    path = tmp_path / "field.nc"
    encoding = {"t2m": {"dtype": "int16", "scale_factor": 0.01, "add_offset": 273.15, "_FillValue": -32768}}
    latlon().to_netcdf(path, engine=engine, format=kind, encoding=encoding if packed else None)
    dataset = open_archive(path, zoom=ZOOM)
    check_canonical(dataset, ZOOM, "t2m")
    check_field(dataset, ZOOM)
    check_field(dataset, ZOOM, step=2)
    assert np.array_equal(dataset["time"].values, TIMES)
    assert dataset["t2m"].attrs["standard_name"] == "air_temperature"


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("form", ["directory", "zip", "zip of a folder"])
def test_zarr(tmp_path: Path, zarr_format: int, form: str) -> None:
    path = tmp_path / "field.zarr"
    latlon().to_zarr(path, zarr_format=zarr_format)
    if form != "directory":
        root = path if form == "zip" else tmp_path
        packed = shutil.make_archive(
            str(tmp_path / "packed"), "zip", root, "." if form == "zip" else "field.zarr"
        )
        path = Path(packed)
    dataset = open_archive(path, zoom=ZOOM)
    check_canonical(dataset, ZOOM, "t2m")
    check_field(dataset, ZOOM, step=1)


def test_grib(write_grib: Callable[..., Path]) -> None:
    dataset = open_archive(
        write_grib(
            [
                {"shortName": "2t"},
                {"shortName": "2t", "dataDate": 20010216},
                {"shortName": "2t", "dataDate": 20010316},
            ]
        ),
        zoom=ZOOM,
    )
    check_canonical(dataset, ZOOM, "t2m")
    check_field(dataset, ZOOM)
    assert np.datetime_as_string(dataset["time"].values, unit="D").tolist() == [
        "2001-01-16",
        "2001-02-16",
        "2001-03-16",
    ]


def test_grib_in_a_folder_that_cannot_be_written(write_grib: Callable[..., Path]) -> None:
    path = write_grib([{"shortName": "2t"}])
    before = sorted(os.listdir(path.parent))
    path.parent.chmod(0o555)
    try:
        check_canonical(open_archive(path, zoom=ZOOM), ZOOM, "t2m")
    finally:
        path.parent.chmod(0o755)
    assert sorted(os.listdir(path.parent)) == before


def test_grib_of_two_variables_gives_both_or_the_one_asked_for(write_grib: Callable[..., Path]) -> None:
    path = write_grib([{"shortName": "2t"}, {"shortName": "msl"}])
    check_canonical(open_archive(path, zoom=ZOOM), ZOOM, "t2m", "msl")
    assert "msl" not in open_archive(path, zoom=ZOOM, variables="t2m")


def _healpix(order: str, zoom: int = ZOOM) -> xr.Dataset:
    lon, lat = healpy.pix2ang(2**zoom, np.arange(12 * 4**zoom), nest=order == "nest", lonlat=True)
    values = smooth(lon, lat)[None].astype(np.float32)
    array = xr.DataArray(values, {"time": TIMES[:1]}, ("time", "cell"), "tas", {"units": "K"})
    crs = {"grid_mapping_name": "healpix", "healpix_nside": 2**zoom, "healpix_order": order}
    return xr.Dataset({"tas": array, "crs": ((), 0, crs)})


@pytest.mark.parametrize("order", ["nest", "ring"])
def test_healpix(tmp_path: Path, order: str) -> None:
    path = tmp_path / "cells.nc"
    _healpix(order).to_netcdf(path)
    dataset = open_archive(path)
    check_canonical(dataset, ZOOM, "t2m")
    check_field(dataset, ZOOM, tolerance=1e-3)
    coarse = open_archive(path, zoom=1)
    assert coarse["t2m"].values == pytest.approx(restrict(dataset["t2m"].values, 2), rel=1e-6)


def test_healpix_order_given_by_hand() -> None:
    bare = _healpix("ring").drop_vars("crs")
    check_field(open_archive(bare, order="ring"), ZOOM, tolerance=1e-3)


@pytest.mark.parametrize(
    "declared",
    [
        {"grid_mapping_name": "healpix", "refinement_level": ZOOM, "indexing_scheme": "nested"},
        {"grid_name": "healpix", "level": ZOOM, "indexing_scheme": "nested"},
    ],
)
def test_healpix_as_cf_and_xdggs_declare_it(declared: dict[str, object]) -> None:
    dataset = _healpix("nest").drop_vars("crs").assign_coords(cell_ids=("cell", np.arange(768), declared))
    check_field(open_archive(dataset), ZOOM, tolerance=1e-3)
    shuffled = dataset.isel(cell=np.random.default_rng(0).permutation(768))
    check_field(open_archive(shuffled), ZOOM, tolerance=1e-3)


def test_a_canonical_archive_is_opened_as_it_is(tmp_path: Path) -> None:
    first = open_archive(latlon(), zoom=ZOOM)
    first.to_zarr(tmp_path / "a.zarr", zarr_format=3)
    again = open_archive(tmp_path / "a.zarr")
    xr.testing.assert_identical(first.drop_attrs(deep=False), again.drop_attrs(deep=False))
    coarse = open_archive(tmp_path / "a.zarr", zoom=1)
    check_canonical(coarse, 1, "t2m")
    assert coarse["t2m"].values == pytest.approx(restrict(first["t2m"].values, 2), rel=1e-6)


@pytest.mark.parametrize(
    ("nlat", "nlon", "zoom"), [(181, 360, 6), (48, 96, 4), (96, 192, 5), (721, 1440, 8), (73, 144, 5)]
)
def test_zoom_closest_to_the_grid(nlat: int, nlon: int, zoom: int) -> None:
    from fsae_core.archive.cells import best_zoom
    from fsae_core.archive.grids import LatLonLayout

    layout = LatLonLayout("lat", "lon", np.linspace(-90, 90, nlat), np.arange(nlon) * 360 / nlon)
    assert best_zoom(layout) == zoom


def test_units_and_names_become_canonical() -> None:
    celsius = latlon(name="tas")
    celsius["tas"] = (celsius["tas"] - 273.15).assign_attrs(units="degC")
    dataset = open_archive(celsius, zoom=ZOOM)
    check_field(dataset, ZOOM)
    assert dataset["t2m"].attrs["units"] == "K"
    assert "degC -> K" in dataset.attrs["history"]


def test_an_unknown_variable_keeps_name_and_units() -> None:
    dataset = open_archive(latlon(name="sst_skin", units="banana"), zoom=ZOOM)
    check_canonical(dataset, ZOOM, "sst_skin")
    assert dataset["sst_skin"].attrs["units"] == "banana"


def test_anomalies_are_not_taken_for_the_variable() -> None:
    source = latlon(name="air")
    source["air"] = (source["air"] - source["air"].mean()).assign_attrs(
        units="K", long_name="air temperature anomaly"
    )
    assert "air" in open_archive(source, zoom=ZOOM)


def test_one_level_of_several() -> None:
    lat_lon = latlon(name="zg", units="m")["zg"] * 20
    levels = xr.concat(
        [lat_lon * 0.3, lat_lon, lat_lon * 2], xr.DataArray([85000.0, 50000.0, 20000.0], dims="plev")
    )
    levels["plev"].attrs["units"] = "Pa"
    dataset = open_archive(levels.assign_attrs(units="m").to_dataset(name="zg"), variables="z500", zoom=ZOOM)
    lon, lat = cell_centres(ZOOM)
    assert dataset["z500"].values[0] == pytest.approx(20 * smooth(lon, lat), abs=8)


def test_members_are_kept() -> None:
    one = latlon()["t2m"]
    both = (
        xr.concat([one, one + 1], xr.DataArray([0, 1], dims="number"))
        .assign_attrs(units="K")
        .to_dataset(name="t2m")
    )
    dataset = open_archive(both, zoom=ZOOM)
    assert dataset["t2m"].dims == ("time", "member", "cell")
    assert (dataset["t2m"].isel(member=1) - dataset["t2m"].isel(member=0)).values == pytest.approx(
        1, abs=1e-3
    )


def test_a_constant_field_stays_constant() -> None:
    source = latlon()
    source["t2m"] = xr.full_like(source["t2m"], 285.0)
    assert open_archive(source, zoom=ZOOM)["t2m"].values == pytest.approx(285.0, rel=1e-6)


def test_unsorted_times_are_sorted_and_noted() -> None:
    dataset = open_archive(latlon().isel(time=[2, 0, 1]), zoom=ZOOM)
    assert np.array_equal(dataset["time"].values, TIMES)
    check_field(dataset, ZOOM, step=2)
    assert "times sorted" in dataset.attrs["history"]


def test_a_field_without_time_gets_a_stand_in() -> None:
    dataset = open_archive(latlon().isel(time=0, drop=True), zoom=ZOOM)
    check_field(dataset, ZOOM)
    assert "no time in the file" in dataset.attrs["history"]


@pytest.mark.parametrize(("calendar", "last"), [("noleap", "2001-12-31"), ("360_day", "2001-12-30")])
def test_other_calendars(tmp_path: Path, calendar: str, last: str) -> None:
    days = 365 if calendar == "noleap" else 360
    times = np.arange(days).astype("datetime64[D]").astype("datetime64[ns]")
    source = latlon(12, 24, name="skin", times=times).drop_vars("time")
    source["time"] = ("time", np.arange(days), {"units": "days since 2001-01-01", "calendar": calendar})
    source.to_netcdf(tmp_path / "c.nc")
    dataset = open_archive(tmp_path / "c.nc", zoom=1)
    assert np.datetime_as_string(dataset["time"].values[[0, -1]], unit="D").tolist() == ["2001-01-01", last]
    assert f"calendar {calendar}" in dataset.attrs["history"]


def test_missing_cells_are_filled_when_asked() -> None:
    source = latlon()
    source["t2m"] = source["t2m"].where(source["lat"] < 60)
    values = open_archive(source, zoom=ZOOM, fill="mean")["t2m"].values
    lat = cell_centres(ZOOM)[1]
    assert values[0, lat > 70] == pytest.approx(values[0, lat < 55].mean(), abs=2)


def test_large_sources_are_left_to_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = open_archive(latlon(), zoom=ZOOM)
    monkeypatch.setattr("fsae_core.archive.reader.LAZY_ABOVE", 1000)
    lazy = open_archive(latlon(), zoom=ZOOM)
    assert lazy["t2m"].chunks is not None
    xr.testing.assert_allclose(lazy.compute(), expected)
    lazy_cells = open_archive(expected, zoom=1)
    assert lazy_cells["t2m"].chunks is not None
    assert lazy_cells["t2m"].values == pytest.approx(restrict(expected["t2m"].values, 2), rel=1e-6)


def test_a_zip_is_not_unpacked_beside_itself(tmp_path: Path) -> None:
    store = tmp_path / "in" / "a.zarr"
    latlon().to_zarr(store, zarr_format=3)
    folder = tmp_path / "zip"
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for file in store.rglob("*"):
            if file.is_file():
                archive.write(file, file.relative_to(store))
    open_archive(folder / "a.zip", zoom=ZOOM)
    assert os.listdir(folder) == ["a.zip"]


@pytest.mark.parametrize(
    "name, value", [("healpix_nside", "many"), ("healpix_nside", 3.5), ("healpix_nside", np.inf)]
)
def test_an_nside_that_is_no_whole_number_is_refused(name, value):
    ds = xr.Dataset({"t2m": (("time", "cell"), np.full((1, 48), 280.0, np.float32), {"units": "K"})})
    ds["crs"] = xr.DataArray(0, attrs={"grid_mapping_name": "healpix", name: value, "healpix_order": "nest"})
    with pytest.raises(UserError, match="expected a whole number"):
        open_archive(ds)
