"""Methods that turn a field into fewer numbers: in floats as they are, in bytes quantised and entropy coded.

Floats: each field becomes cells / ratio numbers beside an offset and a scale, kept as `fsae compress` keeps
them, float16 of (value - offset) / scale; the bytes of that are those of zstd over the shuffled float16, and
8 for offset and scale.

Bytes: the encoder tries each number of floats that makes sense for the budget, for each the finest
quantisation step that meets it, decodes what it would send and keeps the best, field by field: it has the
field, as the encoder of any codec that searches its rate has. One byte says which. Nothing is chosen by
looking at other times, so nothing can be tuned on test times. A choice made on training times would be a
worse one for weights that know these by heart.
"""

from __future__ import annotations

__all__ = ["LatentMethod", "Latents", "Transform"]

import time
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from fsae_core.evaluate.coded import Axis, Coded, Floats, Known, OutOfReach, Times, byte_budget, check_axis
from fsae_core.evaluate.octaves import decode_row, encode_row
from fsae_core.evaluate.rate_search import finest_within

RATIOS = (4, 16, 64, 256)

_FINEST, _COARSEST = 2.0**-14, 8.0
_MOST_BITS = 64  # a value is never given more than this, nor less than half a bit: not worth trying
_FIELD_HEADER = 8


@dataclass(frozen=True)
class Latents:
    """values (time, m), offset and scale (time,); zoom: of the sphere that they lie on, None for none; even:
    how many stretches of alike values they have, 0 where they shrink with their number."""

    values: Floats
    offset: Floats
    scale: Floats
    zoom: int | None = None
    even: int = 0


class Transform(Protocol):
    """Fields (time, cell) to cells / ratio numbers and back."""

    name: str

    def known(self, ratio: int) -> Known: ...

    def ratios(self, cells: int) -> tuple[int, ...]:
        """Which of 4, 16, 64 and 256 it can do for such fields."""
        ...

    def encode(self, x: Floats, times: Times, ratio: int) -> Latents: ...

    def decode(self, latents: Latents, cells: int, times: Times, ratio: int) -> Floats: ...


class LatentMethod:
    """A transform as a method; each field is coded by itself."""

    window = 1

    def __init__(self, transform: Transform, axes: tuple[Axis, ...] = ("floats", "bytes")) -> None:
        self.transform = transform
        self.name = transform.name
        self.axes = axes

    def known(self, ratio: int) -> Known:
        return self.transform.known(ratio)

    def code(self, x: Floats, times: Times, *, axis: Axis, ratio: int) -> Coded:
        """See `Method`."""
        check_axis(self, axis)
        x = np.asarray(x, np.float32)
        if axis == "floats":
            return self._in_floats(x, times, ratio)
        fields = [self._in_bytes(x[i : i + 1], _one(times, i), ratio) for i in range(len(x))]
        return Coded(
            np.concatenate([field.recon for field in fields]),
            *(float(np.mean([getattr(field, key) for field in fields])) for key in ("floats", "bytes")),
            *(sum(getattr(field, key) for field in fields) for key in ("encode_s", "decode_s")),
        )

    def _in_floats(self, x: Floats, times: Times, ratio: int) -> Coded:
        if ratio not in RATIOS or ratio not in self.transform.ratios(x.shape[-1]):
            raise OutOfReach(
                f"{self.name} cannot make fields of {x.shape[-1]} cells {ratio} times smaller: "
                "choose another ratio."
            )
        started = time.process_time()
        latents = self.transform.encode(x, times, ratio)
        halves, sizes = _as_float16(latents)
        between = time.process_time()
        recon = self.transform.decode(halves, x.shape[-1], times, ratio)
        spent = time.process_time() - between
        return Coded(recon, float(latents.values.shape[-1]), float(np.mean(sizes)), between - started, spent)

    def _in_bytes(self, x: Floats, times: Times, ratio: int) -> Coded:
        cells, budget = x.shape[-1], byte_budget(x.shape[-1], ratio)
        best, least = None, np.inf
        for candidate in self.transform.ratios(cells):
            if not candidate * 32 / _MOST_BITS <= ratio <= candidate * 64 and candidate != RATIOS[0]:
                continue
            coded = self._candidate(x, times, candidate, budget)
            if coded is None:
                continue
            error = float(np.mean((coded.recon.astype(np.float64) - x) ** 2))
            if error < least:
                best, least = coded, error
        if best is None:
            raise OutOfReach(
                f"{self.name} cannot meet {ratio} times fewer bytes, {budget} here: choose a smaller ratio."
            )
        return best

    def _candidate(self, x: Floats, times: Times, candidate: int, budget: int) -> Coded | None:
        started = time.process_time()
        latents = self.transform.encode(x, times, candidate)
        encoding = time.process_time() - started
        finest = _FINEST * max(
            1.0, float(abs(latents.values - latents.offset[:, None]).max() / latents.scale[0])
        )
        found = finest_within(lambda s: _to_bytes(latents, 1 / s), budget - 1, 1 / _COARSEST, 1 / finest)
        if found is None:
            return None
        setting, data = found
        started = time.process_time()
        _to_bytes(latents, 1 / setting)
        between = time.process_time()
        recon = self.transform.decode(_from_bytes(data, latents), x.shape[-1], times, candidate)
        decoding = time.process_time() - between
        return Coded(
            recon, float(latents.values.shape[-1]), len(data) + 1.0, encoding + between - started, decoding
        )


def _one(times: Times, i: int) -> Times:
    return None if times is None else times[i : i + 1]


def _as_float16(latents: Latents) -> tuple[Latents, list[int]]:
    """What `fsae compress` keeps, and how many bytes each field takes."""
    from numcodecs import Shuffle, Zstd

    offset, scale = (v.astype(np.float32)[:, None] for v in (latents.offset, latents.scale))
    kept = ((latents.values - offset) / scale).astype(np.float16)
    packer, shuffle = Zstd(level=9), Shuffle(2)
    sizes = [len(packer.encode(shuffle.encode(row.view(np.uint8)))) + _FIELD_HEADER for row in kept]
    return replace(latents, values=(kept.astype(np.float32) * scale + offset)), sizes


def _to_bytes(latents: Latents, step: float) -> bytes:
    if latents.zoom is None:
        return encode_row(
            latents.values[0], float(latents.offset[0]), float(latents.scale[0]), step, latents.even
        )
    from fsae_core.codec.entropy import encode_latents

    return encode_latents(latents.values, latents.offset, latents.scale, step, latents.zoom)


def _from_bytes(data: bytes, like: Latents) -> Latents:
    if like.zoom is None:
        row, offset, scale = decode_row(data, like.values.shape[-1], like.even)
        return Latents(
            row[None], np.array([offset], np.float32), np.array([scale], np.float32), None, like.even
        )
    from fsae_core.codec.entropy import decode_latents

    return Latents(*decode_latents(data), zoom=like.zoom)
