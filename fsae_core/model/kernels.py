"""What lies between the matrix products of a Field-Space Attention block, each in one pass over memory.

Compiled by numba when first called and kept on disk; without it every step below is three to ten passes of
torch, which take longer than the products. Numbers are kept in float32 or in bfloat16; numpy knows no
bfloat16, so arrays of it hold the bits as int16. What is computed with them is float32 in any case.
"""

from __future__ import annotations

__all__ = [
    "BASES",
    "add_update",
    "exchange",
    "finish",
    "lay_tokens",
    "modulate",
    "silu_in_place",
    "softmax_in_place",
]

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

from fsae_core.compiled import kernel

# Below, "ignore[call-arg]": the compiler adds the first argument of intrinsics, which mypy cannot know.
_WORD = ir.IntType(32)
_EPSILON = np.float32(1e-5)  # of torch's layer_norm
_ONE = np.float32(1)
BASES = 16
"""Bases come in so many, with zeros for those that lack."""
_LOG2E = np.float32(1.4426950408889634)


# Written for the compiler itself: numba widens whole numbers to 64 bits, which halves the speed of vectors.


@intrinsic
def _widened(typingctx, bits):
    """float32 of the bits of a bfloat16."""

    def generate(context, builder, signature, arguments):
        word = builder.zext(arguments[0], _WORD)
        return builder.bitcast(builder.shl(word, _WORD(16)), context.get_value_type(types.float32))

    return types.float32(types.int16), generate


@intrinsic
def _halved(typingctx, number):
    """Bits of the nearest bfloat16, away from 0 where two are: to even would take five operations for two."""

    def generate(context, builder, signature, arguments):
        bits = builder.add(builder.bitcast(arguments[0], _WORD), _WORD(0x8000))
        return builder.trunc(builder.lshr(bits, _WORD(16)), context.get_value_type(types.int16))

    return types.int16(types.float32), generate


@intrinsic
def _rounded(typingctx, number):
    """The nearest whole number, as float32."""

    def generate(context, builder, signature, arguments):
        single = context.get_value_type(types.float32)
        nearest = builder.module.declare_intrinsic("llvm.nearbyint", [single])
        return builder.call(nearest, arguments)

    return types.float32(types.float32), generate


@intrinsic
def _times_power(typingctx, number, exponent):
    """number * 2**exponent, both float32; exponent whole."""

    def generate(context, builder, signature, arguments):
        power = builder.shl(builder.fptosi(arguments[1], _WORD), _WORD(23))
        bits = builder.add(builder.bitcast(arguments[0], _WORD), power)
        return builder.bitcast(bits, context.get_value_type(types.float32))

    return types.float32(types.float32, types.float32), generate


def _get(array, i, j):
    """A number of a table (rows, columns), as float32."""


def _put(array, i, j, number):
    """Keep a float32 in such a table."""


@overload(_get, inline="always")
def _get_of(array, i, j):
    if array.dtype == types.int16:
        return lambda array, i, j: _widened(array[i, j])  # type: ignore[call-arg]
    return lambda array, i, j: array[i, j]


@overload(_put, inline="always")
def _put_of(array, i, j, number):
    if array.dtype == types.int16:

        def put(array, i, j, number):
            array[i, j] = _halved(number)  # type: ignore[call-arg]

    else:

        def put(array, i, j, number):
            array[i, j] = number

    return put


def _exp(x, kept):
    """exp(x) between -80 and 80, where it stops: to 1e-5 of itself, or to 1e-4 where a bfloat16 is ``kept``
    of what becomes of it; of additions and products alone, so that the compiler makes vectors of it."""


@overload(_exp, inline="always")
def _exp_of(x, kept):
    if kept.dtype == types.int16:

        def power(f):
            p = np.float32(0.05517167) * f + np.float32(0.24261112)
            return (p * f + np.float32(0.69326099)) * f + np.float32(0.99992807)

    else:

        def power(f):
            p = np.float32(1.54035304e-4) * f + np.float32(1.33335581e-3)
            p = p * f + np.float32(9.61812911e-3)
            p = p * f + np.float32(5.55041087e-2)
            p = p * f + np.float32(2.40226507e-1)
            return (p * f + np.float32(6.93147181e-1)) * f + _ONE

    power = njit(power, inline="always", fastmath=True)

    def exp(x, kept):
        t = min(max(x, np.float32(-80)), np.float32(80)) * _LOG2E
        n: Any = _rounded(t)  # type: ignore[call-arg]
        return _times_power(power(t - n), n)

    return exp


@kernel
def lay_tokens(field, table, solar, out):
    """What a block reads: own cells, those around, a one for the bias, sunlight, zeros.

    field: (batch, cells); table: cells around each token (tokens, ring); solar: (batch, tokens, n), n = 0 for
    none; out: (batch * tokens, at least own + ring + 1 + n).
    """
    batch, tokens = field.shape[0], table.shape[0]
    own, ring, sun = field.shape[1] // tokens, table.shape[1], solar.shape[2]
    used = own + ring + 1 + sun
    for i in range(batch):
        for t in range(tokens):
            row = i * tokens + t
            for c in range(own):
                _put(out, row, c, field[i, t * own + c])
            for c in range(ring):
                _put(out, row, own + c, field[i, table[t, c]])
            _put(out, row, own + ring, _ONE)
            for c in range(sun):
                _put(out, row, own + ring + 1 + c, solar[i, t, c])
            for c in range(out.shape[1] - used):
                _put(out, row, used + c, np.float32(0))


