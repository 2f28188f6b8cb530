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


def through(ratio, x, times, family="amip"):
    model = load_model(f"{family}-{ratio}x", device="cpu")
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
    vectors = np.linalg.eigh((anomalies.T @ anomalies).astype(np.float64))[1][:, ::-1].astype(np.float32)
    return known, vectors, anomalies[::7] @ vectors, *years(2007, 2013)


@pytest.mark.parametrize("ratio", RATIOS)
def test_low_resolution_years(low_resolution, ratio):
    climatology, vectors, _, x, times = low_resolution
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


def largest_kept(seen, scores, room):
    """What is lost of scores (time, pattern) of which each time keeps as many of the largest as there is room
    for; places take the entropy of how often each pattern, with its neighbours, is kept of those seen."""
    few, most = 1, room + 1
    while most - few > 1:
        count = (few + most) // 2
        flags = np.zeros(seen.shape, bool)
        np.put_along_axis(flags, np.argpartition(-abs(seen), count - 1, axis=1)[:, :count], True, axis=1)
        odds = np.convolve(np.pad(flags.mean(axis=0), 8, mode="edge"), np.ones(17) / 17, "valid")
        odds = np.clip(odds, 1e-9, 1 - 1e-9)
        bits = -(odds * np.log2(odds) + (1 - odds) * np.log2(1 - odds)).sum()
        few, most = (count, most) if count + bits / 32 <= room else (few, count)
    lost = np.sort(abs(scores), axis=1)[:, :-few]
    return float(np.sqrt(np.square(lost).sum(axis=1).mean() / scores.shape[1]))


@pytest.mark.parametrize("ratio", RATIOS)
def test_adaptive_fields_of_low_resolution_years(low_resolution, ratio):
    """Beside EOFs of which each field keeps the largest, which is simpler and at 4 times better."""
    climatology, vectors, seen, x, times = low_resolution
    one, every = (rmse(through(ratio, x, times, family)[1], x) for family in ("amip", "amip-adaptive"))
    scores = (x - climatology.mean_at(times)) @ vectors
    largest = largest_kept(seen, scores, x.shape[1] // ratio)
    print(
        f"amip LR 2007-2013 t2m, {ratio}x floats: FS-AE {one:.4f}, adaptive {every:.4f}, "
        f"largest of the EOFs {largest:.4f} K"
    )
    assert every < 0.92 * one


@pytest.mark.parametrize("ratio", RATIOS)
def test_adaptive_fields_of_the_high_resolution_year(ratio):
    ds = open_archive("amip-hr")
    x, times = ds["t2m"].values, ds["time"].values
    one, every = (rmse(through(ratio, x, times, family)[1], x) for family in ("amip", "amip-adaptive"))
    print(f"amip HR 2008 t2m, {ratio}x floats: FS-AE {one:.4f}, adaptive {every:.4f} K")
    assert every < 0.9 * one
