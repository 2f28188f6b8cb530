"""The block bootstrap against what is known of independent and of slow series."""

import numpy as np
import pytest

from fsae_core.evaluate.bootstrap import block_length, rmse_interval


def slow(count, memory, width=200, seed=0):
    rng = np.random.default_rng(seed)
    out = np.zeros((count, width))
    for t in range(1, count):
        out[t] = memory * out[t - 1] + np.sqrt(1 - memory**2) * rng.standard_normal(width)
    return out


def test_block_is_the_time_to_forget():
    assert block_length(np.random.default_rng(0).standard_normal((100, 50))) == 1
    # An autoregression of order one falls to 1/e after -1 / log(memory) steps.
    assert block_length(slow(1000, np.exp(-1 / 8.5))) == pytest.approx(9, abs=1)
    assert block_length(np.repeat(np.arange(20.0)[:, None], 3, 1)) <= 10
    assert block_length(np.ones((10, 5))) == 1 and block_length(np.ones((2, 5))) == 1


def test_interval_of_independent_times_is_the_normal_one():
    square = np.random.default_rng(1).chisquare(4, 400)
    low, high = rmse_interval(square, 1)
    spread = 1.96 * square.std() / np.sqrt(400)
    assert low == pytest.approx(np.sqrt(square.mean() - spread), rel=0.01)
    assert high == pytest.approx(np.sqrt(square.mean() + spread), rel=0.01)
    assert rmse_interval(square, 1) == (low, high)


def test_blocks_widen_the_interval_of_a_slow_series():
    square = slow(400, 0.95, width=1)[:, 0] ** 2
    narrow, wide = (np.ptp(rmse_interval(square, block)) for block in (1, 40))
    assert wide > 1.5 * narrow


def test_edges():
    assert np.isnan(rmse_interval(np.array([1.0]), 1)).all()
    assert rmse_interval(np.array([4.0, 4.0, 4.0]), 9) == (2, 2)
