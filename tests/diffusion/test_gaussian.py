"""The closed-form emulator: what is drawn has the statistics of what it was fitted on."""

import numpy as np
import pytest
import torch

from fsae_core.errors import UserError
from fsae_core.model.climate import Climate, climate_at
from fsae_core.model.gaussian import GaussianConfig, GaussianEmulator, pack_symmetric, unpack_symmetric
from fsae_core.model.gaussian_fit import GaussianFit, fit_gaussian
from fsae_core.model.marginal import KNOTS, fit_marginals, from_normal, knots_at, to_normal

ZOOM, CELLS = 1, 48


@pytest.fixture(scope="module")
def archive():
    """Thirty years of skewed, seasonal, persistent fields that cool with aerosol; and some fine ones."""
    rng = np.random.default_rng(0)
    times = np.datetime64("1979-01-01T12", "h") + np.timedelta64(72, "h") * np.arange(3000)
    climate = climate_at(times)
    mix = rng.normal(size=(CELLS, CELLS)) / 7 + np.eye(CELLS)
    noise = rng.normal(size=(3000, CELLS))
    y = np.empty_like(noise)
    y[0] = noise[0]
    for k in range(1, 3000):
        y[k] = 0.6 * y[k - 1] + 0.8 * noise[k]
    season = 1.5 + np.cos(climate.phase)[:, None]
    x = season * (y @ mix.T)
    x += 0.8 * np.cos(4 * climate.phase)[:, None] - 3.0 * np.nan_to_num(climate.scaled)[:, [1]]
    fine = 1.3 * season[:300] * (rng.normal(size=(300, CELLS)) @ mix.T)
    years = times.astype("datetime64[Y]").astype(int)
    return x.astype(np.float32), climate, years, fine.astype(np.float32)


@pytest.fixture(scope="module")
def fitted(archive):
    x, climate, years, fine = archive
    fine_climate = Climate(climate.phase[:300], climate.values[:300], True)
    settings = GaussianFit(modes=48, taper_deg=500.0, fine_taper_deg=500.0, weather_taper_deg=500.0)
    return fit_gaussian(
        x,
        climate,
        years,
        np.zeros(3000, int),
        (fine, fine_climate),
        config=GaussianConfig(ZOOM),
        fit=settings,
    )


def test_symmetric_matrices_survive_packing():
    a = torch.randn(2, 5, 5)
    a = a + a.mT
    torch.testing.assert_close(unpack_symmetric(pack_symmetric(a)), a)


def test_fresh_emulator_changes_nothing():
    model = GaussianEmulator(GaussianConfig(ZOOM))
    climate = climate_at(np.datetime64("1990-05-01") + np.arange(4))
    y = torch.randn(4, CELLS)
    torch.testing.assert_close(model.colour(y, climate), y)
    noise = torch.randn(1, 2, 4, CELLS)
    torch.testing.assert_close(model.correlate(noise)[0], noise[0, 1])


@pytest.mark.parametrize("fine", [False, True])
def test_whitening_is_undone(fitted, archive, fine):
    model, (x, climate, *_) = fitted[0], archive
    some = Climate(climate.phase[:50], climate.values[:50], fine)
    rows = torch.from_numpy(x[:50])
    torch.testing.assert_close(model.colour(model.whiten(rows, some), some), rows, atol=2e-3, rtol=1e-3)


def test_whitened_fields_of_other_years_are_white(fitted):
    for white in fitted[1:]:
        y = white.y
        assert np.mean(y**2) == pytest.approx(1.0, abs=1e-4)
        assert np.abs(y.T @ y / len(y) - np.eye(CELLS)).mean() < 0.08


def test_draws_have_the_archive_s_spread_season_and_memory(fitted, archive):
    model, (x, climate, *_) = fitted[0], archive
    noise = torch.randn(1, 2, 3000, CELLS, generator=torch.Generator().manual_seed(3))
    drawn = model.colour(model.correlate(noise)[0], climate).numpy()
    summer = np.cos(climate.phase) < -0.8
    for part in (summer, ~summer):
        assert drawn[part].std() == pytest.approx(x[part].std(), rel=0.06)
    ratio = drawn.std(axis=0) / x.std(axis=0)
    assert ratio.min() > 0.85 and ratio.max() < 1.15
    for lag in (1, 2, 4):
        memory = [np.mean(f[lag:] * f[:-lag]) / np.mean(f**2) for f in (drawn, x)]
        assert memory[0] == pytest.approx(memory[1], abs=0.08)


def test_the_fine_class_has_its_own_spread(fitted, archive):
    model, (_, climate, _, fine) = fitted[0], archive
    own = Climate(climate.phase[:300], climate.values[:300], True)
    drawn = model.colour(torch.randn(300, CELLS), own) - model.mean(own)
    assert float(drawn.std()) == pytest.approx(fine.std(), rel=0.1)


def test_the_response_has_the_sign_and_size_of_what_was_put_in(fitted):
    model = fitted[0]
    times = np.datetime64("1992-01-01") + np.timedelta64(10, "D") * np.arange(36)
    change = model.mean(climate_at(times)) - model.mean(climate_at(times, volcanoes=False))
    expected = -3.0 * climate_at(times).scaled[:, 1].mean()
    assert float(change.mean()) == pytest.approx(expected, rel=0.2)


def test_marginal_maps_bend_and_come_back():
    rng = np.random.default_rng(1)
    x = np.expm1(0.5 * rng.normal(size=(6000, 3)))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    phase = rng.uniform(0, 2 * np.pi, 6000)
    knots = knots_at(fit_marginals(x, phase, 4, 30.0, 0.3), 0.7)
    rows = torch.from_numpy(x[:500]).float()
    torch.testing.assert_close(from_normal(to_normal(rows, knots), knots), rows, atol=1e-4, rtol=1e-4)
    straight = to_normal(torch.from_numpy(x).float(), knots).numpy()
    assert abs(np.mean(straight**3) / straight.std() ** 3) < 0.5 * abs(np.mean(x**3))
    assert (knots.diff(dim=-1) > 0).all() and knots.shape == (3, len(KNOTS))


def test_latents_of_another_zoom_are_refused(archive):
    x, climate, years, _ = archive
    with pytest.raises(UserError, match="expected"):
        fit_gaussian(x[:, :12], climate, years, np.zeros(3000, int), config=GaussianConfig(ZOOM))
