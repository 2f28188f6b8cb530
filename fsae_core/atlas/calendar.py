"""Times as decimal years, months and steps; slow changes over years."""

from __future__ import annotations

__all__ = ["Floats", "Times", "decimal_years", "month_numbers", "month_starts", "slow_part"]

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.climatology import annual_phase

Floats = NDArray[np.floating]
Times = NDArray[np.datetime64]

_NODES_A_BANDWIDTH = 8


def decimal_years(times: Times) -> NDArray[np.float64]:
    """datetime64 (time,) -> years with their passed share, (time,): 1991-07-01 is about 1991.5."""
    start = np.asarray(times).astype("datetime64[Y]").astype(int) + 1970
    return start + annual_phase(times) / (2 * np.pi)


def month_numbers(times: Times) -> NDArray[np.int64]:
    """datetime64 (time,) -> 1 to 12."""
    return np.asarray(times).astype("datetime64[M]").astype(np.int64) % 12 + 1


def month_starts(times: Times) -> Times:
    """datetime64 (time,) -> the first day of each one's month, datetime64[M]."""
    return np.asarray(times).astype("datetime64[M]")


def slow_part(values: Floats, years: NDArray[np.float64], bandwidth: float) -> NDArray[np.float64]:
    """What changes over decades: local straight lines under a Gaussian of `bandwidth` years.

    values: (time, n); years: (time,) rising. A local line has no bias at the ends of the record, which a
    running mean has. Lines are fitted at nodes an eighth of the bandwidth apart and interpolated.
    """
    x = np.asarray(values, np.float64)
    span = float(years[-1] - years[0])
    nodes = np.linspace(years[0], years[-1], max(2, int(np.ceil(_NODES_A_BANDWIDTH * span / bandwidth)) + 1))
    away = years[None, :] - nodes[:, None]
    weight = np.exp(-0.5 * (away / bandwidth) ** 2)
    zero, one, two = ((weight * away**power).sum(axis=1) for power in (0, 1, 2))
    kernel = weight * (two[:, None] - one[:, None] * away)
    determinant = zero * two - one**2
    level = (kernel / np.where(determinant > 0, determinant, 1.0)[:, None]) @ x
    if span == 0:
        return np.broadcast_to(x.mean(axis=0), x.shape).copy()
    place = (years - years[0]) / span * (len(nodes) - 1)
    left = np.minimum(place.astype(int), len(nodes) - 2)
    share = (place - left)[:, None]
    return level[left] * (1 - share) + level[left + 1] * share
