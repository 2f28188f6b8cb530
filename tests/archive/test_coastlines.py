"""Coastlines: decoded, cut at 180 degrees, and lying where the land mask changes."""

from __future__ import annotations

import numpy as np
import pytest

from fsae_core.archive.coastlines import coastline, from_topojson
from fsae_core.archive.statics import static_fields
from fsae_core.sphere.healpix import lookup, ring_table


@pytest.mark.parametrize(("detail", "points"), [("110m", 4000), ("50m", 50_000)])
def test_shipped_lines(detail: str, points: int) -> None:
    line = coastline(detail)
    assert line.dtype == np.float32
    assert line.shape[1] == 2
    assert len(line) > points
    assert np.array_equal(np.isnan(line[:, 0]), np.isnan(line[:, 1]))
    assert np.nanmin(line[:, 0]) >= -180
    assert np.nanmax(line[:, 0]) <= 180
    assert np.nanmax(np.abs(np.diff(line[:, 0]))) < 30, "a line runs across the map"
    assert np.nanmin(line[:, 1]) > -89, "the edge of the map is drawn as a coast"


def test_coasts_lie_between_land_and_sea() -> None:
    line = coastline("50m")
    line = line[~np.isnan(line[:, 0]) & (line[:, 1] > -60)]
    land = static_fields(6)["land"]
    cells = np.unique(lookup(line[:, 0], line[:, 1], 6))
    around = np.concatenate([land[cells][:, None], land[ring_table(6)[cells]]], axis=1)
    mixed = (around.min(axis=1) < 0.5) & (around.max(axis=1) > 0.2)
    assert mixed.mean() > 0.85
    for shift in (10.0, -10.0):
        moved = np.unique(lookup(line[:, 0] + shift, line[:, 1], 6))
        around = np.concatenate([land[moved][:, None], land[ring_table(6)[moved]]], axis=1)
        assert ((around.min(axis=1) < 0.5) & (around.max(axis=1) > 0.2)).mean() < mixed.mean() - 0.2


def test_cut_at_the_date_line() -> None:
    topology = {
        "transform": {"scale": [1, 1], "translate": [0, 0]},
        "objects": {"land": {"type": "Polygon", "arcs": [[0]]}},
        "arcs": [[[170, 10], [8, 0], [-356, 4], [2, 0], [0, -14], [356, 0], [-10, 0]]],
    }
    line = from_topojson(topology)
    assert np.nanmax(np.abs(np.diff(line[:, 0]))) < 30
    assert [180.0, 12.0] in line.tolist()
    assert [-180.0, 12.0] in line.tolist()


def test_shared_arcs_are_drawn_once_and_map_edges_not_at_all() -> None:
    topology = {
        "transform": {"scale": [0.5, 0.5], "translate": [0, 0]},
        "objects": {"land": {"type": "MultiPolygon", "arcs": [[[0, 1]], [[-1]]]}},
        "arcs": [[[0, 0], [10, 0], [0, 10]], [[360, 100], [0, -50], [-20, 0], [-20, -230], [40, 0]]],
    }
    line = from_topojson(topology)
    assert line[:3].tolist() == [[0, 0], [5, 0], [5, 5]]
    assert np.isnan(line[3]).all()
    assert line[4:].tolist() == [[180, 25], [170, 25]]
