"""A field on the nested sphere as twelve means and details, and some of these alone.

Of each cell there are three details, along x, along y and across: what its four children differ by from its
mean (Haar's basis on the quadtree). With the means of zoom 0 they are as many numbers as the field has cells,
and each has a place: means come first, then zoom by zoom the details of each cell in nested order.
"""

from __future__ import annotations

__all__ = [
    "BASIS",
    "MEANS",
    "Kept",
    "check_places",
    "children",
    "details",
    "kept_at",
    "places_of",
    "split_cells",
    "zoom_of_places",
]

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fsae_core.errors import UserError
from fsae_core.sphere.healpix import MAX_ZOOM, n_cells
from fsae_core.sphere.leaves import Splits

Floats = NDArray[np.float32]
Kept: TypeAlias = list[NDArray[np.bool_]]
"""By zoom from 0 up, (field, cells, 3): of which details the numbers are kept."""

MEANS = 12
"""Cells of zoom 0, whose means come first."""
BASIS = np.array([[-1, 1, -1, 1], [-1, -1, 1, 1], [1, -1, -1, 1]], np.float32)
"""Details by children: x, y, across."""


def details(fine: NDArray[Any]) -> Floats:
    """(field, cells) -> details of the cells one zoom coarser, (field, cells / 4, 3)."""
    quads = fine.reshape(len(fine), fine.shape[1] // 4, 4)
    return np.asarray(quads @ (BASIS.T / 4), np.float32)


def children(means: NDArray[Any], parts: NDArray[Any]) -> Floats:
    """Means (field, cells) and details (field, cells, 3) -> the field one zoom finer, (field, 4 cells)."""
    return np.asarray((means[..., None] + parts @ BASIS).reshape(len(means), -1), np.float32)


def places_of(kept: Kept, fields: int, width: int | None = None) -> NDArray[np.int32]:
    """Where what is kept of each field stands among all its numbers, (field, width), ascending; the means are
    always kept. Behind the last of a field stands the number of its cells.

    width: by default as many as the field with most has; ValueError where it is less.
    """
    flags = np.concatenate(
        [np.ones((fields, MEANS), bool), *(k.reshape(fields, 3 * k.shape[1]) for k in kept)], axis=1
    )
    counts = flags.sum(axis=1)
    most = int(counts.max(initial=MEANS))
    width = most if width is None else width
    if most > width:
        raise ValueError(f"{most} numbers, {width} at most were expected")
    out = np.full((fields, width), flags.shape[1], np.int32)
    out[np.arange(width) < counts[:, None]] = np.nonzero(flags)[1]
    return out


def kept_at(places: NDArray[Any], finest: int) -> Kept:
    """Which details stand at these places (field, number) of fields of zoom ``finest``."""
    flags = np.zeros((len(places), n_cells(finest) + 1), bool)
    np.put_along_axis(flags, places.astype(np.int64), True, axis=1)
    return [
        flags[:, n_cells(zoom) : n_cells(zoom + 1)].reshape(len(places), n_cells(zoom), 3)
        for zoom in range(finest)
    ]


def zoom_of_places(places: NDArray[Any]) -> NDArray[np.int64]:
    """The zoom whose cells these details belong to; -1 for the means, that of the fields where none is."""
    wide = np.asarray(places, np.int64)
    bounds = np.array([n_cells(zoom) for zoom in range(MAX_ZOOM + 1)])
    return np.asarray(np.searchsorted(bounds, wide, side="right") - 1, np.int64)


def check_places(places: NDArray[Any], finest: int) -> None:
    """UserError where these (field, number) cannot be places of what is kept of fields of zoom ``finest``."""
    wide = np.asarray(places, np.int64)
    sound = wide.ndim == 2 and (not len(wide) or wide.shape[1] >= MEANS)
    if sound and len(wide):
        sound = bool(
            (wide[:, :MEANS] == np.arange(MEANS)).all()
            and ((np.diff(wide, axis=1) > 0) | (wide[:, 1:] == n_cells(finest))).all()
            and (wide[:, -1] <= n_cells(finest)).all()
        )
    if not sound:
        raise UserError(
            f"The places of {wide.shape[-1]} numbers are none of a field of zoom {finest}: make or copy them "
            "again."
        )


def split_cells(places: NDArray[Any], finest: int) -> Splits:
    """By zoom (field, cells): which cells have a kept detail of their own or of a cell in them."""
    splits: Splits = []
    for kept in reversed(kept_at(places, finest)):
        split: NDArray[np.bool_] = np.asarray(kept.any(axis=-1))
        if splits:
            split = split | splits[0].reshape(*split.shape, 4).any(axis=-1)
        splits.insert(0, split)
    return splits
