"""Cells, neighbours and symmetries, against healpy: an independent implementation."""

import healpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.errors import UserError
from fsae_core.sphere import healpix

ZOOMS = range(10)


def sample(zoom: int, size: int = 50_000) -> np.ndarray:
    """All cells of a small sphere, a reproducible choice of a large one."""
    n = healpix.n_cells(zoom)
    return np.arange(n) if n <= size else np.random.default_rng(zoom).integers(0, n, size)


def unit(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


@pytest.mark.parametrize("zoom", ZOOMS)
def test_centres_and_vectors_are_those_of_healpy(zoom: int) -> None:
    cells = sample(zoom)
    lon, lat = healpix.cell_centres(zoom)
    want_lon, want_lat = healpy.pix2ang(2**zoom, cells, nest=True, lonlat=True)
    assert lon.shape == lat.shape == (healpix.n_cells(zoom),)
    assert (lon >= -180).all() and (lon < 180).all()
    np.testing.assert_allclose(unit(lon[cells], lat[cells]), unit(want_lon, want_lat), atol=1e-14)
    np.testing.assert_allclose(lat[cells], want_lat, atol=1e-11)
    want = np.stack(healpy.pix2vec(2**zoom, cells, nest=True), axis=-1)
    np.testing.assert_allclose(healpix.cell_vectors(zoom)[cells], want, atol=1e-14)


@pytest.mark.parametrize("zoom", ZOOMS)
def test_lookup_is_that_of_healpy(zoom: int) -> None:
    rng = np.random.default_rng(zoom)
    lon = rng.uniform(-360.0, 720.0, (40, 500))
    lat = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, (40, 500))))
    cells = healpix.lookup(lon, lat, zoom)
    assert cells.shape == lon.shape
    assert np.array_equal(cells, healpy.ang2pix(2**zoom, lon, lat, nest=True, lonlat=True))
    own = sample(zoom)
    at_lon, at_lat = (a[own] for a in healpix.cell_centres(zoom))
    assert np.array_equal(healpix.lookup(at_lon, at_lat, zoom), own)


@given(st.floats(-720, 720), st.floats(-90, 90), st.integers(0, 9))
@settings(max_examples=300, deadline=None)
def test_a_point_lies_in_its_cell(lon: float, lat: float, zoom: int) -> None:
    x, y, face = healpix.face_point(lon, lat)
    back = unit(*healpix.face_to_lonlat(x, y, face))
    np.testing.assert_allclose(back, unit(np.array(lon), np.array(lat)), atol=1e-12)
    cell = int(healpix.lookup(lon, lat, zoom))
    assert 0 <= cell < healpix.n_cells(zoom)
    centre = healpix.cell_vectors(min(zoom, 5))[cell >> 2 * (zoom - min(zoom, 5))]
    assert np.degrees(np.arccos(np.clip(back @ centre, -1, 1))) <= 60.0 / 2 ** min(zoom, 5)


@pytest.mark.parametrize("lat", [90.0, -90.0, 89.9999999, np.degrees(np.arcsin(2 / 3)), 0.0])
def test_poles_and_seams_belong_to_a_cell(lat: float) -> None:
    lon = np.array([-180.0, -90.0, -1e-20, 0.0, 45.0, 359.9999999999, 360.0])
    cells = healpix.lookup(lon, lat, 9)
    assert (cells >= 0).all() and (cells < healpix.n_cells(9)).all()
    centres = unit(*(a[cells] for a in healpix.cell_centres(9)))
    distance = np.degrees(np.arccos(np.clip((centres * unit(lon, np.full(7, lat))).sum(-1), -1, 1)))
    assert distance.max() < 0.2


@pytest.mark.parametrize("zoom", ZOOMS)
def test_ring_is_that_of_healpy(zoom: int) -> None:
    cells = sample(zoom)
    want = healpy.get_all_neighbours(2**zoom, cells, nest=True).T
    assert np.array_equal(healpix.ring_table(zoom)[cells], want)


@pytest.mark.parametrize("zoom", range(9))
def test_the_right_number_of_cells_lack_a_corner(zoom: int) -> None:
    table = healpix.ring_table(zoom)
    lacking = (table < 0).sum(axis=1)
    if zoom == 0:
        assert (lacking == 2).all()
    else:
        assert (lacking == 1).sum() == 24 and lacking.max() == 1
    assert (table[:, 0::2] >= 0).all(), "neighbours across an edge are never absent"


