"""What is derived from a wind: speed, vorticity, divergence; and gradients, on nested HEALPix.

The derivative at a cell is that of the plane which fits the differences to the neighbours best (least
squares in the tangent plane). Winds are compared as vectors of three components, so that nothing happens at
the poles: divergence is the sum of g_j . w_j and vorticity that of (g_j x w_j) . r, with g_j the gradient's
weight of neighbour j and r the outward normal.
"""

from __future__ import annotations

__all__ = ["EARTH_RADIUS", "gradient", "gradient_size", "vorticity_divergence", "wind_speed"]

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.sphere.healpix import cell_vectors, ring_table, zoom_of
from fsae_core.sphere.tangent import east_north

EARTH_RADIUS = 6_371_000.0
"""Metres."""

Floats = NDArray[Any]


@lru_cache(maxsize=4)
def _weights(zoom: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Neighbours (cells, 8), and for each what its difference to the cell adds to the gradient, a tangent
    vector (cells, 8, 3) in 1/m; absent neighbours have none."""
    ring, centre = ring_table(zoom), cell_vectors(zoom)
    real = ring >= 0
    index = np.where(real, ring, np.arange(len(ring))[:, None])
    east, north = east_north(zoom)
    step = centre[index] - centre[:, None]
    # Distances on the sphere rather than chords: the tangent part stretched to the arc.
    flat = np.stack([np.einsum("pjk,pk->pj", step, e) for e in (east, north)], axis=-1)
    length = np.linalg.norm(flat, axis=-1)
    arc = np.arcsin(np.clip(length, 0, 1))
    flat *= (arc / np.where(length > 0, length, 1.0))[..., None] * EARTH_RADIUS
    flat[~real] = 0.0
    normal = np.einsum("pji,pjk->pik", flat, flat)
    plane = np.einsum("pik,pjk->pji", np.linalg.inv(normal), flat)
    weights = plane[..., :1] * east[:, None] + plane[..., 1:] * north[:, None]
    return index, weights


def gradient(field: Floats) -> tuple[Floats, Floats]:
    """(..., cells) -> its eastward and northward derivative, in its units per metre."""
    zoom = zoom_of(field.shape[-1])
    index, weights = _weights(zoom)
    east, north = east_north(zoom)
    parts = [np.einsum("pjk,pk->jp", weights, e) for e in (east, north)]
    out = [np.zeros(field.shape, np.result_type(field, np.float32)) for _ in parts]
    for j in range(index.shape[1]):
        step = field[..., index[:, j]] - field
        for total, part in zip(out, parts, strict=True):
            total += step * part[j]
    return out[0], out[1]


def gradient_size(field: Floats) -> Floats:
    """(..., cells) -> length of its gradient, in its units per metre."""
    return np.asarray(np.hypot(*gradient(field)))


def wind_speed(u: Floats, v: Floats) -> Floats:
    """Components (..., cells) -> speed (..., cells)."""
    return np.asarray(np.hypot(u, v))


def vorticity_divergence(u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Eastward and northward wind (..., cells) in m/s -> relative vorticity and divergence in 1/s."""
    zoom = zoom_of(u.shape[-1])
    index, weights = _weights(zoom)
    east, north, centre = *east_north(zoom), cell_vectors(zoom)
    vorticity, divergence = (np.zeros(u.shape, np.result_type(u, np.float32)) for _ in range(2))
    for j in range(index.shape[1]):
        near, g = index[:, j], weights[:, j]
        turned = np.cross(centre, g)
        for wind, axis in ((u, east), (v, north)):
            there = wind[..., near]
            divergence += there * (axis[near] * g).sum(-1) - wind * (axis * g).sum(-1)
            vorticity += there * (axis[near] * turned).sum(-1) - wind * (axis * turned).sum(-1)
    return vorticity, divergence
