"""Temperature calibrated by its own scales: found again where it is put in, means kept, a view a part."""

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive
from fsae_core.codec.calibration import CalibratedResolver, fit, missed_relief
from fsae_core.codec.super_resolution import SuperResolver, super_resolve
from fsae_core.errors import UserError
from fsae_core.sphere.box import box_cells
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import prolong, restrict


@pytest.fixture(scope="module")
def low():
    """Three training times, for nothing here is judged by how near it comes."""
    return open_archive("era5-week", variables="t2m", zoom=5).isel(time=slice(0, 3))


def test_factor_and_rate_are_found_again():
    rng = np.random.default_rng(2)
    coarse = rng.normal(280, 10, (2, n_cells(4))).astype(np.float32)
    base = np.asarray(prolong(coarse))
    detail = rng.normal(0, 1, base.shape).astype(np.float32)
    detail -= np.repeat(np.asarray(restrict(detail)), 4, axis=-1)
    x = base + np.array([[0.8], [1.1]]) * detail + np.array([[-3.0], [2.0]]) * missed_relief(5, 1)
    found = fit(x.astype(np.float32), base + detail)
    np.testing.assert_allclose(found.factor, [0.8, 1.1], atol=2e-3)
    np.testing.assert_allclose(found.rate, [-3, 2], atol=2e-2)


def test_without_detail_nothing_is_changed():
    flat = np.full((1, n_cells(4)), 280, np.float32)
    found = fit(flat, flat)
    assert found.factor == 1 and found.rate == 0


@pytest.mark.parametrize("zoom", [6, 7])
def test_means_are_kept_and_a_view_is_a_part(low, zoom):
    x, times = low["t2m"].values, low["time"].values
    resolver = CalibratedResolver(low, "t2m", zoom)
    whole = resolver.sphere(x, times)
    np.testing.assert_allclose(restrict(whole, zoom - 5), x, atol=1e-3)
    cells = box_cells((0.0, 40.0, 30.0, 60.0), zoom)
    np.testing.assert_allclose(resolver.part(x, resolver.view(cells), times), whole[:, cells], atol=1e-4)
    plain = SuperResolver(low, "t2m", zoom).sphere(x, times)
    found, smooth = resolver.calibration(x, times), np.asarray(prolong(prolong(x) if zoom == 7 else x))
    want = smooth + found.factor[:, None] * (plain - smooth)
    want += found.rate[:, None] * missed_relief(zoom, zoom - 5)
    np.testing.assert_allclose(whole, want, atol=2e-3)
    assert np.abs(whole - plain).max() > 0.1


def test_it_adapts_to_another_lapse_rate(low):
    """A field whose heights are colder by 3 K/km than what the weights know: they alone miss it."""
    truth = open_archive("era5-week", variables="t2m").isel(time=slice(0, 2))
    height = missed_relief(6, 3)
    other = truth.copy()
    other["t2m"] = truth["t2m"] - 3 * height
    other["t2m"].attrs = truth["t2m"].attrs
    coarse = open_archive(other, zoom=5)
    x, times = coarse["t2m"].values, coarse["time"].values
    resolver = CalibratedResolver(coarse, "t2m", 6)
    assert (resolver.calibration(x, times).rate < -1).all()

    def rmse(fine):
        return float(np.sqrt(np.mean((fine - other["t2m"].values) ** 2)))

    assert rmse(resolver.sphere(x, times)) < 0.9 * rmse(SuperResolver(coarse, "t2m", 6).sphere(x, times))


def test_the_file_says_so(low):
    resolvers = {"t2m": CalibratedResolver(low, "t2m", 6)}
    fine = super_resolve(low, 6, (0.0, 40.0, 10.0, 50.0), resolvers=resolvers)
    assert (
        "a lapse rate on the relief added to it, as fits the field itself from zoom 4 to 5"
        in (fine.attrs["fsae_sr_method"])
    )
    assert "general-4x" in fine.attrs["fsae_sr_weights"]


def test_what_cannot_be_calibrated_is_refused(low):
    with pytest.raises(UserError, match="leave the calibration out"):
        CalibratedResolver(open_archive("era5-week", variables="msl", zoom=4), "msl", 6)
    with pytest.raises(UserError, match="too few cells"):
        CalibratedResolver(open_archive("era5-week", variables="t2m", zoom=2), "t2m", 6)
