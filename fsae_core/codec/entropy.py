"""Compressed fields to few bytes, the same on every machine.

Fields are standardised by an offset and a scale of their own, quantised by one step and coded without further
loss: on the sphere as a pyramid (`pyramid_code`), else as rows (`series`). A stream is a header with a CRC32C
over all that follows it, offset and scale where they belong to it, and the range coder's bytes.
"""

from __future__ import annotations

__all__ = [
    "MAX_VALUES",
    "decode_latents",
    "decode_standard",
    "default_step",
    "encode_latents",
    "encode_standard",
    "round_standard",
]

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.pyramid_code import FRACTION, decode_pyramid, encode_pyramid, quantise
from fsae_core.codec.series import decode_series, encode_series
from fsae_core.codec.steps import default_step
from fsae_core.codec.symbols import Reader, Writer
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import MAX_ZOOM, n_cells

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

MAX_VALUES = 2**23
"""Values in one stream; a reader refuses more before it makes room for them."""
_LARGEST = 2**24  # steps in a value
_VALUES_PER_BYTE = 4000  # no stream codes more: even a certain number costs 0.002 bits
_HEADER = struct.Struct("<BI")  # version, CRC32C of what follows: kind, n, m where there is no zoom, step
_VERSION, _OLDEST, _NEWEST = 0xF1, 0xF1, 0xFF
_NO_ZOOM, _SIDE = (
    15,
    16,
)  # a kind is the zoom or 15, plus 16 times: 0 no offset and scale, 1 they are 0 and 1, 2 they follow


def encode_latents(values: Floats, offset: Floats, scale: Floats, step: float, zoom: int | None) -> bytes:
    """Quantise (values - offset) / scale, (n, m), by ``step`` and code it; offset and scale: (n,).

    zoom: of the sphere that the m values lie on, nested; None where they lie on none. Raises UserError for
    values that are not finite, or a step so small that they would need more than 24 bits.
    """
    offset, scale = np.asarray(offset, "<f4"), np.asarray(scale, "<f4")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        standard = (np.asarray(values, np.float64) - offset[:, None]) / scale[:, None]
    if not offset.any() and (scale == 1).all():
        return _encode(standard, step, zoom, 1, b"")
    return _encode(standard, step, zoom, 2, offset.tobytes() + scale.tobytes())


def decode_latents(data: bytes) -> tuple[Floats, Floats, Floats]:
    """What `encode_latents` was given, as far as its step tells it apart: (n, m), (n,), (n,) float32.

    Raises UserError for bytes that are cut, changed or claim more than a stream may hold.
    """
    standard, side = _decode(data)
    if side is None:
        raise _damaged("offset and scale are missing")
    offset, scale = side
    with np.errstate(over="ignore", invalid="ignore"):
        values = standard * scale[:, None] + offset[:, None]
    if not np.isfinite(values).all():
        raise _damaged("its values are not finite")
    return values, offset, scale


def encode_standard(standard: NDArray[Any], step: float, zoom: int | None) -> bytes:
    """As `encode_latents`, for fields that are standardised already, without offset and scale."""
    return _encode(standard, step, zoom, 0, b"")


def decode_standard(data: bytes) -> Floats:
    """What `encode_standard` was given, as far as its step tells it apart, (n, m) float32.

    UserError as in `decode_latents`.
    """
    return _decode(data)[0]


def round_standard(standard: NDArray[Any], step: float, zoom: int | None) -> Floats:
    """What `decode_standard` will give for standardised fields (n, m); each depends on itself alone."""
    numbers, step = _in_steps(standard, step, zoom)
    if zoom is None:
        return _floats(np.rint(numbers).astype(np.int64) * FRACTION, step)
    return _floats(quantise(_fixed(numbers), zoom)[1], step)


def _in_steps(standard: NDArray[Any], step: float, zoom: int | None) -> tuple[NDArray[np.float64], float]:
    """The fields counted in steps, and the step as a reader will have it."""
    if not (np.isfinite(step) and np.float32(step) > 0):
        raise UserError(
            f"A quantisation step of {step:g} was asked for, expected a number above 0: choose another."
        )
    step, size = _kept_step(step), np.shape(standard)
    if zoom is not None and size[1] != n_cells(zoom):
        raise UserError(
            f"Compressed fields of {size[1]} values were found, zoom {zoom} has {n_cells(zoom)}: "
            "give the zoom they have."
        )
    numbers = np.asarray(standard, np.float64) / step
    if not np.isfinite(numbers).all():
        raise UserError(
            "Compressed fields with missing or infinite values were found, only finite ones can be stored: "
            "fill them first."
        )
    if abs(numbers).max(initial=0) >= _LARGEST:
        raise UserError(
            f"A quantisation step of {step:g} makes compressed fields need more than 24 bits a value: "
            "choose a larger one."
        )
    return numbers, step


