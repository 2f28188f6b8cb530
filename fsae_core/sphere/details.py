"""A field on the nested sphere as twelve means and details.

Of each cell there are three details, along x, along y and across: what its four children differ by from its
mean (Haar's basis on the quadtree). With the means of zoom 0 they are as many numbers as the field has cells,
and stand in this order: means, then zoom by zoom the details of each cell in nested order.
"""

from __future__ import annotations

__all__ = ["BASIS", "MEANS", "children", "details"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
MEANS = 12
"""Cells of zoom 0, whose means come first."""
BASIS = np.array([[-1, 1, -1, 1], [-1, -1, 1, 1], [1, -1, -1, 1]], np.float32)
"""Details by children: x, y, across."""


def details(fine: NDArray[Any]) -> Floats:
    """(field, cells) -> details of the cells one zoom coarser, (field, cells / 4, 3)."""
    quads = fine.reshape(len(fine), fine.shape[1] // 4, 4)
    return np.asarray(quads @ (BASIS.T / 4), np.float32)


def children(means: NDArray[Any], parts: NDArray[Any]) -> Floats:
    """Means (field, cells) and details (field, cells, 3) -> the field one zoom finer, (field, 4 cells)."""
    return np.asarray((means[..., None] + parts @ BASIS).reshape(len(means), -1), np.float32)
