"""The Latent page's state, and how a group of times is written into the address."""

from __future__ import annotations

__all__ = ["DRAGS", "GROUPS", "LatentState", "read_group", "write_group"]

import base64
import zlib
from typing import Any, ClassVar

import numpy as np
import param

from app.quantities import QUANTITIES
from app.state import MapState, Part, flag, one_of, text

GROUPS = ("a", "b")
DRAGS = {"lasso": "Lasso", "box": "Box", "pan": "Move"}
_PACKED = "~"
_MOST_WORDS = 240
_MOST_TIMES = 4_000_000


def write_group(rows: np.ndarray) -> str:
    """Positions of times, any order, as words: runs such as 152-175,180, or packed bits where that is
    long."""
    rows = np.unique(np.asarray(rows, np.int64))
    if rows.size == 0:
        return ""
    cut = np.flatnonzero(np.diff(rows) > 1) + 1
    runs = [(part[0], part[-1]) for part in np.split(rows, cut)]
    words = ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
    if len(words) <= _MOST_WORDS:
        return words
    bits = np.zeros(int(rows[-1]) + 1, bool)
    bits[rows] = True
    packed = zlib.compress(np.packbits(bits).tobytes(), 9)
    return _PACKED + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_group(words: str) -> np.ndarray:
    """The inverse of `write_group`, rising. ValueError for nonsense."""
    if not words:
        return np.empty(0, np.int64)
    if words.startswith(_PACKED):
        body = words[1:] + "=" * (-len(words[1:]) % 4)
        unpack = zlib.decompressobj()
        try:
            packed = unpack.decompress(base64.b64decode(body, b"-_", validate=True), _MOST_TIMES // 8)
        except zlib.error as error:
            raise ValueError(words) from error
        if not unpack.eof:  # cut off, or far more than any record has
            raise ValueError(words)
        return np.flatnonzero(np.unpackbits(np.frombuffer(packed, np.uint8)))
    found: set[int] = set()
    for part in words.split(","):
        first, _, last = part.partition("-")
        a, b = int(first), int(last or first)
        if not 0 <= a <= b < _MOST_TIMES:
            raise ValueError(words)
        found.update(range(a, b + 1))
    return np.array(sorted(found), np.int64)


def _group(words: str) -> str:
    return write_group(read_group(words))


def _cloud(words: str) -> tuple[float, ...]:
    x0, x1, y0, y1 = (float(part) for part in words.split(","))
    if not all(np.isfinite(v) and abs(v) < 1e6 for v in (x0, x1, y0, y1)) or x1 <= x0 or y1 <= y0:
        raise ValueError(words)
    return (x0, x1, y0, y1)


class LatentState(MapState):
    """The Latent page of one session.

    a, b: groups of times, as `write_group` writes them; empty is no choice.
    cloud: window of the map of times, (x0, x1, y0, y1) in its own units; None is all of it.
    """

    archive = param.String("amip", doc="Name of the atlas.")
    variable = param.String("")
    time = param.String("", doc="Label of a time; empty is the most remarkable one.")
    map: Any = param.Selector(default="raw", objects=["raw", "deseasonalised"])
    colour: Any = param.Selector(default="month", objects=list(QUANTITIES))
    enso = param.Boolean(False, doc="Displacement with El Nino taken out.")
    target: Any = param.Selector(default="a", objects=list(GROUPS), doc="The group that a drag chooses.")
    a = param.String("")
    b = param.String("")
    drag: Any = param.Selector(default="lasso", objects=list(DRAGS))
    cloud: Any = param.Parameter(None)

    parts: ClassVar[tuple[Part, ...]] = (
        text("archive"),
        text("time", "a time"),
        one_of("map", ("raw", "deseasonalised")),
        one_of("colour", QUANTITIES),
        flag("enso"),
        one_of("target", GROUPS),
        *(Part(g, _group, "a group of times such as 152-175") for g in GROUPS),
        one_of("drag", DRAGS),
        Part(
            "cloud",
            _cloud,
            "four numbers x0,x1,y0,y1 with x0 < x1 and y0 < y1",
            write=lambda window: "" if window is None else ",".join(f"{v:.2f}" for v in window),
        ),
        *MapState.parts,
    )

    def group(self, name: str) -> np.ndarray:
        """Positions of the times chosen as `a` or `b`; none for nonsense."""
        return read_group(getattr(self, name))
