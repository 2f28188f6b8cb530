"""Tests of change against an independent library, and against cases with a known answer."""

import numpy as np
import pytest

from fsae_core.errors import UserError
from fsae_core.evaluate.distribution import density, exceedance, exchanged_ranks
from fsae_core.evaluate.significance import discovered, paired_p_values, two_sample_p_values


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    b = rng.normal(size=(7, 50))
    return b + 0.3 + 0.2 * rng.normal(size=b.shape), b


def test_p_values_are_those_of_scipy(pairs):
    from scipy.stats import ttest_ind, ttest_rel

    np.testing.assert_allclose(paired_p_values(*pairs), ttest_rel(*pairs).pvalue, rtol=1e-9)
    np.testing.assert_allclose(
        two_sample_p_values(*pairs), ttest_ind(*pairs, equal_var=False).pvalue, rtol=1e-9
    )


def test_pairs_see_what_two_samples_do_not(pairs):
    assert np.median(paired_p_values(*pairs)) < 0.02 < 0.3 < np.median(two_sample_p_values(*pairs))


def test_without_variance():
    one = np.ones((3, 2))
    np.testing.assert_array_equal(paired_p_values(one, one), [1.0, 1.0])
    np.testing.assert_array_equal(two_sample_p_values(one, 0 * one), [0.0, 0.0])


def test_false_discoveries_are_as_rare_as_said():
    """As in scipy's adjusted p-values; and of tests without any effect almost none is left."""
    from scipy.stats import false_discovery_control

    rng = np.random.default_rng(1)
    p = np.concatenate([rng.uniform(size=900), rng.uniform(size=100) * 1e-4])
    np.testing.assert_array_equal(discovered(p, 0.1), false_discovery_control(p) <= 0.1)
    found = discovered(p, 0.1)
    assert found[900:].all() and found[:900].sum() / found.sum() < 0.2
    nothing = [discovered(rng.uniform(size=500), 0.1).any() for _ in range(200)]
    assert 0.02 < np.mean(nothing) < 0.2
    assert not discovered(np.ones(5)).any()


def test_exceedance_counts_members():
    e = np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0], [4.0, 8.0]])
    np.testing.assert_allclose(exceedance(e, 2.5), [0.5, 1.0])
    np.testing.assert_allclose(exceedance(e, 5.5, above=False), [1.0, 0.25])


def test_density_is_that_of_what_was_drawn():
    rng = np.random.default_rng(2)
    at = np.linspace(-8, 12, 801)
    found = density(rng.normal(2.0, 1.5, size=4000), at)
    expected = np.exp(-0.5 * ((at - 2) / 1.5) ** 2) / (1.5 * np.sqrt(2 * np.pi))
    assert found.sum() * (at[1] - at[0]) == pytest.approx(1.0, abs=1e-3)
    assert np.abs(found - expected).max() < 0.02
    assert np.isfinite(density([3.0, 3.0, 3.0], at)).all()


def test_ranks_of_truth_and_members():
    rng = np.random.default_rng(3)
    own, members = exchanged_ranks(rng.normal(size=(9, 5000)), rng.normal(size=5000))
    assert own.shape == (10,) and members.shape == (9, 10)
    assert own.mean() == pytest.approx(1.0) and abs(own - 1).max() < 0.2
    high, _ = exchanged_ranks(rng.normal(size=(9, 5000)), 3 + rng.normal(size=5000))
    assert high[-1] > 5 > 0.2 > high[0]


def test_what_does_not_fit_is_refused(pairs):
    with pytest.raises(UserError, match="at least 2"):
        paired_p_values(pairs[0][:1], pairs[1][:1])
    with pytest.raises(UserError, match="Pairs"):
        paired_p_values(pairs[0], pairs[1][:3])
    with pytest.raises(UserError, match="at least 2"):
        density([1.0], [0.0])
    with pytest.raises(UserError, match="expected \\(member"):
        exchanged_ranks(np.zeros((3, 4)), np.zeros(5))
