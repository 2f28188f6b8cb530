"""The pyramid's two linear maps for torch tensors, with hand-written adjoints.

Imported by `pyramid` only when a tensor comes in. The backward pass of indexing (index_put, index_add) is
several times slower on a CPU than a gather, so the adjoint of the prolongation gathers through a table of its
own: entry (s, q) says in which (slot, cell) of the forward table cell q was read.
"""

from __future__ import annotations

__all__ = ["prolong_tensor", "restrict_tensor"]

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.sphere.healpix import ring_table
from fsae_core.sphere.pyramid import neighbour_index, prolongation_matrix


def adjoint_index(zoom: int) -> NDArray[np.int64]:
    """Flat positions (slot * n_cells + cell) that read each cell, shape (8, n_cells).

    A cell with an absent corner is read by fewer than eight others; its table is filled up with that corner's
    own position, whose gradient has been passed on to the neighbours beside it and is zero.
    """
    table = ring_table(zoom).T
    n = table.shape[1]
    absent = np.flatnonzero(table.ravel() < 0)
    read = np.where(table < 0, np.arange(n), table).ravel()
    order = np.argsort(read, kind="stable")
    order = order[~np.isin(order, absent)]
    position = np.concatenate([order, absent])
    cell = np.concatenate([read[order], absent % n])
    return position[np.argsort(cell, kind="stable")].reshape(n, 8).T.copy()


@lru_cache(maxsize=32)
def _tables(zoom: int, device: str) -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, ...]]:
    forward, absent = neighbour_index(zoom)
    return (
        torch.tensor(forward.ravel(), device=device),
        torch.tensor(adjoint_index(zoom).ravel(), device=device),
        tuple(torch.tensor(a, device=device) for a in absent),
    )


@lru_cache(maxsize=64)
def _matrix(levels: int, dtype: torch.dtype, device: str) -> torch.Tensor:
    return torch.tensor(prolongation_matrix(levels)[:, 1:], dtype=dtype, device=device)


def _prolong(x: torch.Tensor, zoom: int, levels: int) -> torch.Tensor:
    index, _, (slot, cell, before, after) = _tables(zoom, str(x.device))
    steps = x.index_select(-1, index).unflatten(-1, (8, -1))
    steps -= x.unsqueeze(-2)
    steps[..., slot, cell] = (steps[..., before, cell] + steps[..., after, cell]) * 0.5
    # Reduced precision here would break the conservation of the mean, so autocast is kept out.
    matrix = _matrix(levels, x.dtype, str(x.device))
    with torch.autocast(x.device.type, enabled=False):
        if levels == 1:  # a product with only four columns is slow; transposed it takes half the time
            fine = x.new_empty(*x.shape, 4)
            torch.add((matrix @ steps).transpose(-1, -2), x.unsqueeze(-1), out=fine)
        else:
            fine = steps.transpose(-1, -2) @ matrix.T
            fine += x.unsqueeze(-1)
    return fine.flatten(-2)


def _prolong_adjoint(g: torch.Tensor, zoom: int, levels: int) -> torch.Tensor:
    _, index, (slot, cell, before, after) = _tables(zoom, str(g.device))
    children = g.unflatten(-1, (-1, 4**levels))
    with torch.autocast(g.device.type, enabled=False):
        steps = _matrix(levels, g.dtype, str(g.device)).T @ children.transpose(-1, -2)
    half = steps[..., slot, cell] * 0.5
    steps[..., slot, cell] = 0.0
    for share in (before, after):  # at zoom 0 an edge neighbour sits beside two absent corners
        flat = share * steps.shape[-1] + cell
        steps.flatten(-2).index_add_(-1, flat, half)
    gathered = steps.flatten(-2).index_select(-1, index).unflatten(-1, (8, -1))
    return children.sum(-1) - steps.sum(-2) + gathered.sum(-2)


class _Prolong(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, zoom: int, levels: int) -> torch.Tensor:
        ctx.grid = zoom, levels
        return _prolong(x, zoom, levels)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return _ProlongAdjoint.apply(g, *ctx.grid), None, None


class _ProlongAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, g: torch.Tensor, zoom: int, levels: int) -> torch.Tensor:
        ctx.grid = zoom, levels
        return _prolong_adjoint(g.contiguous(), zoom, levels)

    @staticmethod
    def backward(ctx: Any, x: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return _Prolong.apply(x, *ctx.grid), None, None


class _Restrict(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, levels: int) -> torch.Tensor:
        ctx.levels = levels
        for _ in range(levels):
            quads = x.unflatten(-1, (-1, 4))
            x = ((quads[..., 0] + quads[..., 1]) + (quads[..., 2] + quads[..., 3])) * 0.25
        return x

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, None]:
        children = 4**ctx.levels
        return (g / children).unsqueeze(-1).expand(*g.shape, children).flatten(-2), None


def prolong_tensor(x: torch.Tensor, zoom: int, levels: int) -> torch.Tensor:
    """`pyramid.prolong` of a tensor (..., n_cells(zoom))."""
    return _Prolong.apply(x, zoom, levels)


def restrict_tensor(x: torch.Tensor, levels: int) -> torch.Tensor:
    """`pyramid.restrict` of a tensor."""
    return _Restrict.apply(x, levels) if levels else x
