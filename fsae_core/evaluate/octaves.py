"""Rows of coefficients, the large ones first, as few bytes.

They are quantised with one step, which is what the squared error asks for, and range coded as normal values
with a width for each stretch of the row, sent as one byte. Stretches are half octaves of the position:
coefficients come with the large ones first and shrink with their number. For measuring, not for files: the
widths are floats, which another machine might round differently.
"""

from __future__ import annotations

__all__ = ["decode_row", "encode_row"]

import struct
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.float32]

_HEAD = struct.Struct("<fffB")
_MOST_BITS = 22
_PARTS_OF_OCTAVE = 2
_WIDTHS = 5
"""Widths an octave, from 2**_NARROWEST steps on."""
_NARROWEST = -4


def _stretches(size: int) -> list[slice]:
    """Half octaves from 4 on."""
    count = int(_PARTS_OF_OCTAVE * np.log2(max(size, 4) / 4)) + 1
    edges = np.unique([0, *(4 * 2 ** (np.arange(count) / _PARTS_OF_OCTAVE)).astype(int), size])
    edges = edges[edges <= size]
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def encode_row(values: Row, offset: float, scale: float, step: float) -> bytes:
    """One row (m,) in steps of step * scale.

    Raises ValueError where the step asks for more than 22 bits a value.
    """
    import constriction

    step, offset, scale = struct.unpack("<fff", struct.pack("<fff", step, offset, scale))
    numbers = np.rint((values.astype(np.float64) - offset) / (scale * step))
    bits = int(abs(numbers).max(initial=0)).bit_length()
    if bits > _MOST_BITS:
        raise ValueError(f"a step of {step:g} needs more than {_MOST_BITS} bits a value")
    coder, kinds = constriction.stream.queue.RangeEncoder(), bytearray()
    for part in _stretches(len(numbers)):
        width = max(float(np.sqrt(np.mean(numbers[part] ** 2))), 2.0**_NARROWEST)
        kinds.append(round(_WIDTHS * (np.log2(width) - _NARROWEST)))
        coder.encode(numbers[part].astype(np.int32), _model(kinds[-1], bits))
    return _HEAD.pack(step, offset, scale, bits) + bytes(kinds) + coder.get_compressed().tobytes()


def decode_row(data: bytes, size: int) -> tuple[Row, float, float]:
    """Values (size,), offset and scale: what `encode_row` was given, rounded to its step."""
    import constriction

    step, offset, scale, bits = _HEAD.unpack_from(data)
    parts = _stretches(size)
    start = _HEAD.size + len(parts)
    coder = constriction.stream.queue.RangeDecoder(np.frombuffer(data[start:], np.uint32))
    numbers = np.zeros(size)
    for kind, part in zip(data[_HEAD.size : start], parts, strict=True):
        numbers[part] = coder.decode(_model(kind, bits), part.stop - part.start)
    return (numbers * (scale * step) + offset).astype(np.float32), offset, scale


def _model(kind: int, bits: int) -> Any:
    import constriction

    most = 1 << bits
    return constriction.stream.model.QuantizedGaussian(-most, most, 0.0, 2.0 ** (kind / _WIDTHS + _NARROWEST))
