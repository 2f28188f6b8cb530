"""One level of a variable that has several, chosen by name: t850, t@850, or one level for all."""

from __future__ import annotations

__all__ = ["Wanted", "fields_on_levels"]

import math
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from fsae_core.archive.variables import canonical_name, level_name
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
_CLOSE = 1e-4


@dataclass(frozen=True)
class Wanted:
    """names: variables that were asked for, None for all; level: of those that have several."""

    names: tuple[str, ...] | None = None
    level: float | None = None

    def word_for(self, raw: str, name: str) -> str | None:
        """The word that asks for the variable ``raw`` of a file, called ``name`` here."""
        for word in self.names or ():
            if word == raw or canonical_name(word) == name:
                return word
        return None

    def on_levels(self, raw: str) -> list[tuple[str, float]]:
        """What was asked for of this variable as name@level, with the level."""
        found = []
        for word in self.names or ():
            stem, _, level = word.rpartition("@")
            if stem and (stem == raw or canonical_name(stem) == canonical_name(raw)):
                try:
                    value = float(level)
                except ValueError:
                    value = math.nan
                if not math.isfinite(value):
                    raise UserError(
                        f"The level {level!r} of {stem} was asked for, expected a number: write {stem}@500."
                    )
                found.append((word, value))
        return found


def fields_on_levels(
    raw: str, array: xr.DataArray, space: tuple[str, ...], file: str, wanted: Wanted
) -> list[tuple[str, xr.DataArray, str | None]]:
    """(name here, field, the word that asked for it) of one variable: one entry, or one a level.

    Raises UserError where a level has to be chosen, or the chosen one is not there.
    """
    for dim in array.dims:
        if str(dim).lower() in _MEMBERS and dim != "member":
            array = array.rename({dim: "member"})
    extra = [dim for dim in array.dims if dim not in (*space, "time", "member")]
    single = [dim for dim in extra if array.sizes[dim] == 1]
    on_levels = wanted.on_levels(raw)
    if not on_levels:
        array = array.isel({dim: 0 for dim in single})
        extra = [dim for dim in extra if dim not in single]
    if not extra:
        name = raw if _is_anomaly(array) else canonical_name(raw, level_hpa=_scalar_level(array))
        return [(name, array, wanted.word_for(raw, name))]
    pressures = _pressure_levels(array, extra)
    if on_levels:
        return [(*_picked(raw, array, extra, pressures, value, file), word) for word, value in on_levels]
    if pressures is not None:
        names = {level_name(raw, value): i for i, value in enumerate(pressures)}
        picked = [(name, array.isel({extra[0]: i}), wanted.word_for("", name)) for name, i in names.items()]
        if found := [entry for entry in picked if entry[2] is not None]:
            return found
    word = wanted.word_for(raw, canonical_name(raw))
    if wanted.names is not None and word is None:
        return []
    if wanted.level is not None:
        return [(*_picked(raw, array, extra, pressures, wanted.level, file), word)]
    sizes = ", ".join(f"{array.sizes[dim]} along {dim}" for dim in extra)
    hint = "choose one with level= (--level), or select one first"
    if pressures is not None:
        hint = f"ask for one by name, for example variables=['{level_name(raw, pressures[0])}']"
    raise UserError(f"{file} holds {raw} on several levels ({sizes}), expected one field a time; {hint}.")


def _picked(
    raw: str,
    array: xr.DataArray,
    extra: list[Hashable],
    pressures: np.ndarray | None,
    level: float,
    file: str,
) -> tuple[str, xr.DataArray]:
    """The field on a level, counted in hPa where it is a pressure, else as the file counts."""
    dim = extra[0]
    if len(extra) > 1:
        names = ", ".join(map(str, extra))
        raise UserError(
            f"{file} holds {raw} along {names} beside its grid, expected one level dimension: select one of "
            "the others first."
        )
    values = pressures
    if values is None:
        if dim not in array.coords or array.coords[dim].dtype.kind not in "fiu":
            raise UserError(
                f"{file} has no numbers for the levels of {raw} ({array.sizes[dim]} along {dim}): select one "
                "by its index first."
            )
        values = array.coords[dim].values.astype(np.float64)
    at = int(np.argmin(np.abs(values - level)))
    if abs(values[at] - level) > _CLOSE * max(abs(level), 1.0):
        there = ", ".join(f"{v:g}" for v in values[:12]) + (" ..." if values.size > 12 else "")
        raise UserError(
            f"{file} has {raw} not on level {level:g}, but on {there}"
            f"{' hPa' if pressures is not None else ''}: choose one of these."
        )
    name = level_name(raw, values[at]) if pressures is not None else f"{raw}_{values[at]:g}"
    return name, array.isel({dim: at})


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
