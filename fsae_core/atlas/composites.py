"""What a group of times has in common: its mean beside the others', and where that means something.

Times of a group follow each other or not; how much they repeat each other is told by the lag-one
correlation of a cell's series. The variance of a mean over any set of times is then s^2 / n^2 times the sum
over pairs of r^|lag|, which gives the effective number of values for a t-test (Zwiers and von Storch 1995,
doi:10.1175/1520-0442(1995)008<0336:TSCIAI>2.0.CO;2). Over the sphere the share of false discoveries is held
at `alpha` (Wilks 2016, doi:10.1175/BAMS-D-15-00267.1: twice the global level, since neighbours are alike).
"""

from __future__ import annotations

__all__ = ["Composite", "Departures", "composite", "discoveries"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsae_core.atlas.calendar import Floats, Times
from fsae_core.atlas.seasons import SeasonalCycle

_MOST_REPETITION = 0.98
_ROWS = 512


@dataclass(frozen=True)
class Composite:
    """difference: (cell,) mean of the group minus the others', in units, without the seasonal cycle; p:
    (cell,) two-sided; significant: (cell,); effective: (cell,) independent values in the group; times,
    others: how many of each; threshold: p that a significant cell has at most."""

    difference: NDArray[np.float32]
    p: NDArray[np.float64]
    significant: NDArray[np.bool_]
    effective: NDArray[np.float64]
    times: int
    others: int
    threshold: float


def composite(
    fields: Floats,
    times: Times,
    group: NDArray[np.bool_],
    others: NDArray[np.bool_] | None = None,
    *,
    alpha: float = 0.1,
    deseasonalise: bool = True,
) -> Composite:
    """Fields (time, cell) in units at rising times; group, others: masks (time,), all other times by
    default.

    The season is taken out by harmonics of all times, so that a group of summers is not found to be warm.
    Where a group has fewer than two independent values nothing is significant.
    """
    x = np.asarray(fields, np.float32)
    if deseasonalise:
        x = (x - SeasonalCycle.fit(x, times).mean_at(times)).astype(np.float32)
    return Departures.of(x).composite(group, others, alpha=alpha)


@dataclass(frozen=True)
class Departures:
    """Fields without season, and what every composite of them needs; groups then cost what they are long.

    values: (time, cell) float32; total, squares: (cell,) sums over all times; repetition: (cell,) lag-one
    correlation.
    """

    values: NDArray[np.float32]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]
    repetition: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> Departures:
        """From fields (time, cell) at rising times."""
        return cls(values, *_sums(values), _lag_one(values))

    def composite(
        self, group: NDArray[np.bool_], others: NDArray[np.bool_] | None = None, *, alpha: float = 0.1
    ) -> Composite:
        """As the function `composite`."""
        rest = ~group if others is None else others
        own = _sums(self.values[group])
        both = (self.total - own[0], self.squares - own[1]) if others is None else _sums(self.values[rest])
        mean, variance, effective = self._part(group, *own)
        mean_rest, variance_rest, effective_rest = self._part(rest, *both)
        difference = mean - mean_rest
        p = _welch(difference, variance, effective, variance_rest, effective_rest)
        found = discoveries(p, alpha)
        threshold = float(p[found].max()) if found.any() else 0.0
        return Composite(
            difference.astype(np.float32), p, found, effective, int(group.sum()), int(rest.sum()), threshold
        )

    def _part(
        self, mask: NDArray[np.bool_], total: NDArray[np.float64], squares: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Mean, variance and number of independent values of the times of a mask."""
        count = int(mask.sum())
        effective = _effective(mask, self.repetition)
        if count == 0:
            missing = np.full(total.shape, np.nan)
            return missing, missing, effective
        mean = total / count
        spread = np.maximum(squares - count * np.square(mean), 0.0)
        # The spread about a mean of few independent values is too small by what the mean took.
        return mean, spread / np.maximum(count - count / np.maximum(effective, 1.0), 1e-12), effective


def discoveries(p: Floats, share: float) -> NDArray[np.bool_]:
    """Which of these p-values are significant when `share` of the discoveries may be false; not where p is
    missing. Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x."""
    values = np.asarray(p, np.float64)
    known = np.isfinite(values)
    ranked = np.sort(values[known])
    line = share * np.arange(1, ranked.size + 1) / max(ranked.size, 1)
    below = np.flatnonzero(ranked <= line)
    if below.size == 0:
        return np.zeros(values.shape, bool)
    return known & (values <= ranked[below[-1]])


def _sums(x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of values and of their squares over time, (cell,) each."""
    total, squares = (np.zeros(x.shape[1]) for _ in range(2))
    for first in range(0, len(x), _ROWS):
        block = x[first : first + _ROWS].astype(np.float64)
        total += block.sum(axis=0)
        squares += np.einsum("tc,tc->c", block, block)
    return total, squares


def _lag_one(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlation of each cell's series with itself one step later, straight line removed; 0 at least."""
    if len(x) < 3:
        return np.zeros(x.shape[1])
    steps = np.linspace(-1.0, 1.0, len(x), dtype=np.float32)
    left = x - x.mean(axis=0)
    left = left - np.outer(steps, (steps @ left) / (steps @ steps))
    square = np.square(left).sum(axis=0, dtype=np.float64)
    product = np.einsum("tc,tc->c", left[1:], left[:-1], dtype=np.float64)
    return np.clip(product / np.maximum(square, np.finfo(float).tiny), 0.0, _MOST_REPETITION)


def _effective(mask: NDArray[np.bool_], repetition: NDArray[np.float64]) -> NDArray[np.float64]:
    """n^2 over the sum over all pairs of the mask of r^|lag|, for each r."""
    count = int(mask.sum())
    if count == 0:
        return np.zeros_like(repetition)
    size = 1 << (2 * len(mask) - 1).bit_length()
    pairs = np.fft.irfft(np.abs(np.fft.rfft(mask.astype(np.float64), size)) ** 2, size)[: len(mask)]
    pairs = np.rint(pairs)
    total = np.full_like(repetition, pairs[0])
    power = np.ones_like(repetition)
    for many in pairs[1:]:
        power = power * repetition
        total += 2 * many * power
        if power.max(initial=0.0) < 1e-9:
            break
    return count**2 / total


def _welch(difference: Floats, one: Floats, n_one: Floats, two: Floats, n_two: Floats) -> NDArray[np.float64]:
    from scipy.special import stdtr

    with np.errstate(divide="ignore", invalid="ignore"):
        part_one, part_two = one / n_one, two / n_two
        error = part_one + part_two
        freedom = error**2 / (part_one**2 / (n_one - 1) + part_two**2 / (n_two - 1))
        t = np.abs(difference) / np.sqrt(error)
        p = 2 * stdtr(freedom, -t)
    enough = (n_one >= 2) & (n_two >= 2) & np.isfinite(p)
    return np.where(enough, p, 1.0)
