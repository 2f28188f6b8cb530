"""The catalogue: named archives listed, fetched and opened."""

from __future__ import annotations

__all__ = ["CatalogEntry", "catalog", "entry", "fetch", "open_catalogued", "size_of"]

import xarray as xr

from fsae_core.archive.entries import CatalogEntry, catalog, entry
from fsae_core.archive.reader import open_archive
from fsae_core.archive.remote import fetch, size_of


def open_catalogued(name: str) -> xr.Dataset:
    """A named archive in canonical form, downloaded first where it is not shipped.

    Raises UserError for an unknown name, or when a download is needed and its server is out of reach.
    """
    entry(name)
    return open_archive(name)
