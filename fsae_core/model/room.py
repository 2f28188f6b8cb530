"""How much room the numbers that are kept of a field take, with what says their places."""

from __future__ import annotations

__all__ = ["BYTES_A_NUMBER", "room_taken"]

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fsae_core.sphere.kept import Kept

BYTES_A_NUMBER = 4
_DEARER = 1.12
_DETAILS_MORE, _CELLS_MORE = 6, 1.5
"""What says the places takes so many times its entropy, and so many numbers more."""


def room_taken(kept: Kept, means: int = 0) -> NDArray[np.float64]:
    """Of fields (field,), in numbers: so many means, what is kept, and what says its places, by the entropy
    of the flags where it is known how many numbers of the cell around, and of the cell before, are kept."""
    fields = len(kept[0])
    numbers, bits, around = np.full(fields, float(means)), np.zeros(fields), None
    more = _CELLS_MORE if kept[0].shape[2] == 1 else _DETAILS_MORE
    rows = np.arange(fields)[:, None]
    for flags in kept:
        numbers += flags.sum(axis=(1, 2))
        above = np.zeros(flags.shape[:2], np.int64) if around is None else np.repeat(around, 4, axis=1)
        own = np.zeros_like(above)
        for band in range(flags.shape[2]):
            kind = rows * 12 + above * 3 + own
            seen = np.bincount(kind.ravel(), minlength=12 * fields).reshape(fields, 12)
            found = np.bincount(kind.ravel(), flags[..., band].ravel(), 12 * fields).reshape(fields, 12)
            bits += (seen * _entropy(found / np.maximum(seen, 1))).sum(axis=1)
            own = own + flags[..., band]
        around = own
    return numbers + _DEARER * bits / (8 * BYTES_A_NUMBER) + more


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a flag, in bits."""
    return np.asarray((special.entr(p) + special.entr(1 - p)) / np.log(2))
