"""Rows of whole numbers that lie on no sphere, coded as what they mostly are: pictures, channel by channel.

The writer finds how a row is best cut into channels and lines and tells it. A channel is coded like an
interlaced picture, from points far apart to those between them: each is expected at the mean of four known
neighbours, plus what set the channel before, and other times, apart from their neighbours at this place.
Where that takes more bytes, numbers are coded by what other rows have in the same place.
"""

from __future__ import annotations

__all__ = ["decode_series", "encode_series"]

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.past import Batch, Past, batches
from fsae_core.codec.places import Row
from fsae_core.codec.seats import UNIT, place
from fsae_core.codec.sizer import Sizer
from fsae_core.codec.symbols import Writer
from fsae_core.codec.told import Told, fitting_shares

Integers = NDArray[np.int64]

_MOST_CHANNELS = 16
_SHORTEST_LINE, _LONGEST_LINE, _FEWEST_LINES = 4, 4096, 4
_MOST_LOOKED_AT = 4  # rows
_COST_OF_A_CHANNEL = 0.05  # bits a value: its first points have no neighbours
# In 1/256: how far off the four neighbours were, how far off this was at other times, a floor.
_WIDTHS = np.array([[140, 0, 30], [60, 150, 16]], np.int64)
_USUAL_GAIN = 1


@dataclass(frozen=True)
class _Layout:
    """channels of lines of so many points; how many lines follows from the row's length; 0: no picture."""

    channels: int
    width: int

    def write(self, writer: Any, m: int) -> None:
        """Tell it."""
        writer.number(_layouts(m).index(self), len(_layouts(m)))

    @classmethod
    def read(cls, reader: Any, m: int) -> _Layout:
        """Read it."""
        return _layouts(m)[reader.number(len(_layouts(m)))]


_NO_PICTURE = _Layout(0, 0)


