"""How far a cell is from the coast, and what a reconstruction is worth there."""

from __future__ import annotations

__all__ = ["BINS_KM", "coast_distance", "mean_by_coast"]

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from fsae_core.archive.statics import static_fields
from fsae_core.evaluate.places import EARTH_RADIUS_KM
from fsae_core.sphere.healpix import cell_vectors, zoom_of

BINS_KM = (-np.inf, -2000.0, -1000.0, -500.0, -200.0, 0.0, 200.0, 500.0, 1000.0, np.inf)
"""Edges of the bins, sea negative; at coarse zooms the innermost may hold no cell's centre."""


@lru_cache(maxsize=4)
def coast_distance(zoom: int) -> NDArray[np.float64]:
    """Kilometres (cells,) from each centre to the nearest centre across the coast, along the great circle:
    positive on land (half a cell of it or more), negative at sea."""
    land = static_fields(zoom)["land"] >= 0.5
    here = cell_vectors(zoom)
    out = np.empty(len(here))
    for side, sign in ((land, 1.0), (~land, -1.0)):
        chord, _ = cKDTree(here[~side]).query(here[side])
        out[side] = sign * EARTH_RADIUS_KM * 2 * np.arcsin(np.clip(chord / 2, 0, 1))
    return out


def mean_by_coast(values: NDArray[Any]) -> list[tuple[float, float, float]]:
    """Means of (cells,) over bins of distance to the coast: (nearer edge to the open sea, edge inland,
    mean) in km; bins without cells are left out."""
    distance = coast_distance(zoom_of(values.shape[-1]))
    bin_of = np.digitize(distance, BINS_KM) - 1
    count = np.bincount(bin_of, minlength=len(BINS_KM) - 1)
    total = np.bincount(bin_of, weights=values, minlength=len(BINS_KM) - 1)
    return [
        (float(BINS_KM[i]), float(BINS_KM[i + 1]), float(total[i] / count[i]))
        for i in range(len(count))
        if count[i]
    ]