@kernel
def modulate(h, scale, shift, out):
    """Rows h (batch * tokens, width) normed (Ba et al. 2016, arXiv 1607.06450), times scale and shifted,
    both (tokens, width), into the first columns of out."""
    width, tokens = h.shape[1], scale.shape[0]
    values = np.empty(width, np.float32)
    share = _ONE / np.float32(width)
    for first in range(0, h.shape[0], tokens):
        for t in range(tokens):
            # Counted from any of them, so that squares are not large beside what they are to tell.
            row, begin = first + t, _get(h, first + t, 0)
            total, squares = np.float32(0), np.float32(0)
            for c in range(width):
                values[c] = _get(h, row, c) - begin
                total += values[c]
                squares += values[c] * values[c]
            mean = total * share
            factor = _ONE / np.sqrt(max(squares * share - mean * mean, np.float32(0)) + _EPSILON)
            for c in range(width):
                _put(out, row, c, (values[c] - mean) * factor * scale[t, c] + shift[t, c])


@kernel
def exchange(shown, table, out):
    """What the eight neighbours show, into the last columns of out; shown: (batch * tokens, channels),
    table: (tokens, 8)."""
    rows, channels = shown.shape
    tokens = table.shape[0]
    begin = out.shape[1] - 8 * channels
    for first in range(0, rows, tokens):
        for t in range(tokens):
            for slot in range(8):
                source, place = first + table[t, slot], begin + slot * channels
                if channels == 2:  # as the shipped weights have it, in words of four
                    out[first + t, place] = shown[source, 0]
                    out[first + t, place + 1] = shown[source, 1]
                else:
                    for c in range(channels):
                        out[first + t, place + c] = shown[source, c]


@kernel
def silu_in_place(x):
    """x / (1 + exp(-x)) in place of x (rows, n)."""
    rows, n = x.shape
    for row in range(rows):
        for c in range(n):
            number = _get(x, row, c)
            _put(x, row, c, number / (_ONE + _exp(-number, x)))


@kernel
def softmax_in_place(x):
    """exp(x) of every row as shares of their sum, in place of x (rows, n), which is within 80 of 0."""
    rows, n = x.shape
    values = np.empty(n, np.float32)
    for row in range(rows):
        total = np.float32(0)
        for c in range(n):
            values[c] = _exp(_get(x, row, c), x)
            total += values[c]
        share = _ONE / total
        for c in range(n):
            _put(x, row, c, share * values[c])


@njit(inline="always", fastmath=True, error_model="numpy")
def _updated(field, i, first, made, row, bases, t, own, sums):
    """sums (own,) become the token's cells with their update: what the row of ``made`` says of each, and
    bases (tokens, n, own) by the weights at its end. n: none, or as many as BASES or twice that, and so on:
    a number that the compiler knows makes this twice as quick."""
    for c in range(own):
        total = field[i, first + c] + _get(made, row, c)
        for k in range(BASES if bases.shape[1] else 0):
            total += _get(made, row, own + k) * bases[t, k, c]
        sums[c] = total
    for begin in range(BASES, bases.shape[1], BASES):
        for c in range(own):
            total = sums[c]
            for k in range(BASES):
                total += _get(made, row, own + begin + k) * bases[t, begin + k, c]
            sums[c] = total


@kernel
def add_update(field, made, bases, out):
    """The field (batch, cells) with a block's update into out, which may be the field; made: (batch * tokens,
    own + n), bases: (tokens, n, own), n a multiple of BASES."""
    batch, tokens, own = field.shape[0], bases.shape[0], bases.shape[2]
    sums = np.empty(own, np.float32)
    for t in range(tokens):  # outside: all fields use a token's bases while they are at hand
        for i in range(batch):
            first = t * own
            _updated(field, i, first, made, i * tokens + t, bases, t, own, sums)
            for c in range(own):
                out[i, first + c] = sums[c]


@kernel
def finish(field, made, bases, means, spread, offset):
    """The last update of the field, as in `add_update`; then means of its patches are made those of the
    compressed field, ``means`` (batch, patches), and numbers are multiplied by ``spread`` and ``offset`` is
    added, (batch,) both. (What is rounded on the way to an update would leave means a little off.)"""
    batch, tokens, own = field.shape[0], bases.shape[0], bases.shape[2]
    patch = field.shape[1] // means.shape[1]
    patches = own // patch
    sums = np.empty(own, np.float32)
    share = _ONE / np.float32(patch)
    for t in range(tokens):
        for i in range(batch):
            first, factor, plus = t * own, spread[i], offset[i]
            _updated(field, i, first, made, i * tokens + t, bases, t, own, sums)
            for k in range(patches):
                at, total = k * patch, np.float32(0)
                for c in range(patch):
                    total += sums[at + c]
                lacking = means[i, t * patches + k] - total * share
                for c in range(patch):
                    sums[at + c] += lacking
            for c in range(own):
                field[i, first + c] = sums[c] * factor + plus
