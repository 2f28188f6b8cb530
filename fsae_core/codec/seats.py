"""How whole numbers lie to where they are expected, and how widely they may miss it: what picks their table.

A width is one of a number of kinds, a third of an octave each. The centre is counted in eighths of a step;
how it lies to the steps picks one of a few shapes, mirrored where that saves a table.
"""

from __future__ import annotations

__all__ = [
    "BOUNDS",
    "CENTRE",
    "DEAD_SEATS",
    "DEAD",
    "FLOOR",
    "KINDS",
    "LEAST",
    "NARROWEST",
    "PLAIN",
    "SHAPES",
    "UNIT",
    "Seats",
    "place",
    "seated",
    "width_of",
    "within_kinds",
]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

UNIT = 1024
"""Widths are counted in 1/1024 of a step."""
DEAD = 73
"""In 1/128 of a step: what is less is quantised to 0."""

KINDS = 96
_THIRDS = (UNIT, 1290, 1625)
NARROWEST = -15  # a width of 1/32 step
FLOOR = UNIT // 15  # even the surest expectation is wrong at times

# How centre and steps lie to each other: dead zone around 0 and centre 0 to 4 eighths; dead zone elsewhere,
# below, and centre -4 to 4; no dead zone and centre 0 to 4.
_CENTRED, _ASIDE, PLAIN = 0, 9, 14
CENTRE = np.array([0, 1, 2, 3, 4, -4, -3, -2, -1, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4], np.int64)
SHAPES = 32


def width_of(kind: int) -> int:
    """In 1/UNIT of a step."""
    octave, third = divmod(kind + NARROWEST, 3)
    return _THIRDS[third] << octave if octave >= 0 else _THIRDS[third] >> -octave


BOUNDS = np.array([(width_of(k) + width_of(k + 1)) // 2 for k in range(KINDS - 1)], np.int64)
"""Widths from which on the next kind is meant."""


def place(
    coder: Any,
    centre: Integers,
    width: Integers,
    gain: int,
    truth: Integers | None = None,
    *,
    dead: bool = True,
) -> Integers:
    """Code numbers of any shape, written from ``truth`` or read.

    They are expected at ``centre`` (1/8), give or take ``width`` (1/1024) and ``gain`` kinds; dead: they were
    quantised with a dead zone.
    """
    return seated(centre, dead=dead).code(coder, width, gain, truth)


@dataclass(frozen=True)
class Seats:
    """How numbers of any shape lie to where they are expected: the whole step next to it (base), the side
    that a table begins at (flip, 1 or -1), and which form of table (shape)."""

    base: Integers
    flip: Integers
    shape: Integers

    def __getitem__(self, key: Any) -> Seats:
        """Of some of the numbers."""
        return Seats(self.base[key], self.flip[key], self.shape[key])

    def code(self, coder: Any, width: Integers, gain: int, truth: Integers | None = None) -> Integers:
        """As `place`."""
        kind = BOUNDS.searchsorted(width, side="right")
        if gain:
            kind = within_kinds(kind + gain)
        base, flip, shape = self.base, self.flip, self.shape
        if kind.shape != base.shape:
            base, flip, shape = (np.broadcast_to(part, kind.shape) for part in (base, flip, shape))
        missed = None if truth is None else ((truth - base) * flip).ravel()
        return coder.code(kind.ravel(), shape.ravel(), missed).reshape(kind.shape) * flip + base


def seated(centre: Integers, *, dead: bool = True) -> Seats:
    """Of numbers that are expected at ``centre`` (1/8)."""
    centre = np.asarray(centre)
    base = (centre + 3) >> 3
    far = np.minimum(np.maximum(base, -1), 1)
    index = centre - 8 * (base - far) + LEAST
    return Seats(base, *(table.take(index) for table in (DEAD_SEATS if dead else _PLAIN_SEATS)))


def _seat_tables(dead: bool) -> tuple[Integers, Integers]:
    """Flip and shape for centres, less whole steps beyond the first on either side."""
    centre = np.arange(-LEAST, 13)
    base = (centre + 3) >> 3
    phase = centre - 8 * base
    flip = np.where(phase < 0, -1, 1)
    shape = PLAIN + abs(phase)
    if dead:
        flip = np.where(base == 0, flip, np.where(base < 0, -1, 1))
        shape = np.where(base == 0, _CENTRED, _ASIDE) + phase * flip
    return flip.astype(np.int64), shape.astype(np.int64)


LEAST = 11
"""Tables of seats begin at this centre below 0."""
DEAD_SEATS, _PLAIN_SEATS = _seat_tables(True), _seat_tables(False)


def within_kinds(kind: Integers) -> Integers:
    """The nearest that there is."""
    return np.minimum(np.maximum(kind, 0), KINDS - 1)
