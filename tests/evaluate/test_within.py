"""Figures of a part of the sphere, and what temperature is at a finer zoom without a network."""

import numpy as np
import pytest

from fsae_core.archive.statics import static_fields
from fsae_core.evaluate.lapse_rate import STANDARD, fitted_rate, lapse_rate, relief, smooth
from fsae_core.evaluate.within import detail, power_within, rmse_within
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import inject, restrict
from fsae_core.sphere.spectrum import power_per_zoom


@pytest.fixture
def field() -> np.ndarray:
    return np.random.default_rng(4).normal(280, 5, n_cells(4)).astype(np.float32)


def test_over_all_cells_it_is_the_power_of_the_sphere(field):
    whole = power_per_zoom(field)
    for zoom, power in power_within(field, np.arange(field.size)).items():
        assert power == pytest.approx(float(whole[zoom]), rel=1e-4)


def test_power_is_of_the_part_alone(field):
    here = np.arange(256, 512)
    flat = np.asarray(inject(restrict(field, 2), 2)).copy()
    flat[here] = field[here]
    assert set(power_within(flat, here, 3)) == {3, 4}
    assert power_within(flat, here)[4] == pytest.approx(power_within(field, here)[4])
    assert power_within(flat, np.arange(512, 768), 3) == {3: 0.0, 4: 0.0}


def test_rmse_within(field):
    off = field.copy()
    off[:16] += 2
    assert rmse_within(field, off, np.arange(16)) == pytest.approx(2, rel=1e-5)
    assert rmse_within(field, off, np.arange(16, 64)) == 0


def test_detail_says_how_much_and_how_right():
    rng = np.random.default_rng(1)
    plain, missed = rng.normal(size=4000), rng.normal(size=4000)
    half = detail(plain + missed, plain, plain + 0.5 * missed)
    assert (half.spread, half.correlation) == pytest.approx((0.5, 1))
    wrong = detail(plain + missed, plain, plain - missed)
    assert (wrong.spread, wrong.correlation) == pytest.approx((1, -1))
    assert np.isnan(detail(plain + missed, plain, plain).spread)


def test_a_lapse_rate_cools_heights_and_keeps_means():
    low = np.full(n_cells(3), 285, np.float32)
    fine = lapse_rate(low, 2)
    np.testing.assert_allclose(restrict(fine, 2), low, atol=1e-3)
    height = relief(5, 2)
    np.testing.assert_allclose(fine, 285 - STANDARD * height, atol=1e-3)
    top = int(np.argmax(height))
    assert fine[top] < 275 and static_fields(5)["orography"][top] > 2000
    assert fitted_rate(fine[None], 2) == pytest.approx(STANDARD, rel=1e-3)
    np.testing.assert_allclose(smooth(low, 2), 285, atol=1e-4)
