"""Numbers of adaptive compressed fields to few bytes, with the places where they stand, the same on every
machine.

The places come first (`kept_code`), then means where there are details, then the others zoom by zoom, counted
in whole steps of one quantiser. What is kept of these is large, so what is coded of each is its sign and how
much larger it is than the smallest of its zoom.
"""

from __future__ import annotations

__all__ = ["decode_details", "encode_details", "places_bytes", "round_details"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.entropy import whole_steps
from fsae_core.codec.kept_code import decode_kept, encode_kept
from fsae_core.codec.seats import UNIT, place
from fsae_core.codec.sizer import Sizer
from fsae_core.codec.stream import (
    CELLS,
    CELLS_WITH_SIDE,
    DETAILS,
    DETAILS_WITH_SIDE,
    LARGEST,
    Stream,
    check_size,
    damaged,
    kept_step,
)
from fsae_core.codec.symbols import Reader, Writer
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.kept import are_cells, check_places, kept_at, places_of, zoom_of_places

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Places = NDArray[np.int32]
Sides = tuple[Floats, Floats] | None

_GAINS = 64
_BIAS = 16
_BITS = 25


def encode_details(
    standard: NDArray[Any], places: Places, finest: int, step: float, sides: Sides = None
) -> bytes:
    """Quantise standardised numbers (n, number) by ``step`` and code them with their places (n, number) in
    fields of zoom ``finest``.

    sides: offset and scale (n,) that go with them. Raises UserError for numbers that are not finite, places
    that cannot be, or a step so small that numbers would need more than 24 bits.
    """
    n = len(places)
    check_size(n * n_cells(finest))
    check_places(places, finest)
    numbers, step = whole_steps(standard, step)
    cells = are_cells(places)
    side, sort = b"", CELLS if cells else DETAILS
    if sides is not None:
        sort = CELLS_WITH_SIDE if cells else DETAILS_WITH_SIDE
        side = b"".join(np.asarray(part, "<f4").tobytes() for part in sides)
    writer = Writer()
    if n:
        encode_kept(writer, kept_at(places, finest), n)
        zooms = zoom_of_places(places, finest)
        for zoom in range(-1, finest + 1):
            _write(writer, numbers[zooms == zoom], zoom < 0)
    return Stream(sort, finest, n, n_cells(finest), step, side, writer.to_bytes()).to_bytes()


def decode_details(data: bytes, width: int | None = None) -> tuple[Floats, Places, Sides]:
    """What `encode_details` was given, numbers as far as the step tells them apart.

    width: how many there is room for, by default as many as the field with most has. Raises UserError for
    bytes that are cut, changed or claim more than a stream may hold.
    """
    stream = Stream.from_bytes(data)
    cells = stream.sort in (CELLS, CELLS_WITH_SIDE)
    if not (cells or stream.sort in (DETAILS, DETAILS_WITH_SIDE)) or stream.zoom is None:
        raise damaged("fields of one zoom instead of details")
    n, finest = stream.n, stream.zoom
    sides: Sides = None
    if stream.sort in (DETAILS_WITH_SIDE, CELLS_WITH_SIDE):
        offset, scale = np.frombuffer(stream.side, "<f4").astype(np.float32).reshape(2, n)
        sides = offset, scale
    if not n:
        return np.zeros((0, width or 0), np.float32), np.zeros((0, width or 0), np.int32), sides
    reader = Reader(stream.coded)
    try:
        kept = decode_kept(reader, n, finest + cells, 1 if cells else 3)
        places = places_of(kept, n, width)
    except ValueError as error:
        raise damaged(f"their fields have {error}") from error
    zooms, numbers = zoom_of_places(places, finest), np.zeros(places.shape, np.int64)
    for zoom in range(-1, finest + 1):
        here = zooms == zoom
        numbers[here] = _read(reader, int(here.sum()), zoom < 0)
    return _to_floats(numbers, stream.step), places, sides


def round_details(standard: NDArray[Any], step: float) -> Floats:
    """What `decode_details` will give for these; each number depends on itself alone."""
    return _to_floats(*whole_steps(standard, step))


def places_bytes(places: Places, finest: int) -> int:
    """What the places of one field (number,) take by themselves."""
    writer = Writer()
    encode_kept(writer, kept_at(places[None], finest), 1)
    return len(writer.to_bytes())


def _to_floats(numbers: Integers, step: float) -> Floats:
    """One multiplication in float64 and one rounding: the same on every machine."""
    return (numbers.astype(np.float64) * kept_step(step)).astype(np.float32)


def _write(writer: Any, numbers: Integers, means: bool) -> None:
    """Numbers (k,): the means as they are, others by sign and by what they are more than the smallest."""
    if not numbers.size:
        return
    least = 0
    if not means:
        least = int(abs(numbers).min())
        writer.number(least & 4095, 4096)
        writer.number(least >> 12, 1 << (_BITS - 12))
        numbers = np.where(numbers < 0, least - 1 - abs(numbers), abs(numbers) - least + 1)
    sizer = Sizer()
    place(sizer, np.zeros_like(numbers), np.full(numbers.shape, UNIT), 0, numbers, dead=False)
    gain = sizer.best_gain()
    writer.number(gain + _BIAS, _GAINS)
    sizer.send(writer, gain)


def _read(reader: Any, amount: int, means: bool) -> Integers:
    if not amount:
        return np.zeros(0, np.int64)
    least = 0 if means else reader.number(4096) + (reader.number(1 << (_BITS - 12)) << 12)
    gain = reader.number(_GAINS) - _BIAS
    numbers = place(reader, np.zeros(amount, np.int64), np.full(amount, UNIT), gain, dead=False)
    if abs(numbers).max() > LARGEST or least > LARGEST:
        raise damaged("their numbers are too large")
    if means:
        return numbers
    return np.where(numbers < 0, numbers + 1 - least, numbers - 1 + least)
