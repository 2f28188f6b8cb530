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
    "Surroundings",
    "known_ring",
    "quads_of_phase",
    "ring_mean",
    "surroundings",
]

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Surroundings:
    """Of quads (n, k): expected details (n, 3, k), and the sum of absolute differences to parents around."""

    details: Integers
    slope: Integers


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
def _parents(zoom: int, phase: int) -> Integers:
    return np.ascontiguousarray(_ring(zoom)[:, quads_of_phase(zoom, phase)])


@lru_cache(maxsize=64)
def _fine(zoom: int, phase: int) -> dict[tuple[int, int], Integers]:
    """Fine cells around the quads, by place: x and y of -3 to 3 in half cells from the middle."""
    first, ring = 4 * quads_of_phase(zoom, phase), _ring(zoom + 1)
    places = {}
    for child in range(4):
        for slot, (dx, dy) in enumerate(RING_STEPS):
            x, y = 2 * ((child & 1) + dx) - 1, 2 * ((child >> 1) + dy) - 1
            if max(abs(x), abs(y)) == 3 and (x, y) not in places:
                places[x, y] = ring[slot, first + child]
    return places


def surroundings(parents: Integers, fine: Integers, zoom: int, phase: int) -> Surroundings:
    """What is expected of the quads of a phase.

    parents: (n, cells) of ``zoom``; fine: (n, 4 cells), where quads that are not coded yet hold their mean.
    """
    cells = quads_of_phase(zoom, phase)
    here = parents[:, cells]
    ring = [parents[:, index] for index in _parents(zoom, phase)]
    slope = np.zeros_like(here)
    for value in ring:
        slope += abs(value - here)
    beside, corner, side, level, fine_corner = _ALONG[phase]
    corners, sides, fine_corners = _ACROSS[phase]
    x = beside * (ring[_EAST] - ring[_WEST])
    y = beside * (ring[_NORTH] - ring[_SOUTH])
    across = np.zeros_like(here)
    for sx, sy, slot in _CORNERS:
        x += sx * corner * ring[slot]
        y += sy * corner * ring[slot]
        across += sx * sy * corners * ring[slot]
    if zoom:
        for (px, py), index in _fine(zoom, phase).items():
            at_corner = abs(px) == abs(py)
            if not (fine_corner if at_corner else side):
                continue
            value, sx, sy = fine[:, index], np.sign(px), np.sign(py)
            x += (fine_corner if at_corner else side if abs(px) == 3 else level) * sx * value
            y += (fine_corner if at_corner else side if abs(py) == 3 else level) * sy * value
            across += (fine_corners if at_corner else sides) * sx * sy * value
    return Surroundings((np.stack([x, y, across], axis=1) + 512) >> 10, slope)


def ring_mean(values: Integers, zoom: int, phase: int) -> Integers:
    """Mean over the neighbours of a phase's quads that are coded before them; the others must be 0."""
    total = np.zeros((len(values), quads_of_phase(zoom, phase).size), np.int64)
    if phase:
        for index in _parents(zoom, phase):
            total += values[:, index]
    return total // (1, 4, 4, 8)[phase]


def known_ring(values: Integers, zoom: int, phase: int) -> Integers:
    """Sum over four neighbours of a phase's cells that are taken before them: at corners, later on sides."""
    slots = [slot for _, _, slot in _CORNERS] if phase == 1 else [_EAST, _WEST, _NORTH, _SOUTH]
    index = _ring(zoom)[slots][:, PHASE_CHILD[phase] :: 4]
    total = values[:, index[0]]
    for row in index[1:]:
        total = total + values[:, row]
    return total
