"""Coherence against numpy's correlation on levels made by hand."""

import numpy as np
import pytest

from fsae_core.evaluate.scales import coherence_by_zoom
from fsae_core.sphere.healpix import n_cells


def test_against_corrcoef():
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((3, n_cells(3))) + 280
    recon = truth + rng.standard_normal(truth.shape)
    found = coherence_by_zoom(truth, recon)
    assert set(found) == {0, 1, 2, 3}
    levels = []
    for field in (truth, recon):
        means = {z: field.reshape(3, n_cells(z), -1).mean(-1) for z in range(4)}
        levels.append({z: means[z] - np.repeat(means[z - 1], 4, -1) for z in (1, 2, 3)})
        levels[-1][0] = means[0] - field.mean(-1, keepdims=True)
    for zoom in range(4):
        a, b = levels[0][zoom].ravel(), levels[1][zoom].ravel()
        assert found[zoom] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
        assert 0.5 < found[zoom] < 0.9


def test_what_is_gone_has_no_coherence():
    truth = np.random.default_rng(1).standard_normal((2, n_cells(3)))
    smooth = np.repeat(truth.reshape(2, -1, 4).mean(-1), 4, -1)
    found = coherence_by_zoom(truth, smooth)
    assert np.isnan(found[3]) and all(found[z] == pytest.approx(1) for z in (0, 1, 2))
    assert coherence_by_zoom(truth, -truth)[3] == pytest.approx(-1)
