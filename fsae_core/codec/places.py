"""What is expected of the numbers at one level of a pyramid, and how widely they may miss it."""

from __future__ import annotations

__all__ = ["Quads", "Row"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.past import Batch, Past
from fsae_core.codec.quads import quads_of_phase, ring_mean
from fsae_core.codec.symbols import UNIT, Sizer, place

Integers = NDArray[np.int64]

# By whether other times are known, by band (along an axis, across): weights in 1/256 of the slope, of how far
# off the quad above, those around and the bands before were, of how far off this was at other times, a floor.
_WIDTHS = np.array(
    [
        [[16, 20, 40, 50, 0, 14], [4, 10, 28, 60, 0, 6]],
        [[8, 10, 45, 42, 78, 6], [2, 5, 20, 48, 64, 4]],
    ],
    np.int64,
)
_SHARES = 16
_WIDE = 16  # kinds that rows are about wider than one step, before anything is known


@dataclass(frozen=True)
class _Told:
    """What the writer tells about a level.

    nearest, mean: how much of the nearest times and of the mean of all is expected again, in 1/16; gain: how
    much wider it is than supposed, in thirds of octaves.
    """

    nearest: int = 0
    mean: int = 0
    gain: int = 0

    @classmethod
    def read(cls, reader: Any, batch: Batch, gain: int) -> _Told:
        """Read it, where about this ``gain`` is expected."""
        return cls(*(int(x) for x in place(reader, *cls._expected(batch, gain), 0, dead=False)))

    def write(self, writer: Any, batch: Batch, gain: int) -> None:
        """Write it."""
        numbers = np.array([self.nearest, self.mean, self.gain], np.int64)
        place(writer, *self._expected(batch, gain), 0, numbers, dead=False)

    @staticmethod
    def _expected(batch: Batch, gain: int) -> tuple[Integers, Integers]:
        shares = (4, 4 * UNIT) if batch.known else (0, 0)
        pairs = (shares, shares, (gain, 2 * UNIT if gain < 9 else 6 * UNIT))
        centre, width = np.array(pairs, np.int64).T
        return 8 * centre, width


def _shares(numbers: list[Integers], pasts: list[Past], batch: Batch) -> tuple[int, int]:
    """By least squares over all numbers of a level."""
    if not batch.known:
        return 0, 0
    pairs = list(zip(numbers, pasts, strict=True))
    near = np.concatenate([past.nearest(batch).ravel() for _, past in pairs]) / 8
    mean = np.concatenate([(past.mean(batch) + 0 * x).ravel() for x, past in pairs]) / 8
    weight = 1 / (1 + abs(near) + abs(mean))
    known = np.stack([near, mean]) * weight
    wanted = np.concatenate([x.ravel() for x in numbers]) * weight
    square, product = known @ known.T + 1e-9 * np.eye(2), known @ wanted
    both = np.linalg.solve(square, product)
    if both.min() < 0:
        alone = np.maximum(product / square.diagonal(), 0)
        both = np.where([True, False] if np.argmax(alone * product) == 0 else [False, True], alone, 0)
    first, second = np.clip(np.rint(both * _SHARES), 0, _SHARES).astype(int)
    return int(first), int(second)


def _foreseen(told: _Told, past: Past, batch: Batch) -> Integers:
    """Where the numbers (b, k) are expected, in 1/8."""
    return (told.nearest * past.nearest(batch) + told.mean * past.mean(batch) + _SHARES // 2) // _SHARES


class Row:
    """Numbers without neighbours."""

    def __init__(self, n: int, m: int) -> None:
        self._past = Past(n, m)

    def write(self, writer: Any, batch: Batch, truth: Integers) -> None:
        """Write numbers (b, m)."""
        nearest, mean = _shares([truth], [self._past], batch)
        sizer = Sizer()
        self._code(sizer, batch, _Told(nearest, mean), truth, False)
        told = _Told(nearest, mean, sizer.best_gain())
        told.write(writer, batch, 0 if batch.known else _WIDE)
        self._code(writer, batch, told, truth, True)

    def read(self, reader: Any, batch: Batch) -> Integers:
        """Read numbers (b, m)."""
        told = _Told.read(reader, batch, 0 if batch.known else _WIDE)
        return self._code(reader, batch, told, None, True)

    def _code(self, coder: Any, batch: Batch, told: _Told, truth: Integers | None, keep: bool) -> Integers:
        centre = _foreseen(told, self._past, batch) + np.zeros((batch.fields.size, 1), np.int64)
        width = np.broadcast_to(UNIT + 128 * self._past.off(batch), centre.shape)
        numbers = place(coder, centre, width, told.gain, truth, dead=False)
        off = abs(8 * numbers - centre)
        if keep:
            self._past.add(batch, numbers, off)
        return numbers


class Quads:
    """The details of one level, phase by phase."""

    def __init__(self, n: int, level: int) -> None:
        self.zoom = level - 1
        phases = range(4 if level > 1 else 1)
        self._past = [[Past(n, quads_of_phase(self.zoom, p).size) for _ in range(3)] for p in phases]

    def write(
        self, writer: Any, batch: Batch, above: Integers, slopes: list[Integers], truth: list[Integers]
    ) -> Integers:
        """Write details, by phase (3, b, k); gives how far off they were, (b, quads)."""
        flat = [band for details in truth for band in details]
        nearest, mean = _shares(flat, [past for phase in self._past for past in phase], batch)
        self._begin(batch, above, _Told(nearest, mean))
        sizer = Sizer()
        for phase, slope in enumerate(slopes):
            self.code(sizer, phase, slope, truth[phase])
        told = _Told(nearest, mean, sizer.best_gain())
        told.write(writer, batch, 1)
        self._begin(batch, above, told)
        for phase, slope in enumerate(slopes):
            self.code(writer, phase, slope, truth[phase])
        return self.finish()

    def start(self, reader: Any, batch: Batch, above: Integers) -> None:
        """Read what is told of the level."""
        self._begin(batch, above, _Told.read(reader, batch, 1))

    def _begin(self, batch: Batch, above: Integers, told: _Told) -> None:
        self._batch, self._above, self._told = batch, above, told
        self._off = np.zeros(above.shape, np.int64)
        self._new: list[tuple[Past, Integers, Integers]] = []

    def code(self, coder: Any, phase: int, slope: Integers, truth: Integers | None) -> Integers:
        """Details (3, b, k) of the quads of a phase, written from ``truth`` or read."""
        cells, batch, told = quads_of_phase(self.zoom, phase), self._batch, self._told
        around, above = ring_mean(self._off, self.zoom, phase), self._above[:, cells]
        out, so_far = np.empty((3, *slope.shape), np.int64), np.zeros_like(slope)
        for band in range(3):
            past = self._past[phase][band]
            centre = _foreseen(told, past, batch)
            w = _WIDTHS[min(batch.known, 1), band // 2]
            offs = w[1] * above + w[2] * around + w[3] * so_far + w[4] * past.off(batch)
            width = (w[0] * slope + UNIT // 8 * offs + w[5] * UNIT) >> 8
            out[band] = place(
                coder,
                np.broadcast_to(centre, slope.shape),
                width,
                told.gain,
                None if truth is None else truth[band],
            )
            off = abs(8 * out[band] - centre)
            so_far += off
            self._new.append((past, out[band], off))
        self._off[:, cells] = so_far
        return out

    def finish(self) -> Integers:
        """Remember this batch; gives how far off its quads were, for the children of each."""
        for past, numbers, off in self._new:
            past.add(self._batch, numbers, off)
        return np.repeat(self._off, 4, axis=-1)
