"""Files that no program wrote on purpose, and some that somebody did: made from small sound ones.

Everything is drawn from fixed seeds. A case is (family, what is wrong, path).
"""

from __future__ import annotations

import json
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import eccodes
import numpy as np
import xarray as xr
import zarr
from archive_samples import latlon, smooth

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.assets import asset_path
from fsae_core.codec.pipeline import compress
from fsae_core.codec.store import write_fields, write_store

Case = tuple[str, str, Path]
SHARES = (0.0, 0.01, 0.1, 0.4, 0.7, 0.9, 0.97, 0.999)
FLIPS = 10


def healpix() -> xr.Dataset:
    rng = np.random.default_rng(0)
    times = (np.datetime64("2001-01-01") + np.arange(3)).astype("datetime64[ns]")
    values = (280 + 10 * rng.standard_normal((3, 3072))).astype(np.float32)
    array = xr.DataArray(values, dims=("time", "cell"), coords={"time": times}, attrs={"units": "K"})
    return canonical_dataset({"t2m": array}, {"source": "made by a test"})


def write_grib(path: Path, messages: int = 2) -> None:
    lat, lon = np.linspace(90, -90, 37), np.arange(0, 360, 5.0)
    with path.open("wb") as out:
        for i in range(messages):
            handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
            keys = {
                "Ni": 72, "Nj": 37, "latitudeOfFirstGridPointInDegrees": 90.0,
                "latitudeOfLastGridPointInDegrees": -90.0, "longitudeOfFirstGridPointInDegrees": 0.0,
                "longitudeOfLastGridPointInDegrees": 355.0, "iDirectionIncrementInDegrees": 5.0,
                "jDirectionIncrementInDegrees": 5.0, "dataDate": 20010116 + i, "dataTime": 0,
                "shortName": "2t",
            }  # fmt: skip
            for key, value in keys.items():
                eccodes.codes_set(handle, key, value)
            eccodes.codes_set_values(handle, smooth(lon[None, :], lat[:, None]).ravel())
            eccodes.codes_write(handle, out)
            eccodes.codes_release(handle)


def sound(folder: Path) -> dict[str, Path]:
    """One sound file or store of every family."""
    folder.mkdir()
    grid = latlon(18, 36)
    made = {
        "netcdf3": folder / "x3.nc",
        "netcdf4": folder / "x4.nc",
        "grib": folder / "x.grib",
        "zarr2": folder / "x2.zarr",
        "zarr3": folder / "x3.zarr",
        "archive": folder / "archive.zarr",
        "archive zip": folder / "archive.zarr.zip",
        "store": folder / "store.zarr",
        "store zip": folder / "store.zarr.zip",
        "weights": folder / "weights.safetensors",
    }
    grid.to_netcdf(made["netcdf3"], engine="scipy", format="NETCDF3_64BIT")
    grid.to_netcdf(
        made["netcdf4"], engine="netcdf4", encoding={"t2m": {"zlib": True, "chunksizes": (1, 18, 36)}}
    )
    write_grib(made["grib"])
    grid.to_zarr(made["zarr2"], zarr_format=2, consolidated=True)
    grid.to_zarr(made["zarr3"], zarr_format=3, consolidated=False)
    write_fields(healpix(), made["archive"])
    write_fields(healpix(), made["archive zip"])
    small = compress(healpix(), 16, model="general-16x")
    write_store(small, made["store"])
    write_store(small, made["store zip"])
    shutil.copy(asset_path("weights", "general-16x.safetensors"), made["weights"])
    return made


