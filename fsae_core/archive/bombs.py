"""Chunks of a Zarr that would unpack to far more than they stand for, refused before they are unpacked.

How large a chunk is follows from its shape; what a packed one claims stands in its head (Blosc, LZ4, mostly
zstd) or shows when it is unpacked a piece at a time (gzip, zlib, bz2, lzma, zstd without a size). Pieces are
only counted, where so few bytes could be so many at all.
"""

from __future__ import annotations

__all__ = [
    "PIPELINE",
    "BoundedPipeline",
    "check_packed",
    "most_unpacked",
    "room_for",
    "unpacked_size",
]

import bz2
import io
import lzma
import math
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

from zarr.codecs import ShardingCodec
from zarr.core.codec_pipeline import BatchedCodecPipeline
from zarr.registry import register_pipeline

from fsae_core.errors import UserError

_ROOM = 2**28
"""Bytes that any chunk may take: less would cost more to look at than it is worth."""
_TIMES = 8
"""How many times its own size a chunk may take on the way, as filters change the type of numbers."""
_MOST_DEFLATED = 1032  # bytes that one byte of deflate can stand for
_MOST_OF_ANY = 2**22  # more than one byte of bz2 or zstd can
_PIECE = 2**20


def check_packed(kind: str, data: bytes, expected: int) -> None:
    """UserError where a packed chunk of so many expected bytes takes more than there is room for.

    kind: name of the codec; others than those above are let through.
    """
    allowed = room_for(expected)
    if unpacked_size(kind, data, allowed) > allowed:
        raise UserError(f"A chunk of {expected} bytes unpacks to more than {allowed}: copy it again.")


def room_for(expected: int) -> int:
    """Bytes that a chunk of so many expected ones may take."""
    return max(_ROOM, _TIMES * expected)


def most_unpacked(kind: str, packed: int) -> int:
    """What so many packed bytes can become at most, as far as that is bounded."""
    return packed * _MOST_DEFLATED if kind in ("gzip", "zlib") else packed * _MOST_OF_ANY


def unpacked_size(kind: str, data: bytes, enough: int) -> int:
    """What this packed chunk takes unpacked, as far as it can be told; ``enough`` + 1 where it is more."""
    if kind == "blosc":
        return int(struct.unpack_from("<I", data, 4)[0]) if len(data) >= 16 else 0
    if kind == "lz4":
        return int(struct.unpack_from("<I", data)[0]) if len(data) >= 4 else 0
    if kind == "zstd":
        claimed = _claim_of_zstd(data)
        return _counted_zstd(data, enough) if claimed is None else claimed
    if kind in ("gzip", "zlib") and len(data) * _MOST_DEFLATED > enough:
        return _counted(lambda: zlib.decompressobj(47), data, enough)
    if kind == "bz2":
        return _counted(bz2.BZ2Decompressor, data, enough)
    if kind == "lzma":
        return _counted(lzma.LZMADecompressor, data, enough)
    return 0


def _counted(new: Callable[[], Any], data: bytes, enough: int) -> int:
    """Piece by piece, stream after stream; what is damaged is for the codec to complain of."""
    total = 0
    try:
        while data:
            unpacker = new()
            while not unpacker.eof:
                piece = unpacker.decompress(data, _PIECE)
                total += len(piece)
                if total > enough:
                    return enough + 1
                if not piece and not unpacker.eof:
                    return total
                data = getattr(unpacker, "unconsumed_tail", b"")
            data = unpacker.unused_data
    except (zlib.error, OSError, EOFError, lzma.LZMAError):
        pass
    return total


def _claim_of_zstd(data: bytes) -> int | None:
    """The size in the head of the first frame, where there is one (RFC 8878)."""
    if len(data) < 6 or data[:4] != b"\x28\xb5\x2f\xfd":
        return 0
    described = data[4]
    size, single = (0, 2, 4, 8)[described >> 6], described >> 5 & 1
    if size == 0:
        if not single:
            return None
        size = 1
    start = 5 + (not single) + (0, 1, 2, 4)[described & 3]
    field = data[start : start + size]
    return int.from_bytes(field, "little") + (256 if size == 2 else 0)


def _counted_zstd(data: bytes, enough: int) -> int:
    import pyarrow as pa

    total = 0
    try:
        with pa.CompressedInputStream(io.BytesIO(data), "zstd") as stream:
            while total <= enough and (piece := stream.read(_PIECE)):
                total += len(piece)
    except (OSError, pa.ArrowException):
        return total
    return min(total, enough + 1)


class _BoundedShards(ShardingCodec):
    """Shards whose inner chunks are looked at, too."""

    @property
    def codec_pipeline(self) -> Any:
        """For the inner chunks."""
        return BoundedPipeline.from_codecs(self.codecs)


def _bounded(codec: Any) -> Any:
    if type(codec) is not ShardingCodec:
        return codec
    return _BoundedShards(
        chunk_shape=codec.chunk_shape,
        codecs=codec.codecs,
        index_codecs=codec.index_codecs,
        index_location=codec.index_location,
    )


@dataclass(frozen=True)
class BoundedPipeline(BatchedCodecPipeline):
    """Zarr's own, which looks at packed chunks first, those in shards as well."""

    @classmethod
    def from_codecs(cls, codecs: Iterable[Any], *, batch_size: int | None = None) -> Self:
        """As Zarr's."""
        return super().from_codecs([_bounded(codec) for codec in codecs], batch_size=batch_size)

    async def decode_batch(self, chunk_bytes_and_specs: Iterable[tuple[Any, Any]]) -> Iterable[Any]:
        """As Zarr's; UserError for a chunk that would fill the memory."""
        batch = list(chunk_bytes_and_specs)
        kind = self._packer()
        for packed, spec in batch if kind else ():
            if packed is not None:
                size = math.prod(spec.shape) * max(spec.dtype.to_native_dtype().itemsize, 1)
                check_packed(kind, packed.to_bytes(), size)
        return await super().decode_batch(batch)

    def _packer(self) -> str:
        """The codec that a chunk's bytes come from, a checksum round them aside."""
        for codec in reversed(self.bytes_bytes_codecs):
            name = str(codec.to_dict()["name"]).removeprefix("numcodecs.")
            if name != "crc32c":
                return name
        packer = getattr(self.array_bytes_codec, "compressor", None)  # of Zarr 2
        return str(getattr(packer, "codec_id", ""))


PIPELINE = f"{BoundedPipeline.__module__}.{BoundedPipeline.__qualname__}"
"""Its name in Zarr's configuration."""
register_pipeline(BoundedPipeline)
