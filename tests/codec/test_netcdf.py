"""Decompressed files in the tools that people have."""

import shutil
import subprocess

import numpy as np
import pytest
import xarray as xr
from block_mean import BlockMean, small_archive

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.codec import block, latlon
from fsae_core.codec.backend import FsaeBackend
from fsae_core.codec.latlon import on_grid, write_netcdf, write_on_grid
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.codec.store import write_fields, write_store


@pytest.fixture
def fine(tmp_path):
    """A store's fields, not in memory, and the same all at once."""
    small = compress(small_archive(), 4, model=BlockMean(4))
    write_store(small, tmp_path / "s.zarr")
    lazy = FsaeBackend().open_dataset(tmp_path / "s.zarr", model=BlockMean(4))
    assert not lazy["t2m"].variable._in_memory
    return lazy, decompress(small, model=BlockMean(4))


def test_block_by_block_is_the_same(fine, tmp_path, monkeypatch):
    lazy, whole = fine
    monkeypatch.setattr(block, "BLOCK_VALUES", 2 * 3072)
    write_on_grid(lazy, 5, tmp_path / "blocks.nc")
    write_netcdf(on_grid(whole, 5), tmp_path / "whole.nc")
    with xr.open_dataset(tmp_path / "blocks.nc") as a, xr.open_dataset(tmp_path / "whole.nc") as b:
        xr.testing.assert_identical(a.load(), b.load())
    write_fields(lazy, tmp_path / "blocks.zip")
    write_fields(whole, tmp_path / "whole.zip")
    assert (tmp_path / "blocks.zip").read_bytes() == (tmp_path / "whole.zip").read_bytes()


def test_members_and_single_fields(tmp_path):
    x = xr.DataArray(
        np.arange(2 * 3 * 48, dtype=np.float32).reshape(2, 3, 48), dims=("time", "member", "cell")
    )
    x = x.assign_coords(time=np.array(["2001-01-01T00:30", "2001-01-01T06:00"], "datetime64[ns]"))
    for ds in (canonical_dataset({"x": x}, {}), canonical_dataset({"x": x[0, 0].drop_vars("time")}, {})):
        write_on_grid(ds, 30, tmp_path / "x.nc", overwrite=True)
        with xr.open_dataset(tmp_path / "x.nc") as back:
            np.testing.assert_array_equal(back["x"].values, on_grid(ds, 30)["x"].values)
            if "time" in ds.dims:
                assert (back["time"].values == ds["time"].values).all()


def test_a_stopped_file_has_no_name(fine, tmp_path, monkeypatch):
    def stops(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(latlon, "_interpolated", stops)
    with pytest.raises(KeyboardInterrupt):
        write_on_grid(fine[0], 5, tmp_path / "x.nc")
    assert [p.name for p in tmp_path.iterdir()] == ["s.zarr"]


def run(*command: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower(), done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("cdo") is None, reason="CDO absent: apt-get install cdo")
def test_cdo_reads_it(fine, tmp_path):
    lazy, whole = fine
    path = tmp_path / "x.nc"
    write_on_grid(lazy, 2, path)
    described = run("cdo", "-s", "griddes", path)
    assert (
        "gridtype  = lonlat" in described
        and "xsize     = 180" in described
        and "yfirst    = -89" in described
    )
    assert run("cdo", "-s", "showname", path).split() == ["t2m", "msl"]
    days = run("cdo", "-s", "showtimestamp", path).split()
    assert days == [f"2008-07-0{day}T00:00:00" for day in range(1, 6)]
    means = run("cdo", "-s", "-outputf,%.4f,1", "-fldmean", "-selname,t2m", path).split()
    # Area means of the cells, up to the interpolation's own error.
    np.testing.assert_allclose(np.array(means, float), whole["t2m"].values.mean(-1), rtol=2e-4)
    north = float(
        run(
            "cdo",
            "-s",
            "-outputf,%.4f,1",
            "-fldmean",
            "-sellonlatbox,0,360,60,90",
            "-seltimestep,1",
            "-selname,t2m",
            path,
        )
    )
    grid = on_grid(whole, 2)["t2m"][0]
    weights = np.cos(np.deg2rad(grid["lat"]))
    expected = float(grid.where(grid["lat"] > 60, drop=True).weighted(weights).mean())
    assert north == pytest.approx(expected, abs=0.2)


@pytest.mark.skipif(shutil.which("ncdump") is None, reason="ncdump absent: apt-get install netcdf-bin")
def test_ncdump_reads_it(fine, tmp_path):
    write_on_grid(fine[0], 5, tmp_path / "x.nc")
    header = run("ncdump", "-h", tmp_path / "x.nc")
    for line in (
        "float t2m(time, lat, lon) ;",
        't2m:standard_name = "air_temperature" ;',
        'time:units = "days since 1970-01-01',
        'lat:bounds = "lat_bnds" ;',
        ':Conventions = "CF-1.11" ;',
    ):
        assert line in header, header
