"""Packed chunks of a few kilobytes that unpack to gigabytes."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import xarray as xr

Case = tuple[str, str, Path]


def zstd_bomb(size: int) -> bytes:
    """One frame that does not say its size: blocks of 128 KiB, each one byte that is repeated (RFC 8878)."""
    count = size >> 17
    blocks = [
        ((2**17 << 3) | (1 << 1) | (i == count - 1)).to_bytes(3, "little") + b"\0" for i in range(count)
    ]
    return b"\x28\xb5\x2f\xfd" + bytes([0, 7 << 3]) + b"".join(blocks)


def gzip_bomb(size: int) -> bytes:
    """Zeros; the checksum at the end is absent, which shows too late."""
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08" + bytes(5) + b"\2\xff" + piece * (size >> 20)


BOMBS = {"zstd": zstd_bomb, "gzip": gzip_bomb}


def put_bomb(path: Path, name: str, kind: str, size: int) -> None:
    """Pack an array's first chunk, of a Zarr 2 or 3, by another codec, and so that it fills the memory."""
    folder = path / name
    if (folder / ".zarray").exists():
        told = json.loads((folder / ".zarray").read_text())
        told |= {"compressor": {"id": kind, "level": 1}, "filters": None}
        (folder / ".zarray").write_text(json.dumps(told))
        chunks = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".")]
    else:
        told = json.loads((folder / "zarr.json").read_text())
        settings = {"level": 1, "checksum": False} if kind == "zstd" else {"level": 1}
        codec = {"name": kind, "configuration": settings}
        told["codecs"] = [{"name": "bytes", "configuration": {"endian": "little"}}, codec]
        (folder / "zarr.json").write_text(json.dumps(told))
        chunks = sorted(p for p in (folder / "c").rglob("*") if p.is_file())
    for chunk in chunks:
        chunk.write_bytes(BOMBS[kind](size))


def put_shard_bomb(path: Path, name: str, kind: str, size: int) -> None:
    """The same as the only inner chunk of shards."""
    import google_crc32c

    put_bomb(path, name, kind, size)
    folder = path / name
    told = json.loads((folder / "zarr.json").read_text())
    shape = told["chunk_grid"]["configuration"]["chunk_shape"]
    index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
    settings = {"chunk_shape": shape, "codecs": told["codecs"], "index_codecs": index}
    told["codecs"] = [{"name": "sharding_indexed", "configuration": {**settings, "index_location": "end"}}]
    (folder / "zarr.json").write_text(json.dumps(told))
    for chunk in (p for p in (folder / "c").rglob("*") if p.is_file()):
        data = chunk.read_bytes()
        place = struct.pack("<QQ", 0, len(data))
        chunk.write_bytes(data + place + struct.pack("<I", google_crc32c.value(place)))


def write_netcdf_bomb(ds: xr.Dataset, path: Path, name: str, size: int) -> None:
    """NetCDF 4 of which all chunks of a variable fill the memory."""
    import h5py

    packed = {"zlib": True, "chunksizes": (1, *ds[name].shape[1:])}
    ds.to_netcdf(path, engine="netcdf4", encoding={name: packed})
    with h5py.File(path, "r+") as file:
        for corner in list(file[name].iter_chunks()):
            first = tuple(part.start for part in corner)
            file[name].id.write_direct_chunk(first, b"\x78\xda" + gzip_bomb(size)[10:])


def bombs(made: dict[str, Path], out: Path) -> Iterator[Case]:
    """In fields and in coordinates, in chunks and in shards, of Zarr and of NetCDF."""
    for name in ("t2m", "time"):
        path = out / f"bomb-netcdf4-{name}.nc"
        with xr.open_dataset(made["netcdf4"]) as ds:
            write_netcdf_bomb(ds.isel(time=slice(1)).load(), path, name, 6 << 30)
        yield "netcdf4", f"a bomb of 6 GiB in {name}", path
    for name in ("t2m", "time"):
        for kind in BOMBS:
            path = out / f"shards-{name}-{kind}.zarr"
            shutil.copytree(made["zarr3"], path)
            put_shard_bomb(path, name, kind, 6 << 30)
            yield "zarr3", f"a bomb of 6 GiB in shards of {name}, {kind}", path
    for family in ("zarr2", "zarr3", "archive"):
        for name in ("t2m", "time"):
            for kind in BOMBS:
                path = out / f"bomb-{family}-{name}-{kind}.zarr"
                shutil.copytree(made[family], path)
                put_bomb(path, name, kind, 6 << 30)
                yield family, f"a bomb of 6 GiB in {name}, {kind}", path
