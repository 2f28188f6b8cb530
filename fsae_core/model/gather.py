"""Neighbour gathers with hand-written adjoints, and the tokens made with them.

Indexing has a slow backward on CPUs (index_put, index_add). A gather through a fixed table has a gather
through the transposed table as its adjoint, which is several times quicker and the same on every device.
"""

from __future__ import annotations

__all__ = ["gather", "halo_table", "neighbour_table", "ring_values", "tokenise"]

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fsae_core.sphere.healpix import ring_table, xyf_cell, zoom_of


@lru_cache(maxsize=32)
def neighbour_table(zoom: int) -> NDArray[np.int64]:
    """The eight neighbours of each cell, (cells, 8), SW W NW N NE E SE S; an absent corner repeats the one
    before."""
    table = ring_table(zoom).copy()
    for corner in (1, 3, 5, 7):
        absent = table[:, corner] < 0
        table[absent, corner] = table[absent, corner - 1]
    return table


@lru_cache(maxsize=32)
def halo_table(zoom: int, token_zoom: int) -> NDArray[np.int64]:
    """Cells of `zoom` that ring each token, (tokens, 4 n + 4) with n = 2**(zoom - token_zoom).

    The sides SW, NW, NE, SE in order of their own cells, then the corners W, N, E, S; each ring cell once,
    save that an absent corner repeats its neighbour. A token's own cells are not in it.
    """
    levels = zoom - token_zoom
    n = 2**levels
    around = neighbour_table(zoom).reshape(12 * 4**token_zoom, 4**levels, 8)
    along = np.arange(n)
    zero, last = np.zeros(n, np.int64), np.full(n, n - 1)

    def own(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(xyf_cell(x, y, np.zeros_like(x), levels))

    sides = [
        around[:, own(zero, along), 0],
        around[:, own(along, last), 2],
        around[:, own(last, along), 4],
        around[:, own(along, zero), 6],
    ]
    one = np.ones(1, np.int64)
    low, high = 0 * one, (n - 1) * one
    corners = [
        around[:, own(low, high), 1],
        around[:, own(high, high), 3],
        around[:, own(high, low), 5],
        around[:, own(low, low), 7],
    ]
    return np.concatenate(sides + corners, axis=1)


def _transposed(table: NDArray[np.int64], cells: int) -> NDArray[np.int64]:
    """For each cell the flat places of `table` that read it, filled up with table.size."""
    read = table.ravel()
    order = np.argsort(read, kind="stable")
    count = np.bincount(read, minlength=cells)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    places = np.full((cells, int(count.max())), read.size)
    for slot in range(places.shape[1]):
        has = count > slot
        places[has, slot] = order[start[has] + slot]
    return places


@lru_cache(maxsize=64)
def _tables(zoom: int, token_zoom: int | None, device: str) -> tuple[Tensor, Tensor]:
    table = neighbour_table(zoom) if token_zoom is None else halo_table(zoom, token_zoom)
    back = _transposed(table, 12 * 4**zoom)
    return torch.tensor(table, device=device), torch.tensor(back, device=device)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor, back: Tensor) -> Tensor:
        ctx.back = back
        return x.index_select(1, table.reshape(-1)).unflatten(1, tuple(table.shape))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        flat = g.flatten(1, 2)
        flat = torch.cat([flat, flat.new_zeros(flat.shape[0], 1, *flat.shape[2:])], dim=1)
        read = flat.index_select(1, ctx.back.reshape(-1)).unflatten(1, tuple(ctx.back.shape))
        return read.sum(2), None, None


def gather(x: Tensor, zoom: int, token_zoom: int | None = None) -> Tensor:
    """(batch, cells[, channel]) -> ring values (batch, cells, 8[, channel]), or with `token_zoom` the halo
    (batch, tokens, 4 n + 4[, channel])."""
    return _Gather.apply(x, *_tables(zoom, token_zoom, str(x.device)))


def ring_values(x: Tensor) -> Tensor:
    """(batch, cells, channel) -> what the eight neighbours hold, (batch, cells, 8 * channel)."""
    return gather(x, zoom_of(x.shape[1])).flatten(2)


def tokenise(x: Tensor, token_zoom: int) -> Tensor:
    """(batch, cells) -> (batch, tokens, own + ring): own cells in nested order, then the ring of
    `halo_table`.

    Every cell stands in its own token (the reference code drops up to three quarters of them) and in the
    halo of those it touches.
    """
    own = x.unflatten(1, (12 * 4**token_zoom, -1))
    return torch.cat([own, gather(x, zoom_of(x.shape[1]), token_zoom)], dim=-1)
