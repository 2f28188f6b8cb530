"""Files that would lead a reader elsewhere: an HDF5 file may take values from other files of the machine that
opens it, and a Zarr may ask for a codec that runs what it finds."""

from __future__ import annotations

__all__ = ["check_codecs", "check_contained"]

from pathlib import Path
from typing import Any

from fsae_core.errors import UserError, short_reason

_RUNS_WHAT_IT_FINDS = {"pickle", "numcodecs.pickle"}


def check_contained(path: Path, file: str) -> None:
    """UserError for an HDF5 file (NetCDF 4 is one) with links, virtual or external data in other files.

    For files that strangers send. One's own may do so: nothing else in this library forbids it.
    """
    import h5py

    if not path.is_file() or not h5py.is_hdf5(path):
        return
    elsewhere: list[str] = []

    def visit(name: str, link: Any) -> bool | None:
        if isinstance(link, h5py.ExternalLink):
            elsewhere.append(name)
        elif isinstance(link, h5py.HardLink):
            thing = opened[name]
            if isinstance(thing, h5py.Dataset) and (thing.external or thing.is_virtual):
                elsewhere.append(name)
        return True if elsewhere else None

    try:
        with h5py.File(path, "r") as opened:
            opened.visititems_links(visit)
    except (OSError, RuntimeError, KeyError, ValueError) as error:  # what HDF5 says to damaged files
        raise UserError(
            f"{file} looks like NetCDF but cannot be read ({short_reason(error)}); copy or download it again."
        ) from error
    if elsewhere:
        raise UserError(
            f"{file} takes {elsewhere[0][:60]} from another file, expected one with its own values: copy it "
            "whole, for example with `nccopy`."
        )


def check_codecs(group: Any, file: str) -> None:
    """UserError for arrays of an open Zarr group that are packed by running code."""
    for name, array in group.arrays():
        told = array.metadata.to_dict()
        stages = [*(told.get("codecs") or ()), *(told.get("filters") or ()), told.get("compressor")]
        for stage in stages:
            codec = stage.get("name", stage.get("id")) if isinstance(stage, dict) else None
            if codec in _RUNS_WHAT_IT_FINDS:
                raise UserError(
                    f"{file} packs {name[:60]} with {codec}, which could run anything here, and was not "
                    "opened: write it again with another codec."
                )
