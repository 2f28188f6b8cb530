"""Integer residuals to bytes and back, with models that are tables of integers.

A residual is coded as drawn from one bell-shaped distribution whose width (``kind``, a third of an octave
each) and centre (``phase``, eighths of one) both sides derive from what is already coded. All that decides a
probability is integer arithmetic; the tables go to the range coder (constriction) as whole numbers in
float64, which it scales to 24 bits by operations that IEEE 754 fixes. So every machine decodes the same. Of
wide distributions the low bits are sent as they are; values beyond a table are escapes.
"""

from __future__ import annotations

__all__ = ["KINDS", "LARGEST", "PHASES", "UNIT", "Reader", "Writer", "kind_of"]

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.errors import UserError

Integers = NDArray[np.int64]

PHASES = 8
UNIT = 1024
"""Widths are counted in 1/1024 of a quantisation step."""
KINDS = 96
"""From a width of 1/32 step on."""
LARGEST = 2**44
"""No residual may reach this: sums of 4**9 values of 2**24."""

_THIRDS = (UNIT, 1290, 1625)
_NARROWEST = -15
_TABLED = 28
_BITS_OF_LENGTH = 46

# 2**24 times the probability of more than i/8 widths above the centre.
# fmt: off
_TAIL = np.array([
    8388608, 7441708, 6518634, 5640874, 4825709, 4085132, 3425631, 2848702, 2351823, 1929604, 1574910,
    1279795, 1036210, 836485, 673609, 541370, 434391, 348099, 278656, 222879, 178146, 142314, 113640, 90711,
    72389, 57755, 46071, 36745, 29304, 23368, 18633, 14856, 11845, 9443, 7528, 6002, 4785, 3814, 3041, 2424,
    1932, 1540, 1228, 979, 780, 622, 496, 395, 315, 251, 200, 160, 127, 101, 81, 64, 51, 41, 33, 26, 21, 17,
    13, 11, 8, 7, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0,
], np.int64)
# fmt: on


def _width(kind: int) -> int:
    octave, third = divmod(kind + _NARROWEST, 3)
    return _THIRDS[third] << octave if octave >= 0 else _THIRDS[third] >> -octave