@lru_cache(maxsize=16)
def _layouts(m: int) -> list[_Layout]:
    """All that a row of m numbers could have."""
    found = [_NO_PICTURE]
    found += [
        _Layout(channels, m // channels) for channels in range(1, _MOST_CHANNELS + 1) if m % channels == 0
    ]
    found += [
        _Layout(channels, width)
        for channels in range(1, _MOST_CHANNELS + 1)
        if m % channels == 0
        for width in range(_SHORTEST_LINE, min(m // channels // _FEWEST_LINES, _LONGEST_LINE) + 1)
        if (m // channels) % width == 0
    ]
    return found


def _best_layout(numbers: Integers) -> _Layout:
    """Where numbers differ least from the mean of four neighbours, and these differences between channels."""
    some = numbers[:_MOST_LOOKED_AT].astype(np.float64)

    def cost(layout: _Layout) -> float:
        grid = some.reshape(len(some), layout.channels, -1, layout.width)
        if grid.shape[2] > 2:
            beside = grid[:, :, 1:-1, :-2] + grid[:, :, 1:-1, 2:]
            above = grid[:, :, :-2, 1:-1] + grid[:, :, 2:, 1:-1]
            new = grid[:, :, 1:-1, 1:-1] - (beside + above) / 4
        else:  # in a line most neighbours are further away
            new = grid[..., 4:-4] - (grid[..., :-8] + grid[..., 8:]) / 2
        alone = abs(new).mean(axis=(0, 2, 3))
        after = abs(np.diff(new, axis=1)).mean(axis=(0, 2, 3))
        least = np.append(alone[:1], np.minimum(alone[1:], after))
        return float(np.log2(least + 0.5).mean()) + _COST_OF_A_CHANNEL * layout.channels

    layouts = _layouts(numbers.shape[1])
    return min((layout for layout in layouts if layout.width > 8), key=cost, default=_NO_PICTURE)


@dataclass(frozen=True)
class _Pass:
    """Points of a channel that are coded together, and the four neighbours (4, k) of each that are known."""

    points: Integers
    around: Integers


@lru_cache(maxsize=4)
def _passes(height: int, width: int) -> tuple[Integers, list[list[_Pass]]]:
    """The points that come first, then stride by stride the passes between them."""
    stride = 1 << max(max(height, width) - 1, 0).bit_length()
    first = (np.arange(0, height, stride)[:, None] * width + np.arange(0, width, stride)).ravel()
    levels = []
    while stride > 1:
        stride //= 2
        odd_y, even_y = np.arange(stride, height, 2 * stride), np.arange(0, height, 2 * stride)
        odd_x, even_x = np.arange(stride, width, 2 * stride), np.arange(0, width, 2 * stride)
        diagonal = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
        straight = [(-1, 0), (1, 0), (0, -1), (0, 1)]
        passes = [
            _pass(ys, xs, steps, stride, height, width)
            for ys, xs, steps in (
                (odd_y, odd_x, diagonal),
                (odd_y, even_x, straight),
                (even_y, odd_x, straight),
            )
        ]
        levels.append([p for p in passes if p.points.size])
    return first, [level for level in levels if level]


def _pass(
    ys: Integers, xs: Integers, steps: list[tuple[int, int]], stride: int, height: int, width: int
) -> _Pass:
    """A neighbour outside the picture is replaced by the one across, then by any other."""
    y, x = (part.ravel() for part in np.meshgrid(ys, xs, indexing="ij"))
    around = np.full((4, y.size), -1)
    for i, (dy, dx) in enumerate(steps):
        there_y, there_x = y + stride * dy, x + stride * dx
        inside = (there_y >= 0) & (there_y < height) & (there_x >= 0) & (there_x < width)
        around[i, inside] = (there_y * width + there_x)[inside]
    for _ in range(3):
        for i in range(4):
            for j in (i ^ 1, (i + 2) % 4, (i + 3) % 4):
                missing = (around[i] < 0) & (around[j] >= 0)
                around[i, missing] = around[j, missing]
    return _Pass(y * width + x, np.maximum(around, 0))


class _Channel:
    """One channel of all rows."""

    def __init__(self, n: int, height: int, width: int) -> None:
        self._first, self._levels = _passes(height, width)
        self._base = Row(n, self._first.size)
        self._past = [[Past(n, p.points.size) for p in level] for level in self._levels]
        self._size = height * width

    def write(self, writer: Any, batch: Batch, before: Integers | None, truth: Integers) -> None:
        """Write a batch (b, k); before: the channel before, (b, k)."""
        self._base.write(writer, batch, truth[:, self._first])
        offs = np.zeros_like(truth)
        for i in range(len(self._levels)):
            known = [self._known(i, j, batch, before, truth) for j in range(len(self._levels[i]))]
            shares = fitting_shares(
                np.concatenate([truth[:, p.points].ravel() for p in self._levels[i]]),
                [np.concatenate([parts[k].ravel() for parts in known]) for k in range(len(known[0]))],
            )
            sizer = Sizer()
            self._level(sizer, i, batch, before, truth.copy(), offs, Told(shares), truth)
            told = Told(shares, sizer.best_gain())
            told.write(writer, _USUAL_GAIN)
            sizer.send(writer, told.gain)

    def read(self, reader: Any, batch: Batch, before: Integers | None) -> Integers:
        """Read a batch (b, k)."""
        values = np.zeros((batch.fields.size, self._size), np.int64)
        offs = np.zeros_like(values)
        values[:, self._first] = self._base.read(reader, batch)
        for i in range(len(self._levels)):
            shares = 1 + (before is not None) + 2 * bool(batch.known)
            told = Told.read(reader, shares, _USUAL_GAIN)
            self._level(reader, i, batch, before, values, offs, told, None)
        return values

    def _known(
        self, i: int, j: int, batch: Batch, before: Integers | None, values: Integers
    ) -> tuple[Integers, ...]:
        part = self._levels[i][j]
        around = 2 * _sum(values, part.around)
        known = [around]
        if before is not None:
            known.append(8 * before[:, part.points] - 2 * _sum(before, part.around))
        if batch.known:
            known += [new // 8 for new in self._past[i][j].known(batch)]
        return tuple(known)

    def _level(
        self,
        coder: Any,
        i: int,
        batch: Batch,
        before: Integers | None,
        values: Integers,
        offs: Integers,
        told: Told,
        truth: Integers | None,
    ) -> None:
        """Code what lies between the points known in ``values``, and put it there; the same for ``offs``."""
        for j, part in enumerate(self._levels[i]):
            past, w = self._past[i][j], _WIDTHS[min(batch.known, 1)]
            known = self._known(i, j, batch, before, values)
            centre = told.expect(*known)
            missed = w[0] * _sum(offs, part.around) // 4 + w[1] * past.off(batch)
            width = (UNIT // 8 * missed + w[2] * UNIT) >> 8
            true = None if truth is None else truth[:, part.points]
            numbers = place(coder, centre, width, told.gain, true, dead=False)
            off = abs(8 * numbers - centre)
            values[:, part.points], offs[:, part.points] = numbers, off
            past.add(batch, 8 * numbers - known[0], off)


def _sum(values: Integers, around: Integers) -> Integers:
    total = values[:, around[0]]
    for index in around[1:]:
        total = total + values[:, index]
    return total


class _Picture:
    """All channels of all rows."""

    def __init__(self, n: int, m: int, layout: _Layout) -> None:
        size = m // layout.channels
        self._cuts = [slice(c * size, (c + 1) * size) for c in range(layout.channels)]
        self._channels = [_Channel(n, size // layout.width, layout.width) for _ in self._cuts]

    def write(self, writer: Any, batch: Batch, truth: Integers) -> None:
        """Write a batch of rows (b, m)."""
        before = None
        for cut, channel in zip(self._cuts, self._channels, strict=True):
            channel.write(writer, batch, before, truth[:, cut])
            before = truth[:, cut]

    def read(self, reader: Any, batch: Batch) -> Integers:
        """Read a batch of rows (b, m)."""
        parts: list[Integers] = []
        for channel in self._channels:
            parts.append(channel.read(reader, batch, parts[-1] if parts else None))
        return np.concatenate(parts, axis=1)


def _rows(n: int, m: int, layout: _Layout) -> _Picture | Row:
    return _Picture(n, m, layout) if layout.channels else Row(n, m)


def encode_series(writer: Any, numbers: Integers) -> None:
    """Write n rows of m whole numbers."""
    trials = {layout: Writer() for layout in (_NO_PICTURE, _best_layout(numbers))}
    for layout, trial in trials.items():
        _encode(trial, numbers, layout)
    _encode(writer, numbers, min(trials, key=lambda layout: len(trials[layout].to_bytes())))


def _encode(writer: Any, numbers: Integers, layout: _Layout) -> None:
    n, m = numbers.shape
    layout.write(writer, m)
    rows = _rows(n, m, layout)
    for batch in batches(n):
        rows.write(writer, batch, numbers[batch.fields])


def decode_series(reader: Any, n: int, m: int) -> Integers:
    """Read n rows of m whole numbers."""
    rows, out = _rows(n, m, _Layout.read(reader, m)), np.zeros((n, m), np.int64)
    for batch in batches(n):
        out[batch.fields] = rows.read(reader, batch)
    return out
