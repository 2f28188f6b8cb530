"""Surrogates keep what they are meant to keep and nothing else."""

import numpy as np
from atlas_samples import months, red_noise

from fsae_core.atlas.calendar import decimal_years, month_numbers
from fsae_core.atlas.resample import SeasonalBlocks, phase_randomised


def test_blocks_keep_the_month_and_run_on():
    times = months()
    blocks = SeasonalBlocks(decimal_years(times), 2.0)
    assert blocks.length == 24
    rng = np.random.default_rng(0)
    for _ in range(20):
        index = blocks.draw(rng)
        assert index.shape == times.shape
        assert (month_numbers(times[index]) == month_numbers(times)).all()
        breaks = np.flatnonzero(np.diff(index) != 1)
        assert len(breaks) <= len(times) / 24 + 1
    assert (index != np.arange(len(times))).mean() > 0.8


def test_blocks_come_from_the_pool_alone():
    times = months()
    years = decimal_years(times)
    pool = ~((years > 1982.2) & (years < 1985.2)) & ~((years > 1991.4) & (years < 1994.4))
    blocks = SeasonalBlocks(years, 2.0, pool)
    rng = np.random.default_rng(1)
    drawn = np.concatenate([blocks.draw(rng) for _ in range(50)])
    assert pool[drawn].all()
    assert np.unique(drawn).size > 0.95 * pool.sum(), "every quiet time has its chance"


def test_blocks_of_days():
    times = np.arange("1990-01-02", "2000-01-01", 3, dtype="datetime64[D]").astype("datetime64[ns]")
    years = decimal_years(times)
    index = SeasonalBlocks(years, 2.0).draw(np.random.default_rng(0))
    off = (years[index] - years + 0.5) % 1 - 0.5
    assert np.abs(off).max() < 0.05


def test_a_pool_that_holds_no_block_gives_shorter_ones():
    times = months("2000-01", "2006-01")
    years = decimal_years(times)
    pool = np.zeros(len(times), bool)
    pool[12:30] = True
    index = SeasonalBlocks(years, 2.0, pool).draw(np.random.default_rng(0))
    assert (month_numbers(times[index]) == month_numbers(times)).all()
    assert pool[index].mean() > 0.9


def test_random_phases_keep_spectra_and_covariances():
    rng = np.random.default_rng(0)
    x = red_noise(rng, (400, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.5], [0, 0, 1.0]]) + 4
    for length in (400, 399):
        part = x[:length]
        y = phase_randomised(part, rng)
        assert y.shape == part.shape
        np.testing.assert_allclose(np.cov(y.T), np.cov(part.T), rtol=1e-9, atol=1e-9)
        before, after = np.abs(np.fft.rfft(part, axis=0)), np.abs(np.fft.rfft(y, axis=0))
        np.testing.assert_allclose(after, before, atol=1e-8)
        np.testing.assert_allclose(y.mean(axis=0), part.mean(axis=0))
        assert abs(np.corrcoef(y[:, 0], part[:, 0])[0, 1]) < 0.4
