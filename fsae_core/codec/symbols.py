"""Whole numbers to bytes and back, with models that are tables of integers.

A number is coded by how far it is from where it is expected, as drawn from one bell-shaped distribution. Its
width (``kind``, a third of an octave each) and its centre (in eighths) both sides derive from what is already
coded. All that decides a probability is integer arithmetic; the tables go to the range coder (constriction)
as whole numbers in float64, which it scales to 24 bits by operations that IEEE 754 fixes. So every machine
decodes the same. Of wide distributions the low bits are sent as they are; what is beyond a table escapes.
"""

from __future__ import annotations

__all__ = ["DEAD", "UNIT", "Reader", "Seats", "Sizer", "Writer", "place", "seated"]

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fsae_core.codec.stream import DamagedError

Integers = NDArray[np.int64]

UNIT = 1024
"""Widths are counted in 1/1024 of a step."""
DEAD = 73
"""In 1/128 of a step: what is less is quantised to 0."""

_KINDS = 96
_THIRDS = (UNIT, 1290, 1625)
_NARROWEST = -15  # a width of 1/32 step
_TABLED = 28  # kinds with a table of their own; wider ones use the last three for their high bits
_MOST_BITS = 46
_FLOOR = UNIT // 15  # even the surest expectation is wrong at times

# How centre and steps lie to each other: dead zone around 0 and centre 0 to 4 eighths; dead zone elsewhere,
# below, and centre -4 to 4; no dead zone and centre 0 to 4.
_CENTRED, _ASIDE, _PLAIN = 0, 9, 14
_CENTRE = np.array([0, 1, 2, 3, 4, -4, -3, -2, -1, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4], np.int64)
_SHAPES = 32

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


def _width(kind: int) -> int:
    octave, third = divmod(kind + _NARROWEST, 3)
    return _THIRDS[third] << octave if octave >= 0 else _THIRDS[third] >> -octave


