"""How much wider than supposed numbers are, as the writer finds before it writes them."""

from __future__ import annotations

__all__ = ["Sizer"]

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fsae_core.codec.seats import CENTRE, FLOOR, KINDS, NARROWEST, UNIT, within_kinds

Integers = NDArray[np.int64]


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
            best += gains[int(np.argmin([_bits(kind + (gain + best), off).sum() for gain in gains]))]
        return int(np.clip(best, -16, 47))

    def send(self, writer: Any, gain: int) -> None:
        """Write all of it, so many kinds wider."""
        for kind, shape, truth in self._parts:
            writer.code(within_kinds(kind + gain), shape, truth)


def _bits(kind: Integers, off: Integers) -> NDArray[np.float64]:
    """About what numbers cost of these kinds (-19 to 142) that were so far off, in 1/8."""
    bits = _bits_table().take((kind + 19) * _OFF_IN_TABLE + np.minimum(off, _OFF_IN_TABLE - 1))
    far = np.flatnonzero(off >= _OFF_IN_TABLE)
    if far.size:
        bits[far] = _bits_of(kind[far], off[far])
    return bits


def _bits_of(kind: Integers, off: Integers) -> NDArray[np.float64]:
    rate = np.pi / 3**0.5 / (2.0 ** ((kind + NARROWEST) / 3) + FLOOR / UNIT)
    inside = special.expit((0.5 - off / 8) * rate) - special.expit((-0.5 - off / 8) * rate)
    return np.asarray(-np.log2(inside + 1e-5))


_OFF_IN_TABLE = 256


@lru_cache(maxsize=1)
def _bits_table() -> NDArray[np.float64]:
    kinds = np.arange(-19, KINDS + 47)
    return _bits_of(kinds[:, None], np.arange(_OFF_IN_TABLE)).ravel()
