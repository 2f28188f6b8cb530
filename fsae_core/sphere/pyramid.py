"""The multi-scale pyramid on nested HEALPix: restrict, prolong, decompose, compose.

Arrays have their cells on the last axis, shape (..., n_cells), and may be numpy arrays or torch tensors
(torch is imported only when a tensor comes in; all is differentiable and keeps dtype and device). The zoom is
inferred from the last axis.

Restriction R is the mean over the 4**levels nested children. Prolongation P is bilinear inside the ring of
eight neighbours, made mean-preserving: with U the injection and B the bilinear interpolation in face
coordinates, P = U + (B - U R B), so R P = identity and constants are kept. Where three faces meet, a corner
neighbour is absent and its weight is shared by the two neighbours beside it.
"""

from __future__ import annotations

__all__ = ["compose", "decompose", "inject", "prolong", "prolongation_matrix", "restrict"]

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fsae_core.errors import UserError
from fsae_core.sphere.healpix import MAX_ZOOM, RING_STEPS, cell_xyf, ring_table, zoom_of

Array: TypeAlias = Any  # a numpy array or a torch tensor, and the same comes back


@lru_cache(maxsize=MAX_ZOOM + 1)
def prolongation_matrix(levels: int) -> NDArray[np.float64]:
    """Weights of the mean-preserving prolongation, shape (4**levels, 9): one row for each nested child.

    The columns stand for the cell itself and its neighbours SW, W, NW, N, NE, E, SE, S. Rows sum to 1; column
    means over the children are 1 for the cell itself and 0 for its neighbours.
    """
    n = 2**levels
    ix, iy, _ = cell_xyf(np.arange(4**levels), levels)
    fx, fy = (ix + 0.5) / n - 0.5, (iy + 0.5) / n - 0.5
    bilinear = np.zeros((4**levels, 9))
    bilinear[:, 0] = (1 - abs(fx)) * (1 - abs(fy))
    for column, (dx, dy) in enumerate(RING_STEPS, start=1):
        along_x = np.where(fx * dx > 0, abs(fx), 0.0) if dx else 1 - abs(fx)
        along_y = np.where(fy * dy > 0, abs(fy), 0.0) if dy else 1 - abs(fy)
        bilinear[:, column] = along_x * along_y
    matrix = bilinear - bilinear.mean(axis=0)
    matrix[:, 0] += 1.0
    matrix.setflags(write=False)
    return matrix


@lru_cache(maxsize=MAX_ZOOM)
def neighbour_index(zoom: int) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], ...]]:
    """Neighbours by slot, shape (8, n_cells), with an absent corner pointing at the cell itself.

    Also where those corners are: (slot, cell, slot before, slot after), each of shape (absent corners,).
    """
    table = ring_table(zoom).T
    slot, cell = np.nonzero(table < 0)
    filled = np.where(table < 0, np.arange(table.shape[1]), table)
    filled.setflags(write=False)
    return filled, (slot, cell, (slot - 1) % 8, (slot + 1) % 8)


def _is_torch(x: Any) -> bool:
    return hasattr(x, "requires_grad")


def _cells(x: Array) -> int:
    if len(x.shape) == 0:
        raise UserError("A single number was found, a field with its cells on the last axis was expected.")
    return int(x.shape[-1])


def _floating(x: Any) -> NDArray[Any]:
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def _check_levels(levels: int, room: int, what: str) -> None:
    if int(levels) != levels or not 0 <= levels <= room:
        raise UserError(
            f"{what} by {levels!r} levels was asked for, 0 to {room} are possible for this field."
        )


