"""Winds as vectors tangent to the sphere: components that know no pole, block means, smooth prolongation.

East and north turn quickly around a pole and stand for nothing at it, so a map that mixes the components of
neighbouring cells would mix directions there. Here components stand along frames that are carried from the
centre of a face of the grid to its cells along great circles (parallel transport): inside a face, the poles
included, they turn as little as the sphere allows. Means
over cells and interpolation go through vectors of three components, which know no frame at all.
"""

from __future__ import annotations

__all__ = [
    "carried_frames",
    "east_north",
    "grid_frames",
    "prolong_wind",
    "restrict_wind",
    "rotate_wind",
    "turn_of_frames",
]

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.sphere.healpix import MAX_ZOOM, cell_centres, cell_vectors, zoom_of
from fsae_core.sphere.pyramid import prolong, restrict

Floats = NDArray[np.float64]
Winds = tuple[Any, Any]
"""Eastward and northward components, each (..., cells)."""


@lru_cache(maxsize=MAX_ZOOM + 1)
def east_north(zoom: int) -> tuple[Floats, Floats]:
    """Unit vectors (cells, 3) towards the east and the north of each cell centre."""
    lon, lat = (np.radians(a) for a in cell_centres(zoom))
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    return east, north


def carried_frames(face: NDArray[np.int64], points: Floats) -> tuple[Floats, Floats]:
    """Orthonormal tangent vectors (..., 3) at unit vectors `points` (..., 3): the east and north of the
    centre of each face (...), carried along the great circle."""
    start = cell_vectors(0)[face]
    share = (start + points) / (1 + (start * points).sum(-1, keepdims=True))
    first, second = (axis[face] for axis in east_north(0))
    one, two = (a - (a * points).sum(-1, keepdims=True) * share for a in (first, second))
    return one, two


@lru_cache(maxsize=MAX_ZOOM + 1)
def grid_frames(zoom: int) -> tuple[Floats, Floats]:
    """The frame of each cell, (cells, 3) twice: that of its face's centre, carried."""
    return carried_frames(np.arange(12 * 4**zoom) // 4**zoom, cell_vectors(zoom))


@lru_cache(maxsize=MAX_ZOOM + 1)
def turn_of_frames(zoom: int) -> tuple[Floats, Floats]:
    """Cosine and sine (cells,) of the angle from a cell's east to the first axis of its grid frame."""
    east, north = east_north(zoom)
    first, _ = grid_frames(zoom)
    return (first * east).sum(-1), (first * north).sum(-1)


def rotate_wind(u: Any, v: Any, *, back: bool = False) -> Winds:
    """Components towards east and north (..., cells) -> along the frames of the grid; back: the other way.

    Numpy arrays or torch tensors; the length of each wind is kept.
    """
    turn: tuple[Any, Any] = turn_of_frames(zoom_of(int(u.shape[-1])))
    if hasattr(u, "requires_grad"):
        import torch

        c, s = (torch.from_numpy(a).to(u) for a in turn)
    else:
        c, s = (a.astype(u.dtype) for a in turn)
    if back:
        return c * u - s * v, s * u + c * v
    return c * u + s * v, c * v - s * u


def _vectors(u: Any, v: Any) -> Any:
    """Components (..., cells) -> vectors (..., 3, cells)."""
    east, north = (a.T.astype(u.dtype) for a in east_north(zoom_of(u.shape[-1])))
    return u[..., None, :] * east + v[..., None, :] * north


def _components(w: Any) -> Winds:
    """Vectors (..., 3, cells) -> their tangent components."""
    east, north = (a.T.astype(w.dtype) for a in east_north(zoom_of(w.shape[-1])))
    return (w * east).sum(-2), (w * north).sum(-2)


def restrict_wind(u: Any, v: Any, levels: int = 1) -> Winds:
    """Means over the 4**levels children of each coarse cell, of vectors: numpy (..., n) each."""
    return _components(restrict(_vectors(u, v), levels))


def prolong_wind(u: Any, v: Any, levels: int = 1) -> Winds:
    """Smooth refinement of the vectors, laid down on the finer tangent planes: numpy (..., n) each."""
    return _components(prolong(_vectors(u, v), levels))
