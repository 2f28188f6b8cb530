"""How coded fields are framed.

Byte 0 is the version, bytes 1 to 4 the CRC32C of all that follows: one byte for zoom and sort, how many
fields, how many values a field has where that does not follow from the zoom (both seven bits a byte, lowest
first), the upper two bytes of the step as float32, where they belong to it offsets and scales as float32, and
the bytes of the range coder.
"""

from __future__ import annotations

__all__ = [
    "BARE",
    "CELLS",
    "CELLS_WITH_SIDE",
    "DETAILS",
    "DETAILS_WITH_SIDE",
    "LARGEST",
    "MOST_VALUES",
    "UNIT_SIDE",
    "WHOLE",
    "WITH_SIDE",
    "DamagedError",
    "Stream",
    "check_size",
    "checksum",
    "damaged",
    "kept_step",
]

import struct
from dataclasses import dataclass

import numpy as np

from fsae_core.errors import UserError
from fsae_core.sphere.healpix import MAX_ZOOM, n_cells

BARE, UNIT_SIDE, WITH_SIDE, WHOLE, DETAILS, DETAILS_WITH_SIDE, CELLS, CELLS_WITH_SIDE = range(8)
"""What comes with the fields: nothing; offset 0 and scale 1; offset and scale of each. Or whole numbers. Or
numbers of adaptive fields and their places, details or cells of a pyramid, with nothing or with offset and
scale of each."""
LARGEST = 2**24
"""No value has as many steps."""
MOST_VALUES = 2**23
"""Of a stream, and of a chunk; a reader refuses more before it makes room for them."""

_VALUES_PER_BYTE = 4000  # no stream codes more: even a certain number costs 0.002 bits
_HEADER = struct.Struct("<BI")
_VERSION, _NEWEST = 0xF1, 0xFF
_NO_ZOOM, _SORT = 15, 16


@dataclass(frozen=True)
class Stream:
    """sort: one of those above; zoom: None off the sphere; n fields of m values in steps of ``step``."""

    sort: int
    zoom: int | None
    n: int
    m: int
    step: float
    side: bytes
    coded: bytes

    def to_bytes(self) -> bytes:
        """The whole stream."""
        head = bytes([_SORT * self.sort + (_NO_ZOOM if self.zoom is None else self.zoom)])
        head += _from_number(self.n) + (_from_number(self.m) if self.zoom is None else b"")
        body = head + np.array(self.step, "<f4").tobytes()[2:] + self.side + self.coded
        return _HEADER.pack(_VERSION, checksum(body)) + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Stream:
        """Raises UserError for bytes that are cut, changed or claim more than a stream may hold."""
        data = bytes(data)
        if len(data) < _HEADER.size + 4 or not _VERSION <= data[0] <= _NEWEST:
            raise damaged(f"{len(data)} bytes that do not begin as they should")
        version, sum_of_all = _HEADER.unpack_from(data)
        if sum_of_all != checksum(data[_HEADER.size :]):
            raise damaged("their checksum is another")
        if version != _VERSION:
            raise UserError(
                f"Compressed fields of version {version - _VERSION + 1} were found, this library reads 1: "
                "install a newer one."
            )
        sort, zoom = divmod(data[_HEADER.size], _SORT)
        n, at = _to_number(data, _HEADER.size + 1)
        m, at = _to_number(data, at) if zoom == _NO_ZOOM else (n_cells(min(zoom, MAX_ZOOM)), at)
        step = float(np.frombuffer(b"\0\0" + data[at : at + 2].ljust(2, b"\0"), "<f4")[0])
        start, coded = at + 2, at + 2 + 8 * n * (sort in (WITH_SIDE, DETAILS_WITH_SIDE, CELLS_WITH_SIDE))
        if coded > len(data) or n * m > min(MOST_VALUES, _VALUES_PER_BYTE * (len(data) - coded + 16)):
            raise damaged(f"they claim {n} x {m} values in {len(data)} bytes")
        if MAX_ZOOM < zoom < _NO_ZOOM or sort > CELLS_WITH_SIDE or not (np.isfinite(step) and step > 0):
            raise damaged(f"they claim zoom {zoom}, sort {sort} and steps of {step:g}")
        kept = None if zoom == _NO_ZOOM else zoom
        return cls(sort, kept, n, m, step, data[start:coded], data[coded:])


def kept_step(step: float) -> float:
    """The step to the 8 bits that a stream keeps of it."""
    bits = int(np.array(step, "<f4").view("<u4"))
    return float(np.array((bits + 0x8000) & 0xFFFF0000, "<u4").view("<f4"))


def check_size(values: int) -> None:
    """UserError where a stream cannot hold so many values."""
    if values > MOST_VALUES:
        raise UserError(
            f"{values} values were given for one stream, which holds {MOST_VALUES} at most: give fewer times."
        )


class DamagedError(UserError):
    """Bytes that cannot be right; ``why``: in a few words, for a sentence that names the file."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Compressed fields are damaged ({why}): make or copy them again.")
        self.why = why

    def __reduce__(self) -> tuple[type[DamagedError], tuple[str]]:
        return type(self), (self.why,)


def damaged(why: str) -> DamagedError:
    """The error for bytes that cannot be right."""
    return DamagedError(why)


def _from_number(number: int) -> bytes:
    """All groups of seven bits but the last have the eighth set."""
    out = bytearray()
    while number > 127:
        out.append(128 | number & 127)
        number >>= 7
    return bytes([*out, number])


def _to_number(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    number = 0
    for shift in range(0, 35, 7):
        if at >= len(data):
            break
        number |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return number, at
    raise damaged("a size in them does not end")


def checksum(data: bytes) -> int:
    """CRC32C."""
    import google_crc32c

    return int(google_crc32c.value(data))
