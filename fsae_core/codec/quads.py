"""Fields of integers on the nested sphere as a pyramid of sums, coded from coarse to fine.

Level l holds the sums of whole numbers over the cells of zoom l, so a parent is the sum of its four children
and the last child need not be sent. A child is expected where the smooth, mean-preserving prolongation of
its parent's ring puts it, corrected by the siblings already coded; how far it may be off is judged from the
slopes around its parent and from those siblings. One routine does both directions, so they cannot come apart.
"""

from __future__ import annotations

__all__ = ["GAINS", "code_field", "code_numbers"]

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.symbols import KINDS, PHASES, UNIT, kind_of
from fsae_core.sphere.healpix import RING_STEPS, n_cells, ring_table

Integers = NDArray[np.int64]

_SENT = 3  # children that are sent, of four
GAINS = 96
"""Corrections of kinds that can be told."""


@lru_cache(maxsize=10)
def _ring(zoom: int) -> tuple[Integers, tuple[Integers, ...]]:
    """Neighbours by slot (8, cells), an absent corner standing for the cell itself, and where those are."""
    table = ring_table(zoom).T
    slot, cell = np.nonzero(table < 0)
    return np.where(table < 0, np.arange(table.shape[1]), table), (slot, cell, (slot - 1) % 8, (slot + 1) % 8)


def _weights() -> Integers:
    """Children by ring slots, in 1/64: bilinear inside the ring, made to keep the mean."""
    rows = []
    for dx, dy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):  # where the children lie, nested order
        row = []
        for sx, sy in RING_STEPS:
            along_x = (sx == dx) if sx else 3
            along_y = (sy == dy) if sy else 3
            row.append(4 * along_x * along_y)
        rows.append(row)
    weights = np.array(rows, np.int64)
    return weights - weights.sum(axis=0) // 4


_PROLONG = _weights()


def _steps(parents: Integers, zoom: int) -> Integers:
    """Ring neighbours minus the cell itself, twice, (n, 8, cells)."""
    index, (slot, cell, before, after) = _ring(zoom)
    steps = 2 * (parents[:, index] - parents[:, None, :])
    steps[:, slot, cell] = (steps[:, before, cell] + steps[:, after, cell]) >> 1
    return steps


def code_field(coder: Any, n: int, zoom: int, truth: Integers | None) -> Integers:
    """Code n fields of whole numbers (n, cells): ``truth`` where the coder writes, None where it reads."""
    levels = [None] * (zoom + 1) if truth is None else _sums(truth, zoom)
    width = np.full((n, n_cells(0)), UNIT, np.int64)
    here = code_numbers(coder, np.zeros((n, n_cells(0)), np.int64), width, levels[0])
    for level in range(1, zoom + 1):
        here = _code_children(coder, here, level, levels[level])
    return here


def _sums(truth: Integers, zoom: int) -> list[Integers]:
    levels = [truth]
    for _ in range(zoom):
        levels.append(levels[-1].reshape(len(truth), -1, 4).sum(axis=-1))
    return levels[::-1]


def _code_children(coder: Any, parents: Integers, level: int, truth: Integers | None) -> Integers:
    steps = _steps(parents, level - 1)
    # In 1/512 of a unit of the children: a quarter of the parent, and 1/64 of the weights, 1/2 of the steps.
    expected = 128 * parents[..., None] + np.einsum("jk,nkc->ncj", _PROLONG, steps)
    slope = abs(steps).sum(axis=1)
    off = np.zeros_like(slope)
    out = np.empty(expected.shape, np.int64)
    rest = np.zeros_like(slope)
    for child in range(_SENT):
        centre = expected[..., child] - rest // (4 - child)
        width = (slope * (UNIT // 32) >> 2) + (off * UNIT >> 9)
        true = None if truth is None else truth.reshape(out.shape)[..., child]
        out[..., child] = code_numbers(coder, centre, width, true)
        difference = 512 * out[..., child] - expected[..., child]
        rest += difference
        off += abs(difference) >> 1
    out[..., 3] = parents - out[..., :3].sum(axis=-1)
    return out.reshape(len(parents), -1)


def code_numbers(coder: Any, centre: Integers, width: Integers, truth: Integers | None) -> Integers:
    """Code values (n, k) expected at ``centre`` (in 1/512), with spreads like ``width`` (in 1/1024)."""
    eighths = (centre.ravel() + 32) >> 6
    base = (eighths + 3) >> 3
    phase = (eighths - 8 * base) % PHASES
    kind = kind_of(width.ravel())
    residual = None if truth is None else truth.ravel() - base
    gain = 0 if residual is None else _gain(residual - (eighths - 8 * base) / 8, kind)
    gain = coder.number(gain + GAINS // 2, GAINS) - GAINS // 2
    kind = np.clip(kind + gain, 0, KINDS - 1)
    return (base + coder.code(kind, phase, residual)).reshape(centre.shape)


def _gain(residual: NDArray[np.float64], kind: Integers) -> int:
    """The writer's choice of the common correction of kinds; the reader is told."""
    spread = np.sqrt(np.mean((residual / 2 ** (kind / 3)) ** 2) + 1e-9) * 32
    return int(np.clip(round(3 * np.log2(spread)), -(GAINS // 2), GAINS // 2 - 1))
