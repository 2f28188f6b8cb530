"""Whole numbers on the nested sphere, coded without loss, for what has no coarse part worth a pyramid.

Cells are taken from far apart to close together, first children first, so that each has four neighbours that
are known: at its corners or along its sides. Corrections of a reconstruction are such numbers: mostly zeros,
larger where the reconstruction is poor, which is in the same places for neighbours and at other times.
"""

from __future__ import annotations

__all__ = ["decode_cells", "encode_cells"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.past import Batch, Past, batches
from fsae_core.codec.places import Row
from fsae_core.codec.quads import PHASE_CHILD, known_ring
from fsae_core.codec.seats import UNIT, place
from fsae_core.codec.sizer import Sizer
from fsae_core.codec.told import Told, fitting_shares
from fsae_core.sphere.healpix import n_cells

Integers = NDArray[np.int64]

# In 1/256: how far off the four neighbours were, how far off this was at other times, a floor.
_WIDTHS = np.array([[200, 0, 24], [110, 110, 12]], np.int64)
_USUAL_GAIN = 0
_CHILDREN = PHASE_CHILD[1:]


class _Children:
    """The cells of one zoom but the first children, which are the cells of the zoom before."""

    def __init__(self, n: int, zoom: int) -> None:
        self.zoom = zoom
        self._past = [Past(n, n_cells(zoom) // 4) for _ in _CHILDREN]

    def write(self, writer: Any, batch: Batch, coarse: Integers, off: Integers, truth: Integers) -> Integers:
        """Write numbers (b, cells); gives how far off each was. coarse, off: those of the zoom before."""
        known = [self._known(truth, phase, batch) for phase in range(3)]
        shares = fitting_shares(
            np.concatenate([truth[:, child::4].ravel() for child in _CHILDREN]),
            [np.concatenate([parts[i].ravel() for parts in known]) for i in range(len(known[0]))],
        )
        sizer = Sizer()
        offs = self._code(sizer, batch, Told(shares), coarse, off, truth)[1]
        told = Told(shares, sizer.best_gain())
        told.write(writer, _USUAL_GAIN)
        sizer.send(writer, told.gain)
        return offs

    def read(self, reader: Any, batch: Batch, coarse: Integers, off: Integers) -> tuple[Integers, Integers]:
        """Read numbers (b, cells), and how far off each was."""
        told = Told.read(reader, 3 if batch.known else 1, _USUAL_GAIN)
        return self._code(reader, batch, told, coarse, off, None)

    def _known(self, numbers: Integers, phase: int, batch: Batch) -> tuple[Integers, ...]:
        around = 2 * known_ring(numbers, self.zoom, phase + 1)
        return (around, *self._past[phase].known(batch)) if batch.known else (around,)

    def _code(
        self,
        coder: Any,
        batch: Batch,
        told: Told,
        coarse: Integers,
        off: Integers,
        truth: Integers | None,
    ) -> tuple[Integers, Integers]:
        numbers, offs = (np.zeros((len(coarse), n_cells(self.zoom)), np.int64) for _ in range(2))
        numbers[:, ::4], offs[:, ::4] = coarse, off
        for phase, child in enumerate(_CHILDREN):
            past = self._past[phase]
            centre = told.expect(*self._known(numbers, phase, batch))
            w = _WIDTHS[min(batch.known, 1)]
            missed = w[0] * known_ring(offs, self.zoom, phase + 1) // 4 + w[1] * past.off(batch)
            width = (UNIT // 8 * missed + w[2] * UNIT) >> 8
            true = None if truth is None else truth[:, child::4]
            numbers[:, child::4] = place(coder, centre, width, told.gain, true, dead=False)
            offs[:, child::4] = abs(8 * numbers[:, child::4] - centre)
            past.add(batch, numbers[:, child::4], offs[:, child::4])
        return numbers, offs


def encode_cells(writer: Any, numbers: Integers, zoom: int) -> None:
    """Write fields of whole numbers (n, cells)."""
    n = len(numbers)
    base, finer = Row(n, 12), [_Children(n, level) for level in range(1, zoom + 1)]
    for batch in batches(n):
        now = [numbers[batch.fields][:, :: 4 ** (zoom - level)] for level in range(zoom + 1)]
        base.write(writer, batch, now[0])
        off = 8 * abs(now[0])
        for level, children in enumerate(finer, start=1):
            off = children.write(writer, batch, now[level - 1], off, now[level])


def decode_cells(reader: Any, n: int, zoom: int) -> Integers:
    """Read n fields of whole numbers (n, cells)."""
    out = np.zeros((n, n_cells(zoom)), np.int64)
    base, finer = Row(n, 12), [_Children(n, level) for level in range(1, zoom + 1)]
    for batch in batches(n):
        here = base.read(reader, batch)
        off = 8 * abs(here)
        for children in finer:
            here, off = children.read(reader, batch, here, off)
        out[batch.fields] = here
    return out
