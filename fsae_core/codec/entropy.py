"""Compressed fields to few bytes, the same on every machine.

Fields are standardised by an offset and a scale of their own, quantised by one step and coded without further
loss: on the sphere as a pyramid (`pyramid_code`), else as rows (`series`). Whole numbers, for corrections,
are coded as they are (`cells`). All of them travel as a `stream`.
"""

from __future__ import annotations

__all__ = [
    "decode_latents",
    "decode_standard",
    "decode_whole",
    "default_step",
    "encode_latents",
    "encode_standard",
    "encode_whole",
    "round_standard",
    "whole_steps",
]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.cells import decode_cells, encode_cells
from fsae_core.codec.pyramid_code import FRACTION, decode_pyramid, encode_pyramid, quantise
from fsae_core.codec.series import decode_series, encode_series
from fsae_core.codec.steps import default_step
from fsae_core.codec.stream import (
    BARE,
    LARGEST,
    UNIT_SIDE,
    WHOLE,
    WITH_SIDE,
    Stream,
    check_size,
    damaged,
    kept_step,
)
from fsae_core.codec.symbols import Reader, Writer
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def encode_latents(values: Floats, offset: Floats, scale: Floats, step: float, zoom: int | None) -> bytes:
    """Quantise (values - offset) / scale, (n, m), by ``step`` and code it; offset and scale: (n,).

    zoom: of the sphere that the m values lie on, nested; None where they lie on none. Raises UserError for
    values that are not finite, or a step so small that they would need more than 24 bits.
    """
    offset, scale = np.asarray(offset, "<f4"), np.asarray(scale, "<f4")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        standard = (np.asarray(values, np.float64) - offset[:, None]) / scale[:, None]
    if not offset.any() and (scale == 1).all():
        return _encode(standard, step, zoom, UNIT_SIDE, b"")
    return _encode(standard, step, zoom, WITH_SIDE, offset.tobytes() + scale.tobytes())


def decode_latents(data: bytes) -> tuple[Floats, Floats, Floats]:
    """What `encode_latents` was given, as far as its step tells it apart: (n, m), (n,), (n,) float32.

    Raises UserError for bytes that are cut, changed or claim more than a stream may hold.
    """
    stream = Stream.from_bytes(data)
    if stream.sort == UNIT_SIDE:
        offset, scale = np.zeros(stream.n, np.float32), np.ones(stream.n, np.float32)
    elif stream.sort == WITH_SIDE:
        offset, scale = np.frombuffer(stream.side, "<f4").astype(np.float32).reshape(2, stream.n)
    else:
        raise damaged("offset and scale are missing")
    standard = _decode(stream)
    with np.errstate(over="ignore", invalid="ignore"):
        values = standard * scale[:, None] + offset[:, None]
    if not np.isfinite(values).all():
        raise damaged("its values are not finite")
    return values, offset, scale


def encode_standard(standard: NDArray[Any], step: float, zoom: int | None) -> bytes:
    """As `encode_latents`, for fields that are standardised already, without offset and scale."""
    return _encode(standard, step, zoom, BARE, b"")


def decode_standard(data: bytes) -> Floats:
    """What `encode_standard` was given, as far as its step tells it apart, (n, m) float32.

    UserError as in `decode_latents`.
    """
    stream = Stream.from_bytes(data)
    if stream.sort not in (BARE, UNIT_SIDE, WITH_SIDE):
        found = "whole numbers" if stream.sort == WHOLE else "details"
        raise damaged(f"{found} instead of fields")
    return _decode(stream)


def encode_whole(numbers: Integers, zoom: int) -> bytes:
    """Code fields of whole numbers (n, cells) below 2**24 in size without loss."""
    numbers = np.asarray(numbers, np.int64)
    _check_cells(numbers.shape[1], zoom)
    check_size(numbers.size)
    if abs(numbers).max(initial=0) >= LARGEST:
        raise UserError(
            "Whole numbers of more than 24 bits were found, which cannot be stored: choose a larger step."
        )
    writer = Writer()
    if numbers.size:
        encode_cells(writer, numbers, zoom)
    n, m = numbers.shape
    return Stream(WHOLE, zoom, n, m, 1.0, b"", writer.to_bytes()).to_bytes()


