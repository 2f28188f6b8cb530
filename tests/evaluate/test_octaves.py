"""Rows on no sphere: exact to the step, and about as small as their entropy."""

import numpy as np
import pytest

from fsae_core.evaluate.octaves import decode_row, encode_row


@pytest.mark.parametrize("size", [1, 3, 16, 311, 3072])
def test_what_comes_back_is_the_nearest_step(size):
    rng = np.random.default_rng(size)
    values = (rng.standard_normal(size) * 30 / (1 + np.arange(size)) ** 0.5 + 7).astype(np.float32)
    data = encode_row(values, 7.0, 2.0, 0.05)
    back, offset, scale = decode_row(data, size)
    assert (offset, scale) == (7, 2)
    assert np.abs(back - values).max() <= 0.05 * 2 / 2 + 1e-4


def test_near_the_entropy():
    rng = np.random.default_rng(0)
    width = 400 / (1 + np.arange(4096.0))
    values = (rng.standard_normal(4096) * width).astype(np.float32)
    data = encode_row(values, 0.0, 1.0, 0.1)
    # Differential entropy of a normal value in steps of 0.1, and that of small ones by their frequencies.
    steps = np.rint(values / 0.1)
    bits = np.where(width > 0.3, np.log2(width / 0.1 * np.sqrt(2 * np.pi * np.e)), 0).sum()
    share = np.unique(steps[width <= 0.3], return_counts=True)[1] / (width <= 0.3).sum()
    bits += (width <= 0.3).sum() * -(share * np.log2(share)).sum()
    assert len(data) < 1.02 * bits / 8 + 40


def test_zeros_are_nearly_free_and_too_fine_a_step_is_refused():
    assert len(encode_row(np.zeros(3000, np.float32), 0.0, 1.0, 0.1)) < 60
    with pytest.raises(ValueError, match="22 bits"):
        encode_row(np.array([1e6], np.float32), 0.0, 1.0, 1e-3)
