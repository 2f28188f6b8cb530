"""A super-resolved field as it becomes known: smooth where nothing finer has been decoded yet.

It never changes: what is decoded makes a new one, so that threads and the page may look at the same. Pure
numpy: nothing here knows of the user interface.
"""

from __future__ import annotations

__all__ = ["SharpField"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.sphere_view import Field
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import prolong

Index = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SharpField:
    """What is at hand of one field at `zoom_out`.

    field: decoded where it has been, else a smooth prolongation of the next coarser that is known.
    known: by zoom, where it has been decoded (cells,) and the values there.
    whole: all of it has been decoded at `zoom_out`.
    """

    coarse: Floats
    zoom_in: int
    zoom_out: int
    field: Field
    known: Mapping[int, tuple[NDArray[np.bool_], Floats]]
    whole: bool

    def has(self, zoom: int, cells: Index) -> bool:
        """Whether these cells of `zoom` have been decoded at that zoom."""
        return self.whole or (zoom in self.known and bool(self.known[zoom][0][cells].all()))

    def with_part(self, zoom: int, cells: Index, values: Floats) -> SharpField:
        """The same with some cells of a zoom decoded: values (cells,)."""
        if self.whole:
            return self
        mask, kept = self.known.get(zoom, (None, None))
        mask = np.zeros(n_cells(zoom), bool) if mask is None else mask.copy()
        kept = np.zeros(n_cells(zoom), np.float32) if kept is None else kept.copy()
        mask[cells], kept[cells] = True, values
        known = {**self.known, zoom: (mask, kept)}
        return SharpField(
            self.coarse, self.zoom_in, self.zoom_out, Field(self._composed(known)), known, False
        )

    def complete(self, values: Floats) -> SharpField:
        """All of it, (cells of zoom_out,)."""
        return SharpField(self.coarse, self.zoom_in, self.zoom_out, Field(values), {}, True)

    def _composed(self, known: Mapping[int, tuple[NDArray[np.bool_], Floats]]) -> Floats:
        x = self.coarse
        for zoom in range(self.zoom_in + 1, self.zoom_out + 1):
            x = np.asarray(prolong(x), np.float32)
            if zoom in known:
                mask, values = known[zoom]
                x[mask] = values[mask]
        return x
