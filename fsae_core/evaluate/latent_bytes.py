"""Latents of a method and their bytes: as float16, or quantised and entropy coded."""

from __future__ import annotations

__all__ = ["Latents", "as_float16", "from_bytes", "to_bytes"]

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsae_core.evaluate.coded import Floats
from fsae_core.evaluate.octaves import decode_row, encode_row
from fsae_core.sphere.kept import count_kept

_FIELD_HEADER = 8
"""Bytes for offset and scale."""


@dataclass(frozen=True)
class Latents:
    """values (time, m), offset and scale (time,); zoom: of the sphere that they lie on, None for none;
    shrinking: they are coefficients that come with the large ones first; places (time, m): where
    adaptive numbers stand, in fields of zoom finest."""

    values: Floats
    offset: Floats
    scale: Floats
    zoom: int | None = None
    shrinking: bool = False
    places: NDArray[np.int32] | None = None
    finest: int = 0

    @property
    def numbers(self) -> float:
        """Of one field, on average."""
        if self.places is None:
            return float(self.values.shape[-1])
        return float(count_kept(self.places, self.finest).mean())

    @property
    def placing_bytes(self) -> list[int]:
        """What says their places takes, field by field."""
        if self.places is None:
            return [0] * len(self.values)
        from fsae_core.codec.detail_code import places_bytes

        return [places_bytes(one, self.finest) for one in self.places]


def as_float16(latents: Latents) -> tuple[Latents, list[int]]:
    """Latents rounded so, and how many bytes each field takes."""
    from numcodecs import Shuffle, Zstd

    offset, scale = (v.astype(np.float32)[:, None] for v in (latents.offset, latents.scale))
    kept = ((latents.values - offset) / scale).astype(np.float16)
    packer, shuffle = Zstd(level=9), Shuffle(2)
    sizes = [len(packer.encode(shuffle.encode(row.view(np.uint8)))) + _FIELD_HEADER for row in kept]
    sizes = [size + tree for size, tree in zip(sizes, latents.placing_bytes, strict=True)]
    return replace(latents, values=(kept.astype(np.float32) * scale + offset)), sizes


def to_bytes(latents: Latents, base: Floats | None, step: float) -> bytes:
    """Latents quantised by a step; base (time, m): what is known of them and not sent."""
    offset = latents.offset[:, None]
    values = latents.values if base is None else latents.values - base + offset
    if latents.shrinking:
        return encode_row(values[0], float(latents.offset[0]), float(latents.scale[0]), step)
    if latents.places is not None:
        from fsae_core.codec.detail_code import encode_details

        standard = (values.astype(np.float64) - offset) / latents.scale[:, None]
        return encode_details(standard, latents.places, latents.finest, step, (latents.offset, latents.scale))
    from fsae_core.codec.entropy import encode_latents

    return encode_latents(values, latents.offset, latents.scale, step, latents.zoom)


def from_bytes(data: bytes, like: Latents, base: Floats | None) -> Latents:
    """like: for what is known without the bytes, how many values there are and where they lie."""
    if like.shrinking:
        row, *side = decode_row(data, like.values.shape[-1])
        values, offset, scale = row[None], *(np.array([v], np.float32) for v in side)
    elif like.places is not None:
        from fsae_core.codec.detail_code import decode_details

        standard, places, sides = decode_details(data)
        assert sides is not None
        offset, scale = sides
        return Latents(
            standard * scale[:, None] + offset[:, None], offset, scale, places=places, finest=like.finest
        )
    else:
        from fsae_core.codec.entropy import decode_latents

        values, offset, scale = decode_latents(data)
    if base is not None:
        values = values - offset[:, None] + base
    return Latents(values, offset, scale, like.zoom, like.shrinking)
