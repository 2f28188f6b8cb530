"""The search for a rate, on sizes that are known."""

import numpy as np
import pytest

from fsae_core.evaluate.rate_search import finest_whole_within, finest_within


@pytest.mark.parametrize(
    "size",
    [
        lambda s: 100 + 50 * np.log2(s),
        lambda s: 20 * s**0.3,
        lambda s: 100 + 400 * (s > 37),  # a cliff
        lambda s: 2 ** np.floor(np.log2(s)),  # steps
    ],
)
@pytest.mark.parametrize("budget", [150, 400, 5000])
@pytest.mark.parametrize("guess", [None, 1.0, 3.0, 1e4])
def test_finds_the_finest_that_fits(size, budget, guess):
    made = []

    def encode(setting):
        made.append(setting)
        return bytes(int(size(setting)))

    setting, data = finest_within(encode, budget, 1.0, 1e4, guess)
    assert len(data) == int(size(setting)) <= budget and len(made) <= 22
    fine = [s for s in np.geomspace(1, 1e4, 4000) if int(size(s)) <= budget]
    assert len(data) >= 0.97 * max(int(size(s)) for s in fine)


def test_too_big_at_its_coarsest():
    assert finest_within(lambda s: bytes(100), 99, 1.0, 10.0) is None
    assert finest_whole_within(lambda s: bytes(100), 99, 0, 10) is None


def test_whole_numbers():
    tried = []

    def encode(setting):
        tried.append(setting)
        return bytes(int(setting) * 10)

    assert finest_whole_within(encode, 75, 0, 23) == (7, bytes(70))
    assert finest_whole_within(encode, 1e9, 0, 23)[0] == 23
    assert finest_whole_within(encode, 0, 0, 23)[0] == 0
    assert all(float(s).is_integer() for s in tried)