_BOUNDS = np.array([(_width(k) + _width(k + 1)) // 2 for k in range(_KINDS - 1)], np.int64)


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
        return Seats(self.base[key], self.flip[key], self.shape[key])

    def code(self, coder: Any, width: Integers, gain: int, truth: Integers | None = None) -> Integers:
        """As `place`."""
        kind = _BOUNDS.searchsorted(width, side="right")
        if gain:
            kind = _within_kinds(kind + gain)
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
    index = centre - 8 * (base - far) + _LEAST
    return Seats(base, *(table.take(index) for table in (_DEAD_SEATS if dead else _PLAIN_SEATS)))


def _seat_tables(dead: bool) -> tuple[Integers, Integers]:
    """Flip and shape for centres, less whole steps beyond the first on either side."""
    centre = np.arange(-_LEAST, 13)
    base = (centre + 3) >> 3
    phase = centre - 8 * base
    flip = np.where(phase < 0, -1, 1)
    shape = _PLAIN + abs(phase)
    if dead:
        flip = np.where(base == 0, flip, np.where(base < 0, -1, 1))
        shape = np.where(base == 0, _CENTRED, _ASIDE) + phase * flip
    return flip.astype(np.int64), shape.astype(np.int64)


_LEAST = 11
_DEAD_SEATS, _PLAIN_SEATS = _seat_tables(True), _seat_tables(False)


def _within_kinds(kind: Integers) -> Integers:
    return np.minimum(np.maximum(kind, 0), _KINDS - 1)


_REACHES = np.array([2 + 6 * _width(kind) // UNIT for kind in range(_KINDS)], np.int64)
"""Residuals to this on both sides have a place in the table of a kind."""


@lru_cache(maxsize=_TABLED * _SHAPES)
def _model(key: int) -> Any:
    """Residuals -reach to reach in order, then the escape; key: of a kind and a shape."""
    import constriction

    kind, shape = divmod(key, _SHAPES)
    reach = int(_REACHES[kind])
    steps = 128 * np.arange(-reach - 1, reach + 1, dtype=np.int64)
    if shape < 5:
        steps = steps + np.where(steps < 0, 128 - DEAD, DEAD)
    else:
        steps = steps + (DEAD if shape < _PLAIN else 64)
    edges = steps - 16 * _CENTRE[shape]
    place = abs(edges) * (UNIT * 4) // (_width(kind) + _FLOOR)
    i = np.minimum(place >> 6, len(_TAIL) - 2)
    part = np.where(place >> 6 > i, 64, place & 63)
    tail = (_TAIL[i] * (64 - part) + _TAIL[i + 1] * part) >> 6
    above = np.where(edges < 0, 2**24 - tail, tail)
    table = np.maximum(above[:-1] - above[1:], 64)
    beyond = np.maximum(above[-1] + 2**24 - above[0], 64)
    probabilities = np.append(table, beyond).astype(np.float64)
    return constriction.stream.model.Categorical(probabilities, perfect=False)


@dataclass(frozen=True)
class _Batch:
    """Numbers in groups of one kind and shape: their order, where groups begin and end, model and reach.

    bits: of each number that go by themselves, None where none do.
    """

    order: Integers
    bounds: list[int]
    models: list[Any]
    reach: Integers
    bits: Integers | None

    @classmethod
    def of(cls, kind: Integers, shape: Integers) -> _Batch:
        bits = None
        if kind.max() >= _TABLED:
            kind, shape, bits = _tabled(kind, shape)
        key = (_SHAPES * kind + shape).astype(np.int16)  # which numpy sorts by its digits
        order = key.argsort(kind="stable")
        key = key[order]
        first = np.flatnonzero(key[1:] != key[:-1]) + 1
        bounds = [0, *first.tolist(), key.size]
        keys = key[bounds[:-1]].tolist()
        return cls(order, bounds, [_model(k) for k in keys], _REACHES.take(key // _SHAPES), bits)


def _tabled(kind: Integers, shape: Integers) -> tuple[Integers, Integers, Integers]:
    """The kind whose table is used, the shape, and how many low bits go by themselves."""
    bits = np.maximum(0, (kind - _TABLED + 3) // 3)
    return kind - 3 * bits, np.where(bits > 0, _PLAIN, shape), bits


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
        kind, off, best = kind[some], abs(8 * truth[some] - _CENTRE[shape[some]]), 0
        for gains in (range(-16, 48, 4), range(-3, 4)):
            best += gains[int(np.argmin([_bits(kind + (gain + best), off).sum() for gain in gains]))]
        return int(np.clip(best, -16, 47))

    def send(self, writer: Any, gain: int) -> None:
        """Write all of it, so many kinds wider."""
        for kind, shape, truth in self._parts:
            writer.code(_within_kinds(kind + gain), shape, truth)


def _bits(kind: Integers, off: Integers) -> NDArray[np.float64]:
    """About what numbers cost of these kinds (-19 to 142) that were so far off, in 1/8."""
    bits = _bits_table().take((kind + 19) * _OFF_IN_TABLE + np.minimum(off, _OFF_IN_TABLE - 1))
    far = np.flatnonzero(off >= _OFF_IN_TABLE)
    if far.size:
        bits[far] = _bits_of(kind[far], off[far])
    return bits


def _bits_of(kind: Integers, off: Integers) -> NDArray[np.float64]:
    rate = np.pi / 3**0.5 / (2.0 ** ((kind + _NARROWEST) / 3) + _FLOOR / UNIT)
    inside = special.expit((0.5 - off / 8) * rate) - special.expit((-0.5 - off / 8) * rate)
    return np.asarray(-np.log2(inside + 1e-5))


_OFF_IN_TABLE = 256


@lru_cache(maxsize=1)
def _bits_table() -> NDArray[np.float64]:
    kinds = np.arange(-19, _KINDS + 47)
    return _bits_of(kinds[:, None], np.arange(_OFF_IN_TABLE)).ravel()


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
        batch = _Batch.of(kind, shape)
        high = low = truth
        if batch.bits is not None:
            half = np.left_shift(1, batch.bits) >> 1
            high = (truth + half) >> batch.bits
            low = truth - (high << batch.bits) + half
        ordered = high[batch.order]
        escapes = abs(ordered) > batch.reach
        symbols = np.where(escapes, 2 * batch.reach + 1, ordered + batch.reach).astype(np.int32)
        for start, stop, model in zip(batch.bounds[:-1], batch.bounds[1:], batch.models, strict=True):
            self._coder.encode(symbols[start:stop], model)
        if escapes.any():
            for value, reach in zip(ordered[escapes].tolist(), batch.reach[escapes].tolist(), strict=True):
                self._escape(value, reach)
        if batch.bits is not None:
            for n in np.unique(batch.bits[batch.bits > 0]):
                self._raw(low[batch.bits == n], int(n))
        return truth

    def number(self, value: int, size: int) -> None:
        """Write one number of 0 to size - 1, all equally likely."""
        self._coder.encode(value, self._stream.model.Uniform(max(size, 2)))

    def _escape(self, value: int, reach: int) -> None:
        excess = abs(value) - reach
        length = excess.bit_length() - 1
        self._coder.encode(length, self._stream.model.Uniform(_MOST_BITS))
        self._raw(np.array([excess - (1 << length)], np.int64), length)
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

    def code(self, kind: Integers, shape: Integers, truth: Integers | None = None) -> Integers:
        """Read as many as there are kinds. UserError where the bytes cannot be right."""
        if not kind.size:
            return np.zeros(0, np.int64)
        batch = _Batch.of(kind, shape)
        ordered = self._take_groups(batch) - batch.reach
        for place in np.flatnonzero(ordered > batch.reach):
            ordered[place] = self._escape(int(batch.reach[place]))
        high = np.empty_like(ordered)
        high[batch.order] = ordered
        if batch.bits is None:
            return high
        low = np.zeros_like(ordered)
        for n in np.unique(batch.bits[batch.bits > 0]):
            low[batch.bits == n] = self._raw(int((batch.bits == n).sum()), int(n))
        return (high << batch.bits) + low - (np.left_shift(1, batch.bits) >> 1)

    def _take_groups(self, batch: _Batch) -> NDArray[np.int32]:
        decode, start, parts = self._coder.decode, 0, []
        try:
            for stop, model in zip(batch.bounds[1:], batch.models, strict=True):
                parts.append(decode(model, stop - start))
                start = stop
        except (AssertionError, ValueError) as error:
            raise DamagedError("they cannot be decoded") from error
        return np.concatenate(parts)

    def number(self, size: int) -> int:
        """Read one number of 0 to size - 1."""
        return min(int(self._take(self._stream.model.Uniform(max(size, 2)), 1)[0]), size - 1)

    def _take(self, model: Any, amount: int) -> NDArray[np.int32]:
        try:
            return self._coder.decode(model, amount)
        except (AssertionError, ValueError) as error:  # what constriction raises on impossible bytes
            raise DamagedError("they cannot be decoded") from error

    def _escape(self, reach: int) -> int:
        length = int(self._take(self._stream.model.Uniform(_MOST_BITS), 1)[0])
        excess = (1 << length) + int(self._raw(1, length)[0])
        return (excess + reach) * (-1 if self._raw(1, 1)[0] else 1)

    def _raw(self, amount: int, bits: int) -> Integers:
        values = np.zeros(amount, np.int64)
        for shift in range(0, bits, 16):
            size = min(16, bits - shift)
            values |= self._take(self._stream.model.Uniform(1 << size), amount).astype(np.int64) << shift
        return values
