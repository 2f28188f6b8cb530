"""Coastlines as one polyline: longitudes and latitudes in degrees, NaN between the pieces, cut at 180
degrees."""

from __future__ import annotations

__all__ = ["coastline", "from_topojson"]

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fsae_core.assets import asset_path

_EDGE = 0.01
"""Degrees: how close to the map's edge (180 degrees, the poles) a line counts as lying on it."""


@lru_cache(maxsize=2)
def coastline(detail: Literal["110m", "50m"] = "110m") -> NDArray[np.float32]:
    """The shipped coastline (points, 2): longitude in [-180, 180], latitude; rows of NaN part the pieces.

    Natural Earth (public domain) through the npm package world-atlas 2.0.2. Read-only.
    """
    with np.load(asset_path("coastlines", f"land-{detail}.npz")) as file:
        points = file["points"]
    points.setflags(write=False)
    return points


def from_topojson(topology: dict[str, Any], name: str = "land") -> NDArray[np.float32]:
    """The outlines of a TopoJSON object of polygons as one polyline (points, 2), each shared arc once.

    Lines along the 180th meridian and around the poles, which close polygons on a flat map, are left out;
    lines that cross 180 degrees are cut there.
    """
    scale = np.asarray(topology["transform"]["scale"])
    shift = np.asarray(topology["transform"]["translate"])
    pieces: list[NDArray[np.float64]] = []
    for number in sorted(set(_arc_numbers(topology["objects"][name]))):
        points = np.cumsum(np.asarray(topology["arcs"][number], np.float64), axis=0) * scale + shift
        pieces.extend(_cut(points))
    gap = np.full((1, 2), np.nan)
    parts = [part for piece in pieces for part in (piece, gap)]
    return np.concatenate(parts[:-1]).astype(np.float32)


def _arc_numbers(geometry: dict[str, Any]) -> Iterator[int]:
    if geometry["type"] == "GeometryCollection":
        for member in geometry["geometries"]:
            yield from _arc_numbers(member)
        return
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    for polygon in polygons:
        for ring in polygon:
            # ~n is arc n walked backwards (TopoJSON specification, 2.1.4).
            yield from (arc if arc >= 0 else ~arc for arc in ring)


def _cut(points: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    piece: list[NDArray[np.float64]] = [points[0]]
    for a, b in pairwise(points):
        if _on_edge(a, b):
            if len(piece) > 1:
                yield np.array(piece)
            piece = [b]
        elif abs(b[0] - a[0]) > 180.0:
            side = np.copysign(180.0, a[0])
            reach = b[0] + 2 * side
            share = (side - a[0]) / (reach - a[0]) if reach != a[0] else 0.0
            latitude = a[1] + share * (b[1] - a[1])
            piece.append(np.array([side, latitude]))
            yield np.array(piece)
            piece = [np.array([-side, latitude]), b]
        else:
            piece.append(b)
    if len(piece) > 1:
        yield np.array(piece)


def _on_edge(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    both_at_180 = abs(abs(a[0]) - 180.0) < _EDGE and abs(abs(b[0]) - 180.0) < _EDGE
    at_pole = abs(abs(a[1]) - 90.0) < _EDGE or abs(abs(b[1]) - 90.0) < _EDGE
    return both_at_180 or at_pole
