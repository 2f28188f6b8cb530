"""Arrows of a wind: where they stand, where they point, how long they are."""

import numpy as np
import pytest

from app.projection import Projection
from app.sphere_view import Window
from app.wind_arrows import SPACING, Wind, arrows
from fsae_core.sphere.healpix import cell_vectors, n_cells
from fsae_core.sphere.tangent import east_north

FLAT = Projection("plate-carree")
WINDOW = Window(-180, 180, -90, 90, 720, 360)


def shafts(found):
    """(tail, tip) of each arrow, (arrows, 2)."""
    x, y = (np.asarray(found[key]).reshape(-1, 6) for key in ("x", "y"))
    assert np.isnan(x[:, 5]).all() and np.isfinite(x[:, :5]).all()
    return np.stack([x[:, 0], y[:, 0]], 1), np.stack([x[:, 1], y[:, 1]], 1)


def steady(u, v, zoom=5):
    cells = n_cells(zoom)
    return Wind(np.full(cells, u, np.float32), np.full(cells, v, np.float32), 10.0)


@pytest.mark.parametrize(("u", "v"), [(10, 0), (0, 10), (-7, 0)])
def test_on_the_flat_map_arrows_point_with_the_wind(u, v):
    tail, tip = shafts(arrows(steady(u, v), FLAT, Window(-180, 180, -60, 60, 720, 240)))
    way = tip - tail
    size = np.hypot(*way.T)
    assert len(way) > 200
    # Means over large cells are of vectors, a little shorter where meridians converge.
    np.testing.assert_allclose(size, 0.95 * SPACING * 360 / 720 * np.hypot(u, v) / 10, rtol=0.05)
    assert (way / size[:, None] @ np.array([u, v]) / np.hypot(u, v)).min() > 0.97


def test_calm_air_has_no_arrows_and_a_storm_no_longer_ones_than_fit():
    assert len(arrows(steady(0.1, 0), FLAT, WINDOW)["x"]) == 0
    tail, tip = shafts(arrows(steady(90, 0), FLAT, WINDOW))
    assert np.abs(tip - tail).max() < 1.4 * SPACING * 360 / 720


def test_on_the_globe_a_flow_across_the_pole_is_straight():
    """A turn of the sphere about 0E 0N seen from above the north pole: all arrows of the middle run the
    same way, through the pole."""
    flow = np.cross([1.0, 0.0, 0.0], cell_vectors(6))
    east, north = east_north(6)
    wind = Wind(*((flow * e).sum(-1).astype(np.float32) for e in (east, north)), 1.0)
    globe = Projection("globe", 0.0, 90.0)
    tail, tip = shafts(arrows(wind, globe, Window(-92, 92, -92, 92, 600, 600)))
    middle = np.hypot(*((tail + tip) / 2).T) < 30
    way = (tip - tail)[middle]
    way /= np.hypot(*way.T)[:, None]
    assert middle.sum() > 20 and (way @ way.mean(0)).min() > 0.95


@pytest.mark.parametrize("name", ["mollweide", "globe"])
def test_round_maps_have_arrows_on_them_alone(name):
    found = arrows(steady(8, 3), Projection(name, 0.0, 20.0 if name == "globe" else 0.0), WINDOW)
    tail, tip = shafts(found)
    lon, lat = Projection(name, 0.0, 20.0 if name == "globe" else 0.0).inverse(*((tail + tip) / 2).T)
    assert len(tail) > 100 and np.isfinite(lon).all() and np.isfinite(lat).all()


def test_a_closer_look_has_arrows_as_far_apart():
    near, far = (
        len(shafts(arrows(steady(8, 3), FLAT, window))[0])
        for window in (Window(0, 36, 20, 38, 720, 360), WINDOW)
    )
    assert near == pytest.approx(far, rel=0.2), "as many but for those at the edges and the poles"
