"""Chunks that would fill the memory are refused before they are unpacked, sound ones are read."""

import bz2
import gzip
import lzma
import sys
import zlib
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import xarray as xr

from fsae_core.archive import bombs
from fsae_core.archive.files import open_raw
from fsae_core.errors import UserError

sys.path.append(str(Path(__file__).parents[1] / "broken"))
from broken_bombs import BOMBS, put_bomb

ZEROS = bytes(2**20)
PACKED = {
    "blosc": numcodecs.Blosc("zstd").encode(ZEROS),
    "lz4": numcodecs.LZ4().encode(ZEROS),
    "zstd": numcodecs.Zstd().encode(ZEROS),
    "gzip": gzip.compress(ZEROS),
    "zlib": zlib.compress(ZEROS),
    "bz2": bz2.compress(ZEROS),
    "lzma": lzma.compress(ZEROS),
}


@pytest.mark.parametrize("kind", PACKED)
def test_sizes_are_told(kind, monkeypatch):
    data = bytes(PACKED[kind])
    monkeypatch.setattr(bombs, "_MOST_DEFLATED", 10**6)
    assert bombs.unpacked_size(kind, data, 2**21) == 2**20
    if kind in ("gzip", "bz2", "lzma"):
        assert bombs.unpacked_size(kind, data + data, 2**22) == 2**21  # stream after stream
    for cut in (0, 3, 9, len(data) // 2, len(data) - 1):
        assert bombs.unpacked_size(kind, data[:cut], 2**21) <= 2**21
    bombs.check_packed(kind, data, 2**20)
    monkeypatch.setattr(bombs, "_ROOM", 2**16)
    with pytest.raises(UserError, match="A chunk of 1000 bytes unpacks to more than 65536"):
        bombs.check_packed(kind, data, 1000)


@pytest.mark.parametrize("size", [1, 300, 70_000, 2**20])
def test_sizes_of_all_widths_in_a_zstd_head(size):
    assert bombs.unpacked_size("zstd", numcodecs.Zstd().encode(bytes(size)), 2**21) == size


@pytest.mark.parametrize("kind", BOMBS)
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("name", ["t2m", "time"])
def test_a_bomb_in_a_chunk(tmp_path, kind, zarr_format, name):
    ds = xr.Dataset(
        {"t2m": (("time", "cell"), np.ones((3, 48), np.float32))}, coords={"time": np.arange(3.0)}
    )
    ds.to_zarr(tmp_path / "x.zarr", zarr_format=zarr_format, consolidated=False)
    assert float(open_raw(tmp_path / "x.zarr")["t2m"].sum()) == 3 * 48
    put_bomb(tmp_path / "x.zarr", name, kind, 2**29)
    with pytest.raises(UserError, match=r"x\.zarr .*A chunk of \d+ bytes unpacks to more than 268435456"):
        open_raw(tmp_path / "x.zarr").load()
