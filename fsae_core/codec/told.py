"""The few numbers that a writer chooses and tells the reader, a level and a batch of fields at a time."""

from __future__ import annotations

__all__ = ["Told", "fitting_shares"]

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.seats import UNIT, Seats, seated

Integers = NDArray[np.int64]

_WHOLE = 16  # shares are counted in sixteenths


@dataclass(frozen=True)
class Told:
    """What is told.

    shares: how much of each known thing is expected again, in 1/16; gain: how much wider the numbers are than
    supposed, in thirds of octaves.
    """

    shares: tuple[int, ...]
    gain: int = 0

    def expect(self, *known: Integers) -> Integers:
        """Where numbers are expected that go with what is ``known`` of them (all of one shape and unit)."""
        total = np.full(known[0].shape, _WHOLE // 2, np.int64)
        for share, part in zip(self.shares, known, strict=True):
            if share:
                total = total + share * part
        return total // _WHOLE

    def write(self, writer: Any, usual_gain: int) -> None:
        """Write it; it costs least near the gain that is usual."""
        numbers = np.array([*self.shares, self.gain], np.int64)
        seats, width = _supposed(len(self.shares), usual_gain)
        seats.code(writer, width, 0, numbers)

    @classmethod
    def read(cls, reader: Any, shares: int, usual_gain: int) -> Told:
        """Read it, with so many shares."""
        seats, width = _supposed(shares, usual_gain)
        numbers = seats.code(reader, width, 0).tolist()
        return cls(tuple(numbers[:-1]), numbers[-1])


@lru_cache(maxsize=32)
def _supposed(shares: int, usual_gain: int) -> tuple[Seats, Integers]:
    """Where these numbers are expected, and how widely they may miss it."""
    centre = [4] * shares + [usual_gain]
    width = [4 * UNIT] * shares + [2 * UNIT if usual_gain < 9 else 6 * UNIT]
    return seated(8 * np.array(centre, np.int64), dead=False), np.array(width, np.int64)


def fitting_shares(numbers: Integers, known: Sequence[Integers]) -> tuple[int, ...]:
    """The writer's choice for numbers (k,) and what is known of each (k,), in 1/8: by least squares."""
    from scipy.optimize import nnls

    if not known:
        return ()
    features = np.stack(known) / 8
    weight = 1 / (1 + abs(features).sum(axis=0))
    features, wanted = features * weight, numbers * weight
    lower = np.linalg.cholesky(features @ features.T + 1e-6 * np.eye(len(known)))
    best = nnls(lower.T, np.linalg.solve(lower, features @ wanted))[0]
    return tuple(int(share) for share in np.clip(np.rint(best * _WHOLE), 0, _WHOLE))
