"""Values of a file that are read when they are used, and name the file when they cannot be."""

from __future__ import annotations

__all__ = ["guarded"]

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from fsae_core.archive.packed_netcdf import PackedChunks
from fsae_core.errors import UserError, short_reason


def guarded(dataset: xr.Dataset, file: str, packed: Mapping[str, PackedChunks] | None = None) -> xr.Dataset:
    """The same, but reading what is not in memory raises UserError with the file's name where it fails.

    packed: by variable, chunks that are looked at before they are read.
    """
    data: dict[Hashable, xr.Variable] = {}
    coords: dict[Hashable, xr.Variable] = {}
    for name, variable in dataset.variables.items():
        if not variable._in_memory and name not in dataset.indexes:
            values = indexing.LazilyIndexedArray(_Guarded(variable, file, (packed or {}).get(str(name))))
            later = xr.Variable(variable.dims, values, variable.attrs, variable.encoding)
            (coords if name in dataset.coords else data)[name] = later
    out = dataset.assign(data).assign_coords(coords)
    out.set_close(dataset.close)
    return out


class _Guarded(BackendArray):
    def __init__(self, stored: xr.Variable, file: str, packed: PackedChunks | None) -> None:
        self.shape, self.dtype = stored.shape, stored.dtype
        self._stored, self._file, self._packed = stored, file, packed

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        try:
            if self._packed is not None:
                self._packed.check(key, self.shape)
            return np.asarray(self._stored[key].values)
        except MemoryError:
            raise
        except UserError as error:
            if self._file in str(error):
                raise
            # A codec knows what is wrong but not in which file.
            why = getattr(error, "why", short_reason(error))
            raise UserError(f"{self._file} is damaged ({why}): make or copy it again.") from error
        except Exception as error:  # readers and codecs share no class for damaged bytes
            raise UserError(
                f"{self._file} is damaged ({short_reason(error)}): copy or download it again."
            ) from error
