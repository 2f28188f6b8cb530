"""Several variables compressed together: one compressed field a variable, none of which is enough alone.

Weights for several variables (``--model joint``) encode the fields of a time together and need all their
compressed fields to decode any of them. A dataset of such fields says so in ``fsae_together``, the variables
in order; all else is as in any compressed dataset.
"""

from __future__ import annotations

__all__ = [
    "TOGETHER",
    "blocks_together",
    "compress_together",
    "decoded_together",
    "is_joint",
    "names_together",
    "step_together",
]

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.timing import is_instant
from fsae_core.codec.block import Block, Progress, rows_at_once, take
from fsae_core.codec.choice import Floats, Times, levels_of_ratio
from fsae_core.codec.field_coder import CodedFields, FieldCoder
from fsae_core.codec.layers import Layers
from fsae_core.codec.layout import INSTANT, field_names
from fsae_core.codec.rate import ALLOWED_GROWTH, Latents
from fsae_core.codec.shelf import coded_block, compressed_variables
from fsae_core.codec.steps import known_step
from fsae_core.errors import UserError

TOGETHER = "fsae_together"
"""Attribute of a dataset: JSON, the variables whose compressed fields belong together."""

_FINEST, _COARSEST, _TRIALS, _SAMPLE = 2.0**-10, 2.0, 7, 4


def is_joint(model: Any) -> bool:
    """Whether a model encodes variables together."""
    return hasattr(model, "compress_joint")


def names_together(cds: xr.Dataset) -> list[str]:
    """The variables of a compressed dataset that were compressed together; none in most. UserError where it
    names others than it holds."""
    if TOGETHER not in cds.attrs:
        return []
    try:
        names = [str(name) for name in json.loads(cds.attrs[TOGETHER])]
    except (ValueError, TypeError) as error:
        raise UserError(
            f"The attribute {TOGETHER} of the store is damaged: make or copy it again."
        ) from error
    if not names or not set(names) <= set(field_names(cds)):
        raise UserError(
            f"The store was compressed with {', '.join(names)} together, but holds "
            f"{', '.join(field_names(cds))}: none of these can be decoded without the others; copy all."
        )
    return names


def _shapes_agree(ds: xr.Dataset, names: Sequence[str]) -> None:
    shapes = {(ds[name].dims, ds[name].shape) for name in names}
    if len(shapes) > 1:
        raise UserError(
            f"{', '.join(names)} have other dimensions than each other: compress them one by one."
        )


def _fields(ds: xr.Dataset, names: Sequence[str], block: Block) -> tuple[dict[str, Floats], Times]:
    fields, times = {}, None
    for name in names:
        fields[name], times = take(ds[name], block, 1)
        missing = 1 - np.isfinite(fields[name]).mean()
        if missing:
            raise UserError(
                f"{name} has missing or infinite values in {100 * missing:.2g} % of its cells, but only "
                "complete fields can be compressed: fill them or leave the variable out."
            )
    return fields, times


def blocks_together(array: xr.DataArray, variables: int, cells: int) -> list[Block]:
    """Of so many variables with fields of so many cells, in slices of the first dimension."""
    if array.ndim == 1:
        return [Block(0, 1)]
    per_step = int(np.prod(array.shape[1:-1], dtype=int)) * cells * variables
    step = rows_at_once(per_step)
    return [Block(i, min(i + step, array.shape[0])) for i in range(0, array.shape[0], step)]


def compress_together(
    ds: xr.Dataset,
    names: list[str],
    model: Any,
    *,
    step: float | None = None,
    progress: Progress | None = None,
) -> dict[str, dict[str, xr.DataArray]]:
    """What `assembled` makes a compressed dataset of, by variable. UserError for unlike dimensions or
    missing values."""
    _shapes_agree(ds, names)
    zoom_in = zoom_of_dataset(ds)
    zoom = zoom_in - levels_of_ratio(model.card.ratio, zoom_in)
    instant = bool(ds[names[0]].attrs.get(INSTANT, is_instant(ds, names[0])))
    own = step if step is not None else step_together(ds, names, model, instant)
    coders = {name: FieldCoder(model, name, instant, zoom_in, zoom, own) for name in names}
    parts: dict[str, list[list[CodedFields]]] = {name: [] for name in names}
    blocks = blocks_together(ds[names[0]], len(names), ds.sizes["cell"])
    for block in progress(blocks) if progress else blocks:
        fields, times = _fields(ds, names, block)
        found = model.compress_joint(fields, times=times, instant=instant)
        for name in names:
            latents = Latents.of(found[name], zoom_in, zoom)
            coded = CodedFields(latents.values(own), latents.offset, latents.scale, latents.zoom)
            parts[name].append([coded])
    return {name: compressed_variables(ds[name], Layers((coders[name],)), parts[name]) for name in names}


def step_together(ds: xr.Dataset, names: Sequence[str], model: Any, instant: bool) -> float:
    """The step for all compressed fields, in units of their scale: known, or else the largest of some at
    which the RMSE of no variable grows by more than 2 % on a few fields."""
    known = [known_step(model.card, model.card.ratio, name) for name in names]
    if all(step is not None for step in known):
        return min(step for step in known if step is not None)
    array = ds[names[0]]
    rows = np.unique(np.linspace(0, array.shape[0] - 1, _SAMPLE).astype(int)) if array.ndim > 1 else [0]
    picked = [_fields(ds, names, Block(int(row), int(row) + 1)) for row in rows]
    fields = {name: np.concatenate([f[name] for f, _ in picked]) for name in names}
    stamps = [t for _, t in picked if t is not None]
    times = np.concatenate(stamps) if stamps else None
    found = model.compress_joint(fields, times=times, instant=instant)
    zoom_in = zoom_of_dataset(ds)
    latents = {name: Latents.of(found[name], zoom_in, int(found[name].zoom)) for name in names}

    def errors(step: float | None) -> Floats:
        parts = {name: own.compressed(own.values(step)) for name, own in latents.items()}
        back = model.decompress_joint(parts, times=times, instant=instant)
        return np.array([np.sqrt(np.mean((back[n] - fields[n]) ** 2, dtype=np.float64)) for n in names])

    exact = np.maximum(errors(None), 1e-12)
    low, high = _FINEST, _COARSEST
    for _ in range(_TRIALS):
        middle = (low * high) ** 0.5
        if (errors(middle) / exact).max() <= 1 + ALLOWED_GROWTH:
            low = middle
        else:
            high = middle
    return float(np.float32(low))


def decoded_together(
    cds: xr.Dataset, names: Sequence[str], model: Any, progress: Progress | None = None, cells: int = 0
) -> dict[str, list[Floats]]:
    """Fields (rows, cells) of all variables that were compressed together, block by block of times."""
    instant = bool(cds[names[0]].attrs.get(INSTANT, False))
    zoom_in = int(cds.attrs["fsae_zoom_in"])
    out: dict[str, list[Floats]] = {name: [] for name in names}
    blocks = blocks_together(cds[names[0]], len(names), cells)
    for block in progress(blocks) if progress else blocks:
        parts, times = {}, None
        for name in names:
            (coded,), times = coded_block(cds, name, block, 1)
            parts[name] = SimpleNamespace(
                values=coded.values,
                offset=coded.offset,
                scale=coded.scale,
                zoom_in=zoom_in,
                zoom=-1 if coded.zoom is None else coded.zoom,
            )
        found = model.decompress_joint(parts, times=times, instant=instant)
        for name in names:
            out[name].append(np.asarray(found[name], np.float32))
    return out
