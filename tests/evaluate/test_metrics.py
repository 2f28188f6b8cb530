"""Metrics against formulas written again here, with healpy for the geometry."""

import healpy as hp
import numpy as np
import pytest
import xarray as xr

from fsae_core.evaluate import metrics
from fsae_core.sphere.healpix import n_cells


@pytest.fixture(scope="module")
def fields():
    rng = np.random.default_rng(0)
    truth = (280 + 15 * rng.standard_normal((5, n_cells(3)))).astype(np.float32)
    return truth, (truth + rng.normal(0.2, 0.7, truth.shape)).astype(np.float32)


def test_against_plain_formulas(fields):
    truth, recon = (f.astype(np.longdouble).ravel() for f in fields)
    error = recon - truth
    assert metrics.rmse(*fields) == pytest.approx(float((error @ error / error.size) ** 0.5), rel=1e-9)
    assert metrics.mae(*fields) == pytest.approx(float(np.abs(error).mean()), rel=1e-9)
    assert metrics.bias(*fields) == pytest.approx(float(error.mean()), rel=1e-9)
    assert metrics.max_error(*fields) == pytest.approx(float(np.abs(error).max()), rel=1e-9)
    peak = float(truth.max() - truth.min())
    expected = 10 * np.log10(peak**2 / float(error @ error / error.size))
    assert metrics.psnr_db(*fields) == pytest.approx(expected, rel=1e-9)


def test_blocks_add_up(fields):
    truth, recon = fields
    sums = metrics.ErrorSums()
    for k in range(len(truth)):
        sums.add(truth[k], recon[k])
    for name in ("rmse", "mae", "bias", "max_error", "psnr_db"):
        assert getattr(sums, name) == pytest.approx(getattr(metrics, name)(truth, recon), rel=1e-12)


def test_missing_truth_is_left_out_but_a_lost_value_is_not(fields):
    truth, recon = (f.copy() for f in fields)
    truth[:, :100] = np.nan
    assert metrics.rmse(truth, recon) == pytest.approx(
        metrics.rmse(truth[:, 100:], recon[:, 100:]), rel=1e-12
    )
    recon[0, 200] = np.nan
    assert np.isnan(
        [metrics.rmse(truth, recon), metrics.max_error(truth, recon), metrics.psnr_db(truth, recon)]
    ).all()
    assert np.isnan(metrics.rmse(np.full_like(truth, np.nan), recon))


def test_edges_of_psnr():
    truth = np.full((1, 12), 3.0)
    assert np.isnan(metrics.psnr_db(truth, truth + 1))
    assert metrics.psnr_db(np.arange(12.0), np.arange(12.0)) == np.inf


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="shape"):
        metrics.rmse(np.zeros((2, 12)), np.zeros((1, 12)))


def test_by_latitude_finds_the_band(fields):
    truth, _ = fields
    lat = hp.pix2ang(8, np.arange(truth.shape[-1]), nest=True, lonlat=True)[1]
    recon = truth + np.where(lat > 80, 2.0, 0.5).astype(np.float32)
    centres, values = metrics.rmse_by_latitude(truth, recon, bands=18)
    assert centres[0] == -85 and centres[-1] == 85
    assert values[-1] == pytest.approx(2.0, rel=1e-4)
    np.testing.assert_allclose(values[:-1], 0.5, rtol=1e-4)
    weights = np.histogram(lat, bins=18, range=(-90, 90))[0]
    overall = np.sqrt((values**2 * weights).sum() / weights.sum())
    assert metrics.rmse_by_latitude(truth, recon, bands=1)[1][0] == pytest.approx(overall, rel=1e-6)


def test_empty_bands_are_nan():
    values = metrics.rmse_by_latitude(np.zeros(12), np.ones(12), bands=90)[1]
    assert np.isfinite(values).sum() == 3 and np.isnan(values).sum() == 87


def test_power_ratio_of_a_smoothed_field(fields):
    truth, _ = fields
    assert all(v == pytest.approx(1) for v in metrics.power_ratio_by_zoom(truth, truth).values())
    smooth = np.repeat(truth.reshape(5, -1, 4).mean(-1), 4, axis=-1)
    halved = truth.mean() + (truth - truth.mean()) / 2
    assert metrics.power_ratio_by_zoom(truth, smooth)[3] < 0.5
    assert metrics.power_ratio_by_zoom(truth, halved)[3] == pytest.approx(0.25, rel=1e-3)


def test_against_scores(fields):
    from scores import continuous

    truth, recon = (xr.DataArray(f.astype(np.float64), dims=("time", "cell")) for f in fields)
    assert metrics.rmse(*fields) == pytest.approx(float(continuous.rmse(recon, truth)), rel=1e-9)
    assert metrics.mae(*fields) == pytest.approx(float(continuous.mae(recon, truth)), rel=1e-9)
    assert metrics.bias(*fields) == pytest.approx(float(continuous.additive_bias(recon, truth)), rel=1e-6)
