"""Weights from lat/lon grids: against brute force, exact sums, orientations, gaps."""

from pathlib import Path

import healpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from fsae_core.sphere import healpix, regrid
from fsae_core.sphere.pyramid import inject, prolong, restrict
from fsae_core.sphere.regrid import LatLonGrid, regrid_weights, to_latlon

METHODS = ("conservative", "bilinear")
GAUSSIAN_48 = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(48)[0]))
GRIDS = {
    "poles as nodes, north up": (np.arange(0, 360, 5.0), np.arange(90, -91, -5.0)),
    "boxes, south up": (np.arange(-177.5, 180, 5.0), np.arange(-87.5, 90, 5.0)),
    "Gaussian, south up": (np.arange(96) * 3.75, GAUSSIAN_48),
    "Gaussian, north up, odd start": (np.arange(96) * 3.75 - 179.1, GAUSSIAN_48[::-1]),
    "no pole nodes": (np.arange(0, 360, 4.0), np.arange(-86, 87, 4.0)),
}


def grid(name: str) -> LatLonGrid:
    return LatLonGrid(*GRIDS[name])


def sampled_overlap(grid: LatLonGrid, zoom: int, cell: int, deeper: int = 9) -> np.ndarray:
    """Weights of one cell from the 4**deeper descendants that healpy gives it, boxes found by distance."""
    below = np.arange(cell * 4**deeper, (cell + 1) * 4**deeper)
    lon, lat = healpy.pix2ang(2 ** (zoom + deeper), below, nest=True, lonlat=True)
    lats, lons = np.asarray(grid.lat_deg), np.asarray(grid.lon_deg)
    rising = np.argsort(lats)
    row = rising[np.searchsorted((lats[rising][1:] + lats[rising][:-1]) / 2, lat)]
    step = 360.0 / len(lons)
    column = np.floor(np.mod(lon - lons[0] + step / 2, 360.0) / step).astype(int) % len(lons)
    return np.bincount(row * len(lons) + column, minlength=len(lons) * len(lats)) / len(below)


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("zoom", [0, 2, 4])
def test_conservative_weights_are_the_overlap(name: str, zoom: int) -> None:
    weights = regrid_weights(grid(name), zoom)
    n = healpix.n_cells(zoom)
    for cell in np.unique(np.random.default_rng(zoom).integers(0, n, 8)):
        np.testing.assert_allclose(
            weights[cell].toarray()[0], sampled_overlap(grid(name), zoom, cell), rtol=0, atol=1e-3
        )


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("zoom", [0, 1, 3, 5, 6])
def test_conservative_weights_cover_every_box_once(name: str, zoom: int) -> None:
    of = grid(name)
    weights = regrid_weights(of, zoom)
    assert weights.shape == (healpix.n_cells(zoom), of.shape[0] * of.shape[1])
    assert weights.data.min() > 0
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)
    covered = np.asarray(weights.sum(axis=0)).reshape(of.shape) * (4 * np.pi / healpix.n_cells(zoom))
    lat = np.asarray(of.lat_deg)
    middles = np.sort((lat[1:] + lat[:-1]) / 2)
    height = np.diff(np.sin(np.radians([-90, *middles, 90])))
    area = np.broadcast_to(height[:, None] * 2 * np.pi / of.shape[1], of.shape)
    np.testing.assert_allclose(covered if lat[0] < lat[1] else covered[::-1], area, rtol=1e-6)


def test_conservative_means_are_conserved() -> None:
    of = grid("no pole nodes")
    values = np.random.default_rng(0).standard_normal((3, *of.shape))
    height = np.diff(np.sin(np.radians(of.lat_edges)))
    want = (values.mean(axis=-1) * height / 2).sum(axis=-1)
    for zoom in (1, 4):
        np.testing.assert_allclose(regrid.regrid(values, of, zoom).mean(axis=-1), want, atol=1e-8)


