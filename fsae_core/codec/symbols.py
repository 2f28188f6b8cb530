"""Whole numbers to bytes and back, with models that are tables of integers.

A number is coded by how far it is from where it is expected, as drawn from one bell-shaped distribution. Its
width (``kind``, a third of an octave each) and its centre (in eighths) both sides derive from what is already
coded. All that decides a probability is integer arithmetic; the tables go to the range coder (constriction)
as whole numbers in float64, which it scales to 24 bits by operations that IEEE 754 fixes. So every machine
decodes the same. Of wide distributions the low bits are sent as they are; what is beyond a table escapes.
"""

from __future__ import annotations

__all__ = ["Reader", "Writer"]

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec import ranges
from fsae_core.codec.ranges import MOST_BITS, RAW, TABLED
from fsae_core.codec.seats import CENTRE, DEAD, FLOOR, KINDS, PLAIN, SHAPES, UNIT, width_of
from fsae_core.codec.stream import DamagedError

Integers = NDArray[np.int64]

# 2**24 times the probability of more than i/8 widths above the centre: two logistic distributions, 71 % of
# 0.83 and 29 % of 1.82 widths, fitted to what compressed fields of training times left.
# fmt: off
_TAIL = np.array([
    8388608, 7428833, 6499477, 5626836, 4830123, 4120289, 3500548, 2968023, 2515794, 2134801, 1815318,
    1547935, 1324107, 1136395, 978502, 845197, 732187, 635975, 553719, 483115, 422285, 369700, 324104,
    284461, 249913, 219745, 193354, 170234, 149952, 132141, 116485, 102714, 90593, 79917, 70511, 62221,
    54911, 48464, 42778, 37760, 33333, 29426, 25978, 22934, 20248, 17876, 15782, 13934, 12302, 10862, 9590,
    8467, 7475, 6600, 5827, 5145, 4542, 4010, 3541, 3126, 2760, 2437, 2151, 1899, 1677, 1481, 1307, 1154,
    1019, 900, 794, 701, 619, 547, 483, 426, 376, 332, 293, 259, 229, 202, 178, 157, 139, 123, 108, 96, 84,
    74, 66, 58, 51, 45, 40, 35, 31, 27, 24, 21, 19, 17, 15, 13, 11, 10, 9, 8, 7, 6, 5, 5, 4, 4, 3, 3, 3, 2,
    2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0,
], np.int64)
# fmt: on

_REACHES = np.array([2 + 6 * width_of(kind) // UNIT for kind in range(KINDS)], np.int64)
"""Residuals to this on both sides have a place in the table of a kind."""


def _weights(key: int) -> NDArray[np.float64]:
    """Of residuals -reach to reach in order, then of the escape; key: of a kind and a shape."""
    kind, shape = divmod(key, SHAPES)
    reach = int(_REACHES[kind])
    steps = 128 * np.arange(-reach - 1, reach + 1, dtype=np.int64)
    if shape < 5:
        steps = steps + np.where(steps < 0, 128 - DEAD, DEAD)
    else:
        steps = steps + (DEAD if shape < PLAIN else 64)
    edges = steps - 16 * CENTRE[shape]
    place = abs(edges) * (UNIT * 4) // (width_of(kind) + FLOOR)
    i = np.minimum(place >> 6, len(_TAIL) - 2)
    part = np.where(place >> 6 > i, 64, place & 63)
    tail = (_TAIL[i] * (64 - part) + _TAIL[i + 1] * part) >> 6
    above = np.where(edges < 0, 2**24 - tail, tail)
    table = np.maximum(above[:-1] - above[1:], 64)
    beyond = np.maximum(above[-1] + 2**24 - above[0], 64)
    return np.append(table, beyond).astype(np.float64)


@lru_cache(maxsize=TABLED * SHAPES)
def _model(key: int) -> Any:
    """What the weights are to the writer."""
    import constriction

    return constriction.stream.model.Categorical(_weights(key), perfect=False)


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.uint32], Integers, NDArray[np.uint8], Integers]:
    """What all weights are to the reader: see `ranges.read_numbers`."""
    keys = range(TABLED * SHAPES)
    found = [
        ranges.cumulative(_weights(key if key % SHAPES < len(CENTRE) else key - key % SHAPES)) for key in keys
    ]
    starts = np.cumsum([0, *(bounds.size for bounds in found[:-1])])
    guessed = np.stack([ranges.guesses(bounds) for bounds in found])
    return np.concatenate(found), starts.astype(np.int64), guessed, _REACHES


