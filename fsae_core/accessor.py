"""``ds.fsae``: the library on any xarray Dataset that `open_archive` understands.

import fsae_core, xarray as xr
small = xr.open_dataset("t2m.nc").fsae.compress(64)
back = small.fsae.decompress()
"""

from __future__ import annotations

__all__ = ["FsaeAccessor"]

from typing import Any

import xarray as xr

from fsae_core.errors import UserError


@xr.register_dataset_accessor("fsae")
class FsaeAccessor:
    """Each method takes the options of the function of its name and raises its `UserError`s. Imports are
    late: the name is registered wherever xarray and this package meet, which must cost nothing.

    A Dataset on a latitude-longitude grid is regridded first, to the zoom that is closest to its spacing.
    """

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    def healpix(self, zoom: int | None = None, **options: Any) -> xr.Dataset:
        """The canonical form, dims (time[, member], cell): `open_archive` of this Dataset."""
        from fsae_core.archive.canonical import is_canonical
        from fsae_core.archive.reader import open_archive

        if zoom is None and not options and is_canonical(self._ds):
            return self._ds
        return open_archive(self._ds, zoom=zoom, **options)

    def compress(self, ratio: int, *, zoom: int | None = None, **options: Any) -> xr.Dataset:
        """`ratio` times fewer values: `compress` of the canonical form at `zoom`."""
        from fsae_core.codec.layout import is_compressed
        from fsae_core.codec.pipeline import compress

        if is_compressed(self._ds):
            raise UserError("The dataset is compressed already, expected fields: decompress it first.")
        return compress(self.healpix(zoom), ratio, **options)

    def decompress(self, **options: Any) -> xr.Dataset:
        """The fields of a compressed Dataset: `decompress`."""
        from fsae_core.codec.pipeline import decompress

        return decompress(self._ds, **options)

    def super_resolve(self, zoom: int, **options: Any) -> xr.Dataset:
        """An estimate at a finer zoom, on the sphere or in a `region`: `super_resolve` of the canonical
        form."""
        from fsae_core.codec.super_resolution import super_resolve

        return super_resolve(self.healpix(), zoom, **options)
