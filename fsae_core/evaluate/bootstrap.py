"""How sure a mean over times is: the moving-block bootstrap (Kunsch 1989, doi:10.1214/aos/1176347265)."""

from __future__ import annotations

__all__ = ["block_length", "rmse_interval"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
_SEED = 2601


def block_length(fields: NDArray[Any]) -> int:
    """Times to the first lag at which fields (time, cells) have forgotten themselves; 1 to half of the times.

    That is where the autocorrelation of the departures from the mean over time, averaged over cells weighted
    by their variance, falls below 1/e.
    """
    times = len(fields)
    if times < 4:
        return 1
    away = fields.astype(np.float64) - fields.mean(axis=0, dtype=np.float64)
    power = np.mean(away**2)
    if power == 0:
        return 1
    longest = times // 2
    for lag in range(1, longest):
        if np.mean(away[lag:] * away[:-lag]) < power / np.e:
            return lag
    return longest


def rmse_interval(square: NDArray[np.float64], block: int, draws: int = DRAWS) -> tuple[float, float]:
    """95 % interval of the RMSE from the mean square error of each time (time,); seeded, so always the same.

    Blocks of consecutive times are drawn with replacement until there are as many times as before. NaN for
    one time, which says nothing of others.
    """
    times = len(square)
    if times < 2:
        return float("nan"), float("nan")
    block = min(max(1, block), times)
    rng = np.random.default_rng(_SEED)
    pieces = -(-times // block)
    start = rng.integers(0, times - block + 1, (draws, pieces))
    index = (start[..., None] + np.arange(block)).reshape(draws, -1)[:, :times]
    low, high = np.quantile(square[index].mean(axis=1), (0.025, 0.975))
    return float(np.sqrt(low)), float(np.sqrt(high))
