"""Rows of whole numbers that lie on no sphere, coded by what other rows have in the same place."""

from __future__ import annotations

__all__ = ["decode_series", "encode_series"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.past import batches
from fsae_core.codec.places import Row

Integers = NDArray[np.int64]


def encode_series(writer: Any, numbers: Integers) -> None:
    """Write n rows of m whole numbers."""
    row = Row(*numbers.shape)
    for batch in batches(len(numbers)):
        row.write(writer, batch, numbers[batch.fields])


def decode_series(reader: Any, n: int, m: int) -> Integers:
    """Read n rows of m whole numbers."""
    row, out = Row(n, m), np.zeros((n, m), np.int64)
    for batch in batches(n):
        out[batch.fields] = row.read(reader, batch)
    return out
