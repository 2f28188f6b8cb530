"""Fails when north and south, or east and west, are exchanged anywhere between a file and the canonical
archive."""

from __future__ import annotations

from pathlib import Path

import healpy
import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.reader import open_archive
from fsae_core.archive.statics import static_fields
from fsae_core.sphere.healpix import cell_centres, lookup, mirror_table

PLACES = {
    "Himalaya": (87.0, 28.5),
    "Alps": (9.0, 46.5),
    "Antarctica": (90.0, -80.0),
    "Pacific": (-160.0, 0.0),
}


def _bumps(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """A different hill over each place, on a plain of 270 K."""
    field = np.full(np.broadcast_shapes(lon.shape, lat.shape), 270.0)
    for height, (east, north) in enumerate(PLACES.values(), start=1):
        cosine = np.sin(np.radians(lat)) * np.sin(np.radians(north)) + np.cos(np.radians(lat)) * np.cos(
            np.radians(north)
        ) * np.cos(np.radians(lon - east))
        field = field + 10.0 * height * np.exp((cosine - 1) / 0.01)
    return field


def _write(path: Path, *, north_up: bool, from_west: bool) -> Path:
    lat = np.linspace(-88.75, 88.75, 72)
    lon = np.arange(144) * 2.5
    lat = lat[::-1] if north_up else lat
    lon = lon - 180.0 if from_west else lon
    values = _bumps(lon[None, :], lat[:, None]).astype(np.float32)
    array = xr.DataArray(
        values[None],
        {"time": [np.datetime64("2001-01-01", "ns")], "lat": lat, "lon": lon},
        ("time", "lat", "lon"),
    )
    array.assign_attrs(units="K").to_dataset(name="t2m").to_netcdf(path)
    return path


@pytest.mark.parametrize("zoom", [4, 5])
@pytest.mark.parametrize("method", ["conservative", "bilinear"])
def test_four_orientations_are_one_archive(tmp_path: Path, zoom: int, method: str) -> None:
    fields = []
    for north_up in (False, True):
        for from_west in (False, True):
            path = _write(tmp_path / f"{north_up}{from_west}.nc", north_up=north_up, from_west=from_west)
            fields.append(open_archive(path, zoom=zoom, method=method)["t2m"].values[0])
    for field in fields[1:]:
        assert field == pytest.approx(fields[0], abs=2e-3)
    truth = _bumps(*cell_centres(zoom))
    assert np.abs(fields[0] - truth).max() < 6.0
    for height, (name, (lon, lat)) in enumerate(PLACES.items(), start=1):
        # healpy tells the cell, so that an error in our own geometry cannot hide itself.
        cell = healpy.ang2pix(2**zoom, lon, lat, nest=True, lonlat=True)
        assert fields[0][cell] == pytest.approx(270 + 10 * height, abs=5), name


@pytest.mark.parametrize("axis", ["lat", "lon"])
def test_a_flip_would_be_seen(tmp_path: Path, axis: str) -> None:
    field = open_archive(_write(tmp_path / "a.nc", north_up=True, from_west=False), zoom=4)["t2m"].values[0]
    flipped = field[mirror_table(4, axis)]
    worst = max(
        abs(flipped[lookup(lon, lat, 4)] - field[lookup(lon, lat, 4)])
        for lon, lat in list(PLACES.values())[:3]
    )
    assert worst > 8


def test_the_shipped_relief_lies_where_it_should() -> None:
    fields = static_fields(6)
    heights = {name: float(fields["orography"][lookup(lon, lat, 6)]) for name, (lon, lat) in PLACES.items()}
    assert heights["Himalaya"] > 3000
    assert 1000 < heights["Alps"] < 4000
    assert heights["Antarctica"] > 2000
    assert heights["Pacific"] == 0
    land = fields["land"]
    for lon, lat in ((134.0, -25.0), (-60.0, -10.0), (20.0, 10.0), (-100.0, 50.0), (100.0, 60.0)):
        assert land[lookup(lon, lat, 6)] > 0.95
    for lon, lat in ((-30.0, 30.0), (-120.0, -30.0), (80.0, -30.0), (0.0, 85.0), (-170.0, 20.0)):
        assert land[lookup(lon, lat, 6)] < 0.05
