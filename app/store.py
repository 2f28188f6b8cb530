"""Archives and weights, opened once a process, and the pictures made from them, kept while they are wanted.

Nothing here knows of the user interface; every function may be called from any thread.
"""

from __future__ import annotations

__all__ = [
    "Archive",
    "named_archive",
    "own_archive",
    "shipped_archives",
]

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import xarray as xr

from app.colours import Scale, field_scale
from app.picture import Picture, make_picture
from fsae_core.archive.canonical import data_names, zoom_of_dataset
from fsae_core.archive.catalog import CatalogEntry, catalog, open_catalogued
from fsae_core.archive.contained import check_contained
from fsae_core.archive.reader import open_archive
from fsae_core.archive.timing import is_instant
from fsae_core.codec.layout import INSTANT
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells

_PICTURES = 48
_LOADED_BYTES = 256 * 2**20


@dataclass(eq=False)
class Archive:
    """One open archive: shipped, or a visitor's own (then it lives and dies with the session)."""

    name: str
    title: str
    dataset: xr.Dataset
    attribution: str = ""
    simulated: bool = False
    own: bool = False
    _scales: dict[str, Scale] = field(default_factory=dict)
    _values: dict[str, np.ndarray] = field(default_factory=dict)
    _pictures: OrderedDict[tuple, Picture] = field(default_factory=OrderedDict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.variables = tuple(
            v for v in data_names(self.dataset) if self.dataset[v].dims in (("time", "cell"), ("cell",))
        )
        if not self.variables:
            raise UserError(
                f"{self.name} has no variable with dimensions (time, cell): choose one field a time."
            )
        self.zoom = zoom_of_dataset(self.dataset)
        self.times = (
            np.atleast_1d(self.dataset["time"].values)
            if "time" in self.dataset.coords
            else np.array(["NaT"], "M8[ns]")
        )
        self.labels = _labels(self.times)

    @property
    def family(self) -> str | None:
        """The weights made for this archive alone, where there are some."""
        return self.dataset.attrs.get("fsae_climatology")

    def unit(self, variable: str) -> str:
        """The unit as it is written on the page; empty where there is none."""
        return _written(str(self.dataset[variable].attrs.get("units", "")))

    def long_name(self, variable: str) -> str:
        return str(self.dataset[variable].attrs.get("long_name", variable))

    def index_of(self, time: str) -> int | None:
        """Which time a label means; None when the archive has no such time."""
        return self.labels.index(time) if time in self.labels else None

    def values(self, variable: str, index: int) -> np.ndarray:
        """One field, float32 (cells,)."""
        da = self.dataset[variable]
        if da.dims == ("cell",):
            return np.asarray(da.values, np.float32)
        if 4 * da.size > _LOADED_BYTES:
            return np.asarray(da.isel(time=index).values, np.float32)
        with self._lock:
            if variable not in self._values:
                self._values[variable] = np.asarray(da.values, np.float32)
            return self._values[variable][index]

    def scale(self, variable: str) -> Scale:
        """The colour range of a variable, from up to 24 of the archive's times."""
        with self._lock:
            if variable not in self._scales:
                some = np.unique(np.linspace(0, len(self.times) - 1, min(24, len(self.times))).astype(int))
                sample = np.stack(
                    [self.values(variable, int(i))[:: max(1, n_cells(self.zoom) // 20_000)] for i in some]
                )
                self._scales[variable] = field_scale(variable, sample)
            return self._scales[variable]

    def cut(self, variables: str | Sequence[str], indices: Sequence[int]) -> xr.Dataset:
        """The archive cut to one variable, or some, and some of its times."""
        names = [variables] if isinstance(variables, str) else list(variables)
        part = self.dataset[[*names, "crs"]]
        # Whether the hour of a time counts is seen from all the times together, never from one.
        marked = {n: part[n].assign_attrs({INSTANT: int(is_instant(self.dataset, n))}) for n in names}
        part = part.assign(marked)
        return part.isel(time=list(indices)) if "time" in part.dims else part

    def picture(self, variable: str, index: int, method: str, ratio: int, speed: bool = False) -> Picture:
        """Compress one field, or for a speed both components of the wind, and bring it back; kept.

        UserError where the method cannot do it.
        """
        key = (variable, index, method, ratio, speed)
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        made = make_picture(self, variable, index, method, ratio, speed)
        with self._lock:
            self._pictures[key] = made
            while len(self._pictures) > _PICTURES:
                self._pictures.popitem(last=False)
        return made


def _labels(times: np.ndarray) -> tuple[str, ...]:
    """ISO dates, as short as tells these times: months for monthly means, days for daily ones."""
    known = times[~np.isnat(times)]
    unit = "m"
    if known.size > 1 and (np.diff(np.sort(known)) > np.timedelta64(27, "D")).all():
        unit = "M"
    elif np.unique(known - known.astype("M8[D]")).size == 1 and (
        known.size > 1 or known == known.astype("M8[D]")
    ):
        unit = "D"
    return tuple("" if np.isnat(t) else str(t.astype(f"M8[{unit}]")) for t in times)


def _written(unit: str) -> str:
    """Units as one reads them: m s⁻¹ for m s-1."""
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return re.sub(r"(?<=[a-zA-Z])-?\d+", lambda m: m[0].translate(raised), "" if unit == "1" else unit)


def shipped_archives() -> tuple[CatalogEntry, ...]:
    """What the page offers: nothing that would have to be fetched."""
    return tuple(entry for entry in catalog() if entry.shipped)


@lru_cache(maxsize=8)
def named_archive(name: str) -> Archive:
    """A shipped archive; UserError when there is none of that name."""
    entries = {entry.name: entry for entry in shipped_archives()}
    if name not in entries:
        raise UserError(
            f"There is no shipped archive named {name[:60]!r}; choose one of {', '.join(entries)}."
        )
    found = entries[name]
    return Archive(
        name,
        found.title,
        open_catalogued(name),
        attribution=f"{found.attribution}. {found.licence}.",
        simulated=found.simulated,
    )


def own_archive(path: Path, name: str) -> Archive:
    """A visitor's own file; UserError when it cannot be used, without where the server keeps it."""
    try:
        check_contained(path, name)
        dataset = open_archive(path, name=name)
    except UserError as error:
        raise UserError(str(error).replace(f"{path.parent}{os.sep}", "")) from error
    return Archive(
        f"file:{name}", name, dataset, attribution=f"Your own file {name}, kept for this visit.", own=True
    )
