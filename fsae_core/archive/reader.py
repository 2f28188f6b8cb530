"""open_archive: climate data of any supported kind -> one canonical Dataset."""

from __future__ import annotations

__all__ = ["open_archive"]

import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset, data_names, is_canonical, zoom_of_dataset
from fsae_core.archive.cells import Fill, Method, as_cells
from fsae_core.archive.entries import catalog
from fsae_core.archive.fields import select_variables
from fsae_core.archive.files import open_raw
from fsae_core.archive.grids import LatLonLayout, find_layout
from fsae_core.archive.levels import Wanted
from fsae_core.archive.many import is_pattern, open_many, paths_of
from fsae_core.archive.months import at_middles
from fsae_core.archive.times import canonical_times
from fsae_core.archive.unstructured import PointsLayout
from fsae_core.archive.urls import is_url, open_url
from fsae_core.archive.variables import canonical_name
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import restrict

LAZY_ABOVE = 512 * 2**20
"""Bytes (float32) above which values are computed by dask when they are asked for instead of at once."""


def open_archive(
    source: str | Path | xr.Dataset,
    *,
    variables: Iterable[str] | str | None = None,
    zoom: int | None = None,
    order: Literal["nest", "ring"] | None = None,
    method: Method | None = None,
    name: str | None = None,
    accumulation_hours: float | None = None,
    fill: Fill | None = None,
    level: float | None = None,
    lazy: bool | None = None,
) -> xr.Dataset:
    """Open an archive in canonical form: dims (time[, member], cell), nested HEALPix, canonical units.

    source: a name of the catalogue, a path or URL of NetCDF, GRIB or Zarr (directory or zip), a pattern of
        many such files ("t2m_*.nc"), or a Dataset.
    variables: names to keep, as in the file or canonical; all fields by default. Unknown variables keep their
        name and units.
    zoom: of the result. HEALPix keeps its own by default, or is averaged to a coarser one; for a
        latitude-longitude grid the default is the zoom whose cells are closest to the grid's spacing.
    order: of HEALPix cells in a file that does not say.
    method: of regridding. "conservative" weighs the grid's boxes by their overlap with a cell (area means
        are kept), "bilinear" takes the cell's mean of the bilinear interpolant; by default the first where
        cells are as large as the boxes or larger, else the second. "nearest" is for grids of one point a row.
    accumulation_hours: over which a precipitation depth fell, where the file does not say.
    fill: what to do with missing cells. None refuses them; "mean" puts each field's mean over its valid
        cells there.
    level: of variables that have several: hPa where these are pressures, else as the file counts them. A
        name may say it as well (t850, t@850).
    lazy: whether values are computed by dask when they are asked for; by default those of large archives.

    Means of a month or longer get the middle of their time (see `fsae_core.archive.months`).

    Raises UserError: one sentence with what was found, what was expected and what to do.
    """
    if isinstance(source, str) and is_pattern(source):
        options: dict[str, Any] = {"variables": variables, "zoom": zoom, "order": order, "method": method}
        options |= {"accumulation_hours": accumulation_hours, "fill": fill, "level": level, "lazy": True}
        whole = open_many(paths_of(source), lambda path: open_archive(path, **options))
        return whole if lazy or (whole.nbytes > LAZY_ABOVE and lazy is None) else whole.load()
    dataset, file = _open(source, name)
    if fill is None and isinstance(source, str):
        fill = cast(Fill | None, next((e.fill for e in catalog() if e.name == source), None))
    names = (variables,) if isinstance(variables, str) else None if variables is None else tuple(variables)
    wanted = Wanted(names, level)
    if "fsae_format" in dataset.attrs and "fsae_archive" not in dataset.attrs:
        raise UserError(
            f"{file} is a compressed store, expected an archive; decompress it first (`fsae decompress`)."
        )
    lazy_above = LAZY_ABOVE if lazy is None else -1 if lazy else sys.maxsize
    if is_canonical(dataset):
        return _from_canonical(dataset, file, names, zoom, lazy_above)
    layout = find_layout(dataset, file, order)
    dataset, notes = canonical_times(dataset, file)
    dataset, moved = at_middles(dataset)
    notes += moved
    chosen = select_variables(
        dataset, layout, file, wanted=wanted, accumulation_hours=accumulation_hours, notes=notes
    )
    fields = {
        key: as_cells(
            array, layout, file, zoom=zoom, method=method, fill=fill, lazy_above=lazy_above, notes=notes
        )
        for key, array in chosen.items()
    }
    if not isinstance(source, xr.Dataset) and all(field.chunks is None for field in fields.values()):
        dataset.close()
    if isinstance(layout, PointsLayout):
        notes.append(f"regridded from {layout.lat.size} points")
    if isinstance(layout, LatLonLayout):
        notes.append(f"regridded from {layout.lat.size} x {layout.lon.size} latitudes and longitudes")
    return canonical_dataset(fields, dataset.attrs, list(dict.fromkeys(notes)))