def _fixed(numbers: NDArray[np.float64]) -> Integers:
    return np.rint(numbers * FRACTION).astype(np.int64)


def _floats(fixed: Integers, step: float) -> Floats:
    """One multiplication in float64 and one rounding: the same on every machine."""
    return (fixed.astype(np.float64) * (step / FRACTION)).astype(np.float32)


def _kept_step(step: float) -> float:
    """The step to the 8 bits that a stream keeps of it."""
    bits = int(np.array(step, "<f4").view("<u4"))
    return float(np.array((bits + 0x8000) & 0xFFFF0000, "<u4").view("<f4"))


def _encode(standard: NDArray[Any], step: float, zoom: int | None, has_side: int, side: bytes) -> bytes:
    numbers, step = _in_steps(standard, step, zoom)
    if numbers.size > MAX_VALUES:
        raise UserError(
            f"{numbers.size} values were given for one stream, which holds {MAX_VALUES} at most: "
            "give fewer times."
        )
    writer = Writer()
    if zoom is None and numbers.size:
        encode_series(writer, np.rint(numbers).astype(np.int64))
    elif zoom is not None and numbers.size:
        encode_pyramid(writer, quantise(_fixed(numbers), zoom)[0])
    n, m = numbers.shape
    head = bytes([_SIDE * has_side + (_NO_ZOOM if zoom is None else zoom)]) + _as_bytes(n)
    head += (_as_bytes(m) if zoom is None else b"") + np.array(step, "<f4").tobytes()[2:]
    body = head + side + writer.to_bytes()
    return _HEADER.pack(_VERSION, _checksum(body)) + body


def _decode(data: bytes) -> tuple[Floats, tuple[Floats, Floats] | None]:
    data = bytes(data)
    if len(data) < _HEADER.size + 4 or not _OLDEST <= data[0] <= _NEWEST:
        raise _damaged(f"{len(data)} bytes that do not begin as they should")
    version, checksum = _HEADER.unpack_from(data)
    if checksum != _checksum(data[_HEADER.size :]):
        raise _damaged("their checksum is another")
    if version != _VERSION:
        raise UserError(
            f"Compressed fields of version {version - _OLDEST + 1} were found, this library reads 1: "
            "install a newer one."
        )
    has_side, zoom = divmod(data[_HEADER.size], _SIDE)
    n, at = _from_bytes(data, _HEADER.size + 1)
    m, at = _from_bytes(data, at) if zoom == _NO_ZOOM else (n_cells(min(zoom, MAX_ZOOM)), at)
    step, start = float(np.frombuffer(b"\0\0" + data[at : at + 2].ljust(2, b"\0"), "<f4")[0]), at + 2
    coded = start + 8 * n * (has_side == 2)
    if n * m > min(MAX_VALUES, _VALUES_PER_BYTE * (len(data) - coded + 16)) or coded > len(data):
        raise _damaged(f"they claim {n} x {m} values in {len(data)} bytes")
    if MAX_ZOOM < zoom < _NO_ZOOM or has_side > 2 or not (np.isfinite(step) and step > 0):
        raise _damaged(f"they claim zoom {zoom}, offsets of kind {has_side} and steps of {step:g}")
    reader = Reader(data[coded:])
    if n * m == 0:
        fixed = np.zeros((n, m), np.int64)
    elif zoom == _NO_ZOOM:
        fixed = decode_series(reader, n, m) * FRACTION
    else:
        fixed = decode_pyramid(reader, n, zoom)
    return _floats(fixed, step), _side(data[start:coded], n, has_side)


def _side(data: bytes, n: int, has_side: int) -> tuple[Floats, Floats] | None:
    if has_side == 0:
        return None
    if has_side == 1:
        return np.zeros(n, np.float32), np.ones(n, np.float32)
    offset, scale = np.frombuffer(data, "<f4").astype(np.float32).reshape(2, n)
    return offset, scale


def _as_bytes(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have the eighth set."""
    out = bytearray()
    while number > 127:
        out.append(128 | number & 127)
        number >>= 7
    return bytes([*out, number])


def _from_bytes(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    number = 0
    for shift in range(0, 35, 7):
        if at >= len(data):
            break
        number |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return number, at
    raise _damaged("a size in them does not end")


def _damaged(why: str) -> UserError:
    return UserError(f"Compressed fields are damaged ({why}): make or copy them again.")


def _checksum(data: bytes) -> int:
    import google_crc32c

    return int(google_crc32c.value(data))
