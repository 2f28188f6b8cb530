"""Chunks of NetCDF-4 files that would unpack to far more than they stand for, refused before they are read.

HDF5 unpacks a chunk whole and asks how large it became afterwards. So packed chunks that could become larger
than `bombs` allows are unpacked here first, by a library that stops at the size they stand for, when they are
about to be read. Most chunks are too small for that to be needed.
"""

from __future__ import annotations

__all__ = ["PackedChunks", "packed_chunks"]

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.bombs import check_packed, most_unpacked, room_for
from fsae_core.errors import UserError

_KINDS = {1: "zlib", 307: "bz2", 32015: "zstd"}
"""Filters that pack (HDF Group's registry of filters) and may stand for any size."""
_CHECKSUM = 4
"""Bytes that a filter may have added before a chunk was packed."""
_OTHER_PACKERS = {4, 32000, 32001, 32004, 32013, 32017}
"""Those that say how large a chunk is (szip, lzf, blosc, lz4, zfp, sz): HDF5 asks them."""


@dataclass
class PackedChunks:
    """Of one variable those chunks that are to be looked at, k of them.

    shape: of a chunk; size: its bytes unpacked; corners: (k, dimensions) first indices; places: (k, 2) where
    they lie in the file and how many bytes they take there.
    """

    path: Path
    kind: str
    shape: tuple[int, ...]
    size: int
    corners: NDArray[np.int64]
    places: NDArray[np.int64]
    _sound: set[int] = field(default_factory=set)

    def check(self, key: Iterable[Any], lengths: tuple[int, ...]) -> None:
        """Look at those chunks that an index of the variable (whose axes have these lengths) touches; axes
        that the index lacks are read whole. UserError where one of them would fill the memory."""
        touched = np.ones(len(self.corners), bool)
        for axis, (part, length) in enumerate(zip(key, lengths, strict=False)):
            wanted = np.unique(np.atleast_1d(np.arange(length)[part]) // self.shape[axis])
            touched &= np.isin(self.corners[:, axis] // self.shape[axis], wanted)
        for i in np.flatnonzero(touched):
            if int(i) not in self._sound:
                self._look(int(i))

    def check_ends(self) -> None:
        """Look at the first and the last chunk, which are read when a file is opened; at all of an axis."""
        first, last = self.corners.min(0, initial=0), self.corners.max(0, initial=0)
        ends = (self.corners == first).all(1) | (self.corners == last).all(1)
        for i in range(len(self.corners)):
            if ends[i] or self.corners.shape[1] == 1:
                self._look(i)

    def _look(self, i: int) -> None:
        place, length = (int(n) for n in self.places[i])
        with self.path.open("rb") as file:
            file.seek(place)
            data = file.read(length)
        if not (self.kind == "zlib" and _fits(data, self.size + _CHECKSUM)):
            check_packed(self.kind, data, self.size)
        self._sound.add(i)


def _fits(data: bytes, size: int) -> bool:
    """Whether what zlib packed fits into so many bytes, by a library that is given no more room."""
    import imagecodecs

    try:
        imagecodecs.zlib_decode(data, out=size)
    except Exception:  # too large, or damaged: which of them, zlib tells
        return False
    return True


def packed_chunks(path: Path) -> dict[str, PackedChunks]:
    """By variable of a NetCDF-4 file, those that have chunks to be looked at.

    UserError for a chunk that is packed twice, one way upon another: no writer does so.
    """
    import h5py

    found = {}
    with h5py.File(path, "r") as file:
        for name in file:
            if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
                continue  # its values are another file's
            thing = file.get(name)
            packed = _of_dataset(path, name, thing) if isinstance(thing, h5py.Dataset) else None
            if packed is not None:
                found[name.removeprefix("_nc4_non_coord_")] = packed
    return found


def _of_dataset(path: Path, name: str, dataset: Any) -> PackedChunks | None:
    if dataset.chunks is None:
        return None
    settings = dataset.id.get_create_plist()
    filters = [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]
    packers = [code for code in filters if code in _KINDS or code in _OTHER_PACKERS]
    if len(packers) > 1:
        raise UserError(
            f"{path.name} packs {name[:60]} twice, one way upon another, as nobody does to a field: write it "
            "again with one."
        )
    if not packers or packers[0] not in _KINDS:
        return None
    kind, size = _KINDS[packers[0]], int(np.prod(dataset.chunks)) * dataset.dtype.itemsize
    if most_unpacked(kind, dataset.id.get_storage_size()) <= room_for(size):
        return None
    corners, places = [], []

    def visit(chunk: Any) -> None:
        if most_unpacked(kind, chunk.size) > room_for(size):
            corners.append(chunk.chunk_offset)
            places.append((chunk.byte_offset, chunk.size))

    dataset.id.chunk_iter(visit)
    if not corners:
        return None
    where = np.array(corners, np.int64), np.array(places, np.int64)
    return PackedChunks(path, kind, dataset.chunks, size, *where)
