"""Four children of a cell on the nested sphere, expected from what surrounds them.

The four values of a quad are its mean and three details: along x, along y and across. Quads are taken in
four phases, by which child of their own parent they are (0, 3, 1, 2), so that the second phase knows the fine
values at its corners, the third those along its sides and the last all twelve around it. Details are expected
as sums of differences that share their symmetry; the weights were fitted to compressed fields of the shipped
weights on training times. Where a neighbour is not known yet, the mean over its quad stands in. All numbers
are whole.
"""

from __future__ import annotations

__all__ = [
    "DETAILS",
    "PHASE_CHILD",
    "known_ring",
    "parents_around",
    "put",
    "quads_of_phase",
    "surroundings",
]

from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.compiled import kernel
from fsae_core.sphere.details import BASIS
from fsae_core.sphere.healpix import RING_STEPS, n_cells, ring_table

Integers = NDArray[np.int64]

DETAILS = BASIS.astype(np.int64)
"""Details by children: x, y, across."""
PHASE_CHILD = (0, 3, 1, 2)

# Weights in 1/1024 by phase: for a detail along x (parents beside and at corners, fine cells beside, above
# and below, at corners), and for the one across (parents at corners, fine cells on sides, at corners).
_ALONG = ((160, -10, 0, 0, 0), (123, -27, 0, 0, 40), (-80, 0, 119, 55, 0), (-82, 5, 124, 55, -11))
_ACROSS = ((25, 0, 0), (-16, 0, 51), (-14, 63, 0), (-6, 66, -2))

_SLOT = {step: slot for slot, step in enumerate(RING_STEPS)}
_EAST, _WEST, _NORTH, _SOUTH = (_SLOT[s] for s in ((1, 0), (-1, 0), (0, 1), (0, -1)))
_CORNERS = tuple((sx, sy, _SLOT[sx, sy]) for sx in (-1, 1) for sy in (-1, 1))


@lru_cache(maxsize=64)
def quads_of_phase(zoom: int, phase: int) -> Integers:
    """Cells of ``zoom`` whose children are coded in this phase; at zoom 0 all of them in the first."""
    cells = np.arange(n_cells(zoom))
    return cells if zoom == 0 else cells[PHASE_CHILD[phase] :: 4]


@lru_cache(maxsize=12)
def _ring(zoom: int) -> Integers:
    """Neighbours by slot (8, cells); for the absent corner its neighbour in the ring."""
    table = ring_table(zoom).T
    return np.where(table < 0, np.roll(table, 1, axis=0), table)


@lru_cache(maxsize=64)
def parents_around(zoom: int, phase: int) -> NDArray[np.uint32]:
    """The eight parents around the quads of a phase, (quads, 8)."""
    return np.ascontiguousarray(_ring(zoom)[:, quads_of_phase(zoom, phase)].T, np.uint32)


@lru_cache(maxsize=64)
def _fine(zoom: int, phase: int) -> tuple[NDArray[np.uint32], Integers]:
    """Fine cells around the quads that have a say, (quads, k), and their weights for the details (k, 3)."""
    first, ring = 4 * quads_of_phase(zoom, phase), _ring(zoom + 1)
    places: dict[tuple[int, int], Integers] = {}  # by x and y of -3 to 3 in half cells from the middle
    for child in range(4):
        for slot, (dx, dy) in enumerate(RING_STEPS):
            x, y = 2 * ((child & 1) + dx) - 1, 2 * ((child >> 1) + dy) - 1
            if max(abs(x), abs(y)) == 3 and (x, y) not in places:
                places[x, y] = ring[slot, first + child]
    _, _, side, level, fine_corner = _ALONG[phase]
    _, sides, fine_corners = _ACROSS[phase]
    if not zoom or not (side or fine_corner):
        return np.zeros((first.size, 0), np.uint32), np.zeros((0, 3), np.int64)
    weights, cells = [], []
    for (px, py), index in places.items():
        at_corner, (sx, sy) = abs(px) == abs(py), np.sign([px, py])
        along = fine_corner if at_corner else side if abs(px) == 3 else level
        up = fine_corner if at_corner else side if abs(py) == 3 else level
        across = fine_corners if at_corner else sides
        if along or up or across:
            weights.append([along * sx, up * sy, across * sx * sy])
            cells.append(index)
    return np.ascontiguousarray(np.stack(cells, axis=-1), np.uint32), np.array(weights, np.int64)


