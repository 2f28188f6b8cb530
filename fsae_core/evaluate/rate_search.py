"""The finest setting of a codec whose bytes meet a budget."""

from __future__ import annotations

__all__ = ["finest_whole_within", "finest_within"]

from collections.abc import Callable

import numpy as np

_CLOSE = 0.99
"""A stream that fills this share of the budget is not improved further."""
_NARROW = 1e-3


def finest_within(
    encode: Callable[[float], bytes],
    budget: float,
    coarse: float,
    fine: float,
    guess: float | None = None,
    stride: float = 8.0,
    tries: int = 16,
) -> tuple[float, bytes] | None:
    """The setting (on a logarithmic scale, ``coarse`` to ``fine``) and its bytes; None where even coarse is
    too big.

    Strides from the guess (the middle by default) until one end of a bracket fits and the other does not,
    then interpolates between their sizes, every third time halves. Sizes need not be strictly monotone,
    since only streams that were made and fit are given back.
    """
    setting = float(np.sqrt(coarse * fine)) if guess is None else guess
    data = encode(setting)
    fits = len(data) <= budget
    best, high = ((setting, data), (fine, 0)) if fits else (None, (setting, len(data)))
    while (best is None) if not fits else (high[1] == 0):
        end = fine if fits else coarse
        if setting == end:
            return best
        setting = min(setting * stride, fine) if fits else max(setting / stride, coarse)
        data = encode(setting)
        if len(data) <= budget:
            best = (setting, data)
        else:
            high = (setting, len(data))
    assert best is not None
    for attempt in range(tries):
        low, size = np.log(best[0]), len(best[1])
        room = np.log(high[0]) - low
        if size >= _CLOSE * budget or room < _NARROW:
            break
        share = 0.5
        if attempt % 3 != 2:  # every third step halves: bytes may have a cliff
            share = float(np.clip((0.995 * budget - size) / max(high[1] - size, 1), 0.05, 0.95))
        setting = float(np.exp(low + share * room))
        data = encode(setting)
        if len(data) <= budget:
            best = (setting, data)
        else:
            high = (setting, len(data))
    return best


def finest_whole_within(
    encode: Callable[[float], bytes], budget: float, coarse: int, fine: int
) -> tuple[float, bytes] | None:
    """The same for a setting that is a whole number: by halving, sizes taken as monotone."""
    best, low, high = None, coarse, fine
    while low <= high:
        middle = (low + high + 1) // 2
        data = encode(middle)
        if len(data) <= budget:
            best, low = (float(middle), data), middle + 1
        else:
            high = middle - 1
    return best