_BOUNDS = np.array([(_width(k) + _width(k + 1)) // 2 for k in range(KINDS - 1)], np.int64)


def kind_of(width: Integers) -> Integers:
    """The kind whose width is nearest to these, in 1/1024 of a step."""
    return np.searchsorted(_BOUNDS, width, side="right")


def _reach(kind: int) -> int:
    """Residuals to this on both sides have a place in the table of a kind."""
    return 2 + 6 * _width(kind) // UNIT


@lru_cache(maxsize=KINDS * PHASES)
def _model(kind: int, phase: int) -> Any:
    """Residuals -reach to reach in order, then the escape."""
    import constriction

    reach = _reach(kind)
    edges = 8 * np.arange(-reach - 1, reach + 1, dtype=np.int64) + 4 - phase  # eighths of a step
    place = abs(edges) * (UNIT * 64) // _width(kind)
    i = np.minimum(place >> 6, len(_TAIL) - 2)
    part = np.where(place >> 6 > i, 64, place & 63)
    tail = (_TAIL[i] * (64 - part) + _TAIL[i + 1] * part) >> 6
    above = np.where(edges < 0, 2**24 - tail, tail)
    table = np.maximum(above[:-1] - above[1:], 64)
    beyond = np.maximum(above[-1] + 2**24 - above[0], 64)
    probabilities = np.append(table, beyond).astype(np.float64)
    return constriction.stream.model.Categorical(probabilities, perfect=False)


def _groups(kind: Integers, phase: Integers) -> list[tuple[int, int, Integers]]:
    """(kind, phase, where) of every pair that occurs, in order."""
    key = kind * PHASES + phase
    order = np.argsort(key, kind="stable")
    found, first = np.unique(key[order], return_index=True)
    parts = np.split(order, first[1:])
    return [(int(k) // PHASES, int(k) % PHASES, part) for k, part in zip(found, parts, strict=True)]


def _tabled(kind: Integers, phase: Integers) -> tuple[Integers, Integers, Integers, Integers]:
    """The kind whose table is used, the phase (0 to half), the sign, how many low bits go by themselves."""
    flip = np.where(phase > PHASES // 2, -1, 1)
    bits = np.maximum(0, -(-(kind - _TABLED + 1) // 3))
    return kind - 3 * bits, np.where(flip < 0, PHASES - phase, phase) * (bits == 0), flip, bits


class Writer:
    """Takes residuals in batches and gives the bytes."""

    def __init__(self) -> None:
        import constriction

        self._stream = constriction.stream
        self._coder = self._stream.queue.RangeEncoder()

    def code(self, kind: Integers, phase: Integers, truth: Integers) -> Integers:
        """Write residuals, all (k,); ``phase``: the centre lies so many eighths above zero, modulo one."""
        if not truth.size:
            return truth
        kind, phase, flip, bits = _tabled(kind, phase)
        high = (truth * flip + (np.left_shift(1, bits) >> 1)) >> bits
        low = truth * flip - (high << bits) + (np.left_shift(1, bits) >> 1)
        for k, p, where in _groups(kind, phase):
            reach = _reach(k)
            symbols = high[where] + reach
            escapes = (symbols < 0) | (symbols > 2 * reach)
            symbols[escapes] = 2 * reach + 1
            self._coder.encode(symbols.astype(np.int32), _model(k, p))
            self._escapes(high[where][escapes], reach)
        for n in np.unique(bits[bits > 0]):
            self._raw(low[bits == n], int(n))
        return truth

    def number(self, value: int, size: int) -> int:
        """Write one number of 0 to size - 1."""
        self._coder.encode(value, self._stream.model.Uniform(size))
        return value

    def _escapes(self, values: Integers, reach: int) -> None:
        for value in values:
            excess = abs(int(value)) - reach
            length = excess.bit_length()
            model = self._stream.model.Uniform(_BITS_OF_LENGTH)
            self._coder.encode(length - 1, model)
            self._raw(np.array([excess - (1 << (length - 1))], np.int64), length - 1)
            self._raw(np.array([int(value < 0)], np.int64), 1)

    def _raw(self, values: Integers, bits: int) -> None:
        for shift in range(0, bits, 16):
            size = min(16, bits - shift)
            part = (values >> shift) & ((1 << size) - 1)
            self._coder.encode(part.astype(np.int32), self._stream.model.Uniform(1 << size))

    def to_bytes(self) -> bytes:
        words = self._coder.get_compressed().astype("<u4")
        raw = words.tobytes()
        return raw.rstrip(b"\0")


class Reader:
    """Gives the residuals back, in the same batches."""

    def __init__(self, data: bytes) -> None:
        import constriction

        self._stream = constriction.stream
        words = np.frombuffer(data + bytes(-len(data) % 4), "<u4").astype(np.uint32)
        self._coder = self._stream.queue.RangeDecoder(words)

    def code(self, kind: Integers, phase: Integers, truth: None = None) -> Integers:
        """Read as many residuals as there are kinds and phases. UserError where the bytes cannot be right."""
        kind, phase, flip, bits = _tabled(kind, phase)
        high = np.zeros(kind.shape, np.int64)
        for k, p, where in _groups(kind, phase) if kind.size else []:
            reach = _reach(k)
            values = self._take(_model(k, p), where.size) - reach
            escapes = np.flatnonzero(values > reach)
            values[escapes] = [self._escape(reach) for _ in escapes]
            high[where] = values
        low = np.zeros(kind.shape, np.int64)
        for n in np.unique(bits[bits > 0]):
            low[bits == n] = self._raw(int((bits == n).sum()), int(n))
        return ((high << bits) + low - (np.left_shift(1, bits) >> 1)) * flip

    def number(self, value: int, size: int) -> int:
        """Read one number of 0 to size - 1; ``value`` is not looked at."""
        return int(self._take(self._stream.model.Uniform(size), 1)[0])

    def _take(self, model: Any, amount: int) -> Integers:
        try:
            return np.asarray(self._coder.decode(model, amount), np.int64)
        except (AssertionError, ValueError) as error:  # what constriction raises on impossible bytes
            raise UserError(
                "Compressed fields are damaged (their bytes cannot be decoded): make or copy them again."
            ) from error

    def _escape(self, reach: int) -> int:
        length = int(self._take(self._stream.model.Uniform(_BITS_OF_LENGTH), 1)[0])
        excess = (1 << length) + int(self._raw(1, length)[0])
        return (excess + reach) * (-1 if self._raw(1, 1)[0] else 1)

    def _raw(self, amount: int, bits: int) -> Integers:
        values = np.zeros(amount, np.int64)
        for shift in range(0, bits, 16):
            size = min(16, bits - shift)
            values |= self._take(self._stream.model.Uniform(1 << size), amount) << shift
        return values
