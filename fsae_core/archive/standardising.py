"""Mean and spread of fields, and fields without them, in one compiled loop."""

from __future__ import annotations

__all__ = ["standardise"]

from functools import partial
from typing import Any

import numpy as np

from fsae_core.compiled import kernel

_LEAST = 1e-30
"""Of a spread: above the numbers that float32 keeps by halves."""
_SUMS = 16
"""Sums of a field run side by side, and are added in this order on every machine."""


@partial(kernel, exact=True)
def standardise(x: Any, floor: float, y: Any, mean: Any, spread: Any) -> None:
    """Fill mean and spread (n,), and y = (x - mean) / spread, all float32, of fields x (n, cells).

    Of each, in float64; a spread is ``floor`` of the mean's size at least. y goes by the mean and the spread
    as they are kept, which are what undoes it.
    """
    n, cells = x.shape
    whole = cells // _SUMS * _SUMS
    sums = np.empty(_SUMS, np.float64)
    for i in range(n):
        sums[:] = 0
        for first in range(0, whole, _SUMS):
            for j in range(_SUMS):
                sums[j] += np.float64(x[i, first + j])
        total = 0.0
        for j in range(_SUMS):
            total += sums[j]
        for c in range(whole, cells):
            total += np.float64(x[i, c])
        middle = total / cells
        sums[:] = 0
        for first in range(0, whole, _SUMS):
            for j in range(_SUMS):
                off = np.float64(x[i, first + j]) - middle
                sums[j] += off * off
        squares = 0.0
        for j in range(_SUMS):
            squares += sums[j]
        for c in range(whole, cells):
            off = np.float64(x[i, c]) - middle
            squares += off * off
        width = max(np.sqrt(squares / cells), floor * abs(middle), _LEAST)
        mean[i], spread[i] = middle, width
        offset, scale = np.float64(mean[i]), np.float64(spread[i])
        for c in range(cells):
            y[i, c] = np.float32((np.float64(x[i, c]) - offset) / scale)
