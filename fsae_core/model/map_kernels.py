"""Field-Space Compression and Decompression as maps of a coarse cell's ring and the cells in it, compiled."""

from __future__ import annotations

__all__ = ["gathered_means", "prolonged"]

import numpy as np
from numba import njit

from fsae_core.compiled import kernel


@njit(inline="always")
def _lacking(field, i, table, slot, cell, before, after):
    """How far an absent corner of the smooth maps, between its neighbours, is from the networks', which
    repeats one of them."""
    half = np.float32(0.5)
    between = half * (field[i, table[cell, before]] + field[i, table[cell, after]])
    return between - field[i, table[cell, slot]]


@kernel
def prolonged(b, table, spread, smooth, absent, out):
    """Compressed fields (batch, coarse cells) to fields (batch, cells): each its coarse value and, by
    ``spread`` (8, patch), how far the neighbours of table (coarse cells, 8) are from that; smooth: the share
    of the smooth prolongation in it; absent: (k, 4) slot, cell, slots before and after."""
    batch, cells = b.shape
    patch = spread.shape[1]
    steps = np.empty(8, np.float32)
    for i in range(batch):
        for cell in range(cells):
            here, first = b[i, cell], cell * patch
            for slot in range(8):
                steps[slot] = b[i, table[cell, slot]] - here
            for c in range(patch):
                total = here
                for slot in range(8):
                    total += steps[slot] * spread[slot, c]
                out[i, first + c] = total
        for k in range(len(absent)):
            slot, cell = absent[k, 0], absent[k, 1]
            missed = _lacking(b, i, table, slot, cell, absent[k, 2], absent[k, 3])
            for c in range(patch):
                out[i, cell * patch + c] += missed * smooth[slot, c]


@kernel
def gathered_means(field, table, weights, around, absent, out):
    """Fields (batch, cells) to compressed fields (batch, coarse cells): patches by ``weights`` (patch,), less
    how far means of patches around are from their own, by ``around`` (8,); the rest as in `prolonged`."""
    batch, cells = out.shape
    patch = len(weights)
    means = np.empty((1, cells), np.float32)
    share = np.float32(1) / np.float32(patch)
    for i in range(batch):
        for cell in range(cells):
            plain, weighed = np.float32(0), np.float32(0)
            for c in range(patch):
                number = field[i, cell * patch + c]
                plain += number
                weighed += number * weights[c]
            means[0, cell], out[i, cell] = plain * share, weighed
        for cell in range(cells):
            for slot in range(8):
                out[i, cell] -= (means[0, table[cell, slot]] - means[0, cell]) * around[slot]
        for k in range(len(absent)):
            slot, cell = absent[k, 0], absent[k, 1]
            out[i, cell] -= _lacking(means, 0, table, slot, cell, absent[k, 2], absent[k, 3]) * around[slot]
