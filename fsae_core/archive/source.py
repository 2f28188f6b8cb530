"""What to read, in words that can be sent to another process or kept in a file."""

from __future__ import annotations

__all__ = ["Source"]

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from fsae_core.archive.many import is_pattern, paths_of
from fsae_core.archive.reader import open_archive
from fsae_core.archive.urls import is_url
from fsae_core.errors import UserError


@dataclass(frozen=True)
class Source:
    """path: as `open_archive` takes it; variables: None for all; start, end: first and last time as dates,
    the whole of that day, month or year; level: of
    variables that have several."""

    path: str
    variables: tuple[str, ...] | None = None
    start: str | None = None
    end: str | None = None
    level: float | None = None

    def open(self, *, lazy: bool | None = None) -> xr.Dataset:
        """The canonical archive, of the times that are meant. UserError as in `open_archive`."""
        return self.between(open_archive(self.path, variables=self.variables, level=self.level, lazy=lazy))

    def between(self, ds: xr.Dataset) -> xr.Dataset:
        """The times of an archive that are meant. UserError for what is no date, or where none is left."""
        if self.start is None and self.end is None:
            return ds
        try:
            part = ds.sel(time=slice(self.start, self.end))
        except (ValueError, KeyError, TypeError) as error:  # what pandas says to words that are no date
            raise UserError(
                f"--start {self.start} and --end {self.end} are not both dates: write them as 2008-07-01."
            ) from error
        if not part.sizes["time"]:
            first, last = (str(t)[:10] for t in ds["time"].values[[0, -1]])
            raise UserError(
                f"{self.path} has no time between {self.start} and {self.end}: it runs from {first} to "
                f"{last}."
            )
        return part

    def resolved(self) -> Source:
        """With the full path of a file, for processes that work in another folder."""
        pattern = is_pattern(self.path)
        if is_url(self.path) or not (pattern or Path(self.path).expanduser().exists()):
            return self
        return Source(**{**asdict(self), "path": os.path.abspath(Path(self.path).expanduser())})

    def signature(self) -> dict[str, Any]:
        """What tells whether it is still the same: the words above, with size and date of a file."""
        told = asdict(self)
        paths = paths_of(self.path) if is_pattern(self.path) else [Path(self.path)]
        states = [os.stat(p / "zarr.json" if (p / "zarr.json").is_file() else p) for p in paths if p.exists()]
        told |= {"bytes": sum(s.st_size for s in states)}
        told |= {"changed": max((s.st_mtime_ns for s in states), default=0)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in told.items()}
