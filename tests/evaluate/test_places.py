"""Errors by terrain, at extremes and at the worst place, against geometry and plain loops."""

import numpy as np
import pytest

from fsae_core.archive.statics import static_fields
from fsae_core.evaluate.places import error_of_extremes, rmse_by_steepness, steepness, worst_place
from fsae_core.sphere.healpix import cell_centres, n_cells


@pytest.mark.parametrize("zoom", [4, 6])
def test_steepness_of_known_fields(zoom):
    lon, lat = np.deg2rad(cell_centres(zoom))
    cases = {
        "z": (np.sin(lat), np.cos(lat)),  # d/dlat
        "x": (np.cos(lat) * np.cos(lon), np.hypot(np.sin(lat) * np.cos(lon), np.sin(lon))),
    }
    for field, exact in cases.values():
        assert np.abs(steepness(field) * 6371 - exact).max() < {4: 0.05, 6: 0.015}[zoom]
    assert steepness(np.full(n_cells(zoom), 7.0)).max() == 0


def test_bins_of_terrain_add_up_to_all_cells():
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((2, n_cells(4)))
    recon = truth + rng.standard_normal(truth.shape)
    quantile, values = rmse_by_steepness(truth, recon)
    np.testing.assert_allclose(quantile, [0, *np.arange(0.05, 1, 0.1)])
    steep = steepness(static_fields(4)["orography"])
    level = (steep == 0).mean()
    assert 0.2 < level < 0.8
    total = level * values[0] ** 2 + (1 - level) * (values[1:] ** 2).mean()
    assert total == pytest.approx(((recon - truth) ** 2).mean(), rel=0.01)


def test_an_error_in_the_mountains_is_found_there():
    truth = np.zeros((1, n_cells(4)))
    steep = steepness(static_fields(4)["orography"])
    recon = (steep >= np.quantile(steep[steep > 0], 0.9)).astype(float)[None]
    quantile, values = rmse_by_steepness(truth, recon)
    assert values[-1] == pytest.approx(1, abs=0.05) and quantile[-1] == 0.95
    assert values[:-1].max() < 0.3


def test_extremes_against_a_loop():
    rng = np.random.default_rng(2)
    truth = rng.standard_normal((3, n_cells(5)))
    recon = truth + rng.standard_normal(truth.shape) * np.where(truth > 2.5, 5, 1)
    top, bottom = error_of_extremes(truth, recon)
    count = round(n_cells(5) / 1000)
    squares = {"top": [], "bottom": []}
    for a, b in zip(truth, recon, strict=True):
        cells = sorted(range(a.size), key=lambda i: a[i])
        squares["top"] += [(b[i] - a[i]) ** 2 for i in cells[-count:]]
        squares["bottom"] += [(b[i] - a[i]) ** 2 for i in cells[:count]]
    assert top == pytest.approx(np.sqrt(np.mean(squares["top"])))
    assert bottom == pytest.approx(np.sqrt(np.mean(squares["bottom"])))
    assert top > 2 * bottom


def test_worst_place():
    truth = np.zeros((4, n_cells(3)), np.float32)
    recon = truth + 0.1
    recon[2, 300] = -5
    time, cell, lon, lat, error = worst_place(truth, recon)
    assert (time, cell, error) == (2, 300, -5)
    assert (lon, lat) == tuple(c[300] for c in cell_centres(3))