@lru_cache(maxsize=4)
def _parent_weights(phase: int) -> Integers:
    """Weights of the eight parents around for the details, (8, 3)."""
    weights = np.zeros((8, 3), np.int64)
    beside, corner, *_ = _ALONG[phase]
    weights[[_EAST, _WEST], 0] = weights[[_NORTH, _SOUTH], 1] = beside, -beside
    for sx, sy, slot in _CORNERS:
        weights[slot] = sx * corner, sy * corner, sx * sy * _ACROSS[phase][0]
    return weights


def surroundings(parents: Integers, fine: Integers, zoom: int, phase: int) -> tuple[Integers, Integers]:
    """What is expected of the quads of a phase: details (n, 3, k), and the sum of absolute differences to the
    parents around, (n, k).

    parents: (n, cells) of ``zoom``; fine: (n, 4 cells), where quads that are not coded yet hold their mean.
    """
    cells = quads_of_phase(zoom, phase)
    details = np.empty((len(parents), 3, cells.size), np.int64)
    slope = np.empty((len(parents), cells.size), np.int64)
    around, (near, weights) = parents_around(zoom, phase), _fine(zoom, phase)
    _surround(parents, fine, cells, around, _parent_weights(phase), near, weights, details, slope)
    return details, slope


@partial(kernel, exact=True)
def _surround(
    parents: Any,
    fine: Any,
    cells: Any,
    around: Any,
    parent_weights: Any,
    near: Any,
    weights: Any,
    details: Any,
    slope: Any,
) -> None:
    for i in range(len(parents)):
        for k in range(len(cells)):
            here = parents[i, cells[k]]
            x, y, across, total = 0, 0, 0, 0
            for slot in range(8):
                value = parents[i, around[k, slot]]
                total += abs(value - here)
                x += parent_weights[slot, 0] * value
                y += parent_weights[slot, 1] * value
                across += parent_weights[slot, 2] * value
            for place in range(near.shape[1]):
                value = fine[i, near[k, place]]
                x += weights[place, 0] * value
                y += weights[place, 1] * value
                across += weights[place, 2] * value
            slope[i, k] = total
            details[i, 0, k], details[i, 1, k] = (x + 512) >> 10, (y + 512) >> 10
            details[i, 2, k] = (across + 512) >> 10


def put(fine: Integers, here: Integers, details: Integers, zoom: int, phase: int) -> None:
    """Children of the quads of a phase to their places: means here (n, cells) and details (n, 3, k)."""
    _put(fine, here, details, quads_of_phase(zoom, phase))


@partial(kernel, exact=True)
def _put(fine: Any, here: Any, details: Any, cells: Any) -> None:
    for i in range(len(fine)):
        for k in range(len(cells)):
            mean, first = here[i, cells[k]], 4 * cells[k]
            for child in range(4):
                along, up, both = DETAILS[0, child], DETAILS[1, child], DETAILS[2, child]
                fine[i, first + child] = (
                    mean + along * details[i, 0, k] + up * details[i, 1, k] + both * details[i, 2, k]
                )


def known_ring(values: Integers, zoom: int, phase: int) -> Integers:
    """Sum over four neighbours of a phase's cells that are taken before them: at corners, later on sides."""
    slots = [slot for _, _, slot in _CORNERS] if phase == 1 else [_EAST, _WEST, _NORTH, _SOUTH]
    index = _ring(zoom)[slots][:, PHASE_CHILD[phase] :: 4]
    total = values[:, index[0]]
    for row in index[1:]:
        total = total + values[:, row]
    return total
