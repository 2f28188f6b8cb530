"""Which of a file's variables are fields, what they are called here, and their units made canonical."""

from __future__ import annotations

__all__ = ["select_variables"]

from collections.abc import Hashable

import numpy as np
import xarray as xr

from fsae_core.archive.grids import HealpixLayout, LatLonLayout
from fsae_core.archive.timing import methods_of_step
from fsae_core.archive.units import Conversion, check_plausible, conversion
from fsae_core.archive.variables import CANONICAL, canonical_name, level_name
from fsae_core.errors import UserError

_MEMBERS = ("member", "number", "realization", "ensemble", "ens")
_PRESSURES = (
    "plev",
    "level",
    "lev",
    "pressure",
    "pressure_level",
    "isobaricinhpa",
    "air_pressure",
    "isobaric",
)
_TELLING = ("temperature", "pressure", "height")
"""Quantities whose range of values tells the units when the file does not."""


def select_variables(
    dataset: xr.Dataset,
    layout: LatLonLayout | HealpixLayout,
    file: str,
    *,
    wanted: tuple[str, ...] | None,
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
    asked = None if wanted is None else {canonical_name(w): w for w in wanted}
    # ERA5's hourly precipitation is the depth of the hour before (ECMWF's documentation of the data set).
    era5 = any("era5" in str(value).lower() for value in dataset.attrs.values())
    chosen: dict[str, xr.DataArray] = {}
    came_from: dict[str, str] = {}
    for raw, array in found.items():
        for name, field in _levels(raw, array, space, file, asked):
            if asked is not None and name not in asked and raw not in asked.values():
                continue
            if name in chosen:
                raise UserError(
                    f"{file} holds both {came_from[name]} and {raw}, which are both {name}; expected one "
                    "of them: "
                    "choose with variables=."
                )
            chosen[name] = _converted(field, name, raw, space, file, accumulation_hours, era5, notes)
            came_from[name] = raw
    if asked is not None:
        missing = [w for name, w in asked.items() if name not in chosen and w not in came_from.values()]
        if missing:
            raise UserError(f"{file} has no {', '.join(missing)}; it holds {', '.join(found)}.")
    return chosen


def _levels(
    raw: str, array: xr.DataArray, space: tuple[str, ...], file: str, asked: dict[str, str] | None
) -> list[tuple[str, xr.DataArray]]:
    """(name here, field) of one variable: one entry, or one for each pressure level that was asked for."""
    for dim in array.dims:
        if str(dim).lower() in _MEMBERS and dim != "member":
            array = array.rename({dim: "member"})
    extra = [dim for dim in array.dims if dim not in (*space, "time", "member")]
    single = [dim for dim in extra if array.sizes[dim] == 1]
    array = array.isel({dim: 0 for dim in single})
    extra = [dim for dim in extra if dim not in single]
    if not extra:
        if _is_anomaly(array):
            return [(raw, array)]
        return [(canonical_name(raw, level_hpa=_scalar_level(array)), array)]
    levels = _pressure_levels(array, extra)
    if levels is not None:
        names = {level_name(raw, value): i for i, value in enumerate(levels)}
        picked = [(name, array.isel({extra[0]: i})) for name, i in names.items() if asked and name in asked]
        if picked:
            return picked
        if asked is not None and canonical_name(raw) not in asked and raw not in asked.values():
            return []
        hint = f"ask for one by name, for example variables=['{next(iter(names))}']"
    elif asked is not None and canonical_name(raw) not in asked and raw not in asked.values():
        return []
    else:
        hint = "select one first"
    sizes = ", ".join(f"{array.sizes[dim]} along {dim}" for dim in extra)
    raise UserError(f"{file} holds {raw} on several levels ({sizes}), expected one field a time; {hint}.")


def _is_anomaly(array: xr.DataArray) -> bool:
    """Departures from a mean are not the variable itself: their offset and range differ."""
    text = " ".join(
        str(array.attrs.get(key, "")) for key in ("long_name", "standard_name", "statistic", "var_desc")
    )
    return "anomal" in text.lower()


def _scalar_level(array: xr.DataArray) -> float | None:
    if "level_hpa" in array.attrs:
        return float(array.attrs["level_hpa"])
    for name, coordinate in array.coords.items():
        if coordinate.ndim == 0 and str(name).lower() in _PRESSURES:
            levels = _in_hpa(coordinate)
            return None if levels is None else float(levels[0])
    return None


def _pressure_levels(array: xr.DataArray, extra: list[Hashable]) -> np.ndarray | None:
    if len(extra) != 1 or extra[0] not in array.coords or str(extra[0]).lower() not in _PRESSURES:
        return None
    return _in_hpa(array.coords[extra[0]])


def _in_hpa(coordinate: xr.DataArray) -> np.ndarray | None:
    values = np.atleast_1d(coordinate.values)
    if values.dtype.kind not in "fiu":
        return None
    units = str(coordinate.attrs.get("units", "")).lower()
    if units in ("pa", "pascal", "pascals"):
        return values / 100.0
    # "level" without units is common for hPa; model levels and sigma say so in their units or standard_name.
    if units in ("hpa", "mb", "mbar", "millibar", "millibars") or (not units and values.max() > 50):
        return values.astype(np.float64)
    return None


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
