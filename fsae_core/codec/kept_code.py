"""Which numbers of a field are kept, as bytes: a flag for each detail, or for each cell of a pyramid.

From coarse to fine, and at each zoom details along x, along y and across. A flag is likelier set where the
cell around has numbers that are kept, where the cell's own flags before are, and where it was at other times;
how likely is learned from the flags before it, by counting, on both sides alike. Before there are any, one
number for each zoom says how many to expect. Integers throughout.
"""

from __future__ import annotations

__all__ = ["decode_kept", "encode_kept"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.past import Batch, Past, batches
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.kept import Kept

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_DENSITIES, _SLOPES = 32, 6
_ABOVE, _OWN, _LATE = 4, 6, 4
"""Kinds of surroundings: 0 to 3 numbers of the cell around are kept; which flag it is and how many of the
cell's own before it are set; other times unknown, or 0 to 2 of the nearest two."""
_SET_BEFORE = np.array([0, 0, 1, 0, 1, 2])
"""By the second of these, how many are set."""
_WEIGHT, _KNOWN_WEIGHT = 12, 8
"""How many flags the expectation before any counts for, without and with other times."""
_OFTEN = (160, 1600, 3300)
"""In 4096: how often a number is kept that none, one or both of the nearest times keep."""
_SURE = 4
"""No flag is taken for surer than this in 4096."""


@dataclass(frozen=True)
class _Told:
    """What a writer tells of a zoom beforehand: how many numbers are kept, and by how many half octaves the
    odds rise with each that is kept of the cell around, and of the cell itself."""

    density: int = 0
    above: int = 0
    own: int = 0

    def write(self, writer: Any) -> None:
        """Tell it."""
        writer.number(self.density, _DENSITIES)
        writer.number(self.above, _SLOPES)
        writer.number(self.own, _SLOPES)

    @classmethod
    def read(cls, reader: Any) -> _Told:
        """Read it."""
        return cls(reader.number(_DENSITIES), reader.number(_SLOPES), reader.number(_SLOPES))

    def odds(self, own: int, above: int) -> int:
        """In 4096: how likely a flag is set that is the ``own``-th kind, with so many set around."""
        return int(_ODDS[self.density, self.above, self.own, own, above])


def _all_odds() -> Integers:
    """For all that can be told, by own and above."""
    density, above, own, kind, around = np.ix_(
        *(range(k) for k in (_DENSITIES, _SLOPES, _SLOPES, _OWN, _ABOVE))
    )
    halves = density - _DENSITIES + 6 + above * (around - 1) + own * _SET_BEFORE[kind]
    octave, half = np.divmod(np.clip(halves, -24, 24), 2)
    odds = np.where(half, 1448, 1024) << (octave + 14)
    return np.clip(4096 * odds // (odds + (1024 << 14)), _SURE, 4096 - _SURE)


_ODDS = _all_odds()


def _best(found: Integers, seen: Integers) -> _Told:
    """What to tell of flags that were set so often of so many, by own and above."""
    odds = _ODDS / 4096
    bits = -(found * np.log2(odds) + (seen - found) * np.log2(1 - odds)).sum(axis=(-2, -1))
    return _Told(*(int(i) for i in np.unravel_index(np.argmin(bits), bits.shape)))


class _Zoom:
    """The flags of one zoom, and how often they were set in which surroundings."""

    def __init__(self, n: int, zoom: int, bands: int) -> None:
        self.shape = n_cells(zoom), bands
        self._past = Past(n, *self.shape)
        self._set = np.zeros((_LATE, _OWN, _ABOVE), np.int64)
        self._seen = np.zeros_like(self._set)

    def write(self, writer: Any, batch: Batch, above: Integers, truth: Flags) -> None:
        """Write flags (b, cells, bands); above: how many of the cell around are kept, (b, cells)."""
        told = _Told()
        if not batch.known:
            counter = _Counter()
            self._code(counter, batch, above, told, truth)
            told = _best(counter.found, counter.seen)
            told.write(writer)
        self._code(writer, batch, above, told, truth)
        self._remember(batch, truth)

    def read(self, reader: Any, batch: Batch, above: Integers) -> Flags:
        """Read flags (b, cells, bands)."""
        told = _Told() if batch.known else _Told.read(reader)
        flags = self._code(reader, batch, above, told, None)
        self._remember(batch, flags)
        return flags

    def _remember(self, batch: Batch, flags: Flags) -> None:
        numbers = flags.astype(np.int64)
        self._past.add(batch, numbers, np.zeros_like(numbers))

    def _code(self, coder: Any, batch: Batch, above: Integers, told: _Told, truth: Flags | None) -> Flags:
        flags = np.zeros((batch.fields.size, *self.shape), bool)
        late = 1 + self._past.numbers[batch.before] + self._past.numbers[batch.after]
        own = np.zeros(flags.shape[:2], np.int64)
        for band in range(self.shape[1]):
            # 0; 1, 2; 3, 4, 5: which flag it is, and how many before it are set.
            kind = (late[..., band] if batch.known else 0) * _OWN + (0, 1, 3)[band] + own
            kind = np.broadcast_to(kind, own.shape) * _ABOVE + above
            true = None if truth is None else truth[..., band].ravel()
            coded = self._groups(coder, kind.ravel(), told, true).reshape(own.shape)
            flags[..., band] = coded if truth is None else truth[..., band]
            own = own + flags[..., band]
        return flags

    def _groups(self, coder: Any, kind: Integers, told: _Told, truth: Flags | None) -> Flags:
        out = np.zeros(kind.shape, bool)
        order = np.argsort(kind, kind="stable")
        ones, first = np.unique(kind[order], return_index=True)
        for one, start, stop in zip(ones.tolist(), first, [*first[1:], kind.size], strict=True):
            rest, above = divmod(one, _ABOVE)
            late, own = divmod(rest, _OWN)
            group = order[start:stop]
            if isinstance(coder, _Counter):
                coder.count(own, above, truth[group] if truth is not None else group > 0)
                continue
            odds = self._odds(late, own, above, told)
            found = coder.flags(group.size if truth is None else truth[group], odds)
            out[group] = found
            self._set[late, own, above] += int(found.sum())
            self._seen[late, own, above] += group.size
        return out

    def _odds(self, late: int, own: int, above: int, told: _Told) -> int:
        weight = _KNOWN_WEIGHT if late else _WEIGHT
        expected = _OFTEN[late - 1] if late else told.odds(own, above)
        found = int(self._set[late, own, above])
        odds = (4096 * found + weight * expected) // (int(self._seen[late, own, above]) + weight)
        return min(max(odds, _SURE), 4096 - _SURE)


class _Counter:
    """Takes the place of a writer and counts flags by own and above."""

    def __init__(self) -> None:
        self.found, self.seen = np.zeros((2, _OWN, _ABOVE), np.int64)

    def count(self, own: int, above: int, flags: Flags) -> None:
        """Count these."""
        self.found[own, above] += int(flags.sum())
        self.seen[own, above] += flags.size


def _around(flags: Flags | None, b: int) -> Integers:
    if flags is None:
        return np.ones((b, n_cells(0)), np.int64)
    return np.repeat(flags.sum(axis=-1), 4, axis=1)


def encode_kept(writer: Any, kept: Kept, n: int) -> None:
    """Write what is kept of n fields; zooms after the last that has any are left out."""
    used = max((zoom + 1 for zoom, flags in enumerate(kept) if flags.any()), default=0)
    writer.number(used, len(kept) + 1)
    zooms = [_Zoom(n, zoom, kept[zoom].shape[-1]) for zoom in range(used)]
    for batch in batches(n):
        above = None
        for level, flags in zip(zooms, kept, strict=False):
            now = flags[batch.fields]
            level.write(writer, batch, _around(above, batch.fields.size), now)
            above = now


def decode_kept(reader: Any, n: int, zooms: int, bands: int) -> Kept:
    """What is kept of n fields, of so many zooms: what `encode_kept` was given."""
    kept = [np.zeros((n, n_cells(zoom), bands), bool) for zoom in range(zooms)]
    levels = [_Zoom(n, zoom, bands) for zoom in range(reader.number(zooms + 1))]
    for batch in batches(n):
        above = None
        for level, flags in zip(levels, kept, strict=False):
            above = flags[batch.fields] = level.read(reader, batch, _around(above, batch.fields.size))
    return kept