def decode_whole(data: bytes) -> Integers:
    """What `encode_whole` was given, (n, cells) int64. UserError as in `decode_latents`."""
    stream = Stream.from_bytes(data)
    if stream.sort != WHOLE or stream.zoom is None:
        raise damaged("fields instead of whole numbers")
    return decode_cells(Reader(stream.coded), stream.n, stream.zoom)


def round_standard(standard: NDArray[Any], step: float, zoom: int | None) -> Floats:
    """What `decode_standard` will give for standardised fields (n, m); each depends on itself alone."""
    numbers, step = _in_steps(standard, step, zoom)
    if zoom is None:
        return _floats(np.rint(numbers).astype(np.int64) * FRACTION, step)
    return _floats(quantise(_fixed(numbers), zoom)[1], step)


def whole_steps(standard: NDArray[Any], step: float) -> tuple[Integers, float]:
    """Numbers counted in whole steps, and the step as a reader will have it.

    UserError where they are not finite or have too many steps.
    """
    numbers, step = _in_steps(standard, step, None)
    return np.rint(numbers).astype(np.int64), step


def _in_steps(standard: NDArray[Any], step: float, zoom: int | None) -> tuple[NDArray[np.float64], float]:
    """The fields counted in steps, and the step as a reader will have it."""
    if not (np.isfinite(step) and np.float32(step) > 0):
        raise UserError(
            f"A quantisation step of {step:g} was asked for, expected a number above 0: choose another."
        )
    step, size = kept_step(step), np.shape(standard)
    if zoom is not None:
        _check_cells(size[1], zoom)
    numbers = np.asarray(standard, np.float64) / step
    if not np.isfinite(numbers).all():
        raise UserError(
            "Compressed fields with missing or infinite values were found, only finite ones can be stored: "
            "fill them first."
        )
    if abs(numbers).max(initial=0) >= LARGEST:
        raise UserError(
            f"A quantisation step of {step:g} makes compressed fields need more than 24 bits a value: "
            "choose a larger one."
        )
    return numbers, step


def _check_cells(cells: int, zoom: int) -> None:
    if cells != n_cells(zoom):
        raise UserError(
            f"Compressed fields of {cells} values were found, zoom {zoom} has {n_cells(zoom)}: "
            "give the zoom they have."
        )


def _fixed(numbers: NDArray[np.float64]) -> Integers:
    return np.rint(numbers * FRACTION).astype(np.int64)


def _floats(fixed: Integers, step: float) -> Floats:
    """Values from 1/FRACTION of steps.

    One multiplication in float64 and one rounding: the same on every machine.
    """
    return (fixed.astype(np.float64) * (step / FRACTION)).astype(np.float32)


def _encode(standard: NDArray[Any], step: float, zoom: int | None, sort: int, side: bytes) -> bytes:
    numbers, step = _in_steps(standard, step, zoom)
    check_size(numbers.size)
    writer = Writer()
    if zoom is None and numbers.size:
        encode_series(writer, np.rint(numbers).astype(np.int64))
    elif zoom is not None and numbers.size:
        encode_pyramid(writer, quantise(_fixed(numbers), zoom)[0])
    n, m = numbers.shape
    return Stream(sort, zoom, n, m, step, side, writer.to_bytes()).to_bytes()


def _decode(stream: Stream) -> Floats:
    reader = Reader(stream.coded)
    if stream.n * stream.m == 0:
        fixed = np.zeros((stream.n, stream.m), np.int64)
    elif stream.zoom is None:
        fixed = decode_series(reader, stream.n, stream.m) * FRACTION
    else:
        fixed = decode_pyramid(reader, stream.n, stream.zoom)
    return _floats(fixed, stream.step)