def restrict(x: Array, levels: int = 1) -> Array:
    """Mean over the 4**levels children of each coarse cell: (..., n) -> (..., n / 4**levels)."""
    _check_levels(levels, zoom_of(_cells(x)), "Restriction")
    if _is_torch(x):
        from fsae_core.sphere.pyramid_torch import restrict_tensor

        return restrict_tensor(x, levels)
    x = _floating(x)
    for _ in range(levels):
        quads = x.reshape(*x.shape[:-1], x.shape[-1] // 4, 4)
        x = ((quads[..., 0] + quads[..., 1]) + (quads[..., 2] + quads[..., 3])) * x.dtype.type(0.25)
    return x


def inject(x: Array, levels: int = 1) -> Array:
    """Every value repeated for its 4**levels children: (..., n) -> (..., n * 4**levels)."""
    _check_levels(levels, MAX_ZOOM - zoom_of(_cells(x)), "Injection")
    if _is_torch(x):
        return x.unsqueeze(-1).expand(*x.shape, 4**levels).flatten(-2)
    return np.repeat(x, 4**levels, axis=-1)


def prolong(x: Array, levels: int = 1) -> Array:
    """Smooth, mean-preserving refinement: (..., n) -> (..., n * 4**levels), with restrict(prolong(x)) = x."""
    zoom = zoom_of(_cells(x))
    _check_levels(levels, MAX_ZOOM - zoom, "Prolongation")
    if levels == 0:
        return x
    if _is_torch(x):
        from fsae_core.sphere.pyramid_torch import prolong_tensor

        return prolong_tensor(x, zoom, levels)
    x = _floating(x)
    index, (slot, cell, before, after) = neighbour_index(zoom)
    # Differences to the cell itself: constants come out exact, and rounding is small beside the field's mean.
    steps = np.take(x, index, axis=-1) - x[..., None, :]
    steps[..., slot, cell] = (steps[..., before, cell] + steps[..., after, cell]) * x.dtype.type(0.5)
    fine = np.swapaxes(steps, -1, -2) @ prolongation_matrix(levels)[:, 1:].T.astype(x.dtype)
    fine += x[..., None]
    return fine.reshape(*x.shape[:-1], x.shape[-1] * 4**levels)


def decompose(x: Array, zooms: Iterable[int]) -> dict[int, Array]:
    """Split a field: full values at the coarsest of `zooms`, then at each finer one what `prolong` misses.

    The finest of `zooms` must be the field's own; gaps are allowed. Residuals have zero mean inside every
    cell of the level below. `compose` is the inverse. Raises UserError for zooms that do not fit.
    """
    zoom = zoom_of(_cells(x))
    ordered = sorted({int(z) for z in zooms})
    if not ordered or ordered[-1] != zoom or ordered[0] < 0:
        raise UserError(f"Zooms {ordered} were asked for, but the finest must be the field's own, {zoom}.")
    levels: dict[int, Array] = {}
    for coarse, fine in zip(reversed(ordered[:-1]), reversed(ordered[1:]), strict=True):
        below = restrict(x, fine - coarse)
        levels[fine] = x - prolong(below, fine - coarse)
        x = below
    levels[ordered[0]] = x
    return dict(sorted(levels.items()))


def compose(levels: Mapping[int, Array | None], zoom: int | None = None) -> Array:
    """Put the levels of `decompose` together at `zoom` (default: the finest level given).

    A residual that is None or missing counts as zero, so a zoom beyond the finest level is a smooth
    refinement. Levels finer than `zoom` are left out; where it falls into a gap, the next finer level is
    restricted to it. Raises UserError when the base is missing or a level has not the cells of its zoom.
    """
    ordered = sorted(levels)
    base = levels[ordered[0]] if ordered else None
    if base is None:
        raise UserError("The coarsest level holds no field: the base of a pyramid is needed to compose it.")
    target = ordered[-1] if zoom is None else int(zoom)
    if target < 0 or target > MAX_ZOOM:
        raise UserError(f"Zoom {target} was asked for, but zooms are whole numbers from 0 to {MAX_ZOOM}.")
    for z, level in levels.items():
        if level is not None and zoom_of(_cells(level)) != z:
            raise UserError(f"The level of zoom {z} has {_cells(level)} cells, {12 * 4**z} were expected.")
    here, x = ordered[0], base
    for fine in ordered[1:]:
        if here >= target:
            break
        x = prolong(x, fine - here)
        residual = levels[fine]
        x = x if residual is None else x + residual
        here = fine
    return restrict(x, here - target) if here > target else prolong(x, target - here)
