"""Year displacement: its sign, its size, what it takes for noise, and El Nino."""

import numpy as np
import pytest
from atlas_samples import el_nino, months, record, red_noise
from scipy.spatial.distance import mahalanobis

from fsae_core.archive import forcing
from fsae_core.archive.reader import open_archive
from fsae_core.atlas.calendar import decimal_years, slow_part
from fsae_core.atlas.displacement import (
    DisplacementConfig,
    displacement,
    noise_metric,
    placed_displacement,
    suggested_years,
    surrogate_count,
)
from fsae_core.atlas.enso import nino34, without_enso
from fsae_core.atlas.eruptions import ERUPTIONS, aftermath, eruptions_between, quiet
from fsae_core.atlas.novelty import NoveltyConfig, novelty
from fsae_core.atlas.space import FeatureSpace

QUICK = DisplacementConfig(surrogates=99)


def scores(ds, components=20):
    x, times = ds["t2m"].values, ds["time"].values
    return FeatureSpace.fit(x, times, components, deseasonalise=True).scores(x, times)


@pytest.fixture(scope="module")
def times():
    return months()


@pytest.fixture(scope="module")
def pinatubo(times):
    return aftermath(ERUPTIONS[-1], times)


def test_neighbours_are_far_in_time():
    years = np.arange(1990, 2010, 0.25)
    position = years[:, None].astype(np.float32)
    got = suggested_years(position, years, 2, 1.5)
    inner = (years > 1993) & (years < 2006)
    # The nearest on a line are the first allowed ones: 1.75 years before and after.
    np.testing.assert_allclose(got[inner], years[inner], atol=1e-9)
    np.testing.assert_allclose(got[0], 1990 + (1.75 + 2.0) / 2)


def test_a_cold_spell_looks_earlier(times, pinatubo):
    ds = record(dip=0.5, noise=0.4)
    got = displacement(scores(ds), decimal_years(times), QUICK, pool=quiet(times))
    mean, p, low = got.window(pinatubo)
    # Half a kelvin at 0.04 K a year is twelve and a half years.
    assert -18 < mean < -7 and mean < low < 0 and p <= 0.02
    assert 0 < got.slope <= 1.05
    warm = displacement(scores(record(dip=-0.5, noise=0.4)), decimal_years(times), QUICK)
    assert warm.window(pinatubo)[0] > 5


def test_further_times_are_displaced_alike(times, pinatubo):
    """The record's own times get their own displacement, those of a warmer run a later one."""
    s, years = scores(record(dip=0.5, noise=0.4)), decimal_years(times)
    got = displacement(s, years, QUICK)
    again = placed_displacement(s, years, got.expected, s[pinatubo], years[pinatubo], QUICK)
    np.testing.assert_allclose(again, got.years[pinatubo], atol=0.2)
    outside = placed_displacement(s, years, got.expected, s[:2], np.array([1950.0, 2030.0]), QUICK)
    assert np.isnan(outside).all()
    later = placed_displacement(s, years, got.expected, s[-60:-36], years[pinatubo], QUICK)
    assert later.mean() > 5 > again.mean()


def test_without_a_spell_nothing_is_found(times, pinatubo):
    """Of 16 records without any eruption about one in forty is below the null's 2.5 % quantile."""
    below, means = 0, []
    fewer = DisplacementConfig(surrogates=60)
    for seed in range(16):
        got = displacement(scores(record(seed=seed), 5), decimal_years(times), fewer, pool=quiet(times))
        mean, _, low = got.window(pinatubo)
        below += mean < low
        means.append(got.years)
    assert below <= 3
    # Nor is there a pull towards the middle of the record, which the bare mean of neighbours has.
    years = decimal_years(times)
    early, late = years < 1978, years > 2007
    average = np.mean(means, axis=0)
    assert abs(average[early].mean()) < 2 and abs(average[late].mean()) < 2


def test_displacement_repeats_itself(times):
    s, years = scores(record(), 5), decimal_years(times)
    one, two = (displacement(s, years, QUICK) for _ in range(2))
    np.testing.assert_array_equal(one.years, two.years)
    np.testing.assert_array_equal(one.p, two.p)
    assert (one.p > 0).all() and (one.p <= 1).all()


def test_surrogates_are_fewer_for_long_records():
    assert surrogate_count(420) == 999 and surrogate_count(13_000) == 99
    assert 99 < surrogate_count(4262) < 200


def test_nino34_is_found_and_taken_out(times):
    ds = record(nino=1.0, noise=0.4, seed=3)
    index = nino34(ds["t2m"])
    s = scores(ds)
    cleared, explained = without_enso(s, index, times)
    plain = record(nino=0.0, noise=0.4, seed=3)
    rng = np.random.default_rng(3)
    rng.normal(0, 3, (30, 3)), rng.uniform(0, 6.28, (30, 1))
    red_noise(rng, (len(times), 30))
    truth = el_nino(times, rng)
    assert np.corrcoef(index, truth)[0, 1] > 0.95
    assert 0.15 < explained < 1
    left = np.corrcoef(cleared.T, truth)[-1, :-1]
    assert np.abs(left).max() < 0.25 < np.abs(np.corrcoef(s.T, truth)[-1, :-1]).max()
    assert without_enso(scores(plain), truth, times)[1] < 0.1


