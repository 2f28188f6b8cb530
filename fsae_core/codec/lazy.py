"""Fields of a store in their units, decoded when they are used.

What is read of the store is guarded already (`archive.guarded`): damage is named with its file there.
"""

from __future__ import annotations

__all__ = ["as_places", "in_units"]

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

Floats = NDArray[np.float32]


def in_units(standard: xr.Variable, offset: Floats, scale: Floats) -> xr.Variable:
    """standard * scale + offset, for standardised fields (..., m) with offset and scale (...)."""
    array = _InUnits(standard, offset, scale)
    return xr.Variable(standard.dims, indexing.LazilyIndexedArray(array), standard.attrs)


def as_places(stored: xr.Variable) -> xr.Variable:
    """Places of numbers (..., m), which are stored as floats beside these, as the whole numbers they are."""
    return xr.Variable(stored.dims, indexing.LazilyIndexedArray(_AsPlaces(stored)))


class _AsPlaces(BackendArray):
    def __init__(self, stored: xr.Variable) -> None:
        self.shape, self.dtype = stored.shape, np.dtype(np.int32)
        self._stored = stored

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        return np.asarray(self._stored[key].values).astype(np.int32)


class _InUnits(BackendArray):
    def __init__(self, standard: xr.Variable, offset: Floats, scale: Floats) -> None:
        lead = standard.dims[:-1]
        self.shape, self.dtype = standard.shape, np.dtype(np.float32)
        self._standard = standard
        self._offset, self._scale = xr.Variable(lead, offset), xr.Variable(lead, scale)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        part = self._standard[key]
        standard = xr.Variable(part.dims, np.asarray(part.values, np.float32))
        whole = standard * self._scale[key[:-1]] + self._offset[key[:-1]]
        return np.asarray(whole.transpose(*standard.dims).values, np.float32)
