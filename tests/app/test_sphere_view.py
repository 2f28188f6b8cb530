"""The map against healpy's own lookup, and the right way up."""

import healpy
import numpy as np
import pytest

from app.projection import Projection
from app.sphere_view import MAX_PIXELS, Field, Window, display_zoom, pixel_index, render
from fsae_core.sphere.healpix import cell_centres

RNG = np.random.default_rng(7)
EVEREST = (86.925, 27.988)


def at(image: np.ndarray, window: Window, x: float, y: float) -> float:
    h, w = image.shape
    col = int((x - window.x0) / (window.x1 - window.x0) * w)
    row = int((y - window.y0) / (window.y1 - window.y0) * h)
    return float(image[row, col])


@pytest.mark.parametrize("zoom", [0, 3, 6])
@pytest.mark.parametrize("window", [Window(), Window(60, 120, 10, 40, 300, 150)])
def test_pixels_are_the_cells_healpy_finds(zoom, window):
    cells = RNG.normal(size=12 * 4**zoom).astype(np.float32)
    w, h = window.sized()
    lon = window.x0 + (np.arange(w) + 0.5) * (window.x1 - window.x0) / w
    lat = window.y0 + (np.arange(h) + 0.5) * (window.y1 - window.y0) / h
    index = healpy.ang2pix(2**zoom, lon[None, :], lat[:, None], nest=True, lonlat=True)
    assert display_zoom(window, zoom) == zoom
    np.testing.assert_array_equal(render(Field(cells), Projection(), window), cells[index])


@pytest.mark.parametrize("name", ["plate-carree", "mollweide", "globe"])
def test_nothing_is_upside_down_or_mirrored(name):
    """A hot Himalaya on a cold Earth is where the Himalaya is; its three mirror images are cold."""
    lon, lat = cell_centres(5)
    mountain = (np.abs(lon - EVEREST[0]) < 4) & (np.abs(lat - EVEREST[1]) < 4)
    field = Field(np.where(mountain, 300.0, 200.0))
    projection = Projection(name, 20.0, 10.0 if name == "globe" else 0.0)
    window = Window(*projection.bounds, width=720, height=360)
    image = render(field, projection, window)
    for east in (1, -1):
        for north in (1, -1):
            x, y = projection.forward(np.array([EVEREST[0] * east]), np.array([EVEREST[1] * north]))
            if np.isfinite(x[0]):
                expected = 300 if east == north == 1 else 200
                assert at(image, window, x[0], y[0]) == pytest.approx(expected), (east, north)


@pytest.mark.parametrize("name", ["mollweide", "globe"])
def test_beside_a_round_map_there_is_nothing(name):
    projection = Projection(name)
    image = render(Field(np.ones(192)), projection, Window(*projection.bounds, width=200, height=100))
    assert np.isnan(image[0, 0]) and np.isnan(image[-1, -1])
    assert image[50, 100] == 1


def test_fine_fields_are_averaged_to_the_pixels():
    """A checkerboard of cells far smaller than a pixel is grey, not noise."""
    cells = np.tile(np.array([0.0, 1.0], np.float32), 12 * 4**8 // 2)
    image = render(Field(cells), Projection(), Window(width=64, height=32))
    np.testing.assert_allclose(image, 0.5)
    close = render(Field(cells), Projection(), Window(0, 1, 0, 0.5, 64, 32))
    assert set(np.unique(close)) == {0.0, 1.0}


def test_missing_values_stay_missing():
    cells = np.ones(12 * 4**4, np.float32)
    cells[: 4**4] = np.nan  # the first face: north, 0-90 degrees east
    field = Field(cells)
    assert not field.complete
    window = Window(width=40, height=20)
    image = render(field, Projection(), window)
    assert np.isnan(at(image, window, 45.0, 45.0)) and at(image, window, -45.0, -45.0) == 1
    assert np.nanmax(field.at(1)[:-1]) == 1


def test_lookup_is_kept_and_bounded():
    window = Window(-10, 10, -5, 5, 100, 50)
    assert pixel_index(Projection(), window, 4) is pixel_index(Projection(), window, 4)
    assert not pixel_index(Projection(), window, 4).flags.writeable
    w, h = Window(width=10_000, height=10_000).sized()
    assert w * h <= MAX_PIXELS


@pytest.mark.parametrize("zoom", range(0, 9))
def test_levels_are_found_through_the_zoom(zoom):
    assert 0 <= display_zoom(Window(), zoom) <= zoom
    assert display_zoom(Window(0, 1e-3, 0, 1e-3, 100, 100), zoom) == zoom