@pytest.mark.parametrize("name", GRIDS)
def test_bilinear_is_that_of_scipy_between_the_outermost_rows(name: str) -> None:
    of = grid(name)
    values = np.random.default_rng(1).standard_normal(of.shape)
    rows, columns = np.argsort(of.lat_deg), np.argsort(np.mod(of.lon_deg, 360.0))
    lat, lon = np.asarray(of.lat_deg)[rows], np.mod(of.lon_deg, 360.0)[columns]
    lon = np.concatenate([[lon[-1] - 360.0], lon, [lon[0] + 360.0]])
    columns = np.concatenate([columns[-1:], columns, columns[:1]])
    reference = RegularGridInterpolator((lat, lon), values[rows][:, columns], bounds_error=False)
    at_lon, at_lat = healpy.pix2ang(16, np.arange(3072), nest=True, lonlat=True)
    want = reference(np.stack([at_lat, at_lon], axis=-1))
    got = regrid.regrid(values, of, 4, "bilinear")
    inside = np.isfinite(want)
    assert inside.mean() > 0.99
    np.testing.assert_allclose(got[inside], want[inside], atol=1e-12)
    beyond = got[~inside]
    assert (beyond >= values.min()).all() and (beyond <= values.max()).all()


@given(
    st.floats(-400, 400),
    st.integers(4, 40),
    st.integers(3, 30),
    st.booleans(),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from(METHODS),
)
@settings(max_examples=60, deadline=None)
def test_constants_are_kept_on_any_grid(
    start: float, nlon: int, nlat: int, poles: bool, north_up: bool, zoom: int, method: str
) -> None:
    lat = np.linspace(-90, 90, nlat) if poles else (np.arange(nlat) + 0.5) * 180 / nlat - 90
    of = LatLonGrid(start + np.arange(nlon) * 360 / nlon, lat[::-1] if north_up else lat)
    out = regrid.regrid(np.full((2, *of.shape), 287.3), of, zoom, method)
    np.testing.assert_allclose(out, 287.3, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_every_orientation_gives_the_same_field(method: str) -> None:
    lon, lat = np.arange(0, 360, 4.0), np.arange(-88, 89, 4.0)
    values = np.random.default_rng(2).standard_normal((len(lat), len(lon)))
    want = regrid.regrid(values, LatLonGrid(lon, lat), 3, method)
    half = len(lon) // 2
    rolled, moved = np.roll(lon, half), np.roll(values, half, axis=1)
    variants = [
        (LatLonGrid(lon, lat[::-1]), values[::-1]),
        (LatLonGrid(rolled - 360 * (rolled >= 180), lat), moved),
        (LatLonGrid(np.where(lon >= 180, lon - 360, lon), lat), values),
        (LatLonGrid(lon[::-1], lat[::-1]), values[::-1, ::-1]),
        (LatLonGrid(np.append(lon, 360.0), lat), np.append(values, values[:, :1], axis=1)),
        (LatLonGrid(np.append(lon - 180, 180.0), lat), np.append(moved, moved[:, :1], axis=1)),
        (LatLonGrid(lon.astype(np.float32) + np.float32(720), lat), values),
    ]
    for of, turned in variants:
        np.testing.assert_allclose(regrid.regrid(turned, of, 3, method), want, atol=1e-9)


def test_missing_values_are_left_out() -> None:
    of = grid("boxes, south up")
    values = np.full(of.shape, 5.0)
    values[:, 36:] = np.nan  # the eastern half
    for method in METHODS:
        out = regrid.regrid(np.stack([values, np.full(of.shape, 5.0)]), of, 3, method)
        lon, _ = healpix.cell_centres(3)
        np.testing.assert_allclose(out[0][lon < -15], 5.0, rtol=1e-12)
        assert np.isnan(out[0][lon > 15]).all()
        np.testing.assert_allclose(out[1], 5.0, rtol=1e-12)
    half = regrid_weights(of, 3) @ np.isfinite(values).ravel().astype(float)
    out = regrid.regrid(values, of, 3)
    assert np.isnan(out[half < 0.499]).all() and np.isfinite(out[half > 0.501]).all()


def test_shapes_and_types() -> None:
    of = grid("boxes, south up")
    values = np.random.default_rng(3).standard_normal((2, 19, *of.shape))
    out = regrid.regrid(values, of, 2)
    assert out.shape == (2, 19, 192) and out.dtype == np.float64
    single = regrid.regrid(values.astype(np.float32), of, 2)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, out, atol=1e-6)
    np.testing.assert_allclose(regrid.regrid(values[1, 3], of, 2), out[1, 3], atol=1e-14)
    assert regrid.regrid(np.ones(of.shape, dtype=int), of, 1).dtype == np.float64


