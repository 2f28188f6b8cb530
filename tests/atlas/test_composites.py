"""Composites: independent values are counted as theory says, and errors are as rare as they are said to
be."""

import numpy as np
import pytest
from atlas_samples import months, red_noise
from scipy.stats import false_discovery_control, ttest_ind

from fsae_core.atlas.composites import _effective, composite, discoveries


def test_independent_values_of_a_run_and_of_scattered_times():
    mask = np.zeros(2000, bool)
    mask[300:900] = True
    got = _effective(mask, np.array([0.0, 0.5, 0.9]))
    np.testing.assert_allclose(got, [600, 600 / 3, 600 / 19], rtol=0.03)
    scattered = np.zeros(2000, bool)
    scattered[::100] = True
    np.testing.assert_allclose(_effective(scattered, np.array([0.9])), 20, rtol=0.01)
    assert _effective(np.zeros(5, bool), np.array([0.5])) == 0


def test_white_noise_gives_welchs_test():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 50)).astype(np.float32)
    x = x - x.mean(axis=0)
    times = np.arange(300).astype("datetime64[h]").astype("datetime64[ns]")
    group = rng.random(300) < 0.3
    got = composite(x, times, group, deseasonalise=False)
    expected = ttest_ind(x[group], x[~group], equal_var=False).pvalue
    assert np.median(np.abs(np.log(got.p / expected))) < 0.2
    np.testing.assert_allclose(got.difference, x[group].mean(0) - x[~group].mean(0), rtol=1e-4, atol=1e-6)


def test_runs_of_red_noise_are_rarely_significant():
    """Nominal 5 % per cell; an ordinary t-test rejects several times as often."""
    rng = np.random.default_rng(1)
    times = months("1950-01", "2000-01")
    x = red_noise(rng, (len(times), 2000), 0.8).astype(np.float32)
    group = np.zeros(len(times), bool)
    group[100:148] = True
    got = composite(x, times, group)
    rejected = (got.p < 0.05).mean()
    naive = (ttest_ind(x[group], x[~group], equal_var=False).pvalue < 0.05).mean()
    assert rejected < 0.09 < naive
    assert not got.significant.any()


def test_a_warm_region_is_found():
    rng = np.random.default_rng(2)
    times = months("1950-01", "2000-01")
    x = red_noise(rng, (len(times), 500)).astype(np.float32)
    group = np.zeros(len(times), bool)
    group[60:120] = True
    x[60:120, :100] += 2
    got = composite(x, times, group)
    assert got.significant[:100].mean() > 0.9 and got.significant[100:].mean() < 0.05
    np.testing.assert_allclose(got.difference[:100].mean(), 2, atol=0.2)
    assert got.times == 60 and got.others == 540
    assert got.p[got.significant].max() == got.threshold


def test_a_group_of_summers_is_not_warm():
    times = months("1950-01", "2000-01")
    season = 10 * np.cos(2 * np.pi * (np.arange(len(times)) % 12) / 12)
    noise = np.random.default_rng(0).standard_normal((len(times), 20))
    x = (season[:, None] + noise).astype(np.float32)
    summer = np.arange(len(times)) % 12 == 0
    assert np.abs(composite(x, times, summer).difference).max() < 1
    assert composite(x, times, summer, deseasonalise=False).difference.min() > 5


def test_two_groups_and_single_times():
    rng = np.random.default_rng(0)
    times = months("1990-01", "2000-01")
    x = rng.standard_normal((120, 10)).astype(np.float32)
    one, two = np.zeros(120, bool), np.zeros(120, bool)
    one[3], two[50:90] = True, True
    got = composite(x, times, one, two)
    assert got.others == 40 and not got.significant.any() and (got.p == 1).all()
    np.testing.assert_array_equal(
        composite(x, times, two, one).difference, -composite(x, times, one, two).difference
    )
    nothing = composite(x, times, np.zeros(120, bool))
    assert np.isnan(nothing.difference).all() and not nothing.significant.any()


def test_discoveries_are_those_of_benjamini_and_hochberg():
    rng = np.random.default_rng(0)
    p = np.concatenate([rng.random(200), rng.random(30) / 500])
    np.testing.assert_array_equal(discoveries(p, 0.1), false_discovery_control(p) <= 0.1)
    assert not discoveries(np.full(5, 0.5), 0.1).any()
    assert discoveries(np.array([np.nan, 1e-9]), 0.1).tolist() == [False, True]
    assert discoveries(np.array([]), 0.1).shape == (0,)


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_false_discoveries_stay_below_their_share(share):
    rng = np.random.default_rng(3)
    false = []
    for _ in range(40):
        p = np.concatenate([rng.random(400), rng.random(100) * 1e-3])
        found = discoveries(p, share)
        false.append(found[:400].sum() / max(found.sum(), 1))
    assert np.mean(false) < share
