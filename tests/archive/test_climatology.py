"""Climatology: recovers known harmonics, sees training times only, inverts, changes zoom."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.climatology import (
    FieldNormaliser,
    GlobalNormaliser,
    HarmonicClimatology,
    annual_phase,
)
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import cell_centres
from fsae_core.sphere.pyramid import restrict

TIMES = np.arange("1990-01-01", "1996-01-01", np.timedelta64(3, "D"), "datetime64[D]").astype(
    "datetime64[ns]"
)


def _series(zoom: int = 2, noise: float = 2.0, seed: int = 0) -> tuple[xr.DataArray, np.ndarray]:
    lon, lat = cell_centres(zoom)
    coef = np.stack(
        [280 + lat / 3, 10 * np.sin(np.radians(lat)), lon / 60, lat / 45, np.cos(np.radians(lon))]
    )
    p = annual_phase(TIMES)
    basis = np.stack([np.ones_like(p), np.cos(p), np.sin(p), np.cos(2 * p), np.sin(2 * p)], axis=1)
    weather = noise * np.random.default_rng(seed).standard_normal((TIMES.size, lon.size))
    values = (basis @ coef + weather).astype(np.float32)
    return xr.DataArray(values, {"time": TIMES}, ("time", "cell"), "t2m"), coef


def test_phase_of_the_year() -> None:
    phase = annual_phase(np.array(["2001-01-01T00", "2001-07-02T12", "2004-12-31T12"], "datetime64[h]"))
    assert phase == pytest.approx(2 * np.pi * np.array([0, 182.5, 365.5]) / 365.2425)


def test_recovers_known_harmonics() -> None:
    field, coef = _series(noise=0.0)
    fitted = HarmonicClimatology.fit(field)
    assert fitted.coef == pytest.approx(coef, abs=2e-3)
    assert fitted.mean_at(TIMES[:5]) == pytest.approx(field.values[:5], abs=2e-3)
    noisy, _ = _series(noise=2.0)
    fitted = HarmonicClimatology.fit(noisy)
    assert fitted.coef == pytest.approx(coef, abs=0.5)
    assert fitted.std == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("as_mask", [False, True])
def test_times_outside_training_are_never_seen(as_mask: bool) -> None:
    field, _ = _series()
    train = np.datetime64("1994-01-01") > TIMES if as_mask else slice("1990", "1993")
    before = HarmonicClimatology.fit(field, train)
    changed = field.copy(deep=True)
    changed.values[np.datetime64("1994-01-01") <= TIMES] = 1e6
    after = HarmonicClimatology.fit(changed, train)
    assert np.array_equal(before.coef, after.coef)
    assert np.array_equal(before.std, after.std)
    assert not np.array_equal(before.coef, HarmonicClimatology.fit(changed).coef)


def test_anomaly_and_back() -> None:
    field, _ = _series()
    climatology = HarmonicClimatology.fit(field, slice("1990", "1993"))
    anomaly = climatology.anomaly(field)
    assert abs(anomaly.sel(time=slice("1990", "1993")).mean()) < 1e-4
    assert climatology.restore(anomaly).values == pytest.approx(field.values, abs=1e-4)


def test_through_a_dict_of_arrays() -> None:
    climatology = HarmonicClimatology.fit(_series()[0])
    arrays = climatology.to_dict()
    assert {k: v.dtype for k, v in arrays.items()} == {"coef": np.float32, "std": np.float32}
    again = HarmonicClimatology.from_dict(arrays)
    assert np.array_equal(again.coef, climatology.coef)
    assert np.array_equal(again.std, climatology.std)


def test_other_zooms() -> None:
    climatology = HarmonicClimatology.fit(_series(zoom=3)[0])
    assert climatology.at_zoom(3) is climatology
    coarse, fine = climatology.at_zoom(1), climatology.at_zoom(5)
    assert (coarse.zoom, fine.zoom) == (1, 5)
    assert coarse.coef == pytest.approx(restrict(climatology.coef, 2), abs=1e-5)
    assert restrict(fine.coef, 2) == pytest.approx(climatology.coef, abs=1e-3)
    assert (fine.std > 0).all()


def test_constant_cells_keep_a_usable_spread() -> None:
    field, _ = _series()
    field = field.copy(data=np.full(field.shape, 273.0, np.float32))
    climatology = HarmonicClimatology.fit(field)
    assert (climatology.std == 1).all()
    assert abs(climatology.anomaly(field).values).max() < 1e-3


def test_too_short_for_a_year() -> None:
    field, _ = _series()
    with pytest.raises(UserError, match="calendar months"):
        HarmonicClimatology.fit(field, slice("1990-01", "1990-03"))
    with pytest.raises(UserError, match="No time of t2m"):
        HarmonicClimatology.fit(field, slice("2050", "2051"))


def test_wrong_zoom_is_refused() -> None:
    with pytest.raises(UserError, match="at_zoom"):
        HarmonicClimatology.fit(_series(zoom=2)[0]).anomaly(_series(zoom=3)[0])


def test_field_normaliser() -> None:
    rng = np.random.default_rng(1)
    x = (
        np.array([[250.0], [1e5], [3.0]]) + np.array([[10.0], [800.0], [0.0]]) * rng.standard_normal((3, 192))
    ).astype(np.float32)
    normaliser = FieldNormaliser()
    y, mean, spread = normaliser.normalise(x)
    assert y.shape == x.shape
    assert mean.shape == spread.shape == (3,)
    assert y[:2].mean(axis=-1) == pytest.approx(0, abs=1e-4)
    assert y[:2].std(axis=-1) == pytest.approx(1, abs=1e-4)
    assert spread[2] == pytest.approx(3e-6)  # as large as rounding
    assert (y[2] == 0).all()
    assert normaliser.restore(y, mean, spread) == pytest.approx(x, rel=1e-6)


def test_global_normaliser() -> None:
    field, _ = _series()
    normaliser = GlobalNormaliser.fit(field, slice("1990", "1993"))
    y = normaliser.normalise(field.values)
    assert y.std() == pytest.approx(1, rel=0.05)
    assert normaliser.restore(y) == pytest.approx(field.values, rel=1e-6)
