"""Arrays of a store that are decoded when they are used, and name the store when they cannot be."""

from __future__ import annotations

__all__ = ["in_units", "read_later"]

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from fsae_core.codec.stream import DamagedError
from fsae_core.errors import UserError, short_reason

Floats = NDArray[np.float32]


def read_later(stored: xr.Variable, file: str) -> xr.Variable:
    """The same, but reading it raises UserError with the store's name where its bytes are damaged."""
    return xr.Variable(stored.dims, indexing.LazilyIndexedArray(_Stored(stored, file)), stored.attrs)


def in_units(standard: xr.Variable, offset: Floats, scale: Floats, file: str) -> xr.Variable:
    """standard * scale + offset, for standardised fields (..., m) with offset and scale (...)."""
    array = _InUnits(standard, file, offset, scale)
    return xr.Variable(standard.dims, indexing.LazilyIndexedArray(array), standard.attrs)


class _Stored(BackendArray):
    def __init__(self, stored: xr.Variable, file: str) -> None:
        self.shape, self.dtype = stored.shape, stored.dtype
        self._stored, self._file = stored, file

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        try:
            return np.asarray(self._stored[key].values)
        except UserError as error:
            if self._file in str(error):
                raise
            why = error.why if isinstance(error, DamagedError) else short_reason(error)
            raise UserError(f"{self._file} is damaged ({why}): make or copy it again.") from error
        except Exception as error:  # zarr, numcodecs and the file system share no class for damaged bytes
            why = short_reason(error)
            raise UserError(f"{self._file} is damaged ({why}): make or copy it again.") from error


class _InUnits(_Stored):
    def __init__(self, standard: xr.Variable, file: str, offset: Floats, scale: Floats) -> None:
        super().__init__(standard, file)
        self.dtype = np.dtype(np.float32)
        lead = standard.dims[:-1]
        self._offset, self._scale = xr.Variable(lead, offset), xr.Variable(lead, scale)

    def _read(self, key: tuple[Any, ...]) -> Any:
        standard = xr.Variable(self._stored[key].dims, super()._read(key).astype(np.float32))
        whole = standard * self._scale[key[:-1]] + self._offset[key[:-1]]
        return np.asarray(whole.transpose(*standard.dims).values, np.float32)
