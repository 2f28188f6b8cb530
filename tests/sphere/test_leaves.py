"""Spheres of cells of different zooms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.leaves import at_leaves, first_cells, leaf_zooms, spread
from fsae_core.sphere.pyramid import restrict


def a_tree(rng: np.random.Generator, fields: int, finest: int, times: int):
    """So many splits of each field, anywhere."""
    splits = [np.zeros((fields, n_cells(zoom)), bool) for zoom in range(finest)]
    for field in range(fields):
        free = [(0, cell) for cell in range(12)] if finest else []
        for _ in range(times):
            zoom, cell = free.pop(int(rng.integers(len(free))))
            splits[zoom][field, cell] = True
            if zoom + 1 < finest:
                free += [(zoom + 1, 4 * cell + child) for child in range(4)]
    return splits


trees = st.builds(
    lambda seed, fields, times: a_tree(np.random.default_rng(seed), fields, 4, times),
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.integers(0, 300),
)


@settings(max_examples=40, deadline=None)
@given(trees)
def test_zooms_of_leaves_say_the_whole_tree(splits):
    zooms = leaf_zooms(splits, len(splits[0]))
    assert zooms.shape[1] == 12 + 3 * sum(int(split[0].sum()) for split in splits)
    dense = spread(zooms, zooms, 4)
    for zoom, split in enumerate(splits):
        np.testing.assert_array_equal(dense[:, :: 4 ** (4 - zoom)] > zoom, split)


@settings(max_examples=40, deadline=None)
@given(trees, st.integers(0, 1000))
def test_leaves_cover_the_sphere_once_and_hold_its_means(splits, seed):
    zooms = leaf_zooms(splits, len(splits[0]))
    x = np.random.default_rng(seed).standard_normal((len(zooms), n_cells(4)))
    means = at_leaves([restrict(x, 4 - zoom) for zoom in range(5)], zooms)
    for field in range(len(x)):
        start, size = first_cells(zooms, 4)[field], 4 ** (4 - zooms[field].astype(int))
        assert start[0] == 0 and (start[1:] == (start + size)[:-1]).all()
        for leaf in (0, len(start) // 2, len(start) - 1):
            part = x[field, start[leaf] : start[leaf] + size[leaf]]
            assert means[field, leaf] == pytest.approx(part.mean(), abs=1e-12)
    dense = spread(means, zooms, 4)
    np.testing.assert_allclose(dense.mean(axis=1), x.mean(axis=1), atol=1e-12)


def test_fields_with_different_numbers_of_leaves_have_no_array():
    split = np.zeros((2, 12), bool)
    split[0, 0] = True
    with pytest.raises(ValueError, match="12 to 15 leaves"):
        leaf_zooms([split], 2)
