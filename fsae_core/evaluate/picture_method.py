"""A picture codec as a method: the rate is searched for each field, or each window of times, by itself."""

from __future__ import annotations

__all__ = ["PictureMethod"]

import time

import numpy as np

from fsae_core.evaluate.coded import Axis, Coded, Floats, Known, OutOfReach, Times, byte_budget, check_axis
from fsae_core.evaluate.image_codecs import Picture, PictureCodec
from fsae_core.evaluate.mosaic import from_mosaic, to_mosaic
from fsae_core.evaluate.rate_search import finest_whole_within, finest_within


class PictureMethod:
    """window: times that are coded as one volume (time, row, column), 1 for a picture a time.

    A window of a single time is coded as a picture.
    """

    axes: tuple[Axis, ...] = ("bytes",)

    def __init__(self, codec: PictureCodec, window: int = 1, name: str | None = None) -> None:
        self.name = name or codec.name
        self.codec = codec
        self.window = window

    def known(self, ratio: int) -> Known:
        return Known()

    def code(self, x: Floats, times: Times, *, axis: Axis, ratio: int) -> Coded:
        """See `Method`."""
        check_axis(self, axis)
        pictures = np.ascontiguousarray(to_mosaic(np.asarray(x, np.float32)))
        recon, total, spent = np.empty_like(pictures), 0, [0.0, 0.0]
        for first in range(0, len(x), self.window):
            part = pictures[first : first + self.window]
            part = part[0] if len(part) == 1 else part
            budget = byte_budget(x.shape[-1], ratio) * (part.size // x.shape[-1])
            setting, data = self._fit(part, budget, ratio)
            started = time.process_time()
            self.codec.encode(part, setting)
            between = time.process_time()
            recon[first : first + self.window] = self.codec.decode(data, part.shape)
            spent[0] += between - started
            spent[1] += time.process_time() - between
            total += len(data)
        return Coded(from_mosaic(recon), None, total / len(x), spent[0], spent[1])

    def _fit(self, part: Picture, budget: int, ratio: int) -> tuple[float, bytes]:
        codec = self.codec
        if codec.whole:
            found = finest_whole_within(
                lambda s: codec.encode(part, s), budget, int(codec.coarse), int(codec.fine)
            )
        else:
            found = finest_within(lambda s: codec.encode(part, s), budget, codec.coarse, codec.fine)
        if found is None:
            smallest = len(codec.encode(part, codec.coarse))
            raise OutOfReach(
                f"{self.name} was asked for {ratio} times fewer bytes, {budget} here, and its smallest "
                f"stream has {smallest}: choose a smaller ratio."
            )
        return found
