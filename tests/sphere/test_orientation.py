"""No mirror images: known places stay where they are from a grid to the sphere and back."""

import healpy
import numpy as np
import pytest

from fsae_core.sphere import healpix
from fsae_core.sphere.pyramid import compose, decompose
from fsae_core.sphere.regrid import LatLonGrid, regrid, to_latlon

HIMALAYA, ANDES, GREENLAND = (87.0, 28.0), (-70.0, -25.0), (-40.0, 72.0)
HEIGHT = {HIMALAYA: 5000.0, ANDES: 4000.0, GREENLAND: 2500.0}
GAUSSIAN = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(96)[0]))
GRIDS = {
    "0..360, north up": (np.arange(0, 360, 2.0), np.arange(90, -91, -2.0)),
    "0..360, south up": (np.arange(0, 360, 2.0), np.arange(-90, 91, 2.0)),
    "-180..180, north up": (np.arange(-179, 180, 2.0), np.arange(89, -90, -2.0)),
    "-180..180, south up": (np.arange(-179, 180, 2.0), np.arange(-89, 90, 2.0)),
    "wrapping at 180, Gaussian": (
        np.where(np.arange(192) < 96, 0, -360) + np.arange(192) * 1.875,
        GAUSSIAN[::-1],
    ),
    "westward": (np.arange(179, -180, -2.0), np.arange(-89, 90, 2.0)),
}


def relief(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Three bumps at known places, 6 degrees wide."""
    total = np.zeros(np.broadcast_shapes(lon.shape, lat.shape))
    for (at_lon, at_lat), height in HEIGHT.items():
        a, b, c = np.radians(lon - at_lon), np.radians(lat), np.radians(at_lat)
        near = np.sin(b) * np.sin(c) + np.cos(b) * np.cos(c) * np.cos(a)
        total = total + height * np.exp((near - 1) / np.radians(6.0) ** 2)
    return total


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("method", ["conservative", "bilinear"])
def test_mountains_stay_where_they_are(name: str, method: str) -> None:
    lon, lat = GRIDS[name]
    values = relief(lon[None, :], lat[:, None])
    field = regrid(values, LatLonGrid(lon, lat), 5, method)
    # On the sphere, judged by healpy.
    at_lon, at_lat = healpy.pix2ang(32, np.arange(len(field)), nest=True, lonlat=True)
    np.testing.assert_allclose(field, relief(at_lon, at_lat), atol=150.0)
    for place, height in HEIGHT.items():
        assert field[healpix.lookup(*place, 5)] == pytest.approx(height, rel=0.05)
        assert field[healpy.ang2pix(32, *place, nest=True, lonlat=True)] == pytest.approx(height, rel=0.05)
        for mirrored in ((place[0], -place[1]), (-place[0], place[1]), (place[0] + 180, place[1])):
            assert field[healpix.lookup(*mirrored, 5)] < 100.0
    # Through the pyramid and back to a grid of another orientation.
    again = compose(decompose(field, (1, 3, 5)))
    for out_lon, out_lat in GRIDS.values():
        for sampling in ("nearest", "bilinear"):
            back = to_latlon(again, out_lon, out_lat, sampling)
            np.testing.assert_allclose(back, relief(out_lon[None, :], out_lat[:, None]), atol=700.0)
            row, column = np.unravel_index(back.argmax(), back.shape)
            assert abs(out_lat[row] - HIMALAYA[1]) < 3 and abs(out_lon[column] % 360 - HIMALAYA[0]) < 3


def test_axes_of_the_sphere() -> None:
    lon, lat = healpix.cell_centres(4)
    x, y, z = healpix.cell_vectors(4).T
    assert np.corrcoef(z, np.sin(np.radians(lat)))[0, 1] > 0.999999
    assert y[healpix.lookup(90.0, 0.0, 4)] > 0.99 and x[healpix.lookup(0.0, 0.0, 4)] > 0.99
    assert (np.sign(lon[abs(y) > 0.01]) == np.sign(y[abs(y) > 0.01])).all(), "east is positive"
    north = healpix.ring_table(4)[:, 3]
    assert (lat[north[north >= 0]] > lat[north >= 0])[abs(lat[north >= 0]) < 80].all(), "N lies north"
    east = healpix.ring_table(4)[:, 5]
    step = (lon[east[east >= 0]] - lon[east >= 0] + 180) % 360 - 180
    assert (step[abs(lat[east >= 0]) < 40] > 0).all(), "E lies east"
