"""Which cells of a sphere are split into four, as bytes: a flag for each cell that might be.

From coarse to fine, at each zoom in the four phases of `quads`. A flag is likelier set where neighbours are
split and where the same cell was at other times; how likely is learned from the flags before it, by counting,
on both sides alike. Before there are any, one number for each zoom says how many to expect. Integers
throughout.
"""

from __future__ import annotations

__all__ = ["decode_tree", "encode_tree"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.past import Batch, Past, batches
from fsae_core.codec.quads import PHASE_CHILD, known_ring, ring_cells
from fsae_core.codec.stream import damaged
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.leaves import Splits

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_DENSITIES = 16
_AROUND = 5
"""Kinds of surroundings: 0 to 4 of four neighbours are split."""
_WEIGHT, _KNOWN_WEIGHT = 12, 8
"""How many flags the expectation before any counts for, without and with other times."""
_OFTEN = (160, 2048, 3936)
"""In 4096: how often a cell is split that none, one or both of the nearest times split."""
_STEEPNESS = 2
"""How many half octaves of odds one neighbour is worth."""
_SURE = 8
"""No flag is taken for surer than this in 4096."""


def _expected(density: int, around: int) -> int:
    """In 4096: a flag's probability where so much is said of its zoom and so many neighbours are split."""
    halves = 2 * (density - _DENSITIES // 2) + _STEEPNESS * (around - _AROUND // 2)
    octave, half = divmod(halves, 2)
    odds = (1448 if half else 1024) << (octave + 12)
    return min(max(4096 * odds // (odds + (1024 << 12)), _SURE), 4096 - _SURE)


class _Zoom:
    """The flags of one zoom, and how often they were set in which surroundings."""

    def __init__(self, n: int, zoom: int) -> None:
        self.zoom = zoom
        self._past = Past(n, n_cells(zoom))
        self._set = np.zeros((1 + len(_OFTEN), _AROUND), np.int64)
        self._seen = np.zeros_like(self._set)

    def write(self, writer: Any, batch: Batch, above: Flags | None, truth: Flags) -> None:
        """Write flags (b, cells); above: those of the zoom before."""
        density = 0
        if not batch.known:
            costs = [self._cost(batch, above, truth, d) for d in range(_DENSITIES)]
            density = int(np.argmin(costs))
            writer.number(density, _DENSITIES)
        self._code(writer, batch, above, density, truth)
        self._remember(batch, truth)

    def read(self, reader: Any, batch: Batch, above: Flags | None) -> Flags:
        """Read flags (b, cells)."""
        density = 0 if batch.known else reader.number(_DENSITIES)
        flags = self._code(reader, batch, above, density, None)
        self._remember(batch, flags)
        return flags

    def _cost(self, batch: Batch, above: Flags | None, truth: Flags, density: int) -> float:
        counts = self._set.copy(), self._seen.copy()
        meter = _Meter()
        self._code(meter, batch, above, density, truth)
        self._set, self._seen = counts
        return meter.bits

    def _remember(self, batch: Batch, flags: Flags) -> None:
        numbers = flags.astype(np.int64)
        self._past.add(batch, numbers, np.zeros_like(numbers))

    def _code(
        self, coder: Any, batch: Batch, above: Flags | None, density: int, truth: Flags | None
    ) -> Flags:
        flags = np.zeros((batch.fields.size, n_cells(self.zoom)), bool)
        before = self._past.numbers[batch.before] + self._past.numbers[batch.after]
        for phase, child in enumerate(PHASE_CHILD) if above is not None else [(0, None)]:
            part = slice(None) if child is None else slice(child, None, 4)
            around = self._around(flags, above, phase)
            there = np.ones(around.shape, bool) if above is None else above
            late = 1 + before[:, part] if batch.known else 0
            kind = np.broadcast_to(late, around.shape)[there] * _AROUND + around[there]
            true = None if truth is None else truth[:, part][there]
            here = flags[:, part]
            here[there] = self._groups(coder, kind, density, true)
        return flags

    def _around(self, flags: Flags, above: Flags | None, phase: int) -> Integers:
        if above is None:
            return np.full(flags.shape, _AROUND // 2)
        if phase:
            return known_ring(flags.astype(np.int64), self.zoom, phase)
        ring = ring_cells(self.zoom - 1)
        total = np.zeros(above.shape, np.int64)
        for index in ring:
            total += above[:, index]
        return total // 2

    def _groups(self, coder: Any, kind: Integers, density: int, truth: Flags | None) -> Flags:
        out = np.zeros(kind.shape, bool)
        for one in np.unique(kind):
            late, around = divmod(int(one), _AROUND)
            group = kind == one
            odds = self._odds(late, around, density)
            amount = int(group.sum())
            out[group] = coder.flags(amount if truth is None else truth[group], odds)
            self._set[late, around] += int(out[group].sum())
            self._seen[late, around] += amount
        return out

    def _odds(self, late: int, around: int, density: int) -> int:
        weight = _KNOWN_WEIGHT if late else _WEIGHT
        expected = _OFTEN[late - 1] if late else _expected(density, around)
        found = int(self._set[late, around])
        odds = (4096 * found + weight * expected) // (int(self._seen[late, around]) + weight)
        return min(max(odds, _SURE), 4096 - _SURE)


class _Meter:
    """Takes the place of a writer and counts bits."""

    def __init__(self) -> None:
        self.bits = 0.0

    def flags(self, truth: Flags, odds: int) -> Flags:
        """Count what these would take."""
        found = int(truth.sum())
        self.bits -= found * np.log2(odds / 4096) + (truth.size - found) * np.log2(1 - odds / 4096)
        return truth


def encode_tree(writer: Any, splits: Splits, n: int) -> None:
    """Write which cells of n fields are split."""
    zooms = [_Zoom(n, zoom) for zoom in range(len(splits))]
    for batch in batches(n):
        above = None
        for level, split in zip(zooms, splits, strict=True):
            now = split[batch.fields]
            level.write(writer, batch, above, now)
            above = now


def decode_tree(reader: Any, n: int, finest: int) -> Splits:
    """Which cells are split of n fields, in trees whose leaves have zoom ``finest`` at most. UserError where
    fields have different numbers of leaves."""
    splits = [np.zeros((n, n_cells(zoom)), bool) for zoom in range(finest)]
    zooms = [_Zoom(n, zoom) for zoom in range(finest)]
    for batch in batches(n):
        above = None
        for level, split in zip(zooms, splits, strict=True):
            above = split[batch.fields] = level.read(reader, batch, above)
    counts = np.sum([split.sum(axis=1) for split in splits], axis=0)
    if finest and (counts != counts[:1]).any():
        raise damaged("their fields have different numbers of values")
    return splits