def test_nino34_leaves_what_cools_the_whole_tropics(times):
    with_dip, without = (nino34(record(nino=1.0, dip=d)["t2m"]) for d in (1.0, 0.0))
    np.testing.assert_allclose(with_dip, without, atol=0.02)


def test_nino34_of_the_shipped_archive_is_the_one_it_was_given():
    ds = open_archive("amip", variables="t2m")
    given = forcing.nino34(ds["time"].values)
    assert np.corrcoef(nino34(ds["t2m"]), given)[0, 1] > 0.9


def test_nino34_needs_two_years_and_small_cells():
    assert nino34(record(times=months("2000-01", "2001-06"))["t2m"]) is None
    assert nino34(record(zoom=0)["t2m"]) is None


def test_regression_is_fitted_on_the_times_that_are_named(times):
    rng = np.random.default_rng(0)
    index = el_nino(times, rng)
    s = np.outer(index, [2.0, -1.0]) + 0.1 * rng.standard_normal((len(times), 2))
    spoilt = s.copy()
    calm = quiet(times)
    spoilt[~calm] += 50 * index[~calm, None]
    cleared, _ = without_enso(spoilt, index, times, fit_on=calm)
    everywhere, _ = without_enso(spoilt, index, times)
    assert np.abs(cleared[calm]).max() < 2 < np.abs(everywhere[calm]).max()


def test_catalogue(times):
    assert [e.date for e in ERUPTIONS] == sorted(e.date for e in ERUPTIONS)
    assert all(0.03 < e.peak_aod < 0.2 and -90 < e.latitude < 90 for e in ERUPTIONS)
    assert all(e.date[:7] < e.peak <= f"{int(e.date[:4]) + 1}-12" for e in ERUPTIONS)
    assert [e.name for e in eruptions_between(times)] == ["El Chichon", "Pinatubo"]
    assert eruptions_between(times[:0]) == ()
    assert ERUPTIONS[-1].year == pytest.approx(1991.45, abs=0.01)


def test_windows(times, pinatubo):
    inside = times[pinatubo].astype("datetime64[M]")
    assert len(inside) == 24 and str(inside[0]) == "1991-09" and str(inside[-1]) == "1993-08"
    calm = quiet(times)
    assert (~calm).sum() == 72 and not calm[pinatubo].any()


def test_novelty_of_noise_and_of_an_event(times):
    rng = np.random.default_rng(0)
    years = decimal_years(times)
    s = red_noise(rng, (len(times), 8))
    value, p = novelty(s, years, NoveltyConfig(surrogates=49))
    assert value.mean() == pytest.approx(1.0, abs=0.1)
    assert 0.01 < (p < 0.05).mean() < 0.09
    s[200] += 6
    value, p = novelty(s, years, NoveltyConfig(surrogates=49))
    assert value.argmax() == 200 and p[200] < 1e-3
    # A drift over decades is no novelty.
    drifting = novelty(s + np.outer(years - 1990, np.ones(8)), years, NoveltyConfig(surrogates=49))[0]
    np.testing.assert_allclose(drifting, value, rtol=1e-3)


def test_novelty_of_what_never_changes(times):
    value, p = novelty(np.zeros((len(times), 3)), decimal_years(times))
    assert (value == 0).all() and (p == 1).all()


def test_distances_are_mahalanobis_in_what_comes_and_goes():
    rng = np.random.default_rng(5)
    years = 1950 + np.arange(600) / 12
    x = rng.standard_normal((600, 4)) @ rng.standard_normal((4, 4)) + 0.01 * (years - 1975)[:, None]
    turn = noise_metric(x, years, DisplacementConfig(shrink=0.0), None)
    fast = x - slow_part(x, years, 10.0)
    inverse = np.linalg.inv(fast.T @ fast / 600)
    got = np.linalg.norm((x[3] - x[400]) @ turn)
    assert got == pytest.approx(mahalanobis(x[3], x[400], inverse), rel=1e-6)
    plain = noise_metric(x, years, DisplacementConfig(shrink=1.0), None)
    ratio = np.linalg.norm((x[3] - x[400]) @ plain) / np.linalg.norm(x[3] - x[400])
    assert np.linalg.norm((x[7] - x[9]) @ plain) == pytest.approx(ratio * np.linalg.norm(x[7] - x[9]))


def test_loud_directions_without_a_trend_do_not_hide_the_year():
    """Large oscillations that say nothing of the year: plain distances see little else."""
    rng = np.random.default_rng(6)
    years = 1950 + np.arange(720) / 12
    loud = 20 * red_noise(rng, (720, 4), 0.5)
    x = np.concatenate([loud, 0.1 * (years - 1980)[:, None] + rng.standard_normal((720, 1))], axis=1)
    told = {}
    for shrink in (1.0, 0.03):
        turned = x @ noise_metric(x, years, DisplacementConfig(shrink=shrink), None)
        told[shrink] = np.corrcoef(suggested_years(turned, years, 20, 1.5), years)[0, 1]
    assert told[0.03] > 0.7 and told[1.0] < 0.2
