"""Power per degree and per zoom: known harmonics, and sums that are the variance."""

import healpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.errors import UserError
from fsae_core.sphere import healpix
from fsae_core.sphere.pyramid import inject
from fsae_core.sphere.spectrum import power_per_degree, power_per_zoom


def test_a_harmonic_has_its_own_degree() -> None:
    x, y, z = healpix.cell_vectors(5).T
    fields = np.stack([3 * z + 100, x * y, 5 * z**3 - 3 * z])
    degree, power = power_per_degree(fields)
    assert power.shape == (3, len(degree)) and degree[-1] == 64
    assert list(power.argmax(axis=-1)) == [1, 2, 3]
    np.testing.assert_allclose(power.max(axis=-1) / power.sum(axis=-1), 1.0, atol=1e-3)
    total = ((2 * degree + 1) * power).sum(axis=-1) / (4 * np.pi)
    np.testing.assert_allclose(total, fields.var(axis=-1), rtol=1e-3)


def test_power_is_that_of_healpy_in_ring_order() -> None:
    field = np.random.default_rng(0).standard_normal(healpix.n_cells(4))
    _, power = power_per_degree(field, 4, lmax=20)
    ringed = healpy.reorder(field - field.mean(), n2r=True)
    want = healpy.anafast(ringed, lmax=20, iter=3)
    np.testing.assert_allclose(power[1:], want[1:], rtol=1e-10)
    assert power[0] == 0


@given(st.integers(0, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_zooms_share_out_the_variance(zoom: int, seed: int) -> None:
    field = np.random.default_rng(seed).standard_normal((2, healpix.n_cells(zoom))) + 280
    power = power_per_zoom(field)
    assert list(power) == list(range(zoom + 1))
    np.testing.assert_allclose(sum(power.values()), field.var(axis=-1), rtol=1e-9)


def test_block_noise_sits_at_its_zoom() -> None:
    coarse = np.random.default_rng(1).standard_normal(healpix.n_cells(3))
    power = power_per_zoom(inject(coarse, 2))
    assert power[4] == power[5] == 0 and power[3] > 0.5


def test_bad_input_is_refused_in_a_sentence() -> None:
    field = np.zeros(48)
    with pytest.raises(UserError, match="Zoom 3 was named"):
        power_per_degree(field, 3)
    field[3] = np.nan
    with pytest.raises(UserError, match="missing values"):
        power_per_degree(field)
