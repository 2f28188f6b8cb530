"""Sound containers with contents and claims that cannot be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import xarray as xr
import zarr
from archive_samples import latlon

Case = tuple[str, str, Path]

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
