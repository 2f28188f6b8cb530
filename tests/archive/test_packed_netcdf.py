"""Chunks of NetCDF-4 files that would fill the memory are refused before HDF5 unpacks them."""

import pickle
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from fsae_core.archive import bombs, packed_netcdf
from fsae_core.archive.files import open_raw
from fsae_core.archive.packed_netcdf import packed_chunks
from fsae_core.errors import UserError

sys.path.append(str(Path(__file__).parents[1] / "broken"))
from broken_bombs import gzip_bomb, write_netcdf_bomb


def dataset(times: int = 5) -> xr.Dataset:
    values = np.random.default_rng(0).standard_normal((times, 40, 60)).astype(np.float32)
    return xr.Dataset(
        {"t2m": (("time", "lat", "lon"), values)}, {"time": np.arange(float(times)), "lon": np.arange(60.0)}
    )


def written(path: Path, chunks=(1, 20, 60), **options) -> xr.Dataset:
    ds = dataset()
    encoding = {"t2m": {"zlib": True, "shuffle": True, "chunksizes": chunks, **options}}
    ds.to_netcdf(path, engine="netcdf4", encoding=encoding)
    return ds


@pytest.fixture
def little_room(monkeypatch):
    """As if chunks of a few kilobytes were as large as those that are looked at."""
    monkeypatch.setattr(bombs, "_ROOM", 2**16)


@pytest.mark.parametrize("name", ["t2m", "time"])
def test_a_bomb_is_refused_when_the_file_is_opened(tmp_path, name):
    write_netcdf_bomb(dataset(), tmp_path / "x.nc", name, 2**29)
    with pytest.raises(UserError, match=r"x\.nc .*A chunk of \d+ bytes unpacks to more than 268435456"):
        open_raw(tmp_path / "x.nc")


def test_a_bomb_in_the_middle_is_refused_when_it_is_read(tmp_path, little_room):
    true = written(tmp_path / "x.nc")
    with h5py.File(tmp_path / "x.nc", "r+") as file:
        file["t2m"].id.write_direct_chunk((2, 20, 0), b"\x78\xda" + gzip_bomb(2**20)[10:])
    ds = open_raw(tmp_path / "x.nc")
    for sound in ({"time": [0, 1, 3]}, {"time": 2, "lat": slice(0, 20)}, {"time": slice(None, None, 4)}):
        np.testing.assert_array_equal(ds["t2m"].isel(sound), true["t2m"].isel(sound))
    for bad in ({"time": 2}, {"lat": -1}, {"time": slice(1, 4), "lat": [39, 0], "lon": 7}, {}):
        with pytest.raises(UserError, match=r"x\.nc .*A chunk of 4800 bytes unpacks to more than 65536"):
            ds["t2m"].isel(bad).load()
    with pytest.raises(UserError, match="unpacks to more"):
        pickle.loads(pickle.dumps(ds))["t2m"].load()


@pytest.mark.parametrize("options", [{}, {"fletcher32": True}, {"contiguous": False, "complevel": 1}])
def test_sound_chunks_are_looked_at_once_and_read(tmp_path, little_room, monkeypatch, options):
    true = written(tmp_path / "x.nc", **options)
    looked = []
    fits = packed_netcdf._fits
    monkeypatch.setattr(packed_netcdf, "_fits", lambda *args: looked.append(fits(*args)) or looked[-1])
    ds = open_raw(tmp_path / "x.nc")
    for _ in range(2):
        np.testing.assert_array_equal(ds["t2m"].values, true["t2m"].values)
    assert looked == [True] * 10


def test_only_chunks_that_could_be_large_are_looked_at(tmp_path, monkeypatch):
    written(tmp_path / "x.nc")
    assert packed_chunks(tmp_path / "x.nc") == {}
    monkeypatch.setattr(bombs, "_ROOM", 2**16)
    chunks = packed_chunks(tmp_path / "x.nc")["t2m"]
    assert chunks.shape == (1, 20, 60) and chunks.size == 4800 and len(chunks.corners) == 10
    dataset().to_netcdf(tmp_path / "plain.nc", engine="netcdf4")
    assert packed_chunks(tmp_path / "plain.nc") == {}


def test_what_is_packed_twice_is_refused(tmp_path):
    with h5py.File(tmp_path / "x.nc", "w") as file:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((10,))
        settings.set_deflate(4)
        settings.set_filter(h5py.h5z.FILTER_LZF)
        space = h5py.h5s.create_simple((10,))
        h5py.h5d.create(file.id, b"t2m", h5py.h5t.IEEE_F32LE, space, settings)
    with pytest.raises(UserError, match=r"x\.nc packs t2m twice"):
        open_raw(tmp_path / "x.nc")


def test_links_to_other_files_are_left_alone(tmp_path):
    written(tmp_path / "x.nc")
    with h5py.File(tmp_path / "x.nc", "r+") as file:
        file["elsewhere"] = h5py.ExternalLink("gone.nc", "/t2m")
    assert packed_chunks(tmp_path / "x.nc") == {}
