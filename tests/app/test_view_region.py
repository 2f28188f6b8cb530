"""Where a visitor looks: bookmarks, the cells that a window shows, the box that it lies in."""

import numpy as np
import pytest

from app.bookmarks import GLOBE, PLACES, around, look_at, place_at, place_name, turned
from app.projection import Projection
from app.sphere_view import Window
from app.view_region import MOST_CELLS, Look, box_of, decoded_cells, drawn_zoom, visible_cells
from fsae_core.sphere.box import box_cells, check_box
from fsae_core.sphere.healpix import cell_centres, lookup, n_cells

FLAT = Projection()


def look(window=(0.0, 30.0, 35.0, 50.0), projection=FLAT) -> Look:
    return Look(projection, Window(*window, 480, 240))


@pytest.mark.parametrize("name", ["plate-carree", "mollweide", "globe"])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.key)
def test_a_bookmark_shows_its_place(name, place):
    projection, (x0, x1, y0, y1) = look_at(place.box, Projection(name, 150.0, 0.0))
    assert (x1 - x0) / (y1 - y0) == pytest.approx(2, rel=0.01)
    cells = box_cells(place.box, 6)
    lon, lat = (centre[cells] for centre in cell_centres(6))
    x, y = projection.forward(lon, lat)
    assert ((x > x0 - 1) & (x < x1 + 1) & (y > y0 - 1) & (y < y1 + 1)).all()
    assert x1 - x0 < 160, "the place fills the maps"


def test_a_flat_map_is_turned_only_where_its_seam_cuts_the_place():
    japan = next(place for place in PLACES if place.key == "japan")
    assert look_at(japan.box, FLAT)[0] == FLAT
    turned, window = look_at(japan.box, Projection(lon0=-50.0))
    assert turned.lon0 == 0 and window == around(japan.box, FLAT)


@pytest.mark.parametrize("zoom", [3, 6, 8])
@pytest.mark.parametrize("name", ["plate-carree", "globe"])
def test_visible_cells_are_those_under_the_window(zoom, name):
    here = look((-20.0, 20.0, -10.0, 10.0), Projection(name, 40.0, 30.0))
    cells = visible_cells(here, zoom)
    assert np.array_equal(cells, np.unique(cells))
    x = np.random.default_rng(1).uniform(-20, 20, 4000)
    y = np.random.default_rng(2).uniform(-10, 10, 4000)
    under = np.unique(lookup(*here.projection.inverse(x, y), zoom))
    assert np.isin(under, cells).mean() > 0.995
    assert len(cells) < max(3 * len(under), 0.2 * n_cells(zoom))
    assert np.isin(cells, decoded_cells(here, zoom)).all()


def test_a_view_is_decoded_as_fine_as_its_pixels_and_no_more_at_once():
    whole = look((-180.0, 180.0, -90.0, 90.0))
    assert drawn_zoom(whole, 4, 6) == 6
    assert drawn_zoom(whole, 4, 8) == 6 and len(decoded_cells(whole, 6)) == n_cells(6) <= MOST_CELLS
    assert drawn_zoom(look((0.0, 20.0, 40.0, 50.0)), 4, 8) == 8
    assert drawn_zoom(whole, 7, 8) == 8, "never coarser than what it starts from"


@pytest.mark.parametrize(
    ("window", "lon0", "box"),
    [
        ((0.0, 30.0, 35.0, 50.0), 0.0, (0.0, 35.0, 30.0, 50.0)),
        ((-10.0, 10.0, -5.0, 5.0), 180.0, (170.0, -5.0, -170.0, 5.0)),
        ((-150.0, 150.0, -20.0, 20.0), 0.0, (-150.0, -20.0, 150.0, 20.0)),
        ((-150.0, 150.0, -20.0, 20.0), 90.0, (-180.0, -20.0, 180.0, 20.0)),
        ((-180.0, 180.0, -90.0, 90.0), 0.0, None),
        ((-180.0, 180.0, 30.0, 70.0), 0.0, (-180.0, 30.0, 180.0, 70.0)),
    ],
)
def test_the_box_of_a_window(window, lon0, box):
    found = box_of(look(window, Projection(lon0=lon0)))
    assert (found is None) == (box is None)
    if box is not None:
        assert found == pytest.approx(box, abs=0.01)
        check_box(found)


def test_the_box_of_a_globe_with_a_pole_has_all_longitudes():
    west, south, east, north = box_of(look((-60.0, 60.0, -30.0, 30.0), Projection("globe", 10.0, 90.0)))
    assert (west, east) == (-180, 180) and north > 89 and 40 < south < 70
    assert box_of(look((170.0, 184.0, 85.0, 92.0), Projection("globe"))) is None


@pytest.mark.parametrize("name", ["plate-carree", "mollweide", "globe"])
def test_what_is_looked_at_is_recognised(name):
    for key in (GLOBE, *(place.key for place in PLACES)):
        projection, window = turned(key, Projection(name))
        assert place_at(window, projection) == key and place_name(key)
    assert place_at((0.0, 10.0, 0.0, 5.0), Projection(name)) == place_name("nowhere") == ""
