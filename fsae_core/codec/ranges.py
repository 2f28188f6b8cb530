"""Reading what constriction's range coder wrote, many numbers of different models in one compiled loop.

The coder (Martin 1979) with words of 32 bits and a state of 64, models of 24 bits, as `constriction` 0.4 has
it (Bamler 2022, arXiv 2201.01741). It writes; reading through it costs a call for every model, which takes
longer than the numbers do. All of it is arithmetic of whole numbers.

``state``: lower end and size of the range, where in it the bytes point to, next word; uint64.
"""

from __future__ import annotations

__all__ = ["begin", "cumulative", "guesses", "read_flags", "read_numbers", "read_uniform", "symbols_of"]

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from fsae_core.codec.seats import PLAIN, SHAPES
from fsae_core.compiled import kernel

TABLED = 28
"""Kinds with a table of their own; wider ones use the last three for their high bits."""
MOST_BITS = 46
"""Of what is beyond a table."""
RAW = 16
"""Bits that go by themselves are written so many at a time."""

_BITS, _WORD = np.uint64(24), np.uint64(32)
_WHOLE, _LEAST = np.uint64(1 << 24), np.uint64(1 << 32)
_GUESSED = np.uint64(16)
_ONE, _NONE = np.uint64(1), np.uint64(0)


def cumulative(weights: ArrayLike) -> NDArray[np.uint32]:
    """Bounds of symbols in 2**24, with one more at the end, for weights of which none is too small to be met:
    as constriction's Categorical(perfect=False) has them."""
    weights = np.asarray(weights, np.float64)
    scale = (2.0**24 - weights.size) / weights.sum()
    below = np.concatenate([[0.0], np.cumsum(weights)])
    bounds = (below * scale).astype(np.uint32) + np.arange(weights.size + 1, dtype=np.uint32)
    bounds[-1] = 2**24
    return bounds


