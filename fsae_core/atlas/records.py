"""Archives for an atlas: complete fields, gaps of observed records filled from the record itself."""

from __future__ import annotations

__all__ = ["open_complete"]

from pathlib import Path

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset, data_names, is_canonical
from fsae_core.archive.entries import catalog
from fsae_core.archive.files import open_raw
from fsae_core.archive.reader import open_archive
from fsae_core.archive.remote import open_raw_catalogued
from fsae_core.archive.variables import canonical_name
from fsae_core.atlas.infill import infill
from fsae_core.errors import UserError

_KNOWN = 0.5 - 1e-5
"""Share of a cell that must have values, as when grids with gaps are brought to the sphere."""


def open_complete(
    source: str | Path,
    variable: str | None = None,
    *,
    zoom: int | None = None,
    start: str | None = None,
    end: str | None = None,
) -> xr.Dataset:
    """One variable (t2m or the first) of an archive as `open_archive` gives it, but with gaps filled by
    `infill` instead of refused.

    start, end: first and last time, the whole of that day, month or year; only these are filled and used.
    The history says what share was filled and how well hidden values were met. Raises UserError as both do.
    """
    name = source if isinstance(source, str) and not Path(source).exists() else Path(source).name
    raw = _raw(source)
    if is_canonical(raw):
        ds = open_archive(source, variables=variable, zoom=zoom)
        return _between(_one(ds, variable), start, end, name)
    own = _gappy(raw, variable)
    if own is None:
        ds = open_archive(raw, variables=variable, zoom=zoom, name=name)
        return _between(_one(ds, variable), start, end, name)
    whole = open_archive(raw, variables=own, zoom=zoom, name=name, fill="mean")
    ds = _between(whole, start, end, name)
    field = data_names(ds)[0]
    presence = raw[own].notnull().astype(np.float32).drop_attrs().rename("known")
    known = open_archive(presence.to_dataset().assign_attrs(raw.attrs), zoom=zoom, name=name)
    # By place, not by date: only one of the two may know the bounds that its dates come from.
    there = known["known"].values[np.isin(whole["time"].values, ds["time"].values)] >= _KNOWN
    filled = infill(np.where(there, ds[field].values, np.float32(np.nan)), ds["time"].values)
    note = (
        f"{field}: {100 * filled.share:.2g} % of the values filled from patterns of the record (error where "
        f"gaps were put for a trial {filled.rmse:.2g}, spread there {filled.spread:.2g})"
    )
    return canonical_dataset({field: ds[field].copy(data=filled.values)}, {**ds.attrs, "history": ""}, [note])


def _raw(source: str | Path) -> xr.Dataset:
    if isinstance(source, str) and not Path(source).exists() and source in {e.name for e in catalog()}:
        return open_raw_catalogued(source)
    return open_raw(Path(source).expanduser())


def _gappy(raw: xr.Dataset, variable: str | None) -> str | None:
    """The file's name of the wanted variable, if its first, middle or last time has a gap."""
    fields = [str(v) for v, a in raw.data_vars.items() if a.ndim >= 2 and a.dtype.kind == "f"]
    if variable is not None:
        fields = [v for v in fields if variable in (v, canonical_name(v))]
    for name in fields[:1]:
        array = raw[name]
        lead = array.dims[0]
        for row in (0, array.sizes[lead] // 2, array.sizes[lead] - 1):
            if bool(array.isel({lead: row}).isnull().any()):
                return name
    return None


def _one(ds: xr.Dataset, variable: str | None) -> xr.Dataset:
    """Other variables are left out, but for t2m, which tells El Nino."""
    names = data_names(ds)
    wanted = {variable or names[0], "t2m"} & set(names)
    return ds[[*sorted(wanted), "crs"]] if wanted else ds


def _between(ds: xr.Dataset, start: str | None, end: str | None, name: str) -> xr.Dataset:
    if start is None and end is None:
        return ds
    try:
        part = ds.sel(time=slice(start, end))
    except (ValueError, KeyError, TypeError) as error:  # what pandas says to words that are no date
        raise UserError(f"{start} and {end} are not both dates: write them as 1950-01.") from error
    if not part.sizes["time"]:
        first, last = (str(t)[:10] for t in ds["time"].values[[0, -1]])
        raise UserError(f"{name} has no time between {start} and {end}: it runs from {first} to {last}.")
    return part
