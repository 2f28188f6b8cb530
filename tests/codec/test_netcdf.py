"""Decompressed files in the tools that people have."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from block_mean import BlockMean, small_archive

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.codec import block, store
from fsae_core.codec.backend import FsaeBackend
from fsae_core.codec.latlon import on_grid, write_netcdf
from fsae_core.codec.lock import owned
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.codec.store import write_fields, write_store
from fsae_core.codec.unpack import unpack
from fsae_core.errors import UserError


def in_blocks(monkeypatch) -> None:
    """Two times at once, as if there were many: three blocks of each variable."""
    monkeypatch.setattr(block, "BLOCK_VALUES", 2 * 3072)
    monkeypatch.setattr(store, "_CHUNK_BYTES", 2 * 4 * 3072)


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
    in_blocks(monkeypatch)
    unpack(lazy, tmp_path / "blocks.nc", grid=5)
    write_netcdf(on_grid(whole, 5), tmp_path / "whole.nc")
    with xr.open_dataset(tmp_path / "blocks.nc") as a, xr.open_dataset(tmp_path / "whole.nc") as b:
        xr.testing.assert_identical(a.load(), b.load())
    assert unpack(lazy, tmp_path / "blocks.zip").parts == 2 * 3
    write_fields(whole, tmp_path / "whole.zip")
    assert (tmp_path / "blocks.zip").read_bytes() == (tmp_path / "whole.zip").read_bytes()


def test_members_and_single_fields(tmp_path):
    x = xr.DataArray(
        np.arange(2 * 3 * 48, dtype=np.float32).reshape(2, 3, 48), dims=("time", "member", "cell")
    )
    x = x.assign_coords(time=np.array(["2001-01-01T00:30", "2001-01-01T06:00"], "datetime64[ns]"))
    for ds in (canonical_dataset({"x": x}, {}), canonical_dataset({"x": x[0, 0].drop_vars("time")}, {})):
        unpack(ds, tmp_path / "x.nc", grid=30, overwrite=True)
        with xr.open_dataset(tmp_path / "x.nc") as back:
            np.testing.assert_array_equal(back["x"].values, on_grid(ds, 30)["x"].values)
            if "time" in ds.dims:
                assert (back["time"].values == ds["time"].values).all()


@pytest.mark.parametrize("name", ["x.nc", "x.zarr", "x.zip"])
@pytest.mark.parametrize("moves", [1, 5, 9, 10])
def test_stopped_at_any_move(fine, tmp_path, monkeypatch, name, moves):
    """As by kill -9 there, and begun again: what is done is kept, and nothing half-made gets the name."""
    lazy, target = fine[0], tmp_path / name
    grid = 30 if name == "x.nc" else None
    in_blocks(monkeypatch)
    unpack(lazy, tmp_path / f"quiet-{name}", grid=grid)
    real, count = os.replace, []

    class Killed(BaseException):
        pass

    def dies(a, b):
        if Path(b) == target or Path(b).parent.name in ("parts", f"{name}.partial"):
            count.append(b)
        if len(count) > moves:
            raise Killed
        real(a, b)

    monkeypatch.setattr(os, "replace", dies)
    try:
        unpack(lazy, target, grid=grid)
    except Killed:
        assert not target.exists()
        if moves > 2:
            with pytest.raises(UserError, match="unfinished run with another source or other options"):
                unpack(lazy, target, grid=grid, signature={"source": "another"})
    else:
        assert moves == 10
    monkeypatch.setattr(os, "replace", real)
    if not target.exists():
        done = unpack(lazy, target, grid=grid)
        assert (done.parts, done.resumed) == (6, min(max(moves - 2, 0), 6))
    if grid:
        with xr.open_dataset(target) as a, xr.open_dataset(tmp_path / "quiet-x.nc") as b:
            xr.testing.assert_identical(a.load(), b.load())
    else:
        assert bytes_of(target) == bytes_of(tmp_path / f"quiet-{name}")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, f"quiet-{name}", "s.zarr"])


def bytes_of(path) -> dict[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_two_runs_refuse_each_other(fine, tmp_path):
    with owned(tmp_path / "x.zarr.partial"), pytest.raises(UserError, match="still at work"):
        unpack(fine[0], tmp_path / "x.zarr")
    unpack(fine[0], tmp_path / "x.zarr")
    with pytest.raises(UserError, match="exists already"):
        unpack(fine[0], tmp_path / "x.zarr")


def run(*command: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower(), done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("cdo") is None, reason="CDO absent: apt-get install cdo")
def test_cdo_reads_it(fine, tmp_path):
    lazy, whole = fine
    path = tmp_path / "x.nc"
    unpack(lazy, path, grid=2)
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
    unpack(fine[0], tmp_path / "x.nc", grid=5)
    header = run("ncdump", "-h", tmp_path / "x.nc")
    for line in (
        "float t2m(time, lat, lon) ;",
        't2m:standard_name = "air_temperature" ;',
        'time:units = "days since 1970-01-01',
        'lat:bounds = "lat_bnds" ;',
        ':Conventions = "CF-1.11" ;',
    ):
        assert line in header, header
