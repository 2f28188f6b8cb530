"""The finest setting of a codec whose bytes meet a budget."""

from __future__ import annotations

__all__ = ["finest_whole_within", "finest_within"]

from collections.abc import Callable

import numpy as np

_CLOSE = 0.995
"""A stream that fills this share of the budget is not improved further."""
_NARROW = 1e-3


def finest_within(
    encode: Callable[[float], bytes], budget: float, coarse: float, fine: float, tries: int = 16
) -> tuple[float, bytes] | None:
    """The setting (on a logarithmic scale, ``coarse`` to ``fine``) and its bytes; None where even coarse is
    too big.

    Interpolates between the sizes at both ends of the bracket and falls back to halving it; sizes need not be
    strictly monotone, since only streams that were made and fit are given back.
    """
    best_setting, best = fine, encode(fine)
    if len(best) <= budget:
        return best_setting, best
    high, high_size = np.log(fine), len(best)
    best = encode(coarse)
    if len(best) > budget:
        return None
    best_setting, low, low_size = coarse, np.log(coarse), len(best)
    for attempt in range(tries):
        if len(best) >= _CLOSE * budget or abs(high - low) < _NARROW:
            break
        share = 0.5
        if attempt % 3 != 2:  # every third step halves: bytes may have a cliff
            share = float(np.clip((0.9975 * budget - low_size) / max(high_size - low_size, 1), 0.05, 0.95))
        middle = low + share * (high - low)
        data = encode(float(np.exp(middle)))
        if len(data) <= budget:
            low, low_size = middle, len(data)
            best_setting, best = float(np.exp(middle)), data
        else:
            high, high_size = middle, len(data)
    return best_setting, best


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
