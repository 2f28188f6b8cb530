"""Projections: inverse of forward, what is visible, no line across the map."""

import numpy as np
import pytest

from app.projection import PROJECTIONS, Projection, break_at_jumps, graticule

POINTS = np.array([[0.0, 0], [86.9, 28.0], [-70, -20], [151, -33], [-120, 60], [10, 89], [-179, -75]]).T


@pytest.mark.parametrize("name", PROJECTIONS)
@pytest.mark.parametrize("middle", [(0.0, 0.0), (150.0, 40.0), (-75.0, -60.0)])
def test_inverse_of_forward(name, middle):
    projection = Projection(name, *middle)
    x, y = projection.forward(*POINTS)
    seen = np.isfinite(x)
    assert seen.any() and (name == "globe" or seen.all())
    lon, lat = projection.inverse(x[seen], y[seen])
    np.testing.assert_allclose(lat, POINTS[1][seen], atol=1e-6)
    np.testing.assert_allclose((lon - POINTS[0][seen] + 180) % 360, 180, atol=1e-5)


@pytest.mark.parametrize("name", PROJECTIONS)
def test_north_is_up_and_east_is_right(name):
    projection = Projection(name)
    x, y = projection.forward(np.array([10.0, 40.0, 10.0]), np.array([0.0, 0.0, 30.0]))
    assert x[1] > x[0] and y[2] > y[0]


@pytest.mark.parametrize("name", ["mollweide", "globe"])
def test_beside_the_map_there_is_nothing(name):
    lon, lat = Projection(name).inverse(np.array([175.0]), np.array([85.0]))
    assert np.isnan(lon).all() and np.isnan(lat).all()


def test_the_far_side_of_the_globe_is_hidden():
    x, _ = Projection("globe", 0.0, 0.0).forward(np.array([180.0, 0.0]), np.array([0.0, 0.0]))
    assert np.isnan(x[0]) and np.isfinite(x[1])


def test_poles_of_mollweide():
    x, y = Projection("mollweide").forward(np.array([77.0, 77.0]), np.array([90.0, -90.0]))
    np.testing.assert_allclose(x, 0, atol=1e-6)
    np.testing.assert_allclose(y, [90, -90])


@pytest.mark.parametrize("name", PROJECTIONS)
def test_lines_never_run_across_the_map(name):
    x, _ = graticule(Projection(name, 33.0, 20.0))
    step = np.abs(np.diff(x))
    assert np.nanmax(step) < 90


def test_break_at_jumps():
    x, y = break_at_jumps(np.array([170.0, 179.0, -179.0, -170.0]), np.arange(4.0))
    assert np.isnan(x[2]) and np.isnan(y[2]) and x.size == 5
