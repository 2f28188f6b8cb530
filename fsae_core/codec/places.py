"""What is expected of the numbers at one level of a pyramid, and how widely they may miss it."""

from __future__ import annotations

__all__ = ["Quads", "Row"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.past import Batch, Past
from fsae_core.codec.quads import quads_of_phase, ring_mean
from fsae_core.codec.seats import UNIT, place, seated
from fsae_core.codec.sizer import Sizer
from fsae_core.codec.told import Told, fitting_shares

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
_BAND = [0, 0, 1]
_USUAL_GAIN = 1
_WIDE_GAIN = 16  # rows of which nothing is known


def _shares(numbers: list[Integers], known: list[tuple[Integers, Integers]], batch: Batch) -> tuple[int, ...]:
    """How much of the nearest times and of the mean of all (``known``) is in these numbers."""
    if not batch.known:
        return ()
    return fitting_shares(
        np.concatenate([part.ravel() for part in numbers]),
        [np.concatenate([pair[i].ravel() for pair in known]) for i in (0, 1)],
    )


def _expect(told: Told, past: Past, batch: Batch) -> Integers:
    """Where the numbers (b, *k) are expected, in 1/8."""
    if not batch.known:
        return np.zeros((batch.fields.size, *past.numbers.shape[1:]), np.int64)
    return told.expect(*past.known(batch))


class Row:
    """Numbers without neighbours."""

    def __init__(self, n: int, m: int) -> None:
        self._past = Past(n, m)

    def write(self, writer: Any, batch: Batch, truth: Integers) -> None:
        """Write numbers (b, m)."""
        told, sizer = Told(_shares([truth], [self._past.known(batch)], batch)), Sizer()
        off = self._code(sizer, batch, told, truth)[1]
        told = Told(told.shares, sizer.best_gain())
        told.write(writer, _USUAL_GAIN if batch.known else _WIDE_GAIN)
        sizer.send(writer, told.gain)
        self._past.add(batch, truth, off)

    def read(self, reader: Any, batch: Batch) -> Integers:
        """Read numbers (b, m)."""
        told = Told.read(reader, *((2, _USUAL_GAIN) if batch.known else (0, _WIDE_GAIN)))
        numbers, off = self._code(reader, batch, told, None)
        self._past.add(batch, numbers, off)
        return numbers

    def _code(
        self, coder: Any, batch: Batch, told: Told, truth: Integers | None
    ) -> tuple[Integers, Integers]:
        centre = _expect(told, self._past, batch)
        width = np.broadcast_to(UNIT + UNIT // 8 * self._past.off(batch), centre.shape)
        numbers = place(coder, centre, width, told.gain, truth, dead=False)
        return numbers, abs(8 * numbers - centre)


class Quads:
    """The details of one level, phase by phase. Arrays of them are (batch, 3, k)."""

    def __init__(self, n: int, level: int) -> None:
        self.zoom = level - 1
        phases = range(4 if level > 1 else 1)
        self._past = [Past(n, 3, quads_of_phase(self.zoom, p).size) for p in phases]

    def write(
        self, writer: Any, batch: Batch, above: Integers, slopes: list[Integers], truth: list[Integers]
    ) -> Integers:
        """Write details, by phase (b, 3, k); gives how far off they were, (b, quads)."""
        told, sizer = Told(_shares(truth, [past.known(batch) for past in self._past], batch)), Sizer()
        self._begin(batch, above, told)
        for phase, slope in enumerate(slopes):
            self.code(sizer, phase, slope, truth[phase])
        told = Told(told.shares, sizer.best_gain())
        told.write(writer, _USUAL_GAIN)
        sizer.send(writer, told.gain)
        return self.finish()

    def start(self, reader: Any, batch: Batch, above: Integers) -> None:
        """Read what is told of the level; above: how far off the quads that hold these were, (b, quads)."""
        self._begin(batch, above, Told.read(reader, 2 if batch.known else 0, _USUAL_GAIN))

    def _begin(self, batch: Batch, above: Integers, told: Told) -> None:
        self._batch, self._above, self._told = batch, above, told
        self._off = np.zeros(above.shape, np.int64)
        self._new: list[tuple[Past, Integers, Integers]] = []

    def code(self, coder: Any, phase: int, slope: Integers, truth: Integers | None) -> Integers:
        """Details (b, 3, k) of the quads of a phase, written from ``truth`` or read; slope: (b, k)."""
        cells, batch, told = quads_of_phase(self.zoom, phase), self._batch, self._told
        past, w = self._past[phase], _WIDTHS[min(batch.known, 1)][:, :, None]
        centre = _expect(told, past, batch)
        seats = seated(centre)
        offs = w[_BAND, 1] * self._above[:, None, cells]
        if phase:
            offs += w[_BAND, 2] * ring_mean(self._off, self.zoom, phase)[:, None]
        offs += w[_BAND, 4] * past.off(batch)
        width = w[_BAND, 0] * slope[:, None] + UNIT // 8 * offs + w[_BAND, 5] * UNIT
        out, off = np.empty((2, *centre.shape), np.int64)
        so_far: Any = 0
        for band in range(3):
            wide = (width[:, band] + UNIT // 8 * w[_BAND[band], 3] * so_far) >> 8
            true = None if truth is None else truth[:, band]
            out[:, band] = seats[:, band].code(coder, wide, told.gain, true)
            off[:, band] = abs(8 * out[:, band] - centre[:, band])
            so_far = so_far + off[:, band]
        self._off[:, cells] = so_far
        self._new.append((past, out, off))
        return out

    def finish(self) -> Integers:
        """Remember this batch; gives how far off its quads were, for the children of each."""
        for past, numbers, off in self._new:
            past.add(self._batch, numbers, off)
        return np.repeat(self._off, 4, axis=-1)
