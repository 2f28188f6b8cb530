"""Several layers in one stream, coarse to fine: its first bytes alone are the coarser ratios.

A head comes first: the version, how many layers there are, the bytes of each, and a CRC32C of all that. Then
come the streams of the layers, each with a checksum of its own, so that a prefix is as sound as the whole.
"""

from __future__ import annotations

__all__ = ["MOST_HEAD", "Places", "joined", "places_of", "whole_layers"]

import struct
from dataclasses import dataclass

from fsae_core.codec.stream import checksum, damaged
from fsae_core.errors import UserError

_VERSION, _NEWEST = 0xE1, 0xEF
_MOST_LAYERS = 8
MOST_HEAD = 2 + 4 * _MOST_LAYERS + 4
"""No head has more bytes."""


@dataclass(frozen=True)
class Places:
    """Where each layer begins in a stream, and where the last one ends."""

    bounds: tuple[int, ...]

    @property
    def layers(self) -> int:
        """How many there are."""
        return len(self.bounds) - 1

    def of(self, layer: int) -> slice:
        """The bytes of one layer."""
        return slice(self.bounds[layer], self.bounds[layer + 1])


def joined(streams: list[bytes]) -> bytes:
    """One stream of the layers' own, coarse to fine."""
    if not 1 <= len(streams) <= _MOST_LAYERS:
        raise ValueError(f"{len(streams)} layers, expected 1 to {_MOST_LAYERS}")
    head = struct.pack(f"<BB{len(streams)}I", _VERSION, len(streams), *(len(s) for s in streams))
    return head + struct.pack("<I", checksum(head)) + b"".join(streams)


def places_of(head: bytes) -> Places:
    """Where the layers are in a stream that begins so. UserError for a head that is cut, changed or newer."""
    if len(head) < 2 or not _VERSION <= head[0] <= _NEWEST or not 1 <= head[1] <= _MOST_LAYERS:
        raise damaged("layers do not begin as they should")
    if head[0] != _VERSION:
        raise UserError(
            f"Layers of version {head[0] - _VERSION + 1} were found, this library reads 1: install a newer "
            "one."
        )
    size = 2 + 4 * head[1]
    if len(head) < size + 4 or struct.unpack_from("<I", head, size)[0] != checksum(head[:size]):
        raise damaged("the sizes of their layers are cut or changed")
    bounds = [size + 4]
    for length in struct.unpack_from(f"<{head[1]}I", head, 2):
        bounds.append(bounds[-1] + length)
    return Places(tuple(bounds))


def whole_layers(data: bytes) -> list[bytes]:
    """The streams of all layers that lie wholly in this prefix of a stream, coarse to fine."""
    places = places_of(data)
    return [data[places.of(i)] for i in range(places.layers) if places.bounds[i + 1] <= len(data)]
