"""Some of a field's numbers, and where each stands.

The numbers are either twelve means and details (`sphere.details`) or the cells of a pyramid: those of zoom 0,
then those of each finer zoom up to the field's own, in nested order. Places count means and details from 0
on. The number of the field's cells stands for no number; the cells of a pyramid come after it.
"""

from __future__ import annotations

__all__ = [
    "NOWHERE",
    "Kept",
    "are_cells",
    "check_places",
    "count_kept",
    "kept_at",
    "places_of",
    "split_cells",
    "zoom_of_places",
]

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fsae_core.errors import UserError
from fsae_core.sphere.details import MEANS
from fsae_core.sphere.healpix import MAX_ZOOM, n_cells
from fsae_core.sphere.leaves import Splits

Kept: TypeAlias = list[NDArray[np.bool_]]
"""By zoom from 0 up, which numbers are kept: (field, cells, 3) of details, below the field's own zoom, or
(field, cells, 1) of the cells of a pyramid, up to the field's own zoom."""

NOWHERE = -2
"""The zoom of no number."""


def are_cells(places: NDArray[Any]) -> bool:
    """Whether these (field, number) are places of the cells of pyramids: details come after means."""
    wide = np.asarray(places)
    return bool(wide.size and (wide[:, 0] != 0).any())


def count_kept(places: NDArray[Any], finest: int) -> NDArray[np.int64]:
    """How many numbers of each field are kept, (field,)."""
    return np.asarray((np.asarray(places) != n_cells(finest)).sum(axis=1), np.int64)


def places_of(kept: Kept, fields: int, width: int | None = None) -> NDArray[np.int32]:
    """Where what is kept of each field stands among all its numbers, (field, width), ascending; means are
    always kept with details. Behind the last of a field stands the number of its cells.

    width: by default as many as the field with most has, one at least; ValueError where it is less.
    """
    cells = bool(kept) and kept[0].shape[-1] == 1
    before = np.zeros((fields, 0), bool) if cells else np.ones((fields, MEANS), bool)
    flat = [k.reshape(fields, k.shape[1] * k.shape[2]) for k in kept]
    flags = np.concatenate([before, *flat], axis=1)
    nowhere = kept[-1].shape[1] if cells else flags.shape[1]
    counts = flags.sum(axis=1)
    most = int(counts.max(initial=max(1, before.shape[1])))
    width = most if width is None else width
    if most > width:
        raise ValueError(f"{most} numbers, {width} at most were expected")
    out = np.full((fields, width), nowhere, np.int32)
    out[np.arange(width) < counts[:, None]] = np.nonzero(flags)[1] + (nowhere + 1 if cells else 0)
    return out


def kept_at(places: NDArray[Any], finest: int) -> Kept:
    """What stands at these places (field, number) of fields of zoom ``finest``."""
    wide, nowhere = np.asarray(places, np.int64), n_cells(finest)
    if not are_cells(wide):
        flags = np.zeros((len(wide), nowhere + 1), bool)
        np.put_along_axis(flags, wide, True, axis=1)
        return [
            flags[:, n_cells(zoom) : n_cells(zoom + 1)].reshape(len(wide), n_cells(zoom), 3)
            for zoom in range(finest)
        ]
    flags = np.zeros((len(wide), _first(finest + 1) + 1), bool)
    np.put_along_axis(flags, np.maximum(wide - nowhere, 0), True, axis=1)
    return [flags[:, 1 + _first(zoom) : 1 + _first(zoom + 1), None] for zoom in range(finest + 1)]


def zoom_of_places(places: NDArray[Any], finest: int) -> NDArray[np.int64]:
    """The zoom of the cells that these numbers belong to; -1 for means, `NOWHERE` for no number."""
    wide, nowhere = np.asarray(places, np.int64), n_cells(finest)
    if are_cells(wide):
        wide, bounds = wide - nowhere - 1, np.array([_first(zoom) for zoom in range(MAX_ZOOM + 1)])
        found = np.searchsorted(bounds, wide, side="right") - 1
        return np.where(wide < 0, NOWHERE, found)
    bounds = np.array([n_cells(zoom) for zoom in range(MAX_ZOOM + 1)])
    found = np.searchsorted(bounds, wide, side="right") - 1
    return np.where(wide == nowhere, NOWHERE, found)


def check_places(places: NDArray[Any], finest: int) -> None:
    """UserError where these (field, number) cannot be places of what is kept of fields of zoom ``finest``."""
    wide, nowhere = np.asarray(places, np.int64), n_cells(finest)
    sound = wide.ndim == 2
    if sound and len(wide):
        rising = bool(((np.diff(wide, axis=1) > 0) | (wide[:, 1:] == nowhere)).all())
        if are_cells(wide):
            last = nowhere + _first(finest + 1)
            sound = rising and bool(((wide >= nowhere) & (wide <= last)).all())
            sound = sound and bool(((wide[:, :-1] != nowhere) | (wide[:, 1:] == nowhere)).all())
        else:
            sound = rising and wide.shape[1] >= MEANS and bool((wide[:, :MEANS] == np.arange(MEANS)).all())
            sound = sound and bool((wide[:, -1] <= nowhere).all())
    if not sound:
        raise UserError(
            f"The places of {wide.shape[-1]} numbers are none of a field of zoom {finest}: make or copy them "
            "again."
        )


def split_cells(places: NDArray[Any], finest: int) -> Splits:
    """By zoom (field, cells): which cells the kept numbers tell apart inside: those with a kept detail of
    their own or of a cell in them, or with a kept cell in them."""
    kept = kept_at(places, finest)
    if are_cells(places):
        kept = [finer.reshape(len(finer), -1, 4) for finer in kept[1:]]
    splits: Splits = []
    for here in reversed(kept):
        split: NDArray[np.bool_] = np.asarray(here.any(axis=-1))
        if splits:
            split = split | splits[0].reshape(*split.shape, 4).any(axis=-1)
        splits.insert(0, split)
    return splits


def _first(zoom: int) -> int:
    """How many cells all coarser zooms have."""
    return 4 * (4**zoom - 1)
