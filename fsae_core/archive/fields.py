"""Which of a file's variables are fields, what they are called here, and their units made canonical."""

from __future__ import annotations

__all__ = ["select_variables"]

import numpy as np
import xarray as xr

from fsae_core.archive.cells import Layout
from fsae_core.archive.levels import Wanted, fields_on_levels
from fsae_core.archive.timing import methods_of_step
from fsae_core.archive.units import Conversion, check_plausible, conversion
from fsae_core.archive.variables import CANONICAL
from fsae_core.errors import UserError

_TELLING = ("temperature", "pressure", "height")
"""Quantities whose range of values tells the units when the file does not."""


def select_variables(
    dataset: xr.Dataset,
    layout: Layout,
    file: str,
    *,
    wanted: Wanted,
    accumulation_hours: float | None,
    notes: list[str],
) -> dict[str, xr.DataArray]:
    """The file's fields under their names here, in canonical units where known, dims (time[, member],
    space)."""
    space = layout.dims
    found = {
        str(n): a for n, a in dataset.data_vars.items() if set(space) <= set(a.dims) and a.dtype.kind in "fiu"
    }
    if not found:
        raise UserError(
            f"{file} holds no numeric field on its grid ({' x '.join(space)}); expected at least one."
        )
    # ERA5's hourly precipitation is the depth of the hour before (ECMWF's documentation of the data set).
    era5 = any("era5" in str(value).lower() for value in dataset.attrs.values())
    chosen: dict[str, xr.DataArray] = {}
    came_from: dict[str, str] = {}
    answered: set[str] = set()
    for raw, array in found.items():
        for name, field, word in fields_on_levels(raw, array, space, file, wanted):
            if wanted.names is not None and word is None:
                continue
            if name in chosen:
                raise UserError(
                    f"{file} holds both {came_from[name]} and {raw}, which are both {name}; expected one "
                    "of them: "
                    "choose with variables=."
                )
            chosen[name] = _converted(field, name, raw, space, file, accumulation_hours, era5, notes)
            came_from[name] = raw
            answered |= {word or ""}
    missing = [word for word in wanted.names or () if word not in answered]
    if missing:
        raise UserError(f"{file} has no {', '.join(missing)}; it holds {', '.join(found)}.")
    return chosen


def _converted(
    array: xr.DataArray,
    name: str,
    raw: str,
    space: tuple[str, ...],
    file: str,
    accumulation_hours: float | None,
    era5: bool,
    notes: list[str],
) -> xr.DataArray:
    lead = ["time", *(["member"] if "member" in array.dims else [])]
    array = (
        array.transpose(*lead, *space)
        if "time" in array.dims
        else array.expand_dims("time").transpose(*lead, *space)
    )
    array = array.astype(np.float32, keep_attrs=True) if array.dtype != np.float32 else array
    own = str(array.attrs.get("cell_methods", ""))
    methods = methods_of_step(str(array.attrs.get("GRIB_stepType", "")))
    if methods and "time:" not in own:
        array = array.assign_attrs(cell_methods=f"{own} {methods}".strip())
    known = CANONICAL.get(name)
    if known is None:
        return array
    where = f"{file}: {raw}"
    units = array.attrs.get("units", array.attrs.get("GRIB_units"))
    if units is None:
        if known.quantity not in _TELLING:
            raise UserError(
                f"{where} has no units; expected {known.units} or something that can become it: add the "
                "attribute."
            )
        units = known.units
        notes.append(f"{name}: no units in the file, {known.units} assumed after its range of values")
    hours = accumulation_hours if accumulation_hours is not None else _period(array)
    if hours is None and era5 and known.quantity == "precipitation":
        hours = 1.0
    convert = conversion(known, str(units), accumulation_hours=hours, where=where)
    if convert.note:
        notes.append(convert.note)
    if (convert.factor, convert.offset) != (1.0, 0.0):
        array = array.copy(data=convert(array.data)) if _in_memory(array) else _lazy_convert(array, convert)
    if known.quantity == "precipitation" and "cell_methods" in array.attrs:
        # What was a depth is a rate now: the sum over the time has become its mean.
        methods = str(array.attrs["cell_methods"]).replace("time: sum", "time: mean")
        array = array.assign_attrs(cell_methods=methods)
    ends = array.isel(time=[0, -1]).values
    if np.isfinite(ends).any():
        check_plausible(known, float(np.nanmin(ends)), float(np.nanmax(ends)), str(units), where=where)
    return array


def _in_memory(array: xr.DataArray) -> bool:
    return array.chunks is None


def _lazy_convert(array: xr.DataArray, convert: Conversion) -> xr.DataArray:
    return xr.apply_ufunc(convert, array, dask="parallelized", output_dtypes=[np.float32], keep_attrs=True)


def _period(array: xr.DataArray) -> float | None:
    """Hours over which a depth fell, where the file says it: an attribute, GRIB's step range, cell
    methods."""
    attrs = array.attrs
    if "accumulation_hours" in attrs:
        return float(attrs["accumulation_hours"])
    step_range = str(attrs.get("GRIB_stepRange", ""))
    if step_range.count("-") == 1:
        first, last = step_range.split("-")
        return float(last) - float(first)
    methods = str(attrs.get("cell_methods", ""))
    for text, hours in (
        ("1 hour", 1.0),
        ("1 day", 24.0),
        ("24 hour", 24.0),
        ("6 hour", 6.0),
        ("3 hour", 3.0),
    ):
        if f"interval: {text}" in methods and "sum" in methods:
            return hours
    return None
