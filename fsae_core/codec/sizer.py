"""How much wider than supposed numbers are, as the writer finds before it writes them."""

from __future__ import annotations

__all__ = ["Sizer"]

import math
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fsae_core.codec.seats import CENTRE, FLOOR, KINDS, NARROWEST, UNIT, within_kinds
from fsae_core.compiled import kernel

Integers = NDArray[np.int64]

_OFF_IN_TABLE = 256
_LEAST = 1e-5  # of a number's probability


class Sizer:
    """Takes the place of a writer, finds the gain that costs least, and hands on what it was given."""

    def __init__(self) -> None:
        self._parts: list[tuple[Integers, Integers, Integers]] = []

    def code(self, kind: Integers, shape: Integers, truth: Integers) -> Integers:
        """Remember numbers and how far they were off."""
        self._parts.append((kind, shape, truth))
        return truth

    def best_gain(self) -> int:
        """From -16 to 47; by logistic distributions and at most 2000 of the numbers."""
        kind, shape, truth = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        some = slice(None, None, 1 + kind.size // 2000)
        kind, off, best = kind[some], abs(8 * truth[some] - CENTRE[shape[some]]), 0
        for gains in (range(-16, 48, 4), range(-3, 4)):
            costs = [_cost(*_bits_table(), kind + (gain + best), off) for gain in gains]
            best += gains[int(np.argmin(costs))]
        return int(np.clip(best, -16, 47))

    def send(self, writer: Any, gain: int) -> None:
        """Write all of it, so many kinds wider."""
        for kind, shape, truth in self._parts:
            writer.code(within_kinds(kind + gain), shape, truth)


@partial(kernel, exact=True)
def _cost(table: Any, rates: Any, kind: Any, off: Any) -> float:
    """About how many bits numbers cost of these kinds (-19 to 142) that were so far off, in 1/8."""
    total = 0.0
    for i in range(len(kind)):
        row = kind[i] + 19
        if off[i] < _OFF_IN_TABLE:
            total += table[row, off[i]]
        else:
            nearer = 1 / (1 + math.exp((off[i] / 8 - 0.5) * rates[row]))
            further = 1 / (1 + math.exp((off[i] / 8 + 0.5) * rates[row]))
            total -= math.log2(nearer - further + _LEAST)
    return total


@lru_cache(maxsize=1)
def _bits_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bits by kind and by how far off, (kinds, _OFF_IN_TABLE); what widths are to the logistic, (kinds,)."""
    kinds = np.arange(-19, KINDS + 47)
    rates = np.pi / 3**0.5 / (2.0 ** ((kinds + NARROWEST) / 3) + FLOOR / UNIT)
    off = np.arange(_OFF_IN_TABLE) / 8
    inside = special.expit((0.5 - off) * rates[:, None]) - special.expit((-0.5 - off) * rates[:, None])
    return -np.log2(inside + _LEAST), rates
