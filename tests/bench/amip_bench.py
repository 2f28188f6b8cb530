"""The archive's own weights on simulated temperature of years they never saw, beside EOFs with as many
floats.

RMSE in K of daily t2m: LR 2007-2013 (zoom 4, from the shared training data) and HR 2008 (zoom 5, shipped).
"""

import numpy as np
import pytest

from fsae_core.archive.climatology import HarmonicClimatology
from fsae_core.archive.reader import open_archive
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.pyramid import prolong, restrict
from fsae_core.training.splits import Split, split_of

pytestmark = [pytest.mark.bench]
RATIOS = (4, 16, 64, 256)
REACH = {"LR": {4: 0.14, 16: 0.61, 64: 1.17, 256: 1.64}, "HR": {4: 0.26, 16: 0.51, 64: 0.91, 256: 1.44}}


def rmse(a, b) -> float:
    return float(np.sqrt(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)))


def through(ratio, x, times):
    model = load_model(f"amip-{ratio}x", device="cpu")
    packed = model.compress_fields(x, variable="t2m", times=times)
    return model, model.decompress_fields(packed, variable="t2m", times=times)


@pytest.mark.quick
@pytest.mark.parametrize("ratio", RATIOS)
def test_high_resolution_year(ratio):
    ds = open_archive("amip-hr")
    x, times = ds["t2m"].values, ds["time"].values
    assert Split.mask(times, split_of(ds).test).all()
    model, y = through(ratio, x, times)
    levels = RATIOS.index(ratio) + 1
    anomaly = x - model.climatologies[5].mean_at(times)
    smooth = rmse(prolong(restrict(anomaly, levels), levels), anomaly)
    print(
        f"amip HR 2008 t2m, {ratio}x floats: smooth prolongation {smooth:.3f}, FS-AE {rmse(y, x):.4f} K "
        f"(reach {REACH['HR'][ratio]})"
    )
    assert rmse(y, x) <= REACH["HR"][ratio]


@pytest.fixture(scope="module")
def low_resolution(shared_data):
    def years(first, last):
        parts = [
            open_archive(shared_data / "amip" / f"amip_T31_{y}.nc", variables="t2m", zoom=4)
            for y in range(first, last + 1)
        ]
        values = np.concatenate([p["t2m"].values for p in parts])
        return values, np.concatenate([p["time"].values for p in parts])

    values, times = years(1979, 2004)
    known = load_model("amip-4x", device="cpu").climatologies[4]
    anomalies = values - known.mean_at(times)
    vectors = np.linalg.eigh((anomalies.T @ anomalies).astype(np.float64))[1][:, ::-1]
    return known, vectors.astype(np.float32), *years(2007, 2013)


@pytest.mark.parametrize("ratio", RATIOS)
def test_low_resolution_years(low_resolution, ratio):
    climatology, vectors, x, times = low_resolution
    assert isinstance(climatology, HarmonicClimatology)
    _, y = through(ratio, x, times)
    anomaly = x - climatology.mean_at(times)
    levels = RATIOS.index(ratio) + 1
    basis = vectors[:, : anomaly.shape[1] // ratio]
    smooth = rmse(prolong(restrict(anomaly, levels), levels), anomaly)
    eof = rmse(anomaly @ basis @ basis.T, anomaly)
    print(
        f"amip LR 2007-2013 t2m, {ratio}x floats: smooth prolongation {smooth:.3f}, EOFs {eof:.4f}, "
        f"FS-AE {rmse(y, x):.4f} K (reach {REACH['LR'][ratio]})"
    )
    assert rmse(y, x) <= REACH["LR"][ratio]