@pytest.mark.parametrize("zoom", [0, 1, 3, 6])
def test_neighbourhood_is_mutual(zoom: int) -> None:
    table = healpix.ring_table(zoom)
    cell = np.repeat(np.arange(len(table)), 8)[table.ravel() >= 0]
    other = table.ravel()[table.ravel() >= 0]
    pairs = set(zip(cell.tolist(), other.tolist(), strict=True))
    assert len(pairs) == len(cell), "no neighbour is named twice"
    assert pairs == {(b, a) for a, b in pairs}


@pytest.mark.parametrize("zoom", ZOOMS)
def test_quarter_turns_are_exact(zoom: int) -> None:
    vectors = healpix.cell_vectors(zoom)
    for turns in (-1, 0, 1, 2, 3, 5):
        table = healpix.rotation_table(zoom, turns)
        x, y, z = vectors[table].T
        for _ in range(turns % 4):
            x, y = -y, x  # 90 degrees eastward
        np.testing.assert_allclose(np.stack([x, y, z], axis=-1), vectors, atol=1e-14)


@pytest.mark.parametrize("zoom", ZOOMS)
def test_mirrors_are_exact(zoom: int) -> None:
    vectors = healpix.cell_vectors(zoom)
    for axis, sign in (("lat", [1, 1, -1]), ("lon", [1, -1, 1])):
        table = healpix.mirror_table(zoom, axis)
        np.testing.assert_allclose(vectors[table] * sign, vectors, atol=1e-14)
        assert np.array_equal(table[table], np.arange(len(table)))


def test_turning_eastward_moves_a_bump_eastward() -> None:
    zoom = 5
    field = np.zeros(healpix.n_cells(zoom))
    field[healpix.lookup(20.3, 33.1, zoom)] = 1.0
    moved = field[healpix.rotation_table(zoom, 1)]
    assert np.flatnonzero(moved) == healpix.lookup(110.3, 33.1, zoom)
    assert np.flatnonzero(field[healpix.mirror_table(zoom, "lat")]) == healpix.lookup(20.3, -33.1, zoom)
    assert np.flatnonzero(field[healpix.mirror_table(zoom, "lon")]) == healpix.lookup(-20.3, 33.1, zoom)


@pytest.mark.parametrize("zoom", ZOOMS)
def test_ring_order_is_that_of_healpy(zoom: int) -> None:
    cells = sample(zoom)
    assert np.array_equal(healpix.nest_to_ring(zoom)[cells], healpy.nest2ring(2**zoom, cells))
    assert np.array_equal(healpix.ring_to_nest(zoom)[cells], healpy.ring2nest(2**zoom, cells))


def test_reordering_follows_its_documentation() -> None:
    nested = np.random.default_rng(0).standard_normal(healpix.n_cells(3))
    ringed = nested[healpix.ring_to_nest(3)]
    np.testing.assert_array_equal(ringed, healpy.reorder(nested, n2r=True))
    np.testing.assert_array_equal(ringed[healpix.nest_to_ring(3)], nested)


@pytest.mark.parametrize("zoom", [0, 4, 9])
def test_children_of_a_cell_are_its_four_nested_successors(zoom: int) -> None:
    x, y, face = healpix.cell_xyf(np.arange(min(healpix.n_cells(zoom), 4096)), zoom)
    assert np.array_equal(healpix.xyf_cell(x, y, face, zoom), np.arange(len(x)))
    if zoom:
        up = healpix.cell_xyf(np.arange(len(x)) // 4, zoom - 1)
        assert all(np.array_equal(a, b) for a, b in zip((x // 2, y // 2, face), up, strict=True))


def test_tables_cannot_be_changed_by_accident() -> None:
    for table in (*healpix.cell_centres(2), healpix.ring_table(2), healpix.rotation_table(2, 1)):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0


def test_zoom_of_counts_cells() -> None:
    assert [healpix.zoom_of(healpix.n_cells(z)) for z in ZOOMS] == list(ZOOMS)
    for bad in (0, 11, 13, 12 * 36, 12 * 4**10):
        with pytest.raises(UserError, match="12 \\* 4\\*\\*zoom"):
            healpix.zoom_of(bad)


@pytest.mark.parametrize("zoom", [-1, 10, 2.5])
def test_impossible_zooms_are_refused(zoom: float) -> None:
    with pytest.raises(UserError, match="from 0 to 9"):
        healpix.n_cells(zoom)


def test_impossible_points_are_refused() -> None:
    with pytest.raises(UserError, match="Latitude 91"):
        healpix.lookup(0.0, [0.0, 91.0], 3)
    with pytest.raises(UserError, match="not a finite"):
        healpix.lookup(np.nan, 0.0, 3)
    with pytest.raises(UserError, match="Mirror axis"):
        healpix.mirror_table(3, "x")
