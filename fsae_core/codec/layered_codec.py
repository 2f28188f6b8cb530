"""The Zarr v3 codec of stores with layers: a chunk is one stream, of which a reader takes what it needs.

The last dimension of a chunk is the fields of all layers side by side, coarse to fine. Whoever reads some of
it reads the head and those layers alone, by ranges of bytes: of a coarser ratio that is a prefix.
"""

from __future__ import annotations

__all__ = ["Layer", "LayeredCodec"]

import asyncio
import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
from zarr.abc.codec import ArrayBytesCodecPartialDecodeMixin
from zarr.abc.store import RangeByteRequest
from zarr.registry import register_codec

from fsae_core.codec.progressive import MOST_HEAD, joined, places_of, whole_layers
from fsae_core.codec.stream import damaged
from fsae_core.codec.zarr_codec import FieldsCodec, LatentsCodec, check_claims

_NAME = "fsae_layered"


@dataclass(frozen=True)
class Layer:
    """values: of a field; step: of the quantiser; zoom: of the sphere that they lie on, -1 where on none."""

    values: int
    step: float
    zoom: int

    @property
    def codec(self) -> LatentsCodec:
        """Of this layer alone."""
        return LatentsCodec(self.step, self.zoom)


@dataclass(frozen=True)
class LayeredCodec(FieldsCodec, ArrayBytesCodecPartialDecodeMixin):
    """layers: coarse to fine."""

    layers: tuple[Layer, ...]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> LayeredCodec:
        """From a store's metadata; KeyError, TypeError or ValueError where they cannot be."""
        told = data["configuration"]["layers"]
        return cls(tuple(Layer(int(one["values"]), float(one["step"]), int(one["zoom"])) for one in told))

    def to_dict(self) -> dict[str, Any]:
        """For a store's metadata."""
        told = [{"values": one.values, "step": one.step, "zoom": one.zoom} for one in self.layers]
        return {"name": _NAME, "configuration": {"layers": told}}

    @property
    def bounds(self) -> list[int]:
        """Where the fields of each layer begin, and where the last ones end."""
        return list(accumulate((layer.values for layer in self.layers), initial=0))

    def to_stream(self, fields: NDArray[Any]) -> bytes:
        """Standardised fields of all layers (n, m) to bytes."""
        parts = np.split(fields, self.bounds[1:-1], axis=1)
        return joined([layer.codec.to_stream(part) for layer, part in zip(self.layers, parts, strict=True)])

    def to_fields(self, stream: bytes) -> NDArray[Any]:
        """Bytes, or the first of them, to standardised fields of the layers that lie in them (n, m)."""
        self._check(places_of(stream).layers)
        streams = whole_layers(stream)
        if not streams:
            raise damaged("they end within their first layer")
        return self._fields(streams, range(len(streams)))

    def _check(self, layers: int) -> None:
        if layers != len(self.layers):
            raise damaged(f"they have {layers} layers, {len(self.layers)} were expected")

    def _fields(self, streams: list[bytes], which: range) -> NDArray[Any]:
        parts = [self.layers[i].codec.to_fields(stream) for i, stream in zip(which, streams, strict=True)]
        if len({len(part) for part in parts}) != 1:
            raise damaged(f"their layers have {', '.join(str(len(part)) for part in parts)} fields")
        return np.concatenate(parts, axis=1)

    async def _decode_partial_single(self, byte_getter: Any, selection: Any, chunk_spec: Any) -> Any:
        shape, bounds, prototype = tuple(chunk_spec.shape), self.bounds, chunk_spec.prototype
        self.check_shape(shape)
        if bounds[-1] != shape[-1]:
            raise damaged(f"{bounds[-1]} values of all layers in a chunk of shape {shape}")
        head = await byte_getter.get(prototype, RangeByteRequest(0, MOST_HEAD))
        if head is None:
            return None
        places = places_of(head.to_bytes())
        self._check(places.layers)
        out = np.zeros((math.prod(shape[:-1]), shape[-1]), np.float32)
        which = self._needed(selection[-1])
        if which:
            asked = RangeByteRequest(places.bounds[which.start], places.bounds[which.stop])
            part = await byte_getter.get(prototype, asked)
            data = b"" if part is None else part.to_bytes()
            if len(data) != asked.end - asked.start:
                raise damaged(f"they end before their layer {which.stop} of {places.layers}")
            streams = [
                data[places.of(i).start - asked.start : places.of(i).stop - asked.start] for i in which
            ]
            for i, stream in zip(which, streams, strict=True):
                check_claims(stream, len(out), self.layers[i].values)
            fields = await asyncio.to_thread(self._fields, streams, which)
            out[: len(fields), bounds[which.start] : bounds[which.stop]] = fields
        return prototype.nd_buffer.from_numpy_array(out.reshape(shape)[selection])

    def _needed(self, columns: Any) -> range:
        """The layers that these columns of a chunk are in, with those between."""
        places = np.arange(self.bounds[-1])[columns].ravel()
        if not places.size:
            return range(0)
        ends = np.searchsorted(self.bounds, [places.min(), places.max()], side="right")
        return range(int(ends[0]) - 1, int(ends[1]))


# For a checkout whose installation is older than this entry point.
register_codec(_NAME, LayeredCodec)
