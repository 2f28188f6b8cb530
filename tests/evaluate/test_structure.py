"""DSSIM against the definition, window by window."""

import numpy as np
import pytest

from fsae_core.evaluate.structure import dssim
from fsae_core.sphere.healpix import n_cells, xyf_cell


def by_windows(a, b, n):
    """Gaussian windows of 11 x 11 cells wholly inside a face, written as sums over each window."""
    low, high = min(a.min(), b.min()), max(a.max(), b.max())
    a, b = (np.round((v - low) / (high - low) * 255) / 255 for v in (a, b))
    offset = np.arange(-5, 6)
    weight = np.exp(-(offset[:, None] ** 2 + offset[None] ** 2) / (2 * 1.5**2))
    weight /= weight.sum()
    values = []
    for face in range(12):
        for y in range(5, n - 5):
            for x in range(5, n - 5):
                gx, gy = np.meshgrid(x + offset, y + offset)
                cells = xyf_cell(gx, gy, np.full_like(gx, face), round(np.log2(n)))
                p, q = a[cells], b[cells]
                mp, mq = (weight * p).sum(), (weight * q).sum()
                vp, vq = (weight * (p - mp) ** 2).sum(), (weight * (q - mq) ** 2).sum()
                cov = (weight * (p - mp) * (q - mq)).sum()
                c = 1e-8
                values.append((2 * mp * mq + c) / (mp**2 + mq**2 + c) * (2 * cov + c) / (vp + vq + c))
    return np.mean(values)


def test_against_windows_one_by_one():
    rng = np.random.default_rng(0)
    truth = 280 + np.cumsum(rng.standard_normal((2, n_cells(4))), axis=-1)
    recon = truth + rng.normal(0, 3, truth.shape)
    expected = np.mean([by_windows(a, b, 16) for a, b in zip(truth, recon, strict=True)])
    assert 0.05 < expected < 0.99
    assert dssim(truth.astype(np.float32), recon.astype(np.float32)) == pytest.approx(expected, abs=2e-3)
    assert dssim(truth, recon) == pytest.approx(expected, rel=1e-9)


def test_equal_fields_and_small_ones():
    x = np.random.default_rng(1).standard_normal((2, n_cells(4)))
    assert dssim(x, x) == pytest.approx(1, abs=1e-9)
    assert dssim(np.ones((1, n_cells(4))), np.ones((1, n_cells(4)))) == 1
    assert np.isnan(dssim(np.ones(n_cells(3)), np.ones(n_cells(3))))
    assert np.isnan(dssim(x, np.where(np.arange(x.shape[-1]) == 5, np.nan, x)))
