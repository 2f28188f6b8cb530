"""What the fields coded before say about the next ones.

Times are taken from far apart to close together: first the first, then the middle ones between those known,
so that most have a neighbour on both sides.
"""

from __future__ import annotations

__all__ = ["Batch", "Past", "batches"]

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Fields coded together.

    before, after: for each the nearest in time that are coded already, twice the same at the end; known: how
    many are coded already.
    """

    fields: Integers
    before: Integers
    after: Integers
    known: int


def batches(n: int) -> Iterator[Batch]:
    """All of n fields in the order of coding."""
    if n:
        zero = np.zeros(1, np.int64)
        yield Batch(zero, zero, zero, 0)
    stride, known = 1 << max(n - 1, 0).bit_length(), 1
    while stride > 1:
        stride //= 2
        fields = np.arange(stride, n, 2 * stride)
        before, after = fields - stride, fields + stride
        yield Batch(fields, before, np.where(after < n, after, before), known)
        known += fields.size


class Past:
    """The numbers (fields, *k) coded so far in one place of the pyramid, and how well they were foreseen.

    numbers: all of them; total: their sum over fields, (*k,); missed: that of their distances from what was
    expected, in 1/8.
    """

    def __init__(self, n: int, *k: int) -> None:
        self.numbers = np.zeros((n, *k), np.int64)
        self.total = np.zeros(k, np.int64)
        self.missed = np.zeros(k, np.int64)

    def known(self, batch: Batch) -> tuple[Integers, Integers]:
        """Means of the fields before and after, and of all fields so far, in 1/8: (batch, *k) both."""
        nearest = 4 * (self.numbers[batch.before] + self.numbers[batch.after])
        return nearest, np.broadcast_to(8 * self.total // max(batch.known, 1), nearest.shape)

    def off(self, batch: Batch) -> Integers:
        """Mean distance between what was expected and what came, in 1/8: (*k,)."""
        return self.missed // max(batch.known, 1)

    def add(self, batch: Batch, numbers: Integers, off: Integers) -> None:
        """Remember numbers (batch, *k) and their distances from what was expected, in 1/8."""
        self.numbers[batch.fields] = numbers
        self.total += numbers.sum(axis=0)
        self.missed += off.sum(axis=0)
