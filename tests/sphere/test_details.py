"""Fields as means and details."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.sphere.details import children, details
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import restrict


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 3))
def test_a_field_is_its_means_and_details(seed, zoom):
    x = np.random.default_rng(seed).standard_normal((2, n_cells(zoom + 1))).astype(np.float32)
    np.testing.assert_allclose(children(restrict(x), details(x)), x, atol=1e-5)


def test_details_are_a_basis_of_right_angles():
    """Each moves its four children alike, and their mean not at all."""
    one = np.zeros((1, 12, 3), np.float32)
    for band in range(3):
        one[:], one[0, 5, band] = 0, 1
        made = children(np.zeros((1, 12), np.float32), one)
        assert (abs(made[0, 20:24]) == 1).all() and made.sum() == 0 and abs(made).sum() == 4
