"""Smooth prolongation of a part of the sphere: the same numbers as `pyramid.prolong`, for some cells only."""

from __future__ import annotations

__all__ = ["PartProlongation", "positions"]

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fsae_core.sphere.pyramid import neighbour_index, prolongation_matrix

Index = NDArray[np.int64]


def positions(wanted: Index, among: Index) -> Index:
    """Where the entries of `wanted` (any shape) stand in the ascending array `among`, which has them all."""
    return np.asarray(np.searchsorted(among, wanted), dtype=np.int64)


class PartProlongation:
    """From fields of `zoom` to the descendants, `levels` zooms finer, of the cells `cells` (ascending).

    Tables are made once and serve any number of fields. `needs`: the cells of `zoom` that are read.
    """

    def __init__(self, zoom: int, cells: Index, levels: int, device: torch.device) -> None:
        index, (slot, cell, before, after) = neighbour_index(zoom)
        mine = np.isin(cell, cells)
        place = positions(cell[mine], cells)
        ring = index[:, cells]
        self.needs: Index = np.union1d(ring.ravel(), cells)
        self._cells = torch.from_numpy(np.asarray(cells, np.int64)).to(device)
        self._ring = torch.from_numpy(np.ascontiguousarray(ring)).to(device)
        self._absent = tuple(
            torch.from_numpy(np.ascontiguousarray(a)).to(device)
            for a in (slot[mine], place, before[mine], after[mine])
        )
        self._matrix = torch.from_numpy(prolongation_matrix(levels)[:, 1:].copy()).to(device)

    def __call__(self, x: Tensor) -> Tensor:
        """(..., cells of the zoom) -> (..., chosen cells, 4**levels)."""
        own = x.index_select(-1, self._cells)
        steps = x.index_select(-1, self._ring.reshape(-1)).unflatten(-1, tuple(self._ring.shape))
        steps = steps - own.unsqueeze(-2)
        slot, place, before, after = self._absent
        steps[..., slot, place] = (steps[..., before, place] + steps[..., after, place]) * 0.5
        return steps.transpose(-1, -2) @ self._matrix.T.to(x) + own.unsqueeze(-1)
