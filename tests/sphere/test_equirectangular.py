"""The way to the equirectangular grid and back: what it keeps, and that gradients take it in reverse."""

import numpy as np
import pytest
import torch

from fsae_core.sphere.equirectangular import cells_from_grid, grid_from_cells, grid_shape, row_areas
from fsae_core.sphere.healpix import cell_vectors, n_cells

ZOOM = 4


def waves() -> torch.Tensor:
    vectors = cell_vectors(ZOOM)
    return torch.from_numpy(np.stack([vectors[:, 0], vectors[:, 2] ** 2, np.sin(3 * vectors[:, 1])])).float()


def test_the_grid_has_two_boxes_a_cell():
    for zoom in (2, 4, 6):
        rows, columns = grid_shape(zoom)
        assert rows * columns == 2 * n_cells(zoom)


def test_constants_and_area_means_stay():
    x = waves()
    grid = grid_from_cells(x)
    areas = row_areas(grid.shape[-2])[:, None] / grid.shape[-1]
    torch.testing.assert_close((grid * areas).sum((-1, -2)), x.mean(-1), atol=1e-5, rtol=0)
    torch.testing.assert_close(cells_from_grid(grid).mean(-1), x.mean(-1), atol=1e-5, rtol=0)
    one = torch.ones(1, n_cells(ZOOM))
    torch.testing.assert_close(cells_from_grid(grid_from_cells(one)), one, atol=1e-5, rtol=0)


def test_rows_run_from_north_to_south_and_columns_east_from_greenwich():
    x, _, z = torch.from_numpy(cell_vectors(ZOOM).T.copy()).float()
    north, east = grid_from_cells(torch.stack([z, x]))
    assert north[0].mean() > 0.95 and north[-1].mean() < -0.95
    middle = east.shape[0] // 2
    assert east[middle, 0] > 0.95 and east[middle, east.shape[1] // 2] < -0.95


@pytest.mark.parametrize("sharpen", [False, True])
def test_smooth_fields_come_back(sharpen):
    x = waves()
    error = (cells_from_grid(grid_from_cells(x), sharpen) - x).square().mean().sqrt()
    assert error < (0.005 if sharpen else 0.02)


def test_sharpening_halves_what_a_ragged_field_loses():
    x = torch.randn(2, n_cells(ZOOM), generator=torch.Generator().manual_seed(0))
    grid = grid_from_cells(x)
    plain, sharp = ((cells_from_grid(grid, s) - x).square().mean() for s in (False, True))
    assert sharp < 0.5 * plain


@pytest.mark.parametrize("there", [True, False])
def test_gradients_are_the_adjoint(there):
    rows, columns = grid_shape(3)
    shape = (2, n_cells(3)) if there else (2, rows, columns)
    x = torch.randn(shape, requires_grad=True)
    y = grid_from_cells(x) if there else cells_from_grid(x, sharpen=True)
    g = torch.randn_like(y)
    y.backward(g)
    step = torch.randn(shape)
    with torch.no_grad():
        moved = grid_from_cells(step) if there else cells_from_grid(step, sharpen=True)
    torch.testing.assert_close((x.grad * step).sum(), (g * moved).sum(), rtol=1e-3, atol=1e-3)
