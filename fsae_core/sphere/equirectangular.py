"""Between HEALPix cells and an equirectangular grid of the same detail, as linear maps torch can go back
through.

The grid of zoom z has 4 * 2**z rows and 6 * 2**z columns, two boxes a cell; both ways are conservative, so
area means are kept and a constant stays one.
"""

from __future__ import annotations

__all__ = ["cells_from_grid", "grid_from_cells", "grid_shape", "row_areas"]

import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.latlon import LatLonGrid
from fsae_core.sphere.regrid import regrid_weights


def grid_shape(zoom: int) -> tuple[int, int]:
    """(rows, columns) of the grid for fields of this zoom."""
    return 4 * 2**zoom, 6 * 2**zoom


def row_areas(rows: int) -> Tensor:
    """Share of the sphere's area in each of so many rows, north to south, (rows,)."""
    edges = np.sin(np.radians(np.linspace(90.0, -90.0, rows + 1)))
    return torch.from_numpy((edges[:-1] - edges[1:]) / 2).float()


def _tensor(matrix: Any, device: str) -> Tensor:
    rows = sparse.csr_matrix(matrix, dtype=np.float32, copy=True)
    rows.sum_duplicates()
    with warnings.catch_warnings():
        # torch warns that matrices by rows are new to it; by entries they are 20 times slower.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
        return torch.sparse_csr_tensor(
            torch.from_numpy(rows.indptr.astype(np.int64)),
            torch.from_numpy(rows.indices.astype(np.int64)),
            torch.from_numpy(rows.data),
            rows.shape,
            device=device,
            check_invariants=True,
        )


@lru_cache(maxsize=16)
def _maps(zoom: int, device: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Grid to cells, its adjoint; cells to grid, its adjoint."""
    rows, columns = grid_shape(zoom)
    lat = 90.0 - (np.arange(rows) + 0.5) * 180.0 / rows
    lon = (np.arange(columns) + 0.5) * 360.0 / columns
    to_cells = regrid_weights(LatLonGrid(lon, lat), zoom)
    # A cell's shares are overlap over its area, so their transpose, scaled to sum to 1, is the box's mean.
    overlap = to_cells.T.tocsr()
    to_grid = sparse.diags(1.0 / np.asarray(overlap.sum(axis=1)).ravel()) @ overlap
    with torch.inference_mode(False):
        return (
            _tensor(to_cells, device),
            _tensor(overlap, device),
            _tensor(to_grid, device),
            _tensor(to_grid.T, device),
        )


class _Map(torch.autograd.Function):
    """A fixed sparse map of (batch, n) with its adjoint at hand."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, adjoint: Tensor) -> Tensor:
        ctx.adjoint = adjoint
        return (matrix @ x.float().T.contiguous()).T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = gradients
        return (ctx.adjoint @ gradient.float().T.contiguous()).T, None, None


def grid_from_cells(x: Tensor) -> Tensor:
    """(batch, cells) -> the boxes' means (batch, rows, columns), rows north to south, columns east from
    Greenwich."""
    zoom = zoom_of(x.shape[-1])
    _, _, matrix, adjoint = _maps(zoom, str(x.device))
    y: Tensor = _Map.apply(x, matrix, adjoint)
    return y.unflatten(1, grid_shape(zoom))


def cells_from_grid(x: Tensor, sharpen: bool = False) -> Tensor:
    """(batch, rows, columns) -> (batch, cells), the cells' means.

    sharpen: add what a way there and back loses; without it a field of cells that went through the grid comes
    back a little blurred.
    """
    zoom = round(np.log2(x.shape[-2] / 4))
    matrix, adjoint, _, _ = _maps(zoom, str(x.device))
    y: Tensor = _Map.apply(x.flatten(1), matrix, adjoint)
    if not sharpen:
        return y
    again: Tensor = _Map.apply(grid_from_cells(y).flatten(1), matrix, adjoint)
    return 2 * y - again
