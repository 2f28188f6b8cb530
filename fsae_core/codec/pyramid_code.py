"""Fields on the nested sphere as a pyramid of quantised details, and that pyramid as bytes.

From coarse to fine: the twelve means of zoom 0, then for every cell the three details of its children
(`quads`), each the difference to what is expected from values as the reader has them, in whole steps. Steps
are as small at coarse levels as a basis of length one makes them, so that an error is spread evenly. What is
quantised to what depends on one field alone; how it is coded also on other times (`past`).

Values are whole numbers of 1/FRACTION of the step. Decoding is integer arithmetic throughout.
"""

from __future__ import annotations

__all__ = ["FRACTION", "Pyramid", "decode_pyramid", "encode_pyramid", "quantise"]

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.past import batches
from fsae_core.codec.places import Quads, Row
from fsae_core.codec.quads import DETAILS, put, quads_of_phase, surroundings
from fsae_core.codec.seats import DEAD, UNIT

Integers = NDArray[np.int64]

FRACTION = 2**16


@dataclass(frozen=True)
class Pyramid:
    """What is coded: means (n, 12), and by level and phase details (n, 3, k), in whole steps.

    slopes: (n, k) in 1/UNIT of steps, what the details are expected by.
    """

    means: Integers
    details: list[list[Integers]] = field(default_factory=list)
    slopes: list[list[Integers]] = field(default_factory=list)


def _phases(level: int) -> range:
    return range(1 if level == 1 else 4)


def _amplitude(level: int, zoom: int) -> int:
    """By how much one step of a detail moves the children of this level."""
    return FRACTION >> (zoom - level + 1)


def _rounded(numbers: Integers, unit: int) -> Integers:
    """Whole units in ``numbers``, towards zero unless more than the dead share is left."""
    return np.sign(numbers) * ((128 * abs(numbers) + (128 - DEAD) * unit) // (128 * unit))


def quantise(values: Integers, zoom: int) -> tuple[Pyramid, Integers]:
    """The pyramid of fields (n, cells), and the fields as the reader will have them."""
    levels = [values]
    for _ in range(zoom):
        levels.append(levels[-1].reshape(len(values), -1, 4).sum(axis=-1) >> 2)
    means = ((levels[zoom] << zoom) + FRACTION // 2) // FRACTION
    pyramid, here = Pyramid(means), means * FRACTION >> zoom
    for level in range(1, zoom + 1):
        amplitude, true = _amplitude(level, zoom), levels[zoom - level].reshape(len(values), -1, 4)
        fine, details, slopes = np.repeat(here, 4, axis=-1), [], []
        for phase in _phases(level):
            cells = quads_of_phase(level - 1, phase)
            expected, slope = surroundings(here, fine, level - 1, phase)
            missed = np.moveaxis(true[:, cells] @ DETAILS.T, 2, 1)  # means weigh nothing in them
            details.append(_rounded(missed - 4 * expected, 4 * amplitude))
            slopes.append(slope * UNIT // (8 * amplitude))
            put(fine, here, expected + details[-1] * amplitude, level - 1, phase)
        pyramid.details.append(details)
        pyramid.slopes.append(slopes)
        here = fine
    return pyramid, here


def encode_pyramid(writer: Any, pyramid: Pyramid) -> None:
    """Write all fields of a pyramid."""
    n, zoom = len(pyramid.means), len(pyramid.details)
    means, quads = Row(n, 12), [Quads(n, level) for level in range(1, zoom + 1)]
    for batch in batches(n):
        means.write(writer, batch, pyramid.means[batch.fields])
        off = np.full((batch.fields.size, 12), 8)
        for level, details, slopes in zip(quads, pyramid.details, pyramid.slopes, strict=True):
            now = [d[batch.fields] for d in details]
            off = level.write(writer, batch, off, [s[batch.fields] for s in slopes], now)


def decode_pyramid(reader: Any, n: int, zoom: int) -> Integers:
    """Read n fields (n, cells of ``zoom``), in 1/FRACTION of the step."""
    out = np.zeros((n, 12 * 4**zoom), np.int64)
    means, quads = Row(n, 12), [Quads(n, level) for level in range(1, zoom + 1)]
    for batch in batches(n):
        here = means.read(reader, batch) * FRACTION >> zoom
        off = np.full((batch.fields.size, 12), 8)
        for level, place in enumerate(quads, start=1):
            amplitude, fine = _amplitude(level, zoom), np.repeat(here, 4, axis=-1)
            place.start(reader, batch, off)
            for phase in _phases(level):
                expected, slope = surroundings(here, fine, level - 1, phase)
                details = place.read(reader, phase, slope * UNIT // (8 * amplitude))
                put(fine, here, expected + details * amplitude, level - 1, phase)
            off, here = place.finish(), fine
        out[batch.fields] = here
    return out
