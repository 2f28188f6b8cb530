"""What general weights learn from: fields of several archives, how often each is drawn, and the loss by which
very different fields count alike."""

from __future__ import annotations

__all__ = ["GENERAL_ZOOMS", "gather_sets", "share_of_baseline", "sunlit_range", "zoom_weight"]

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError
from fsae_core.model.autoencoder import FieldSpaceAutoencoder
from fsae_core.model.conditioning import solar_declination
from fsae_core.training.fields import FieldSet, load_fields
from fsae_core.training.splits import Split, split_of

GENERAL_ZOOMS = (4, 8)
_WARM, _INSTANT, _MARGIN = 0.6, 3.0, 10.0


def share_of_baseline(y: Tensor, x: Tensor, levels: int) -> Tensor:
    """Squared error of y (batch, cells) over that of block mean and smooth prolongation, (batch,)."""
    base = FieldSpaceAutoencoder.baseline(x, levels)
    return (y - x).square().mean(-1) / (base - x).square().mean(-1).clamp_min(1e-6)


def zoom_weight(own: Sequence[int], zoom: int) -> float:
    """Mostly zoom 6 where there is some, a little of what is far finer (slow) or coarser."""
    if 6 in own:
        return {4: 0.05, 5: 0.06, 6: 0.84, 7: 0.04, 8: 0.01}.get(zoom, 0.0)
    return 1.0 if zoom in own else 0.0


def gather_sets(
    archives: Sequence[str], patch_levels: int
) -> tuple[list[FieldSet], list[FieldSet], dict[str, Any]]:
    """Training fields with their weights, validation fields, and the splits by archive.

    patch_levels: coarsest zoom that is of use. UserError for archives without training times or too coarse.
    """
    train: list[FieldSet] = []
    check: list[FieldSet] = []
    splits: dict[str, Any] = {}
    for source in archives:
        ds = open_archive(source)
        zoom = zoom_of_dataset(ds)
        split = split_of(ds)
        name = str(ds.attrs.get("fsae_name") or Path(source).stem)
        splits[name] = split.as_dict()
        times = ds["time"].values
        keep = Split.mask(times, split.train)
        if not keep.any():
            raise UserError(
                f"{name} has no times in its training period {split.train[0]} to {split.train[1]}: "
                "give an archive that has."
            )
        coarser = max(0, min(zoom - 6, zoom - patch_levels)) if zoom > 6 else 0
        train += load_fields(ds, keep, coarser=coarser)
        later = Split.mask(times, split.validate)
        if later.any():
            check += load_fields(ds, later, most=12)
    train = [one for one in train if one.zoom >= patch_levels]
    if not train:
        raise UserError(
            f"The archives given have no field of zoom {patch_levels} or finer: choose a smaller ratio or "
            "regrid them."
        )
    return _weighted(train), [one for one in check if one.zoom >= patch_levels], splits


def sunlit_range(sets: Sequence[FieldSet]) -> tuple[float, float]:
    """Declinations of the sun in the instantaneous training fields, and ten degrees more on either side."""
    seen = [solar_declination(one.times) for one in sets if one.instant]
    if not seen:
        return 0.0, 0.0
    together = np.concatenate(seen)
    return float(together.min()) - _MARGIN, float(together.max()) + _MARGIN


def _weighted(sets: list[FieldSet]) -> list[FieldSet]:
    """At each zoom temperature is drawn more often than all other variables together, where there are others.

    Within these two, sets are drawn by the root of how many fields they have, so that long archives do not
    drown short ones, and instantaneous fields more often than means, which have less to show.
    """
    out = []
    for zoom in {one.zoom for one in sets}:
        here = [one for one in sets if one.zoom == zoom]
        for warm, share in ((True, _WARM), (False, 1 - _WARM)):
            part = [one for one in here if (one.variable == "t2m") is warm]
            sizes = [len(one.values) ** 0.5 * (_INSTANT if one.instant else 1.0) for one in part]
            out += [
                replace(one, weight=share * size / sum(sizes)) for one, size in zip(part, sizes, strict=True)
            ]
    return out
