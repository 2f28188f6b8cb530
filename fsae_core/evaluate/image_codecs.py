"""The codecs that people use, each at its best on the mosaic of base faces: one picture to bytes and back.

What a decoder knows without being told: the zoom, hence the picture's shape, and that values are float32.
All else is in the bytes.
"""

from __future__ import annotations

__all__ = ["BitRoundZstd", "Jpeg2000", "PictureCodec", "Sperr", "Sz3", "Zfp"]

import struct
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]


class PictureCodec(Protocol):
    """name; coarse, fine: the range of its setting, which `rate_search` goes through on a logarithmic scale,
    or number by number where it is whole."""

    name: str
    coarse: float
    fine: float
    whole: bool

    def encode(self, picture: Picture, setting: float) -> bytes: ...

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Picture: ...


class Jpeg2000:
    """OpenJPEG, irreversible 9/7 wavelet, on 16 bits that span the picture's range; setting: its PSNR in dB.

    Two float32 carry the range. A bare codestream, whose comment (39 bytes on who wrote it) is cut out. The
    default of six resolutions did best (four are 1 to 10 % worse, more change nothing).
    """

    name, coarse, fine, whole = "jpeg2000", 1.0, 130.0, False

    def encode(self, picture: Picture, setting: float) -> bytes:
        import imagecodecs

        low, high = float(picture.min()), float(picture.max())
        span = np.float64(high) - low or 1.0
        grey = np.round((picture.astype(np.float64) - low) / span * 65535).astype(np.uint16)
        psnr: Any = setting  # declared as a whole number, used as it is
        data = imagecodecs.jpeg2k_encode(grey, psnr, reversible=False, codecformat="j2k", numthreads=1)
        return struct.pack("<ff", low, high) + _without_comment(bytes(data))

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Picture:
        import imagecodecs

        low, high = struct.unpack("<ff", data[:8])
        grey = imagecodecs.jpeg2k_decode(data[8:], numthreads=1).reshape(shape).astype(np.float64)
        return np.asarray(grey / 65535 * ((high - low) or 1.0) + low, np.float32)


def _without_comment(stream: bytes) -> bytes:
    """A JPEG 2000 codestream without its comment segments (marker FF64) in the main header."""
    kept, place = bytearray(stream[:2]), 2
    while place + 4 <= len(stream) and stream[place : place + 2] != b"\xff\x90":  # SOT ends the header
        (length,) = struct.unpack(">H", stream[place + 2 : place + 4])
        if stream[place : place + 2] != b"\xff\x64":
            kept += stream[place : place + 2 + length]
        place += 2 + length
    return bytes(kept) + stream[place:]


class Sperr:
    """SPERR (Li, Lindstrom and Clyne 2023) on float32, no header; setting: bits a value.

    Takes a picture, or a volume of (time, row, column) as one chunk.
    """

    name, coarse, fine, whole = "sperr", 0.004, 24.0, False

    def encode(self, picture: Picture, setting: float) -> bytes:
        import imagecodecs

        chunks = picture.shape if picture.ndim == 3 else None
        return bytes(
            imagecodecs.sperr_encode(picture, setting, "bpp", header=False, chunks=chunks, numthreads=1)
        )

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Picture:
        import imagecodecs

        return np.asarray(imagecodecs.sperr_decode(data, shape=shape, dtype=np.float32, header=False))


class Sz3:
    """SZ3 with an absolute error bound, on departures from the picture's mean (a float32); setting: 1 /
    bound in shares of the picture's spread, another float32."""

    name, coarse, fine, whole = "sz3", 0.05, 1e5, False

    def encode(self, picture: Picture, setting: float) -> bytes:
        import imagecodecs

        mean, spread = _mean_and_spread(picture)
        standard = ((picture - mean) / spread).astype(np.float32)
        data = imagecodecs.sz3_encode(standard, mode="abs", abs=1 / setting)
        return struct.pack("<ff", mean, spread) + bytes(data)

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Picture:
        import imagecodecs

        mean, spread = struct.unpack("<ff", data[:8])
        standard = imagecodecs.sz3_decode(data[8:], shape=shape, dtype=np.float32)
        return np.asarray(standard * np.float32(spread) + np.float32(mean), np.float32)


class Zfp:
    """ZFP with fixed accuracy 1, on departures from the picture's mean scaled so that the accuracy is what
    is asked for; setting: that scale. Two float32 carry mean and scale.

    ZFP rounds an accuracy down to a power of two; scaling gets all between. Its header is in the bytes. Fixed
    accuracy beats fixed rate and, scaled so, fixed precision (16 times fewer bytes: 0.52 K; plain 1.31 K).
    """

    name, coarse, fine, whole = "zfp", 1e-4, 1e6, False

    def encode(self, picture: Picture, setting: float) -> bytes:
        import imagecodecs

        mean, spread = _mean_and_spread(picture)
        (scale,) = struct.unpack("<f", struct.pack("<f", setting / spread))
        standard = ((picture - mean) * np.float32(scale)).astype(np.float32)
        data = imagecodecs.zfp_encode(standard, 1, mode=imagecodecs.ZFP.MODE.FIXED_ACCURACY)
        return struct.pack("<ff", mean, scale) + bytes(data)

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Picture:
        import imagecodecs

        mean, scale = struct.unpack("<ff", data[:8])
        standard = imagecodecs.zfp_decode(data[8:]).reshape(shape)
        return np.asarray(standard / np.float32(scale) + np.float32(mean), np.float32)


class BitRoundZstd:
    """Mantissas rounded to some bits (Klower et al. 2021), bytes shuffled, zstd at its highest level;
    setting: bits kept, at 0 only sign and exponent.

    On the values themselves: departures from the mean need more bytes at the same error.
    """

    name, coarse, fine, whole = "bitround", 0.0, 23.0, True

    def encode(self, picture: Picture, setting: float) -> bytes:
        from numcodecs import BitRound, Shuffle, Zstd

        rounded = (
            np.ascontiguousarray(BitRound(keepbits=round(setting)).encode(picture)).view(np.uint8).ravel()
        )
        return bytes(Zstd(level=22).encode(Shuffle(4).encode(rounded)))

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Picture:
        from numcodecs import Shuffle, Zstd

        raw: Any = Shuffle(4).decode(np.frombuffer(Zstd().decode(data), np.uint8))
        return np.frombuffer(bytes(raw), np.float32).reshape(shape).copy()


def _mean_and_spread(picture: Picture) -> tuple[float, float]:
    """Rounded to float32, as the decoder has them; the spread of a constant picture is 1."""
    mean, spread = np.float32(picture.mean(dtype=np.float64)), np.float32(picture.std(dtype=np.float64))
    return float(mean), float(spread) if spread > 0 else 1.0
