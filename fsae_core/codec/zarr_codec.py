"""Zarr v3 codecs of compressed stores: a chunk of fields to one stream and back.

`fsae_latents` keeps standardised compressed fields as far as its step tells them apart, `fsae_whole` keeps
whole numbers as they are. Both are registered as entry points, so that any Zarr reads the stores where this
library is installed. A stream carries its own checksum.
"""

from __future__ import annotations

__all__ = ["FieldsCodec", "LatentsCodec", "WholeCodec", "check_claims"]

import asyncio
import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from zarr.abc.codec import ArrayBytesCodec
from zarr.registry import register_codec

from fsae_core.codec.entropy import decode_standard, decode_whole, encode_standard, encode_whole
from fsae_core.codec.stream import MOST_VALUES, Stream, damaged

_LATENTS, _WHOLE = "fsae_latents", "fsae_whole"
_NO_ZOOM = -1
_STREAMS_KEPT = 16  # reading one time after the other decodes each chunk once


class FieldsCodec(ArrayBytesCodec):
    """Chunks (..., cells): the last dimension is a field, the others are its times and members."""

    is_fixed_size = False

    @abstractmethod
    def to_stream(self, fields: NDArray[Any]) -> bytes:
        """Fields (n, m) to bytes."""

    @abstractmethod
    def to_fields(self, stream: bytes) -> NDArray[Any]:
        """Bytes to fields (n, m)."""

    def to_chunk(self, values: NDArray[Any]) -> bytes:
        """The bytes of a chunk (..., m)."""
        fields = values.reshape(-1, values.shape[-1])
        # Zarr fills up the last chunk with zeros, which would only spoil what is known of other times.
        used = np.flatnonzero(fields.any(axis=1))
        return self.to_stream(fields[: used[-1] + 1 if used.size else 0])

    async def _encode_single(self, chunk_array: Any, chunk_spec: Any) -> Any:
        return await asyncio.to_thread(self._encode, chunk_array, chunk_spec)

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        return await asyncio.to_thread(self._decode, chunk_bytes, chunk_spec)

    def _encode(self, chunk: Any, spec: Any) -> Any:
        return spec.prototype.buffer.from_bytes(self.to_chunk(chunk.as_numpy_array()))

    def _decode(self, chunk: Any, spec: Any) -> Any:
        shape = tuple(spec.shape)
        self.check_shape(shape)
        data, rows = chunk.to_bytes(), math.prod(shape[:-1])
        self.check_claims(data, rows, shape[-1])
        fields = self.to_fields(data)
        out = np.zeros((rows, shape[-1]), chunk_type(spec))
        if len(fields):
            out[: len(fields)] = fields
        return spec.prototype.nd_buffer.from_numpy_array(out.reshape(shape))

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """UserError for a chunk of more values than a stream may hold, before room is made for them."""
        if math.prod(shape) > MOST_VALUES:
            raise damaged(f"a chunk of shape {shape} has more than {MOST_VALUES} values")

    def check_claims(self, stream: bytes, rows: int, values: int) -> None:
        """As the function of that name."""
        check_claims(stream, rows, values)

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        """Raises TypeError: it is known only when the chunk is coded."""
        raise TypeError(f"{type(self).__name__} codes chunks to lengths that depend on their values")


def check_claims(stream: bytes, rows: int, values: int) -> None:
    """UserError, before it is decoded, for a stream of more than so many fields or of other than these
    values."""
    claimed = Stream.from_bytes(stream)
    if claimed.m != values or claimed.n > rows:
        raise damaged(f"{claimed.n} fields of {claimed.m} values, expected {rows} of {values} at most")


def chunk_type(spec: Any) -> np.dtype[Any]:
    """The numpy type of a chunk."""
    return np.dtype(spec.dtype.to_native_dtype())


@dataclass(frozen=True)
class LatentsCodec(FieldsCodec):
    """step: of the quantiser, in standardised units; zoom: of the sphere they lie on, -1 where on none."""

    step: float
    zoom: int

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> LatentsCodec:
        """From a store's metadata; TypeError or ValueError where they cannot be."""
        settings = data["configuration"]
        return cls(float(settings["step"]), int(settings["zoom"]))

    def to_dict(self) -> dict[str, Any]:
        """For a store's metadata."""
        return {"name": _LATENTS, "configuration": {"step": self.step, "zoom": self.zoom}}

    def to_stream(self, fields: NDArray[Any]) -> bytes:
        """Standardised fields (n, m) to bytes."""
        return encode_standard(fields, self.step, None if self.zoom == _NO_ZOOM else self.zoom)

    def to_fields(self, stream: bytes) -> NDArray[Any]:
        """Bytes to standardised fields (n, m)."""
        return _standard(stream)


@dataclass(frozen=True)
class WholeCodec(FieldsCodec):
    """zoom: of the sphere that the numbers lie on."""

    zoom: int

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> WholeCodec:
        """From a store's metadata; TypeError or ValueError where they cannot be."""
        return cls(int(data["configuration"]["zoom"]))

    def to_dict(self) -> dict[str, Any]:
        """For a store's metadata."""
        return {"name": _WHOLE, "configuration": {"zoom": self.zoom}}

    def to_stream(self, fields: NDArray[Any]) -> bytes:
        """Whole numbers (n, cells) to bytes."""
        return encode_whole(fields, self.zoom)

    def to_fields(self, stream: bytes) -> NDArray[Any]:
        """Bytes to whole numbers (n, cells)."""
        return _whole(stream)


@lru_cache(maxsize=_STREAMS_KEPT)
def _standard(stream: bytes) -> NDArray[Any]:
    return decode_standard(stream)


@lru_cache(maxsize=_STREAMS_KEPT)
def _whole(stream: bytes) -> NDArray[Any]:
    return decode_whole(stream)


# For a checkout whose installation is older than these entry points.
register_codec(_LATENTS, LatentsCodec)
register_codec(_WHOLE, WholeCodec)
