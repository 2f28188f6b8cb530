"""The file a visitor takes home."""

import numpy as np
import pytest
import xarray as xr

from app.export import grid_step, to_netcdf
from app.jobs import Progress, Stopped
from fsae_core.archive.reader import open_archive
from fsae_core.sphere.healpix import lookup


@pytest.fixture
def read(tmp_path):
    def read(body: bytes) -> xr.Dataset:
        path = tmp_path / "taken.nc"
        path.write_bytes(body)
        return xr.load_dataset(path)

    return read


def test_healpix_file_is_an_archive_again(archive, read):
    name, body = to_netcdf(archive, "t2m", [0, 2], "block-mean", 16, "healpix")
    ds = read(body)
    assert name == "made-t2m-2times-16x-healpix.nc"
    picture = archive.picture("t2m", 2, "block-mean", 16)
    np.testing.assert_allclose(ds["t2m_reconstruction"][1], picture.recon.cells, atol=1e-3)
    np.testing.assert_allclose(ds["t2m_difference"], ds["t2m_reconstruction"] - ds["t2m"], atol=1e-4)
    again = open_archive(ds[["t2m", "crs"]], name="exported")
    np.testing.assert_allclose(again["t2m"].values, archive.dataset["t2m"].values[[0, 2]])


def test_latlon_file_has_north_up(archive, read):
    name, body = to_netcdf(archive, "t2m", [1], "block-mean", 4, "latlon")
    ds = read(body)
    assert name == "made-t2m-2020-01-02-4x-latlon.nc"
    assert ds["lat"][0] > ds["lat"][-1] and ds["lat"].attrs["units"] == "degrees_north"
    assert "crs" not in ds and ds["t2m"].attrs["units"] == "K"
    for lat, lon in ((60.0, 20.0), (-35.0, -120.0)):
        node = ds["t2m"].sel(lat=lat, lon=lon, method="nearest")
        cell = lookup(np.array([node["lon"].item()]), np.array([node["lat"].item()]), archive.zoom)
        assert node.item() == archive.values("t2m", 1)[cell[0]]


def test_stopping(archive):
    progress = Progress(lambda *_: None)
    progress.stop()
    with pytest.raises(Stopped):
        to_netcdf(archive, "t2m", [0], "block-mean", 4, "latlon", progress)


@pytest.mark.parametrize(("zoom", "step"), [(8, 0.25), (6, 1.0), (5, 2.0), (4, 4.0), (0, 30.0)])
def test_grid_matches_the_cells(zoom, step):
    assert grid_step(zoom) == step
