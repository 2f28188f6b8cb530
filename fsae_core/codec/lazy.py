"""Arrays that are decoded when they are used."""

from __future__ import annotations

__all__ = ["in_units"]

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

Floats = NDArray[np.float32]


def in_units(standard: xr.Variable, offset: Floats, scale: Floats) -> xr.Variable:
    """standard * scale + offset, for standardised fields (..., m) with offset and scale (...)."""
    return xr.Variable(standard.dims, indexing.LazilyIndexedArray(_InUnits(standard, offset, scale)))


class _InUnits(BackendArray):
    def __init__(self, standard: xr.Variable, offset: Floats, scale: Floats) -> None:
        self.shape, self.dtype = standard.shape, np.dtype(np.float32)
        self._standard, self._offset, self._scale = standard, offset, scale

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Floats:
        lead = self._standard.dims[:-1]
        standard = self._standard[key]
        scale = xr.Variable(lead, self._scale)[key[:-1]]
        offset = xr.Variable(lead, self._offset)[key[:-1]]
        whole = standard.astype(np.float32) * scale + offset
        return np.asarray(whole.transpose(*standard.dims).values, np.float32)
