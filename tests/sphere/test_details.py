"""Fields as means and details, and some of these alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.errors import UserError
from fsae_core.sphere.details import (
    check_places,
    children,
    details,
    kept_at,
    places_of,
    split_cells,
    zoom_of_places,
)
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import restrict


def some_kept(seed: int, fields: int, share: float, finest: int = 3):
    rng = np.random.default_rng(seed)
    return [rng.random((fields, n_cells(zoom), 3)) < share for zoom in range(finest)]


kept_flags = st.builds(
    some_kept, st.integers(0, 2**31), st.integers(0, 4), st.sampled_from([0, 0.05, 0.5, 1])
)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 3))
def test_a_field_is_its_means_and_details(seed, zoom):
    x = np.random.default_rng(seed).standard_normal((2, n_cells(zoom + 1))).astype(np.float32)
    np.testing.assert_allclose(children(restrict(x), details(x)), x, atol=1e-5)


def test_details_are_a_basis_of_right_angles():
    """Each moves its four children alike, and their mean not at all."""
    one = np.zeros((1, 12, 3), np.float32)
    for band in range(3):
        one[:], one[0, 5, band] = 0, 1
        made = children(np.zeros((1, 12), np.float32), one)
        assert (abs(made[0, 20:24]) == 1).all() and made.sum() == 0 and abs(made).sum() == 4


@settings(max_examples=40, deadline=None)
@given(kept_flags)
def test_places_say_what_is_kept(kept):
    fields = len(kept[0])
    places = places_of(kept, fields)
    check_places(places, 3)
    for one, back in zip(kept, kept_at(places, 3), strict=True):
        np.testing.assert_array_equal(one, back)
    zooms = zoom_of_places(places)
    for field in range(fields):
        for zoom in range(3):
            assert (zooms[field] == zoom).sum() == kept[zoom][field].sum()
        assert (zooms[field] == -1).sum() == 12


def test_fields_with_fewer_numbers_are_filled_up():
    kept = some_kept(1, 2, 0.2)
    kept[2][1] = False
    places = places_of(kept, 2, 200)
    assert places.shape == (2, 200) and (places[:, -1] == n_cells(3)).all()
    assert (zoom_of_places(places)[:, -1] == 3).all()
    with pytest.raises(ValueError, match="20 at most"):
        places_of(kept, 2, 20)


@pytest.mark.parametrize("change", ["order", "twice", "too large", "no means", "negative", "few"])
def test_what_can_be_no_places_is_refused(change):
    places = places_of(some_kept(2, 1, 0.1), 1)
    if change == "order":
        places[0, [20, 21]] = places[0, [21, 20]]
    elif change == "twice":
        places[0, 20] = places[0, 21]
    elif change == "too large":
        places[0, -1] = n_cells(3) + 1
    elif change == "no means":
        places = places[:, 1:]
    elif change == "negative":
        places[0, 0] = -1
    else:
        places = places[:, :11]
    with pytest.raises(UserError, match="are none of a field of zoom 3"):
        check_places(places, 3)


def test_a_cell_is_split_where_something_in_it_is_kept():
    kept = [np.zeros((1, n_cells(zoom), 3), bool) for zoom in range(3)]
    kept[2][0, 16 * 7 + 5, 1] = True
    splits = split_cells(places_of(kept, 1), 3)
    assert [np.flatnonzero(split[0]).tolist() for split in splits] == [[7], [29], [117]]