def test_sampling_back_at_cell_centres_returns_the_field() -> None:
    field = np.random.default_rng(4).standard_normal((2, healpix.n_cells(2)))
    lon, lat = healpix.cell_centres(2)
    for method in ("nearest", "bilinear"):
        for cell in range(0, 192, 7):
            got = to_latlon(field, lon[cell : cell + 1], lat[cell : cell + 1], method)
            assert got.shape == (2, 1, 1)
            np.testing.assert_allclose(got[:, 0, 0], field[:, cell], atol=1e-9)


def test_bilinear_sampling_is_continuous_and_accurate() -> None:
    noise = np.random.default_rng(5).standard_normal(healpix.n_cells(2))
    lat = np.linspace(-89.9, 89.9, 400)
    for seam in (0.0, 45.0, 90.0, 180.0, 247.5):
        west, east = to_latlon(noise, [seam - 1e-7, seam + 1e-7], lat, "bilinear").T
        np.testing.assert_allclose(west, east, atol=1e-5)
    lon = np.linspace(0, 360, 2000)
    for edge in (np.degrees(np.arcsin(2 / 3)), 0.0, -30.0):
        south, north = to_latlon(noise, lon, [edge - 1e-7, edge + 1e-7], "bilinear")
        np.testing.assert_allclose(south, north, atol=1e-5)
    np.testing.assert_allclose(to_latlon(np.full(192, 3.3), lon, lat, "bilinear"), 3.3, rtol=1e-14)
    for zoom, limit, usual in ((4, 0.03, 4e-3), (6, 0.008, 7e-4)):  # largest where polar faces fold
        x, y, z = healpix.cell_vectors(zoom).T
        a, b = np.radians(lon[::10])[None], np.radians(lat)[:, None]
        want = np.cos(b) * np.cos(a) * np.sin(b) + np.cos(b) * np.sin(a)
        error = to_latlon(x * z + y, lon[::10], lat, "bilinear") - want
        assert abs(error).max() < limit and np.sqrt(np.mean(error**2)) < usual


def test_block_means_of_real_temperature(shared_data: Path) -> None:
    """The classical baseline on real data: zoom 6 as means of bilinear values at zoom 8."""
    import xarray as xr

    with xr.open_dataset(shared_data / "real" / "era5_week_2026-03_1deg.nc") as file:
        of = LatLonGrid(file.longitude.values, file.latitude.values)
        x = restrict(regrid.regrid(file.t2m[-6:].values, of, 8, "bilinear"), 2)
    nearest, smooth = [], []
    for levels in range(1, 5):
        coarse = fine = restrict(x, levels)
        for _ in range(levels):
            fine = prolong(fine)
        nearest.append(np.sqrt(np.mean((inject(coarse, levels) - x) ** 2)))
        smooth.append(np.sqrt(np.mean((fine - x) ** 2)))
    np.testing.assert_allclose(nearest, [1.03, 1.88, 3.17, 4.89], atol=0.006)
    np.testing.assert_allclose(smooth, [0.61, 1.21, 2.17, 3.38], atol=0.006)
