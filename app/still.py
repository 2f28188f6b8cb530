"""A map as a small PNG with a palette: what stands in a pane until the browser has made the live map.

Plain numpy and zlib. The file is as PNG's specification has it (W3C, third edition): eight bits a pixel, no
filter, one transparent colour.
"""

from __future__ import annotations

__all__ = ["along", "still"]

import struct
import zlib
from collections.abc import Sequence

import numpy as np

_NOTHING, _LINE = 255, 254
_COLOURS = 254


def still(
    image: np.ndarray,
    colours: Sequence[str],
    low: float,
    high: float,
    lines: tuple[np.ndarray, np.ndarray],
    line_colour: str = "#10181c",
) -> bytes:
    """PNG of a picture.

    image: (height, width), bottom row first, NaN where there is nothing. colours: hex, from `low` to `high`.
    lines: x and y of NaN-separated curves, in pixels from the lower left corner.
    """
    n = len(colours)
    with np.errstate(invalid="ignore"):
        place = np.nan_to_num((image - low) * (n / max(high - low, 1e-30)))
    step = np.clip(place, 0, n - 1).astype(np.int64) * (_COLOURS - 1) // max(n - 1, 1)
    pixels = np.where(np.isfinite(image), step, _NOTHING).astype(np.uint8)
    x, y = along(*lines)
    inside = (x >= 0) & (x < image.shape[1]) & (y >= 0) & (y < image.shape[0])
    pixels[y[inside].astype(int), x[inside].astype(int)] = _LINE
    chosen = [colours[i * (n - 1) // (_COLOURS - 1)] for i in range(_COLOURS)]
    palette = b"".join(bytes.fromhex(colour[1:7]) for colour in [*chosen, line_colour, "#000000"])
    return _png(pixels[::-1], palette, bytes([255] * _NOTHING + [0]))


def along(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points on curves, not more than a pixel apart."""
    if len(x) < 2:
        return np.empty(0), np.empty(0)
    x, y = np.asarray(x, float), np.asarray(y, float)
    dx, dy = np.diff(x), np.diff(y)
    real = np.isfinite(dx) & np.isfinite(dy)
    x, y, dx, dy = x[:-1][real], y[:-1][real], dx[real], dy[real]
    count = np.maximum(1, np.ceil(np.maximum(np.abs(dx), np.abs(dy)))).astype(int)
    which = np.repeat(np.arange(len(count)), count)
    share = (np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)) / count[which]
    return x[which] + share * dx[which], y[which] + share * dy[which]


def _png(pixels: np.ndarray, palette: bytes, alpha: bytes) -> bytes:
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with the number of its filter: none
    rows[:, 1:] = pixels
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette),
        (b"tRNS", alpha),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    )
    made = b"\x89PNG\r\n\x1a\n"
    for kind, body in parts:
        made += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return made
