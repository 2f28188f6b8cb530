"""Which points lie in what was drawn around them.

Pure: numbers in, a mask out.
"""

from __future__ import annotations

__all__ = ["inside"]

from collections.abc import Mapping
from typing import Any

import numpy as np

_ROOM = 2_000_000


def inside(places: np.ndarray, geometry: Mapping[str, Any]) -> np.ndarray:
    """Mask (n,) of points (n, 2) in a drawn geometry: {"type": "poly", "x", "y"} (even-odd rule) or
    {"type": "rect", "x0", "x1", "y0", "y1"}. Anything else holds none."""
    x, y = places.T
    if geometry.get("type") == "rect":
        (x0, x1), (y0, y1) = (sorted((float(geometry[f"{c}0"]), float(geometry[f"{c}1"]))) for c in "xy")
        return (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    out = np.zeros(len(places), bool)
    if geometry.get("type") != "poly":
        return out
    px, py = (np.asarray(geometry[c], np.float64) for c in "xy")
    known = np.isfinite(px) & np.isfinite(py)
    px, py = px[known], py[known]
    if px.size < 3:
        return out
    qx, qy = np.roll(px, -1), np.roll(py, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (qx - px) / (qy - py)
    step = max(1, _ROOM // px.size)
    for first in range(0, len(places), step):
        part = slice(first, first + step)
        u, v = x[part, None], y[part, None]
        crosses = (py > v) != (qy > v)
        left = np.where(crosses, px + slope * (v - py), np.inf) > u
        out[part] = (crosses & left).sum(axis=1) % 2 == 1
    return out
