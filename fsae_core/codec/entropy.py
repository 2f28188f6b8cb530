"""Compressed fields to few bytes: quantised by one step, coded without further loss.

A stream is a header (what it holds, lengths, a CRC32C over everything else), offset and scale of every
field, and the range coder's bytes. Nothing in it depends on the machine.
"""

from __future__ import annotations

__all__ = [
    "MAX_VALUES",
    "decode_integers",
    "decode_latents",
    "default_step",
    "encode_integers",
    "encode_latents",
]

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.quads import code_field
from fsae_core.codec.series import code_series
from fsae_core.codec.symbols import Reader, Writer
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import MAX_ZOOM, n_cells

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

MAX_VALUES = 2**24
"""Values in one stream; a reader refuses more before it makes room for them."""
_LARGEST = 2**24
_MAGIC = b"FSQ"
_VERSION = 1
_HEADER = struct.Struct(
    "<3sBIBIII"
)  # magic, version, CRC32C of what follows it, zoom or 255, n, m, coded bytes
_NO_ZOOM = 255


def encode_latents(values: Floats, offset: Floats, scale: Floats, step: float, zoom: int | None) -> bytes:
    """Quantise (values - offset) / scale, (n, m), in steps of ``step`` and code it; offset and scale: (n,).

    zoom: of the sphere that the m values lie on, nested; None where they lie on none. Raises UserError for
    values that are not finite, or a step so small that they would need more than 24 bits.
    """
    step = float(np.float32(step))
    if not (np.isfinite(step) and step > 0):
        raise UserError(
            f"A quantisation step of {step:g} was asked for, expected a number above 0: choose another."
        )
    offset, scale = np.asarray(offset, "<f4"), np.asarray(scale, "<f4")
    with np.errstate(over="ignore", invalid="ignore"):
        standard = (np.asarray(values, np.float64) - offset[:, None]) / scale[:, None]
        numbers = np.rint(standard / step)
    if not np.isfinite(numbers).all():
        raise UserError(
            "Compressed fields with missing or infinite values were found, only finite ones can be stored."
        )
    if abs(numbers).max(initial=0) >= _LARGEST:
        raise UserError(
            f"A quantisation step of {step:g} makes compressed fields need more than 24 bits a value: "
            "choose a larger one."
        )
    side = struct.pack("<f", step) + offset.tobytes() + scale.tobytes()
    return _pack(numbers.astype(np.int64), zoom, side)


def decode_latents(data: bytes) -> tuple[Floats, Floats, Floats]:
    """What `encode_latents` was given, values rounded to its step: (n, m), (n,), (n,) float32.

    Raises UserError for bytes that are cut, changed or claim more than a stream may hold.
    """
    numbers, side = _unpack(data)
    n = len(numbers)
    if len(side) != 4 + 8 * n:
        raise UserError(
            "Compressed fields are damaged (offset and scale are not those of the fields): "
            "make or copy them again."
        )
    step = np.frombuffer(side, "<f4", 1)[0]
    offset, scale = np.frombuffer(side, "<f4", 2 * n, 4).astype(np.float32).reshape(2, n)
    with np.errstate(over="ignore", invalid="ignore"):
        values = numbers.astype(np.float32) * step * scale[:, None] + offset[:, None]
    if not np.isfinite(values).all():
        raise UserError("Compressed fields are damaged (step, offset or scale): make or copy them again.")
    return values, offset, scale


def encode_integers(numbers: Integers, zoom: int | None) -> bytes:
    """Code whole numbers (n, m) below 2**24 in size; zoom as in `encode_latents`."""
    numbers = np.asarray(numbers, np.int64)
    if abs(numbers).max(initial=0) >= _LARGEST:
        raise UserError(
            "Whole numbers of more than 24 bits were found, which cannot be stored: choose a larger step."
        )
    return _pack(numbers, zoom, b"")


def decode_integers(data: bytes) -> Integers:
    """What `encode_integers` was given, (n, m) int64. UserError as in `decode_latents`."""
    return _unpack(data)[0]


def default_step(card: Any, ratio: int) -> float:
    """The step, in units of the scale, at which the RMSE of these weights grows by at most 2 %."""
    return 0.03


def _pack(numbers: Integers, zoom: int | None, side: bytes) -> bytes:
    n, m = numbers.shape
    if zoom is not None and m != n_cells(zoom):
        raise UserError(
            f"Compressed fields of {m} values were found, zoom {zoom} has {n_cells(zoom)}: "
            "give the zoom they have."
        )
    if numbers.size > MAX_VALUES:
        raise UserError(
            f"{numbers.size} values were given for one stream, which holds {MAX_VALUES} at most: "
            "give fewer times."
        )
    writer = Writer()
    if numbers.size:
        _code(writer, n, m, zoom, numbers)
    coded = writer.to_bytes()
    head = _HEADER.pack(_MAGIC, _VERSION, 0, _NO_ZOOM if zoom is None else zoom, n, m, len(coded))
    body = head[8:] + coded + side
    return head[:4] + struct.pack("<I", _checksum(body)) + body


def _unpack(data: bytes) -> tuple[Integers, bytes]:
    def damaged(why: str) -> UserError:
        return UserError(f"Compressed fields are damaged ({why}): make or copy them again.")

    data = bytes(data)
    if len(data) < _HEADER.size or data[:3] != _MAGIC:
        raise damaged(f"{len(data)} bytes that do not begin as such a stream does")
    _, version, checksum, zoom, n, m, coded = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise UserError(
            f"Compressed fields of version {version} were found, this library reads {_VERSION}: "
            "install a newer one."
        )
    if checksum != _checksum(data[8:]):
        raise damaged("their checksum is another")
    if n * m > MAX_VALUES or coded > len(data) - _HEADER.size:
        raise damaged(f"they claim {n} x {m} values in {coded} bytes")
    if zoom != _NO_ZOOM and (zoom > MAX_ZOOM or m != n_cells(zoom)):
        raise damaged(f"they claim {m} values at zoom {zoom}")
    start = _HEADER.size
    reader = Reader(data[start : start + coded])
    numbers = np.zeros((n, m), np.int64)
    if n * m:
        numbers = _code(reader, n, m, None if zoom == _NO_ZOOM else zoom, None)
    return numbers, data[start + coded :]


def _code(coder: Any, n: int, m: int, zoom: int | None, numbers: Integers | None) -> Integers:
    return code_series(coder, n, m, numbers) if zoom is None else code_field(coder, n, zoom, numbers)


def _checksum(data: bytes) -> int:
    import google_crc32c

    return int(google_crc32c.value(data))
