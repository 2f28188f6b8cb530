"""Winds on the sphere against flows whose derivatives are known, and at the poles."""

import numpy as np
import pytest

from fsae_core.sphere.flow import EARTH_RADIUS, gradient, vorticity_divergence, wind_speed
from fsae_core.sphere.healpix import cell_centres, cell_vectors, n_cells, rotation_table
from fsae_core.sphere.tangent import (
    east_north,
    grid_frames,
    prolong_wind,
    restrict_wind,
    rotate_wind,
)


def close(found, true, scale):
    """Cells where three faces meet have seven neighbours and are the worst."""
    error = np.abs(found - true) / scale
    return error.max() < 0.04 and np.sqrt((error**2).mean()) < 0.01


def solid_body(zoom, axis, speed=30.0):
    """Wind of a sphere that turns about an axis: components and the sine of latitude about that axis."""
    axis = np.asarray(axis, float) / np.linalg.norm(axis)
    flow = speed * np.cross(axis, cell_vectors(zoom))
    east, north = east_north(zoom)
    return (flow * east).sum(-1), (flow * north).sum(-1), cell_vectors(zoom) @ axis


@pytest.mark.parametrize("axis", [(0, 0, 1), (1, 0, 0), (0.3, -0.5, 0.2)])
def test_solid_body_rotation(axis):
    u, v, sine = solid_body(5, axis)
    vorticity, divergence = vorticity_divergence(u, v)
    scale = 2 * 30.0 / EARTH_RADIUS
    assert close(vorticity, scale * sine, scale)
    assert close(divergence, 0.0, scale)
    assert wind_speed(u, v) == pytest.approx(30.0 * np.sqrt(1 - sine**2), abs=1e-9)


@pytest.mark.parametrize("axis", [(0, 0, 1), (0.6, 0.1, 0.3)])
def test_wind_out_of_a_potential(axis):
    """The gradient of a degree-one potential: divergence -2/a^2 times it, no vorticity."""
    axis = np.asarray(axis, float) / np.linalg.norm(axis)
    east, north = east_north(5)
    u, v = (east @ axis) * 10, (north @ axis) * 10
    vorticity, divergence = vorticity_divergence(u, v)
    expected = -2 * 10 * (cell_vectors(5) @ axis) / EARTH_RADIUS
    assert close(divergence, expected, 20 / EARTH_RADIUS)
    assert close(vorticity, 0.0, 20 / EARTH_RADIUS)


def test_gradient_of_a_height():
    height = 100.0 * cell_vectors(5)[:, 0]
    east, north = east_north(5)
    expected = [100.0 * e[:, 0] / EARTH_RADIUS for e in (east, north)]
    for found, true in zip(gradient(height), expected, strict=True):
        assert close(found, true, 100.0 / EARTH_RADIUS)


def test_error_of_derivatives_falls_with_the_zoom():
    errors = []
    for zoom in (4, 5, 6):
        u, v, sine = solid_body(zoom, (0.3, -0.5, 0.2))
        vorticity, _ = vorticity_divergence(u, v)
        errors.append(np.abs(vorticity - 2 * 30.0 / EARTH_RADIUS * sine).max())
    assert errors[1] < 0.6 * errors[0] and errors[2] < 0.6 * errors[1]


def test_frames_are_orthonormal_and_turn_back():
    first, second = grid_frames(4)
    centre = cell_vectors(4)
    for a, b, dot in ((first, first, 1), (second, second, 1), (first, second, 0), (first, centre, 0)):
        assert (a * b).sum(-1) == pytest.approx(np.full(len(a), dot), abs=1e-9)
    u, v = np.random.default_rng(0).normal(size=(2, 3, n_cells(4)))
    one, two = rotate_wind(u, v)
    assert np.hypot(one, two) == pytest.approx(np.hypot(u, v))
    back = rotate_wind(one, two, back=True)
    assert back[0] == pytest.approx(u) and back[1] == pytest.approx(v)


def test_flow_across_the_pole_is_smooth_along_the_grid():
    """A flow straight across the north pole: north and east jump from cell to cell there, grid components
    of cells of one face do not."""
    zoom = 7
    u, v, _ = solid_body(zoom, (1, 0, 0), speed=1.0)
    one, two = rotate_wind(u, v)
    last = 4**zoom - 1  # the cell of face 0 at the pole, whose three siblings are in its own quad
    quad = slice(last - 3, last + 1)
    assert np.ptp(one[quad]) < 0.1 and np.ptp(two[quad]) < 0.1
    assert max(np.ptp(u[quad]), np.ptp(v[quad])) > 0.5


def test_frames_turn_with_the_sphere():
    """Turned by a quarter about the axis the frames are those of the cells that were turned."""
    table = rotation_table(4, 1)
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], float)
    for frame in grid_frames(4):
        assert frame == pytest.approx(frame[table] @ quarter.T, abs=1e-9)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 0, 1), (0.3, -0.5, 0.2)])
def test_coarser_and_finer_winds_do_not_break_at_the_poles(axis):
    """A wind that turns the sphere about any axis is known after a step to coarser cells and back, as well
    around the poles as elsewhere; component by component it is not."""
    from fsae_core.sphere.pyramid import prolong, restrict

    u, v, _ = solid_body(5, axis)
    back = prolong_wind(*restrict_wind(u, v))
    lost = np.hypot(back[0] - u, back[1] - v)
    _, lat = cell_centres(5)
    polar = np.abs(lat) > 80
    assert lost[polar].max() < 1.2 * lost[~polar].max()
    if axis[2] == 0:
        plain = np.hypot(prolong(restrict(u)) - u, prolong(restrict(v)) - v)
        assert plain[polar].max() > 5 * lost[polar].max()
