"""Rows of whole numbers that lie on no sphere, coded by what earlier rows had in the same place."""

from __future__ import annotations

__all__ = ["code_series"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.quads import code_numbers
from fsae_core.codec.symbols import UNIT

Integers = NDArray[np.int64]


def code_series(coder: Any, n: int, m: int, truth: Integers | None) -> Integers:
    """Code n rows of m whole numbers: ``truth`` (n, m) where the coder writes, None where it reads.

    Rows go in batches of 1, 1, 2, 4 and so on; each place has the mean and the spread of the batches before.
    """
    out = np.zeros((n, m), np.int64)
    total, off = np.zeros(m, np.int64), np.zeros(m, np.int64)
    start, stop = 0, 1
    while start < n:
        mean = (512 * total) // max(start, 1)
        width = UNIT + off // max(start, 1)
        shape = (stop - start, m)
        true = None if truth is None else truth[start:stop]
        got = code_numbers(coder, np.broadcast_to(mean, shape), np.broadcast_to(width, shape), true)
        out[start:stop] = got
        total += got.sum(axis=0)
        off += abs(got * 512 - mean).sum(axis=0) * (UNIT // 512)
        start, stop = stop, min(n, 2 * stop)
    return out
