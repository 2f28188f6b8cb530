"""Some of a field's numbers, and where they stand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.kept import (
    NOWHERE,
    are_cells,
    check_places,
    count_kept,
    kept_at,
    places_of,
    split_cells,
    zoom_of_places,
)


def some_kept(seed: int, fields: int, share: float, cells: bool = False, finest: int = 3):
    """Flags of details, or of the cells of a pyramid."""
    rng, bands = np.random.default_rng(seed), 1 if cells else 3
    return [rng.random((fields, n_cells(zoom), bands)) < share for zoom in range(finest + cells)]


kept_flags = st.builds(
    some_kept, st.integers(0, 2**31), st.integers(1, 4), st.sampled_from([0, 0.05, 0.5, 1]), st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(kept_flags)
def test_places_say_what_is_kept(kept):
    fields, cells = len(kept[0]), kept[0].shape[-1] == 1
    means = 0 if cells else 12
    numbers = means + sum(one.sum(axis=(1, 2)) for one in kept)
    places = places_of(kept, fields, int(numbers.max()) + 2)
    check_places(places, 3)
    assert are_cells(places) == cells
    for one, back in zip(kept, kept_at(places, 3), strict=True):
        np.testing.assert_array_equal(one, back)
    np.testing.assert_array_equal(count_kept(places, 3), numbers)
    zooms = zoom_of_places(places, 3)
    for zoom, one in enumerate(kept):
        np.testing.assert_array_equal((zooms == zoom).sum(axis=1), one.sum(axis=(1, 2)))
    assert ((zooms == -1).sum(axis=1) == means).all()
    np.testing.assert_array_equal((zooms == NOWHERE).sum(axis=1), places.shape[1] - numbers)


@pytest.mark.parametrize("cells", [False, True])
def test_fields_with_fewer_numbers_are_filled_up(cells):
    kept = some_kept(1, 2, 0.2, cells)
    kept[2][1] = False
    places = places_of(kept, 2, 200)
    assert places.shape == (2, 200) and (places[:, -1] == n_cells(3)).all()
    with pytest.raises(ValueError, match="20 at most"):
        places_of(kept, 2, 20)


@pytest.mark.parametrize("change", ["order", "twice", "too large", "no means", "negative", "few"])
def test_what_can_be_no_places_of_details_is_refused(change):
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


@pytest.mark.parametrize("change", ["order", "twice", "too large", "a detail", "after none"])
def test_what_can_be_no_places_of_cells_is_refused(change):
    places = places_of(some_kept(2, 1, 0.1, cells=True), 1)
    if change == "order":
        places[0, [20, 21]] = places[0, [21, 20]]
    elif change == "twice":
        places[0, 20] = places[0, 21]
    elif change == "too large":
        places[0, -1] = n_cells(3) + 4 * (4**4 - 1) + 1
    elif change == "a detail":
        places[0, 0] = 300
    else:
        places[0, 10] = n_cells(3)
    with pytest.raises(UserError, match="are none of a field of zoom 3"):
        check_places(places, 3)


def test_a_cell_is_split_where_something_in_it_is_kept():
    kept = [np.zeros((1, n_cells(zoom), 3), bool) for zoom in range(3)]
    kept[2][0, 16 * 7 + 5, 1] = True
    splits = split_cells(places_of(kept, 1), 3)
    assert [np.flatnonzero(split[0]).tolist() for split in splits] == [[7], [29], [117]]
    one = [np.zeros((1, n_cells(zoom), 1), bool) for zoom in range(4)]
    one[2][0, 16 * 7 + 5] = True
    splits = split_cells(places_of(one, 1), 3)
    assert [np.flatnonzero(split[0]).tolist() for split in splits] == [[7], [29], []]
