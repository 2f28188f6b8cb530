"""Surrogate series: what an archive could have looked like if nothing were special about its dates.

`SeasonalBlocks` moves blocks of months or years to other years of the same record and keeps the calendar
month (Kuensch 1989, doi:10.1214/aos/1176347265; seasonal: Politis 2001). `phase_randomised` keeps all
spectra and cross-spectra and makes the rest random and Gaussian (Prichard and Theiler 1994,
doi:10.1103/PhysRevLett.73.951).
"""

from __future__ import annotations

__all__ = ["SeasonalBlocks", "phase_randomised"]

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fsae_core.atlas.calendar import Floats


class SeasonalBlocks:
    """Draws index series (time,) that put blocks of the record into other years at the same season.

    years: decimal, rising; block: length in years; pool: times that may be drawn, all by default. Where no
    other block of the whole length fits, a shorter one is taken.
    """

    def __init__(
        self, years: NDArray[np.float64], block: float, pool: NDArray[np.bool_] | None = None
    ) -> None:
        self.years = years
        count = len(years)
        step = float(np.median(np.diff(years))) if count > 1 else 1.0
        self.length = max(1, min(count, round(block / step)))
        allowed = np.ones(count, bool) if pool is None else np.asarray(pool, bool)
        self._refused = np.concatenate([[0], np.cumsum(~allowed)])
        self._tolerance = min(0.5, 0.75 * step)
        self._starts: dict[tuple[int, int], NDArray[np.intp]] = {}

    def draw(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """One index series; block boundaries lie anywhere."""
        count = len(self.years)
        out = np.empty(count, np.intp)
        edges = [0, *range(int(rng.integers(1, self.length + 1)), count, self.length), count]
        todo = [(a, b) for a, b in pairwise(edges) if b > a][::-1]
        while todo:
            first, last = todo.pop()
            sources = self._sources(first, last - first)
            if sources.size:
                source = int(rng.choice(sources))
                out[first:last] = np.arange(source, source + last - first)
            elif last - first > 1:
                middle = (first + last) // 2
                todo += [(middle, last), (first, middle)]
            else:
                out[first] = first
        return out

    def _sources(self, first: int, length: int) -> NDArray[np.intp]:
        """Where a block of this length may be taken from to begin at `first`."""
        key = (first, length)
        if key not in self._starts:
            starts = np.arange(len(self.years) - length + 1)
            inside = self._refused[starts + length] == self._refused[starts]
            off = (self.years[starts] - self.years[first] + 0.5) % 1.0 - 0.5
            self._starts[key] = starts[inside & (np.abs(off) <= self._tolerance)]
        return self._starts[key]


def phase_randomised(series: Floats, rng: np.random.Generator) -> NDArray[np.float64]:
    """Series (time, n), taken as evenly spaced -> one surrogate of the same shape, spectra and
    covariances."""
    x = np.asarray(series, np.float64)
    mean = x.mean(axis=0)
    spectrum = np.fft.rfft(x - mean, axis=0)
    turn = np.exp(2j * np.pi * rng.random(len(spectrum)))
    turn[0] = 1.0
    if len(x) % 2 == 0:
        turn[-1] = rng.choice([-1.0, 1.0])  # the Nyquist term of a real series is real
    # One phase a frequency for all columns keeps what they have in common.
    return np.fft.irfft(spectrum * turn[:, None], n=len(x), axis=0) + mean