def _open(source: str | Path | xr.Dataset, name: str | None) -> tuple[xr.Dataset, str]:
    if isinstance(source, xr.Dataset):
        return source, name or "the dataset"
    if isinstance(source, str) and is_url(source):
        return open_url(source), name or source.rstrip("/").rpartition("/")[2]
    path = Path(source).expanduser()
    if isinstance(source, str) and not path.exists() and source in {e.name for e in catalog()}:
        from fsae_core.archive.remote import open_raw_catalogued

        return open_raw_catalogued(source), name or source
    return open_raw(path), name or path.name


def _from_canonical(
    dataset: xr.Dataset, file: str, wanted: tuple[str, ...] | None, zoom: int | None, lazy_above: int
) -> xr.Dataset:
    """Our own archives: nothing to convert, only to select and to coarsen."""
    names = data_names(dataset)
    if wanted is not None:
        wanted = tuple(v if v in names else canonical_name(v) for v in wanted)
        missing = [v for v in wanted if v not in names]
        if missing:
            raise UserError(f"{file} has no {', '.join(missing)}; it holds {', '.join(names)}.")
        names = wanted
    dataset = dataset[[*names, "crs"]]
    if dataset.sizes.get("time") == 0:
        raise UserError(f"{file} holds no time at all; expected at least one field.")
    if "time" in dataset.dims and "time" not in dataset.coords:
        raise UserError(f"{file} has {dataset.sizes['time']} times without dates: make or copy it again.")
    dataset = _written_part(dataset, file)
    dataset, notes = at_middles(dataset)
    if notes:
        dataset.attrs["history"] = "\n".join((str(dataset.attrs.get("history", "")), *notes)).strip()
    own = zoom_of_dataset(dataset)
    if zoom is not None and zoom > own:
        raise UserError(
            f"{file} is at zoom {own}, which cannot be opened at the finer zoom {zoom}; ask for {own} or "
            "less."
        )
    big = sum(dataset[v].size * 4 for v in data_names(dataset)) > lazy_above
    if big:
        steps = {"time": max(1, 2**20 // n_cells(own)), "member": 1}
        dataset = dataset.chunk({dim: steps.get(str(dim), -1) for dim in dataset.dims})
    dataset = dataset.map(_float32, keep_attrs=True)
    if not big:
        dataset = dataset.load()
    if zoom is None or zoom == own:
        return dataset
    fields = {
        v: xr.apply_ufunc(
            restrict,
            dataset[v],
            own - zoom,
            input_core_dims=[["cell"], []],
            output_core_dims=[["cell"]],
            exclude_dims={"cell"},
            keep_attrs=True,
            dask="parallelized",
            output_dtypes=[np.float32],
            dask_gufunc_kwargs={"output_sizes": {"cell": n_cells(zoom)}, "allow_rechunk": True},
        )
        for v in data_names(dataset)
    }
    return canonical_dataset(fields, dataset.attrs, [f"averaged from zoom {own} to {zoom}"])


def _float32(array: xr.DataArray) -> xr.DataArray:
    return array.astype(np.float32) if np.issubdtype(array.dtype, np.floating) else array


def _written_part(dataset: xr.Dataset, file: str) -> xr.Dataset:
    """A store whose writer was stopped says how far it came: what it holds stays readable."""
    written = dataset.attrs.get("fsae_times_written")
    if written is None:
        return dataset
    times = dataset.sizes.get("time", 0)
    if not isinstance(written, int) or not 0 <= written <= times:
        raise UserError(
            f"{file} says that {str(written)[:40]!r} of its {times} times are there: make it again."
        )
    if int(written) == 0:
        raise UserError(f"{file} holds none of its {times} times yet; run the command that made it again.")
    warnings.warn(
        f"{file} is half written ({int(written)} of {times} times, opened as far as it goes); "
        "run the command that made it again to go on.",
        stacklevel=3,
    )
    return dataset.isel(time=slice(0, int(written)))
