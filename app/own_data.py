"""A user's own xarray object as an archive that pages show."""

from __future__ import annotations

__all__ = ["OwnData", "archive_of"]

import xarray as xr

from app.store import Archive
from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError

OwnData = xr.Dataset | xr.DataArray


def archive_of(data: OwnData) -> Archive:
    """The archive of a Dataset or DataArray that `open_archive` understands; UserError for anything else."""
    if isinstance(data, xr.DataArray):
        data = data.to_dataset(name=data.name or "field")
    if not isinstance(data, xr.Dataset):
        raise UserError(
            f"An object of type {type(data).__name__} was given, expected an xarray.Dataset or DataArray: "
            "open a file with xarray.open_dataset."
        )
    dataset = open_archive(data)
    return Archive("file:yours", "Your data", dataset, attribution="Your own data.", own=True)
