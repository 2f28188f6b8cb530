"""Year displacement: the year that a time's neighbours suggest, minus its own.

Neighbours are the nearest points among times further away than the persistence of weather and sea (18
months by default). Distances are in units of what comes and goes within years: directions in which weather
and El Nino move the fields much say little about the year, and count little (the weighting of optimal
fingerprints, Hasselmann 1993, J. Climate 6, 1957). The mean of the neighbours' years pulls towards the middle
of the record, the more the less the fields tell years apart; so what is told is how far a time departs from
what times of its date suggest when nothing is special about them. Those are surrogates: the slow path of the
record plus blocks of its departures from it taken from other years. The departure is divided by the years
that the suggestion moves for a year of the record (classical calibration), so that -10 means: as if ten years
earlier.

A volcanic summer is cooler: it looks like an earlier year of a warming record, and its displacement is
negative.
"""

from __future__ import annotations

__all__ = [
    "Displacement",
    "DisplacementConfig",
    "displacement",
    "noise_metric",
    "placed_displacement",
    "suggested_years",
    "surrogate_count",
]

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.atlas.calendar import Floats, slow_part
from fsae_core.atlas.resample import SeasonalBlocks

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class DisplacementConfig:
    """neighbours: how many suggest a year; apart: years that they are away at least; bandwidth: years, of
    what counts as slow; block: years, of the bootstrap; surrogates: how many, None for a number that fits
    the record's length; shrink: share of the mean variance in the covariance that distances are measured by,
    1 for plain distances.

    The defaults were chosen on quiet times of the simulated archive, by how well neighbours tell the year.
    """

    neighbours: int = 20
    apart: float = 1.5
    bandwidth: float = 10.0
    block: float = 2.0
    surrogates: int | None = None
    seed: int = 0
    shrink: float = 0.03


@dataclass(frozen=True)
class Displacement:
    """years: (time,) displacement; p: (time,) two-sided; null: (surrogate, time), displacements of the
    surrogates; slope: years that the neighbours' mean moves for a year of the record; expected: (time,) year
    that the neighbours suggest when nothing is special.
    """

    years: NDArray[np.float64]
    p: NDArray[np.float64]
    null: NDArray[np.float64]
    slope: float
    expected: NDArray[np.float64]

    def window(self, mask: NDArray[np.bool_]) -> tuple[float, float, float]:
        """Mean displacement of the times of a mask, its one-sided p (as low or lower), the null's 2.5 %
        quantile."""
        mean = float(self.years[mask].mean())
        null = self.null[:, mask].mean(axis=1)
        return mean, float((1 + (null <= mean).sum()) / (1 + len(null))), float(np.quantile(null, 0.025))


def suggested_years(
    scores: Floats, years: NDArray[np.float64], neighbours: int, apart: float
) -> NDArray[np.float64]:
    """Mean year of each point's nearest neighbours that are more than `apart` years away; (time, d) ->
    (time,)."""
    x = np.ascontiguousarray(scores, np.float32)
    square = np.einsum("td,td->t", x, x)
    out = np.empty(len(x))
    for first in range(0, len(x), 1024):
        part = slice(first, first + 1024)
        distance = square[None, :] - 2 * (x[part] @ x.T)
        distance[np.abs(years[part, None] - years[None, :]) <= apart] = np.inf
        nearest = np.argpartition(distance, neighbours, axis=1)[:, :neighbours]
        out[part] = years[nearest].mean(axis=1)
    return out


def surrogate_count(times: int) -> int:
    """As many as take half a minute of one processor at most, 99 to 999 (more than that for 4500 times
    on)."""
    return int(np.clip(2e9 / times**2, 99, 999))


def displacement(
    scores: Floats,
    years: NDArray[np.float64],
    config: DisplacementConfig | None = None,
    *,
    pool: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> Displacement:
    """Of deseasonalised scores (time, d) at decimal years (time,), with its null.

    pool: times whose departures the null may use, all by default.
    """
    c = config or DisplacementConfig()
    x = np.asarray(scores, np.float64) @ noise_metric(scores, years, c, pool)
    slow = slow_part(x, years, c.bandwidth)
    fast = x - slow
    blocks = SeasonalBlocks(years, c.block, pool)
    rng = np.random.default_rng(c.seed)
    count = surrogate_count(len(x)) if c.surrogates is None else c.surrogates
    suggested = suggested_years(x, years, c.neighbours, c.apart)
    null = np.empty((count, len(x)), np.float32)
    for row in progress(range(count)) if progress else range(count):
        null[row] = suggested_years(slow + fast[blocks.draw(rng)], years, c.neighbours, c.apart)
    expected = null.mean(axis=0, dtype=np.float64)
    centred = years - years.mean()
    slope = float(centred @ expected / (centred @ centred))
    departures, off = null - expected, suggested - expected
    low, high = (departures <= off).sum(axis=0), (departures >= off).sum(axis=0)
    p = np.minimum(1.0, 2 * (1 + np.minimum(low, high)) / (1 + count))
    return Displacement(off / slope, p, departures / slope, slope, expected)


def noise_metric(
    scores: Floats, years: NDArray[np.float64], config: DisplacementConfig, pool: NDArray[np.bool_] | None
) -> NDArray[np.float64]:
    """(d, d): scores times this lie apart by what departures from the slow path are large in; pool: times
    whose departures count, all by default."""
    x = np.asarray(scores, np.float64)
    chosen = np.ones(len(x), bool) if pool is None else pool
    fast = (x - slow_part(x, years, config.bandwidth))[chosen]
    values, turn = np.linalg.eigh(fast.T @ fast / max(len(fast), 1))
    values = (1 - config.shrink) * np.maximum(values, 0.0) + config.shrink * values.mean()
    return np.asarray(turn / np.sqrt(np.maximum(values, np.finfo(np.float32).tiny)))


def placed_displacement(
    scores: Floats,
    years: NDArray[np.float64],
    expected: NDArray[np.float64],
    new: Floats,
    new_years: NDArray[np.float64],
    config: DisplacementConfig,
    *,
    pool: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Displacement (new,) of further scores (new, d) among those of a record; NaN outside its years.

    expected, pool: of the record's own displacement.
    """
    centred = years - years.mean()
    slope = float(centred @ expected / (centred @ centred))
    turn = noise_metric(scores, years, config, pool)
    x, new = np.asarray(scores, np.float64) @ turn, np.asarray(new, np.float64) @ turn
    out = np.full(len(new_years), np.nan)
    for row in np.flatnonzero((new_years >= years[0]) & (new_years <= years[-1])):
        distance = np.square(x - new[row]).sum(axis=1)
        distance[np.abs(years - new_years[row]) <= config.apart] = np.inf
        nearest = np.argpartition(distance, config.neighbours)[: config.neighbours]
        out[row] = (years[nearest].mean() - np.interp(new_years[row], years, expected)) / slope
    return out
