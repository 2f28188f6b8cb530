"""Values of leaves of different zooms as bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.codec.entropy import decode_standard, encode_standard
from fsae_core.codec.leaf_code import decode_leaves, encode_leaves, round_leaves, tree_bytes
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import cell_centres, n_cells
from fsae_core.sphere.leaves import at_leaves, leaf_zooms
from fsae_core.sphere.pyramid import restrict


def some_leaves(fields: int, splits: int, seed: int, finest: int = 4):
    """Standardised values of smooth fields with some noise, and their zooms; more leaves near the pole."""
    rng = np.random.default_rng(seed)
    lon, lat = np.deg2rad(cell_centres(finest))
    x = np.sin(2 * lon) * np.cos(lat) + np.sin(lat + np.arange(fields)[:, None])
    x = x + 0.05 * rng.standard_normal(x.shape)
    tree = [np.zeros((fields, n_cells(zoom)), bool) for zoom in range(finest)]
    for field in range(fields):
        free = [(0, cell) for cell in range(12)]
        for _ in range(splits):
            zoom, cell = free.pop(int(len(free) * rng.random() ** 3))
            tree[zoom][field, cell] = True
            if zoom + 1 < finest:
                free += [(zoom + 1, 4 * cell + child) for child in range(4)]
    zooms = leaf_zooms(tree, fields)
    return at_leaves([restrict(x, finest - zoom) for zoom in range(finest + 1)], zooms), zooms


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5), st.integers(0, 200), st.integers(0, 2**31), st.sampled_from([0.002, 0.03, 0.5]))
def test_values_and_tree_come_back(fields, splits, seed, step):
    values, zooms = some_leaves(fields, splits, seed)
    sides = np.arange(fields, dtype=np.float32), 2 + np.arange(fields, dtype=np.float32)
    data = encode_leaves(values, zooms, step, sides)
    back, zooms_back, sides_back = decode_leaves(data, zooms.shape[1] if fields else None)
    assert len(back) == len(zooms_back) == fields
    if fields:
        np.testing.assert_array_equal(zooms_back, zooms)
        assert abs(back - values).max() < 4 * step
        np.testing.assert_array_equal(back, round_leaves(values, zooms, step))
    for one, other in zip(sides, sides_back, strict=True):
        np.testing.assert_array_equal(one, other)


def test_leaves_of_one_zoom_are_as_the_fields_of_that_zoom():
    values, zooms = some_leaves(3, 12 + 48 + 192, 1, finest=3)
    assert (zooms == 3).all()
    data = encode_leaves(values, zooms, 0.05)
    np.testing.assert_array_equal(decode_leaves(data)[0], decode_standard(encode_standard(values, 0.05, 3)))
    assert len(data) < len(encode_standard(values, 0.05, 3)) + 40


def test_a_tree_of_many_times_takes_less_for_each():
    values, zooms = some_leaves(1, 100, 3)
    one = len(encode_leaves(values, zooms, 0.5)) + tree_bytes(zooms[0])
    many = len(encode_leaves(np.repeat(values, 8, 0), np.repeat(zooms, 8, 0), 0.5))
    assert many < 2.5 * one
    assert tree_bytes(np.zeros(12, np.int8)) <= 4


def test_a_field_takes_bytes_where_it_has_leaves_only():
    values, zooms = some_leaves(1, 40, 4)
    dense, fine = some_leaves(1, 12 + 48 + 192 + 768, 4)
    assert len(encode_leaves(values, zooms, 0.01)) < len(encode_leaves(dense, fine, 0.01)) / 4


def test_damaged_bytes_are_refused_in_a_sentence():
    values, zooms = some_leaves(2, 60, 5)
    data = encode_leaves(values, zooms, 0.05)
    for wrong in (b"", data[:9], data[:-3], data[:7] + bytes([data[7] ^ 4]) + data[8:]):
        with pytest.raises(UserError, match="damaged"):
            decode_leaves(wrong)
    with pytest.raises(UserError, match="192 values, 195 were expected"):
        decode_leaves(data, 195)
    with pytest.raises(UserError, match="instead of leaves"):
        decode_leaves(encode_standard(values[:, :12], 0.05, 0))
    with pytest.raises(UserError, match="instead of fields"):
        decode_standard(data)


def test_what_cannot_be_kept_is_refused():
    values, zooms = some_leaves(1, 10, 6)
    with pytest.raises(UserError, match="only finite"):
        encode_leaves(np.full_like(values, np.nan), zooms, 0.1)
    with pytest.raises(UserError, match="24 bits"):
        encode_leaves(values, zooms, 1e-9)
    with pytest.raises(UserError, match="do not cover"):
        encode_leaves(values[:, :-1], zooms[:, :-1], 0.1)
