"""What is expected of the numbers at one level of a pyramid, and how widely they may miss it."""

from __future__ import annotations

__all__ = ["Quads", "Row"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.past import Batch, Past
from fsae_core.codec.phases import read_phase, write_phase
from fsae_core.codec.quads import parents_around, quads_of_phase
from fsae_core.codec.seats import UNIT, place
from fsae_core.codec.sizer import Sizer
from fsae_core.codec.told import Told, fitting_shares

Integers = NDArray[np.int64]

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
            bands = self._foresee(phase, slope, truth[phase])[1]
            for kind, shape, missed in bands:
                sizer.code(kind, shape, missed)
        told = Told(told.shares, sizer.best_gain())
        told.write(writer, _USUAL_GAIN)
        sizer.send(writer, told.gain)
        return self.finish()

    def start(self, reader: Any, batch: Batch, above: Integers) -> None:
        """Read what is told of the level; above: how far off the quads that hold these were, (b, quads)."""
        self._begin(batch, above, Told.read(reader, 2 if batch.known else 0, _USUAL_GAIN))

    def read(self, reader: Any, phase: int, slope: Integers) -> Integers:
        """Details (b, 3, k) of the quads of a phase; slope: (b, k)."""
        return self._foresee(phase, slope, None, reader)[0]

    def finish(self) -> Integers:
        """How far off the quads of this batch were, for the children of each."""
        return np.repeat(self._off, 4, axis=-1)

    def _begin(self, batch: Batch, above: Integers, told: Told) -> None:
        self._batch, self._above, self._told = batch, np.ascontiguousarray(above), told
        self._off = np.zeros(above.shape, np.int64)

    def _foresee(
        self, phase: int, slope: Integers, truth: Integers | None, reader: Any = None
    ) -> tuple[Integers, NDArray[np.int64]]:
        """The details of a phase, and by band what is coded of them: kind, shape, residual (3, 3, b * k)."""
        batch, past = self._batch, self._past[phase]
        b, quads = slope.shape
        numbers = np.empty((b, 3, quads), np.int64) if truth is None else np.ascontiguousarray(truth)
        bands = np.empty((3, 3, b * quads), np.int64)
        arguments = (
            (quads_of_phase(self.zoom, phase), parents_around(self.zoom, phase), phase),
            (batch.fields, batch.before, batch.after, batch.known),
            (past.numbers, past.total, past.missed),
            (np.array(self._told.shares, np.int64), self._told.gain),
            (np.ascontiguousarray(slope), self._above, self._off),
            numbers,
            bands,
        )
        if reader is None:
            write_phase(*arguments)
        else:
            reader.read_with(read_phase, *arguments)
        return numbers, bands