def damaged_bytes(data: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Cut, flipped, blanked, repeated."""
    for share in SHARES:
        yield f"cut at {share:g}", data[: int(share * len(data))]
    for i in range(FLIPS):
        place = rng.randrange(min(len(data), 2 ** (6 + i)))
        yield (
            f"bit flipped at {place}",
            data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :],
        )
    for _ in range(3):
        place = rng.randrange(len(data))
        size = min(1 + rng.randrange(512), len(data) - place)
        yield f"{size} bytes blank at {place}", data[:place] + bytes(size) + data[place + size :]
    place = rng.randrange(len(data))
    yield "random from the middle on", data[:place] + rng.randbytes(len(data) - place)
    yield "twice the same", data + data


def plain_files(made: dict[str, Path], out: Path) -> Iterator[Case]:
    for family in ("netcdf3", "netcdf4", "grib", "archive zip", "store zip", "weights"):
        source, rng = made[family], random.Random(family)
        for i, (wrong, data) in enumerate(damaged_bytes(source.read_bytes(), rng)):
            path = out / f"{family.replace(' ', '-')}-{i}{''.join(source.suffixes)}"
            path.write_bytes(data)
            yield family, wrong, path


def folders(made: dict[str, Path], out: Path) -> Iterator[Case]:
    """Stores of many files: one of them is cut, flipped, emptied or gone."""
    for family in ("zarr2", "zarr3", "archive", "store"):
        rng = random.Random(family)
        files = sorted(p.relative_to(made[family]) for p in made[family].rglob("*") if p.is_file())
        for i in range(24):
            name = files[i % len(files)]
            path = out / f"{family}-{i}.zarr"
            shutil.copytree(made[family], path)
            data = (path / name).read_bytes()
            kind = ("cut", "flipped", "gone", "empty", "noise")[
                i // len(files) % 5 if i >= len(files) else i % 5
            ]
            if kind == "gone":
                (path / name).unlink()
            else:
                place = rng.randrange(max(len(data), 1))
                new = {
                    "cut": data[:place],
                    "flipped": data[:place] + bytes([(data or b"\0")[place] ^ 4]) + data[place + 1 :],
                    "empty": b"",
                    "noise": rng.randbytes(len(data)),
                }[kind]
                (path / name).write_bytes(new)
            yield family, f"{name} {kind}", path


ODD_TIMES = {
    "no calendar": {"units": "days since 2000-01-01", "calendar": "of the Maya"},
    "units of nothing": {"units": "bananas since 2000-01-01"},
    "year minus a million": {"units": "days since -1000000-01-01"},
    "a date that is none": {"units": "days since 2000-02-31"},
    "units a number": {"units": 7},
    "no units": {},
    "very long units": {"units": "days since 2000-01-01" + "x" * 100_000},
}
ODD_FIELD = {
    "scale nan": {"scale_factor": np.nan},
    "scale zero": {"scale_factor": 0.0},
    "offset beyond floats": {"add_offset": 1e308, "scale_factor": 1e308},
    "scale is text": {"scale_factor": "ten"},
    "units are numbers": {"units": np.arange(3)},
    "units with controls": {"units": "K\n\x1b[31m\0"},
    "units of length": {"units": "K" * 100_000},
    "mapping to nowhere": {"grid_mapping": "nowhere"},
    "coordinates to itself": {"coordinates": "t2m t2m t2m"},
    "fill is text": {"missing_value": "none"},
    "cell methods": {"cell_methods": "time: " * 10_000},
}
ODD_PLACES = {
    "latitudes nan": ("lat", lambda v: v * np.nan),
    "latitudes huge": ("lat", lambda v: v * 1e30),
    "latitudes all the same": ("lat", lambda v: v * 0),
    "longitudes infinite": ("lon", lambda v: v + np.inf),
    "longitudes random": ("lon", lambda v: np.random.default_rng(0).permutation(v)),
    "times infinite": ("time", lambda v: v * np.inf),
    "times nan": ("time", lambda v: v * np.nan),
    "times beyond all dates": ("time", lambda v: v * 1e15),
    "times all the same": ("time", lambda v: v * 0),
}
ODD_VALUES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "all nan": lambda v: v * np.nan,
    "all infinite": lambda v: v * np.inf,
    "beyond float32": lambda v: v.astype(np.float64) * 1e300,
    "complex": lambda v: v.astype(np.complex128),
    "text": lambda v: v.astype("U8"),
    "truth values": lambda v: v > 280,
    "bytes": lambda v: (v % 100).astype(np.uint8),
    "nothing": lambda v: v[:0],
}


def raw_grid() -> xr.Dataset:
    """Not decoded: times are numbers."""
    ds = latlon(18, 36)
    return ds.assign_coords(time=("time", np.arange(3.0), {"units": "days since 2000-01-01"}))


def hostile_grids(out: Path) -> Iterator[Case]:
    """Sound containers with contents that cannot be."""
    made: list[tuple[str, xr.Dataset]] = []
    for wrong, attrs in ODD_TIMES.items():
        ds = raw_grid()
        ds["time"].attrs = attrs
        made.append((wrong, ds))
    for wrong, attrs in ODD_FIELD.items():
        ds = raw_grid()
        ds["t2m"].attrs |= attrs
        made.append((wrong, ds))
    for wrong, (name, change) in ODD_PLACES.items():
        ds = raw_grid()
        made.append((wrong, ds.assign_coords({name: (name, change(ds[name].values), ds[name].attrs)})))
    for wrong, change in ODD_VALUES.items():
        ds = raw_grid()
        values = change(ds["t2m"].values)
        ds = ds.isel(time=slice(0, len(values)))
        ds["t2m"] = (ds["t2m"].dims, values, ds["t2m"].attrs)
        made.append((wrong, ds))
    for i, (wrong, ds) in enumerate(made):
        path = out / f"hostile-{i}.zarr"
        try:
            ds.drop_encoding().to_zarr(path, zarr_format=2 + i % 2, consolidated=False)
        except Exception:  # xarray itself refuses to write some: NetCDF takes them
            shutil.rmtree(path, ignore_errors=True)
            _by_hand(ds, path)
        yield "hostile zarr", wrong, path
        if i % 2 == 0:
            path = out / f"hostile-{i}.nc"
            try:
                ds.drop_encoding().to_netcdf(path)
            except Exception:
                continue
            yield "hostile netcdf", wrong, path


def _by_hand(ds: xr.Dataset, path: Path) -> None:
    group = zarr.open_group(path, mode="w", zarr_format=2)
    for name, variable in ds.variables.items():
        array = group.create_array(
            str(name), shape=variable.shape, dtype=variable.dtype, chunks=variable.shape
        )
        array[...] = variable.values
        attrs = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in variable.attrs.items()}
        array.attrs.update({**attrs, "_ARRAY_DIMENSIONS": list(variable.dims)})


def edited(made: dict[str, Path], out: Path) -> Iterator[Case]:
    """Zarr metadata that claim what cannot be."""
    for family, name in (("archive", "t2m"), ("zarr3", "t2m"), ("store", "t2m"), ("archive", "time")):
        edits: dict[str, Callable[[dict], None]] = {
            "an absurd shape": lambda d: d["shape"].__setitem__(0, 10**12),
            "a negative shape": lambda d: d["shape"].__setitem__(0, -3),
            "a shape of text": lambda d: d.__setitem__("shape", "many"),
            "absurd chunks": lambda d: d["chunk_grid"]["configuration"].__setitem__(
                "chunk_shape", [10**10] * len(d["shape"])
            ),
            "chunks of nothing": lambda d: d["chunk_grid"]["configuration"].__setitem__(
                "chunk_shape", [0] * len(d["shape"])
            ),
            "a codec of nobody": lambda d: d.__setitem__("codecs", [{"name": "rot13", "configuration": {}}]),
            "another kind of number": lambda d: d.__setitem__("data_type", "complex128"),
            "no kind of number": lambda d: d.__setitem__("data_type", {"name": "struct"}),
            "dimensions of another": lambda d: d.__setitem__("dimension_names", ["a"] * len(d["shape"])),
            "names one dimension": lambda d: d.__setitem__("dimension_names", ["time"]),
            "format 9": lambda d: d.__setitem__("zarr_format", 9),
        }
        for i, (wrong, edit) in enumerate(edits.items()):
            path = out / f"edited-{family}-{name}-{i}.zarr"
            shutil.copytree(made[family], path)
            file = path / name / "zarr.json"
            told = json.loads(file.read_text())
            edit(told)
            file.write_text(json.dumps(told))
            yield f"edited {family}", f"{name} has {wrong}", path
    changes: dict[str, dict] = {
        "a zoom of nothing": {"fsae_zoom_in": -1},
        "a zoom of a million": {"fsae_zoom_in": 10**6},
        "a ratio of text": {"fsae_ratio": "many"},
        "a ratio of seven": {"fsae_ratio": 7},
        "weights by path": {"fsae_model": "../../../../etc/passwd"},
        "weights of a list": {"fsae_model": ["general-16x"]},
        "another checksum": {"fsae_weights_sha256": "0" * 64},
        "format of text": {"fsae_format": "2"},
        "format to come": {"fsae_format": 99},
        "layers of noise": {"fsae_layers": "[{]"},
        "layers of numbers": {"fsae_layers": 5},
        "layers without names": {"fsae_layers": '[{"ratio": 64}]'},
        "layers by the thousand": {"fsae_layers": json.dumps([{"ratio": 64}] * 5000)},
        "a deep attribute": {"fsae_layers": "[" * 50_000 + "]" * 50_000},
    }
    for i, (wrong, attrs) in enumerate(changes.items()):
        path = out / f"attributes-{i}.zarr"
        shutil.copytree(made["store"], path)
        told = json.loads((path / "zarr.json").read_text())
        told["attributes"] |= attrs
        (path / "zarr.json").write_text(json.dumps(told))
        yield "edited store", wrong, path
    for i, (wrong, attrs) in enumerate(
        {
            "half written": {"fsae_times_written": 10**9},
            "half written in words": {"fsae_times_written": "some"},
            "an archive of format 7": {"fsae_archive": 7},
            "attributes of another family": {"fsae_climatology": "../../x"},
        }.items()
    ):
        path = out / f"archive-attributes-{i}.zarr"
        shutil.copytree(made["archive"], path)
        told = json.loads((path / "zarr.json").read_text())
        told["attributes"] |= attrs
        (path / "zarr.json").write_text(json.dumps(told))
        yield "edited archive", wrong, path


def absurd_grids(out: Path) -> Iterator[Case]:
    """Sizes that fit no memory, in files of a few kilobytes."""
    import h5py

    for i, (times, lat, chunk) in enumerate(
        [(10**10, 18, 1), (3, 10**9, 1), (2**31, 18, 2**31), (10**9, 10**6, 1)]
    ):
        group = zarr.open_group(out / f"absurd-{i}.zarr", mode="w", zarr_format=3)
        for name, shape, dims, chunks in (
            ("t2m", (times, lat, 36), ["time", "lat", "lon"], (1, min(lat, 18), 36)),
            ("time", (times,), ["time"], (min(max(chunk, 1000), times),)),
            ("lat", (lat,), ["lat"], (min(lat, 1000),)),
            ("lon", (36,), ["lon"], (36,)),
        ):
            array = group.create_array(
                name, shape=shape, dtype="f4", chunks=chunks, dimension_names=dims, fill_value=0
            )
            array.attrs["units"] = {"time": "days since 2000-01-01", "t2m": "K"}.get(name, "degrees")
        yield "absurd", f"zarr of {times} times, {lat} latitudes", out / f"absurd-{i}.zarr"
        path = out / f"absurd-{i}.nc"
        with h5py.File(path, "w") as file:
            for name, size in (("time", times), ("lat", lat), ("lon", 36)):
                file.create_dataset(name, shape=(size,), dtype="f8", chunks=(min(size, 1000),)).make_scale(
                    name
                )
            field = file.create_dataset(
                "t2m", shape=(times, lat, 36), dtype="f4", chunks=(1, min(lat, 18), 36)
            )
            for axis, name in enumerate(("time", "lat", "lon")):
                field.dims[axis].attach_scale(file[name])
            file["time"].attrs["units"] = "days since 2000-01-01"
            field.attrs["units"] = "K"
        yield "absurd", f"NetCDF of {times} times, {lat} latitudes", path


def zips(made: dict[str, Path], out: Path) -> Iterator[Case]:
    """Bombs, paths that lead out, and members that are not what they say."""
    for i, member in enumerate(
        [
            "../evil/zarr.json",
            "/etc/zarr.json",
            "C:\\zarr.json",
            "a/../../zarr.json",
            "..\\..\\x\\zarr.json",
            "~/../../x",
        ]
    ):
        path = out / f"traversal-{i}.zip"
        shutil.copy(made["archive zip"], path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(member, "{}")
        yield "zip", f"member {member}", path
    for i, size in enumerate((2**24, 2**28)):
        path = out / f"bomb-{i}.zip"
        with (
            zipfile.ZipFile(made["archive zip"]) as whole,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name in whole.namelist():
                with archive.open(name, "w") as file:
                    if "t2m/c" in name:
                        for _ in range(size >> 20):
                            file.write(bytes(2**20))
                    else:
                        file.write(whole.read(name))
        yield "zip", f"a bomb of {size} bytes", path
    data = bytearray(made["store zip"].read_bytes())
    central = data.rfind(b"PK\x01\x02")
    for i, (offset, value) in enumerate(
        [(24, 2**32 - 2), (20, 2**32 - 2), (24, 0), (42, 2**31), (10, 99), (28, 65535)]
    ):
        changed = bytearray(data)
        struct.pack_into("<H" if offset in (10, 28) else "<I", changed, central + offset, value)
        path = out / f"claims-{i}.zip"
        path.write_bytes(changed)
        yield "zip", f"claims {value} at {offset}", path
    for i, size in enumerate((0, 1, 4, 22, 1000)):
        path = out / f"no-zip-{i}.zip"
        path.write_bytes(b"PK\x05\x06" * (size // 4) + bytes(size % 4))
        yield "zip", f"{size} bytes of no zip", path
    with zipfile.ZipFile(out / "twice.zip", "w") as archive:
        for _ in range(2):
            archive.writestr("zarr.json", '{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    yield "zip", "a member twice", out / "twice.zip"
    with zipfile.ZipFile(out / "deep.zip", "w") as archive:
        archive.writestr("/".join("d" * 500) + "/zarr.json", '{"zarr_format": 3, "node_type": "group"}')
    yield "zip", "a store in 500 folders", out / "deep.zip"
    with zipfile.ZipFile(out / "json.zip", "w") as archive:
        archive.writestr("zarr.json", "[" * 200_000)
    yield "zip", "metadata of brackets", out / "json.zip"


def weights(made: dict[str, Path], out: Path) -> Iterator[Case]:
    """Headers that lie."""
    data = made["weights"].read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]

    def written(change: Callable[[dict], None]) -> bytes:
        told = json.loads(json.dumps(header))
        change(told)
        text = json.dumps(told).encode()
        return struct.pack("<Q", len(text)) + text + body

    def card(**values: object) -> Callable[[dict], None]:
        def change(told: dict) -> None:
            own = json.loads(told["__metadata__"]["fsae"])
            told["__metadata__"]["fsae"] = json.dumps({**own, **values})

        return change

    first = next(k for k in header if k != "__metadata__")
    changes: dict[str, Callable[[dict], None]] = {
        "no metadata": lambda t: t.pop("__metadata__"),
        "metadata of noise": lambda t: t["__metadata__"].__setitem__("fsae", "{"),
        "a tensor less": lambda t: t.pop(first),
        "another shape": lambda t: t[first].__setitem__("shape", [10**9]),
        "another kind": lambda t: t[first].__setitem__("dtype", "Q128"),
        "offsets beyond the file": lambda t: t[first].__setitem__("data_offsets", [0, 10**15]),
        "offsets the wrong way": lambda t: t[first].__setitem__("data_offsets", [100, 0]),
        "another format": card(format=99),
        "ratios of nothing": card(ratios=[]),
        "ratios of text": card(ratios=["many"]),
        "a ratio of a million": card(ratios=[10**6]),
        "zooms of text": card(zooms="all"),
        "an absurd width": card(config={"levels": 2, "width": 10**7}),
        "negative levels": card(config={"levels": -1}),
        "a configuration of text": card(config="big"),
        "an unknown family": card(family="../../x"),
        "variables of numbers": card(variables=[1, 2]),
    }
    for i, (wrong, change) in enumerate(changes.items()):
        path = out / f"lying-{i}.safetensors"
        path.write_bytes(written(change))
        yield "weights", wrong, path
    for i, claimed in enumerate((0, 2**63, size + 1, size - 1)):
        path = out / f"header-{i}.safetensors"
        path.write_bytes(struct.pack("<Q", claimed) + data[8:])
        yield "weights", f"a header of {claimed} bytes", path


def names(out: Path) -> Iterator[Case]:
    """What is no file of any kind."""
    for i, (suffix, data) in enumerate(
        [(".nc", b""), (".grib", b"GRIB"), (".zarr", b"no folder"), (".grb2", b"GRIB\0\0\0\2" + b"\xff" * 8),
         (".nc", b"\x89HDF\r\n\x1a\n"), (".nc", b"CDF\x05"), (".dat", bytes(1000)), (".safetensors", b"{}")]
    ):  # fmt: skip
        path = out / f"odd-{i}{suffix}"
        path.write_bytes(data)
        yield "odd", f"{data[:8]!r} as {suffix}", path
    (out / "empty.zarr").mkdir()
    yield "odd", "an empty folder", out / "empty.zarr"
    (out / "loop.zarr").symlink_to(out / "loop.zarr")
    yield "odd", "a link to itself", out / "loop.zarr"


def corpus(folder: Path) -> list[Case]:
    """All cases, written below a folder."""
    made, out = sound(folder / "sound"), folder / "broken"
    out.mkdir()
    cases = [*plain_files(made, out), *folders(made, out), *hostile_grids(out), *edited(made, out)]
    return [*cases, *absurd_grids(out), *zips(made, out), *weights(made, out), *names(out)]
