"""Ensemble scores against an independent library and against cases with a known answer."""

import numpy as np
import pytest
import xarray as xr

from fsae_core.errors import UserError
from fsae_core.evaluate import ensemble as ours


@pytest.mark.parametrize("members", [2, 5, 16])
def test_crps_is_the_fair_one(members):
    from scores.probability import crps_for_ensemble

    rng = np.random.default_rng(members)
    e, t = rng.normal(size=(members, 4, 12)), rng.normal(size=(4, 12))
    oracle = crps_for_ensemble(
        xr.DataArray(e, dims=("member", "time", "cell")),
        xr.DataArray(t, dims=("time", "cell")),
        ensemble_member_dim="member",
        method="fair",
        preserve_dims="all",
    )
    np.testing.assert_allclose(ours.crps(e, t), oracle.values, atol=1e-12)


def test_crps_of_few_members_is_that_of_many():
    rng = np.random.default_rng(0)
    t = rng.normal(size=40000)
    few, many = ours.crps(rng.normal(size=(3, 40000)), t), ours.crps(rng.normal(size=(50, 40000)), t)
    assert few.mean() == pytest.approx(many.mean(), rel=0.02)
    assert many.mean() == pytest.approx(1 / np.sqrt(np.pi), rel=0.02)


def test_spread_skill_is_one_for_truth_like_members_and_says_how_far_off_others_are():
    rng = np.random.default_rng(1)
    t = rng.normal(size=(500, 48))
    for spread in (0.5, 1.0, 2.0):
        e = spread * rng.normal(size=(8, 500, 48))
        expected = np.sqrt(9 / 8) * spread / np.sqrt(1 + spread**2 / 8)
        assert ours.spread_skill(e, t) == pytest.approx(expected, rel=0.02)
    assert ours.spread_skill(rng.normal(size=(8, 500, 48)), t) == pytest.approx(1.0, abs=0.02)


def test_rank_histograms():
    rng = np.random.default_rng(2)
    e, t = rng.normal(size=(9, 200, 300)), rng.normal(size=(200, 300))
    counts = ours.rank_counts(e, t)
    assert counts.shape == (300, 10) and (counts.sum(axis=1) == 200).all()
    assert ours.flat_share(counts) == pytest.approx(0.95, abs=0.04)
    merged = ours.rank_counts(e, t, bins=5)
    np.testing.assert_array_equal(merged, counts.reshape(300, 5, 2).sum(axis=-1))
    assert ours.flat_share(ours.rank_counts(0.6 * e, t, bins=5)) < 0.2
    with pytest.raises(UserError, match="do not divide"):
        ours.rank_counts(e, t, bins=3)


def test_persistent_truths_are_fewer_than_they_seem():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4000, 50))
    for k in range(1, 4000):
        x[k] = 0.8 * x[k - 1] + 0.6 * x[k]
    assert ours.effective_share(x, 40).mean() == pytest.approx(0.2 / 1.8, rel=0.2)
    assert ours.effective_share(rng.normal(size=(4000, 50)), 5).mean() > 0.8
    runs, draws = x[::8][:200], x[3::8][None, :200] * np.ones((9, 1, 1))
    draws = rng.normal(size=(9, 200, 50))
    counts = ours.rank_counts(draws, x[:200], bins=5)
    assert ours.flat_share(counts, 0.111) > ours.flat_share(counts) and runs.shape == (200, 50)


def test_power_and_quantiles():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(30, 192))
    assert ours.power_ratio(2 * x, x) == pytest.approx({0: 4.0, 1: 4.0, 2: 4.0})
    assert ours.quantile_error(np.stack([x, x]), x)[0.5] == pytest.approx(0.0, abs=1e-6)
    assert ours.quantile_error(x + 1.5, x)[0.95] == pytest.approx(1.5)


def test_eofs_and_teleconnections_find_what_was_put_in():
    rng = np.random.default_rng(5)
    pattern, index = rng.normal(size=192), rng.normal(size=400)
    x = index[:, None] * pattern + 0.1 * rng.normal(size=(400, 192))
    found, share = ours.eof_patterns(x, 2)
    assert abs(np.corrcoef(found[0], pattern)[0, 1]) > 0.99 and share[0] > 0.95
    northern, _ = ours.eof_patterns(x, 1, north_of=20.0)
    assert 0.2 < np.mean(northern[0] == 0) < 0.8
    np.testing.assert_allclose(ours.teleconnection(x, index), pattern * index.std(), atol=0.05)


def test_baselines():
    train_times = np.datetime64("1980-01-01") + np.arange(0, 3650, 3)
    chosen = ours.climatology_members(train_times, np.array(["1995-07-15", "1995-01-02"], "datetime64[D]"), 5)
    assert chosen.shape == (5, 2)
    for column, day in ((0, 196), (1, 2)):
        of_year = (
            train_times[chosen[:, column]] - train_times[chosen[:, column]].astype("datetime64[Y]")
        ).astype(int)
        apart = np.abs(of_year + 1 - day)
        assert np.minimum(apart, 365 - apart).max() <= 11 and len(set(chosen[:, column])) == 5
    with pytest.raises(UserError, match="training times lie within"):
        ours.climatology_members(train_times, train_times[:1], 500)
    from fsae_core.archive.forcing import co2_ppm

    slope = np.array([0.1, -0.2])
    train = co2_ppm(train_times)[:, None] * slope
    later = np.array(["2010-06-01"], "datetime64[D]")
    expected = (co2_ppm(later) - co2_ppm(train_times).mean())[:, None] * slope
    np.testing.assert_allclose(ours.pattern_scaling(train, train_times, later), expected, rtol=1e-6)


def test_shapes_and_numbers_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="same shape"):
        ours.crps(np.zeros((3, 5)), np.zeros(4))
    with pytest.raises(UserError, match="at least 2"):
        ours.spread_skill(np.zeros((1, 5)), np.zeros(5))
