"""Spheres of cells of different zooms: the leaves of a tree in which some cells are split into their four
children and others are not.

The leaves of a field stand in nested order, so their zooms alone say where each lies (as in a multi-order
coverage map, IVOA MOC 2.0). Arrays are (field, leaf); every field has its own leaves, and all have as many.
"""

from __future__ import annotations

__all__ = ["Splits", "at_leaves", "first_cells", "leaf_zooms", "spread"]

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fsae_core.sphere.healpix import n_cells

Integers = NDArray[np.int64]
Splits: TypeAlias = list[NDArray[np.bool_]]
"""By zoom from 0 up, (field, cells of that zoom): which cells are split. Those below a leaf are not."""


def leaf_zooms(splits: Splits, fields: int) -> NDArray[np.int8]:
    """Zoom of each leaf, (field, leaf) in nested order. ValueError where fields have different numbers of
    leaves."""
    finest = len(splits)
    dense = np.zeros((fields, n_cells(finest)), np.int8)
    for zoom, split in enumerate(splits):
        dense += np.repeat(split, 4 ** (finest - zoom), axis=1)
    first = np.ones(dense.shape, bool)
    for zoom, split in enumerate(splits):
        # All but the first descendant of a cell that is not split belong to the same leaf.
        blocks = first.reshape(fields, n_cells(zoom), 4 ** (finest - zoom))
        blocks[..., 1:] &= split[..., None]
    counts = first.sum(axis=1)
    if (counts != counts[:1]).any():
        raise ValueError(f"{counts.min()} to {counts.max()} leaves, expected the same number in all fields")
    return dense[first].reshape(fields, int(counts[0]) if fields else 12)


def first_cells(zooms: NDArray[Any], finest: int) -> Integers:
    """The first cell of ``finest`` that lies in each leaf, (field, leaf)."""
    size = 4 ** (finest - zooms.astype(np.int64))
    return np.cumsum(size, axis=1) - size


def spread(values: NDArray[Any], zooms: NDArray[Any], finest: int) -> NDArray[Any]:
    """Values of leaves (field, leaf) on all cells of ``finest`` in them, (field, cell)."""
    size = 4 ** (finest - zooms.astype(np.int64))
    return np.repeat(values.ravel(), size.ravel()).reshape(len(values), n_cells(finest))


def at_leaves(levels: list[NDArray[Any]], zooms: NDArray[Any]) -> NDArray[Any]:
    """From fields of all zooms (field, cells), the coarsest first, each leaf's own value, (field, leaf)."""
    finest = len(levels) - 1
    wide = zooms.astype(np.int64)
    cells = first_cells(zooms, finest) >> 2 * (finest - wide)
    out = np.empty(wide.shape, levels[0].dtype)
    for zoom in range(finest + 1):
        rows, places = np.nonzero(wide == zoom)
        out[rows, places] = levels[zoom][rows, cells[rows, places]]
    return out
