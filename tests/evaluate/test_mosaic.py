"""The picture of base faces: nothing lost, and faces beside each other that belong there."""

import numpy as np

from fsae_core.evaluate.mosaic import from_mosaic, to_mosaic
from fsae_core.sphere.healpix import n_cells, ring_table


def test_there_and_back():
    x = np.random.default_rng(0).standard_normal((2, 3, n_cells(4)))
    picture = to_mosaic(x)
    assert picture.shape == (2, 3, 48, 64)
    np.testing.assert_array_equal(from_mosaic(picture), x)


def test_twelve_joins_continue_across_faces():
    n = 8
    cell = to_mosaic(np.arange(n_cells(3)))
    ring = ring_table(3)
    pairs = [
        *((cell[:, k * n - 1].reshape(3, n), cell[:, k * n].reshape(3, n)) for k in (1, 2, 3)),
        *((cell[k * n - 1].reshape(4, n), cell[k * n].reshape(4, n)) for k in (1, 2)),
    ]
    joins = sum(
        int(all(b in ring[a] for a, b in zip(one, other, strict=True)))
        for left, right in pairs
        for one, other in zip(left, right, strict=True)
    )
    assert joins == 12
    # Inside a face every step along a row or a column is a step to a neighbour.
    assert all(b in ring[a] for a, b in zip(cell[3, : n - 1], cell[3, 1:n], strict=True))
    assert all(b in ring[a] for a, b in zip(cell[: n - 1, 3], cell[1:n, 3], strict=True))
