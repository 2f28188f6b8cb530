"""Clouds of very many points as pictures, by datashader: one block of pixels holds the mean of its points."""

from __future__ import annotations

__all__ = ["MANY", "cloud"]

import numpy as np

MANY = 5000
"""More points than this are drawn as one picture instead of one by one."""


def cloud(
    places: np.ndarray,
    values: np.ndarray,
    window: tuple[float, float, float, float],
    size: tuple[int, int],
    period: float | None = None,
) -> np.ndarray:
    """Points (n, 2) with values (n,) -> float32 (height, width), bottom row first, NaN where no point lies.

    window: (x0, x1, y0, y1); size: (width, height) in pixels. period: of values that go round, such as
    months: their mean is taken on the circle and lies from a half to period plus a half.
    """
    block = 2 if len(places) > 4 * MANY else 3
    width, height = (max(8, n // block) for n in size)
    known = np.isfinite(values)
    x, y, v = places[known, 0], places[known, 1], np.asarray(values[known], np.float32)
    if period is None:
        return _mean(x, y, v, window, width, height)
    turn = 2 * np.pi * v / period
    east, north = (_mean(x, y, part, window, width, height) for part in (np.cos(turn), np.sin(turn)))
    angle = np.arctan2(north, east) / (2 * np.pi) * period
    return np.where(angle < 0.5, angle + period, angle).astype(np.float32)


def _mean(
    x: np.ndarray, y: np.ndarray, v: np.ndarray, window: tuple[float, ...], width: int, height: int
) -> np.ndarray:
    # Late: it brings numba, and pages with few points never need it.
    import datashader
    import pandas as pd

    x0, x1, y0, y1 = window
    canvas = datashader.Canvas(width, height, x_range=(x0, x1), y_range=(y0, y1))
    frame = pd.DataFrame({"x": x, "y": y, "v": v})
    return np.asarray(canvas.points(frame, "x", "y", agg=datashader.mean("v")).values, np.float32)
