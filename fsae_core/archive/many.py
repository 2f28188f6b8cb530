"""Archives in many files: one after the other in time, or one for each variable or member."""

from __future__ import annotations

__all__ = ["is_pattern", "open_many", "paths_of"]

import glob
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset, data_names, zoom_of_dataset
from fsae_core.archive.months import at_middles
from fsae_core.errors import UserError

_MOST_FILES = 100_000


def is_pattern(source: str) -> bool:
    """Whether a source names many files: it has a wildcard, and no file has that very name."""
    return glob.has_magic(source) and "://" not in source and not Path(source).expanduser().exists()


def paths_of(pattern: str) -> list[Path]:
    """The files of a pattern, in order of name; ``**`` goes down into folders. UserError for none."""
    found = sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))
    if not found:
        raise UserError(f"No file matches {pattern}: check the folder and the wildcards.")
    if len(found) > _MOST_FILES:
        raise UserError(f"{pattern} matches {len(found)} files, {_MOST_FILES} at most are opened: narrow it.")
    return [Path(path) for path in found]


def open_many(paths: list[Path], opened: Callable[[Path], xr.Dataset]) -> xr.Dataset:
    """One canonical dataset of the files that ``opened`` gives one by one, none of them read.

    Files of the same variables follow one another in time; others must have the same times. Raises UserError
    where grids, members or times do not go together, with the names of two files.
    """
    groups: dict[tuple[str, ...], list[tuple[Path, xr.Dataset]]] = {}
    zoom, first = None, paths[0]
    for path in paths:
        ds = opened(path)
        here = zoom_of_dataset(ds)
        if zoom is not None and here != zoom:
            raise UserError(
                f"{first.name} is opened at zoom {zoom} but {path.name} at zoom {here}: choose one "
                "zoom for all."
            )
        zoom = here
        groups.setdefault(tuple(data_names(ds)), []).append((path, ds))
    joined = [_in_time(entries) for entries in groups.values()]
    (start_path, start), *others = joined
    fields = {name: start[name] for name in data_names(start)}
    for path, ds in others:
        for name in data_names(ds):
            if name in fields:
                raise UserError(
                    f"{path.name} holds {name}, and so do files with other variables: give files of "
                    "the same variables, or choose one with --variable."
                )
            same = ds[name].dims == fields[next(iter(fields))].dims
            if not same or not np.array_equal(ds["time"].values, start["time"].values):
                raise UserError(
                    f"{path.name} ({name}) has other times or members than {start_path.name} "
                    f"({', '.join(fields)}): expected the same for all variables; compress them one by one."
                )
            fields[name] = ds[name]
    notes = [f"{len(paths)} files, the first of them {first.name}"]
    return canonical_dataset(fields, start.attrs, notes)


def _in_time(entries: list[tuple[Path, xr.Dataset]]) -> tuple[Path, xr.Dataset]:
    """Files of the same variables one after the other."""
    entries = sorted(entries, key=lambda entry: entry[1]["time"].values[0])
    if len(entries) == 1:
        return entries[0]
    first_path, first = entries[0]
    for (before_path, before), (path, ds) in pairwise(entries):
        if ds["time"].values[0] <= before["time"].values[-1]:
            raise UserError(
                f"{before_path.name} ends at {str(before['time'].values[-1])[:16]} and {path.name} begins at "
                f"{str(ds['time'].values[0])[:16]}: expected files that follow one another; leave one out, "
                "or give one file a variable."
            )
        for name in data_names(first):
            if ds[name].dims != first[name].dims or ds[name].shape[1:] != first[name].shape[1:]:
                raise UserError(
                    f"{path.name} holds {name} with {dict(ds[name].sizes)}, {first_path.name} with "
                    f"{dict(first[name].sizes)}: expected the same members in all files."
                )
    whole = xr.concat(
        [ds.drop_vars("crs") for _, ds in entries],
        dim="time",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )
    # A file of one month does not show that its time is the month's first day; all together do.
    return first_path, at_middles(whole)[0]