def guesses(bounds: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The symbol that the first numbers of 2**24 / 256 each belong to."""
    starts = np.arange(256, dtype=np.uint32) << int(_GUESSED)
    return (np.searchsorted(bounds, starts, side="right") - 1).astype(np.uint8)


@njit(inline="always")
def _next(words: Any, state: Any) -> Any:
    """The next word; after the last, zeros, which the writer leaves off."""
    at = state[3]
    state[3] = at + _ONE
    return np.uint64(words[at]) if at < np.uint64(len(words)) else _NONE


@njit(inline="always")
def _asked(state: Any) -> Any:
    """What a 24-bit part of the range is, and in which the bytes point; beyond all where they are wrong."""
    scale = state[1] >> _BITS
    return scale, (state[2] - state[0]) // scale


@njit(inline="always")
def _narrow(words: Any, state: Any, scale: Any, left: Any, share: Any) -> None:
    state[0] += scale * left
    state[1] = scale * share
    if state[1] < _LEAST:
        state[0] <<= _WORD
        state[1] <<= _WORD
        state[2] = state[2] << _WORD | _next(words, state)


@njit(inline="always")
def _symbol(words: Any, state: Any, bounds: Any, first: Any, guesses: Any) -> Any:
    """A symbol by its bounds, from first on, and by `guesses` of them; -1 where the bytes are wrong."""
    scale, asked = _asked(state)
    if asked >= _WHOLE:
        return -1
    at = first + guesses[asked >> _GUESSED]
    while np.uint64(bounds[at + 1]) <= asked:
        at += 1
    left = np.uint64(bounds[at])
    _narrow(words, state, scale, left, np.uint64(bounds[at + 1]) - left)
    return at - first


@njit(inline="always")
def _even(words: Any, state: Any, size: Any) -> Any:
    """One of ``size`` numbers that are equally likely; -1 where the bytes are wrong."""
    scale, asked = _asked(state)
    if asked >= _WHOLE:
        return -1
    share = _WHOLE // np.uint64(size)
    last = np.uint64(size) - _ONE
    number = min(asked // share, last)
    left = number * share
    _narrow(words, state, scale, left, _WHOLE - left if number == last else share)
    return np.int64(number)


@njit(inline="always")
def _raw(words: Any, state: Any, bits: Any) -> Any:
    """One number of so many bits; -1 where the bytes are wrong."""
    value = 0
    for shift in range(0, bits, RAW):
        part = _even(words, state, 1 << min(RAW, bits - shift))
        if part < 0:
            return -1
        value |= part << shift
    return value


@kernel
def begin(words: Any) -> Any:
    """The state before the first symbol of words, uint32."""
    state = np.zeros(4, np.uint64)
    state[1] = ~_NONE
    state[2] = _next(words, state) << _WORD
    state[2] |= _next(words, state)
    return state


@kernel
def read_uniform(words: Any, state: Any, size: int, out: Any) -> bool:
    """Fill out, int64, with numbers of 0 to size - 1; False where the bytes are wrong."""
    for i in range(len(out)):
        out[i] = _even(words, state, size)
        if out[i] < 0:
            return False
    return True


@kernel
def read_flags(words: Any, state: Any, bounds: Any, guessed: Any, out: Any) -> bool:
    """Fill out, bool, with flags by the bounds of both and their `guesses`; False where the bytes are
    wrong."""
    for i in range(len(out)):
        symbol = _symbol(words, state, bounds, 0, guessed)
        if symbol < 0:
            return False
        out[i] = symbol > 0
    return True


@njit(inline="always")
def _escaped(words: Any, state: Any, reach: Any) -> Any:
    """A number beyond reach, and whether the bytes can be right."""
    length = _even(words, state, MOST_BITS)
    excess = _raw(words, state, length) if length >= 0 else -1
    negative = _even(words, state, 2) if excess >= 0 else -1
    number = (1 << max(length, 0)) + excess + reach
    return (-number if negative else number), negative >= 0


@njit(inline="always")
def _by_table(kind: Any, shape: Any, keys: Any, bits: Any, order: Any) -> Any:
    """Of numbers (k,) the table of each, how many low bits go by themselves, and the order in which they are
    coded: table by table. The most such bits."""
    most: Any = 0
    first: Any = TABLED * SHAPES
    last: Any = 0
    count = np.zeros(TABLED * SHAPES + 1, np.int64)
    for i in range(len(kind)):
        table, form = kind[i], shape[i]
        bits[i] = 0
        if table >= TABLED:
            bits[i] = (table - TABLED + 3) // 3
            table, form, most = table - 3 * bits[i], PLAIN, max(most, bits[i])
        keys[i] = table * SHAPES + form
        count[keys[i] + 1] += 1
        first, last = min(first, keys[i]), max(last, keys[i])
    for key in range(first, last):
        count[key + 1] += count[key]
    for i in range(len(kind)):
        order[count[keys[i]]] = i
        count[keys[i]] += 1
    return most


@kernel
def symbols_of(kind: Any, shape: Any, truth: Any, reaches: Any, symbols: Any, plain: Any) -> Any:
    """What is to be written of residuals, (k,) int64 each, for `read_numbers` to read.

    symbols: (k,) int32, filled table by table; plain: (2, k), filled with the bits of each that go by
    themselves, and how many they are. Gives tables with the ends of their symbols (n, 2), and what is beyond
    them with their reach (m, 2).
    """
    n: Any = len(kind)
    keys, order = np.empty(n, np.int64), np.empty(n, np.int64)
    low, bits = plain
    _by_table(kind, shape, keys, bits, order)
    groups, beyond = np.empty((n, 2), np.int64), np.empty((n, 2), np.int64)
    tables: Any = 0
    escapes: Any = 0
    for at in range(n):
        i = order[at]
        reach = reaches[keys[i] // SHAPES]
        half = (1 << bits[i]) >> 1
        high = (truth[i] + half) >> bits[i]
        low[i] = truth[i] - (high << bits[i]) + half
        symbols[at] = high + reach
        if abs(high) > reach:
            symbols[at] = 2 * reach + 1
            beyond[escapes, 0], beyond[escapes, 1] = high, reach
            escapes += 1
        if at == 0 or keys[i] != keys[order[at - 1]]:
            tables += 1
        groups[tables - 1, 0], groups[tables - 1, 1] = keys[i], at + 1
    return groups[:tables], beyond[:escapes]


@kernel
def read_numbers(words: Any, state: Any, kind: Any, shape: Any, tables: Any, out: Any) -> bool:
    """Fill out, int64, with residuals by kind and shape, (k,) int64 each; False where the bytes are wrong.

    tables: bounds of all symbols, where those of a kind and shape begin, `guesses` of each, and how far kinds
    reach. Numbers were written group by group of one table, then what is beyond the tables, then bits by
    themselves.
    """
    bounds, starts, guessed, reaches = tables
    n: Any = len(kind)
    beyond: Any = 0
    keys, bits, order = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    most = _by_table(kind, shape, keys, bits, order)
    for i in order:
        key = keys[i]
        reach = reaches[key // SHAPES]
        symbol = _symbol(words, state, bounds, starts[key], guessed[key])
        if symbol < 0:
            return False
        out[i] = symbol - reach
        beyond += out[i] > reach
    for i in order:
        if not beyond:
            break
        reach = reaches[keys[i] // SHAPES]
        if out[i] > reach:
            beyond -= 1
            out[i], right = _escaped(words, state, reach)
            if not right:
                return False
    for size in range(1, most + 1):
        for i in range(n):
            if bits[i] == size:
                out[i] = (out[i] << size) - (1 << (size - 1))
        for shift in range(0, size, RAW):
            for i in range(n):
                if bits[i] == size:
                    part = _even(words, state, 1 << min(RAW, size - shift))
                    if part < 0:
                        return False
                    out[i] += part << shift
    return True