@lru_cache(maxsize=4096)
def _flag_model(odds: int) -> Any:
    """Of flags that are set so often in 4096."""
    import constriction

    return constriction.stream.model.Categorical(_flag_weights(odds), perfect=False)


def _flag_weights(odds: int) -> NDArray[np.float64]:
    return np.array([4096.0 - odds, odds])


@lru_cache(maxsize=4096)
def _flag_tables(odds: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    bounds = ranges.cumulative(_flag_weights(odds))
    return bounds, ranges.guesses(bounds)


class Writer:
    """Takes residuals in batches and gives the bytes."""

    def __init__(self) -> None:
        import constriction

        self._stream = constriction.stream
        self._coder = self._stream.queue.RangeEncoder()

    def code(self, kind: Integers, shape: Integers, truth: Integers) -> Integers:
        """Write how far numbers are from where they are expected, all (k,)."""
        if not truth.size:
            return truth
        symbols, plain = np.empty(truth.size, np.int32), np.empty((2, truth.size), np.int64)
        groups, beyond = ranges.symbols_of(kind, shape, truth, _REACHES, symbols, plain)
        start = 0
        for key, stop in groups.tolist():
            self._coder.encode(symbols[start:stop], _model(key))
            start = stop
        for value, reach in beyond.tolist():
            self._escape(value, reach)
        low, bits = plain
        for n in np.unique(bits[bits > 0]) if bits.any() else ():
            self._raw(low[bits == n], int(n))
        return truth

    def flags(self, truth: NDArray[np.bool_], odds: int) -> NDArray[np.bool_]:
        """Write flags (k,), set with a probability of ``odds`` in 4096."""
        self._coder.encode(truth.astype(np.int32), _flag_model(odds))
        return truth

    def number(self, value: int, size: int) -> None:
        """Write one number of 0 to size - 1, all equally likely."""
        self._coder.encode(value, self._stream.model.Uniform(max(size, 2)))

    def _escape(self, value: int, reach: int) -> None:
        excess = abs(value) - reach
        length = excess.bit_length() - 1
        self._coder.encode(length, self._stream.model.Uniform(MOST_BITS))
        self._raw(np.array([excess - (1 << length)], np.int64), length)
        self._raw(np.array([int(value < 0)], np.int64), 1)

    def _raw(self, values: Integers, bits: int) -> None:
        for shift in range(0, bits, RAW):
            size = min(RAW, bits - shift)
            part = (values >> shift) & ((1 << size) - 1)
            self._coder.encode(part.astype(np.int32), self._stream.model.Uniform(1 << size))

    def to_bytes(self) -> bytes:
        words = self._coder.get_compressed().astype("<u4")
        raw = words.tobytes()
        return raw.rstrip(b"\0")


class Reader:
    """Gives the residuals back, in the same batches."""

    def __init__(self, data: bytes) -> None:
        self._words = np.frombuffer(data + bytes(-len(data) % 4), "<u4").astype(np.uint32)
        self._state = ranges.begin(self._words)

    def code(self, kind: Integers, shape: Integers, truth: Integers | None = None) -> Integers:
        """Read as many as there are kinds. UserError where the bytes cannot be right."""
        out = np.empty(kind.size, np.int64)
        self._check(ranges.read_numbers(self._words, self._state, kind, shape, _tables(), out))
        return out

    def read_with(self, run: Any, *arguments: Any) -> None:
        """Read by a compiled loop of its own, which takes words, state and tables first."""
        self._check(run(self._words, self._state, _tables(), *arguments))

    def flags(self, amount: int, odds: int) -> NDArray[np.bool_]:
        """Read so many flags, as `Writer.flags` wrote them."""
        out = np.empty(amount, np.bool_)
        self._check(ranges.read_flags(self._words, self._state, *_flag_tables(odds), out))
        return out

    def number(self, size: int) -> int:
        """Read one number of 0 to size - 1."""
        out = np.empty(1, np.int64)
        self._check(ranges.read_uniform(self._words, self._state, max(size, 2), out))
        return min(int(out[0]), size - 1)

    @staticmethod
    def _check(right: bool) -> None:
        if not right:
            raise DamagedError("they cannot be decoded")
