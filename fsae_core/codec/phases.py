"""What is expected of the details of one phase and how widely they may miss it, compiled.

The same for writing and reading: all that decides is arithmetic of whole numbers, on what both know.
"""

from __future__ import annotations

__all__ = ["read_phase", "write_phase"]

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from fsae_core.codec.ranges import read_numbers
from fsae_core.codec.seats import BOUNDS, DEAD_SEATS, KINDS, LEAST, UNIT
from fsae_core.compiled import kernel

# By whether other times are known, by band (along an axis, across): weights in 1/256 of the slope, of how far
# off the quad above, those around and the bands before were, of how far off this was at other times, a floor.
_WIDTHS = np.array(
    [
        [[16, 20, 40, 50, 0, 14], [16, 20, 40, 50, 0, 14], [4, 10, 28, 60, 0, 6]],
        [[8, 10, 45, 42, 78, 6], [8, 10, 45, 42, 78, 6], [2, 5, 20, 48, 64, 4]],
    ],
    np.int64,
)
_KNOWN_AROUND = (0, 2, 2, 3)
"""How many neighbours of its quads are coded before a phase, as a power of 2; none before the first."""
_FLIP, _SHAPE = DEAD_SEATS


@njit(inline="always")
def _kind_of(width: Any) -> Any:
    """As BOUNDS.searchsorted(width, side="right")."""
    octave = 0
    while width >> (octave + 1) > 0:
        octave += 1
    kind = min(max(3 * octave - 16, 0), KINDS - 1)  # none is below, and three more at most
    while kind < KINDS - 1 and BOUNDS[kind] <= width:
        kind += 1
    return kind


@njit(inline="always")
def _centre(times: Any, past: Any, told: Any, i: Any, band: Any, k: Any) -> Any:
    """Where a number is expected, in 1/8: as `Told.expect` of what `Past` knows."""
    _, before, after, known = times
    if not known:
        return 0
    numbers, total, _ = past
    shares, _ = told
    nearest = 4 * (numbers[before[i], band, k] + numbers[after[i], band, k])
    mean = 8 * total[band, k] // known
    return (8 + shares[0] * nearest + shares[1] * mean) >> 4


@njit(inline="always")
def _foresee(
    where: Any, times: Any, past: Any, told: Any, around: Any, so_far: Any, band: Any, made: Any
) -> None:
    """Of the numbers of a band into made (5, b * k): kind and shape of the table of each, base and flip by
    which it lies to the whole steps (see `seats`), centre."""
    cells, neighbours, phase = where
    known, gain = times[3], told[1]
    slope, above, off = around
    weights = _WIDTHS[min(known, 1), band]
    usual = np.empty(len(cells), np.int64)
    for k in range(len(cells)):
        usual[k] = weights[4] * (past[2][band, k] // max(known, 1))
    at = 0
    for i in range(len(slope)):
        for k in range(len(cells)):
            missed = weights[1] * above[i, cells[k]] + usual[k]
            if phase:
                total = 0
                for slot in range(8):
                    total += off[i, neighbours[k, slot]]
                missed += weights[2] * (total >> _KNOWN_AROUND[phase])
            width = weights[0] * slope[i, k] + UNIT // 8 * missed + weights[5] * UNIT
            kind = _kind_of((width + UNIT // 8 * weights[3] * so_far[at]) >> 8)
            centre = _centre(times, past, told, i, band, k)
            base = (centre + 3) >> 3
            seat = centre - 8 * (base - min(max(base, -1), 1)) + LEAST
            seat = min(max(seat, 0), len(_FLIP) - 1)  # where damaged numbers leave 64 bits
            made[0, at] = min(max(kind + gain, 0), KINDS - 1)
            made[1, at], made[2, at], made[3, at] = _SHAPE[seat], base, _FLIP[seat]
            made[4, at] = centre
            at += 1


@njit(inline="always")
def _count(made: Any, so_far: Any, band: Any, numbers: Any, missed: Any) -> None:
    """Add how far the numbers of a band were off, in 1/8, to that of the bands before and, band by band, to
    missed (3, k)."""
    at = 0
    for i in range(numbers.shape[0]):
        for k in range(numbers.shape[2]):
            off = abs(8 * numbers[i, band, k] - made[4, at])
            so_far[at] += off
            missed[band, k] += off
            at += 1


@njit(inline="always")
def _finish(where: Any, times: Any, past: Any, around: Any, so_far: Any, numbers: Any, missed: Any) -> None:
    """Add all to the past, and how far the quads were off to what the next phase sees of them."""
    all_numbers, total, all_missed = past
    b, _, quads = numbers.shape
    for i in range(b):
        for k in range(quads):
            around[2][i, where[0][k]] = so_far[i * quads + k]
            for band in range(3):
                all_numbers[times[0][i], band, k] = numbers[i, band, k]
                total[band, k] += numbers[i, band, k]
    for band in range(3):
        for k in range(quads):
            all_missed[band, k] += missed[band, k]


@partial(kernel, exact=True)
def write_phase(where: Any, times: Any, past: Any, told: Any, around: Any, numbers: Any, bands: Any) -> None:
    """From numbers (b, 3, k) what is to be coded: bands (band; kind, shape, residual; b * k)."""
    b, _, quads = numbers.shape
    made, so_far = np.empty((5, b * quads), np.int64), np.zeros(b * quads, np.int64)
    missed = np.zeros((3, quads), np.int64)
    for band in range(3):
        _foresee(where, times, past, told, around, so_far, band, made)
        bands[band, :2] = made[:2]
        for i in range(b):
            for k in range(quads):
                at = i * quads + k
                bands[band, 2, at] = (numbers[i, band, k] - made[2, at]) * made[3, at]
        _count(made, so_far, band, numbers, missed)
    _finish(where, times, past, around, so_far, numbers, missed)


@partial(kernel, exact=True)
def read_phase(
    words: Any,
    state: Any,
    tables: Any,
    where: Any,
    times: Any,
    past: Any,
    told: Any,
    around: Any,
    numbers: Any,
    bands: Any,
) -> bool:
    """Numbers (b, 3, k) from the words of a range coder; False where these are wrong.

    where: cells of the quads, parents around them, phase; times: fields of the batch, those before and after,
    how many are known; past: see `Past`; told: shares and gain; around: slopes (b, k), how far off quads
    above were and those of this level are, (b, quads).
    """
    b, _, quads = numbers.shape
    made, so_far = np.empty((5, b * quads), np.int64), np.zeros(b * quads, np.int64)
    missed = np.zeros((3, quads), np.int64)
    for band in range(3):
        _foresee(where, times, past, told, around, so_far, band, made)
        bands[band, :2] = made[:2]
        if not read_numbers(words, state, made[0], made[1], tables, bands[band, 2]):
            return False
        for i in range(b):
            for k in range(quads):
                at = i * quads + k
                numbers[i, band, k] = bands[band, 2, at] * made[3, at] + made[2, at]
        _count(made, so_far, band, numbers, missed)
    _finish(where, times, past, around, so_far, numbers, missed)
    return True
