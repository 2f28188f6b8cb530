"""Archives to compressed datasets and back, block of times by block of times.

A compressed dataset holds each variable as a field on the coarse sphere, dims (time[, member], cell), in its
own units (general weights) or as an anomaly in them (an archive's own weights), with the offset and the
scale that the decoder needs: ``<v>_offset`` and ``<v>_scale``, dims (time[, member]). Its values are already
rounded to what a store keeps (float16 of (value - offset) / scale), so that memory and file say the same.
"""

from __future__ import annotations

__all__ = ["compress", "decompress", "levels_of_ratio"]

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset, crs_variable, data_names, zoom_of_dataset
from fsae_core.archive.timing import is_instant
from fsae_core.codec.choice import (
    FieldModel,
    Floats,
    Times,
    levels_of_ratio,
    pick_model,
    writing_model,
)
from fsae_core.codec.layout import FORMAT, INSTANT, OWN_ATTRIBUTES, check_compressed, field_names
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.pyramid import restrict

_BLOCK_VALUES = 2**21
"""Values of the native field that are in memory at once."""

Progress = Callable[[Iterable[Any]], Iterable[Any]]


def compress(
    ds: xr.Dataset,
    ratio: int,
    *,
    model: str | Path | FieldModel = "auto",
    variables: Iterable[str] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> xr.Dataset:
    """Compress a canonical archive so that each field has ``ratio`` times fewer values.

    ``model``: "auto" takes the weights made for the archive where there are some, else the general ones; or
    the name or the file of weights, or a model. ``progress`` wraps an iterable as tqdm does. Raises UserError
    for a ratio that is not offered or finer than the field allows, missing values, weights that do not fit.
    """
    names = _variables(ds, variables)
    zoom_in = zoom_of_dataset(ds)
    levels = levels_of_ratio(ratio, zoom_in)
    fitted = pick_model(ds[names], ratio, model, device)
    instant = {name: bool(ds[name].attrs.get(INSTANT, is_instant(ds, name))) for name in names}
    blocks = [(name, block) for name in names for block in _blocks(ds[name])]
    parts: dict[str, list[SimpleNamespace]] = {name: [] for name in names}
    for name, block in progress(blocks) if progress else blocks:
        parts[name].append(_compress_block(fitted, ds[name], block, instant[name]))
    out = xr.Dataset(coords={k: v for k, v in ds.coords.items() if "cell" not in v.dims and k != "crs"})
    out["crs"] = crs_variable(zoom_in - levels)
    for name in names:
        lead = ds[name].dims[:-1]
        shape = tuple(ds.sizes[dim] for dim in lead)
        values, offset, scale = (
            np.concatenate([getattr(part, field) for part in parts[name]])
            for field in ("values", "offset", "scale")
        )
        attrs = {**ds[name].attrs, INSTANT: int(instant[name])}
        out[name] = xr.DataArray(values.reshape(*shape, -1), dims=(*lead, "cell"), attrs=attrs)
        out[f"{name}_offset"] = xr.DataArray(offset.reshape(shape), dims=lead)
        out[f"{name}_scale"] = xr.DataArray(scale.reshape(shape), dims=lead)
    out.attrs = {
        **{k: v for k, v in ds.attrs.items() if k not in ("fsae_archive", "fsae_signature")},
        "fsae_format": FORMAT,
        "fsae_model": fitted.card.name,
        "fsae_weights_sha256": fitted.card.sha256,
        "fsae_ratio": int(ratio),
        "fsae_zoom_in": zoom_in,
    }
    return out


def decompress(
    cds: xr.Dataset,
    *,
    zoom: int | None = None,
    model: str | Path | FieldModel | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> xr.Dataset:
    """The canonical archive that a compressed dataset stands for, at its own zoom or a coarser one.

    ``model`` is needed only where the weights are not among the shipped ones. Raises UserError when ``cds``
    is not a compressed dataset, its weights are not here or are others, or ``zoom`` is out of range.
    """
    check_compressed(cds)
    zoom_in = int(cds.attrs["fsae_zoom_in"])
    zoom = zoom_in if zoom is None else zoom
    if not 0 <= zoom <= zoom_in:
        raise UserError(
            f"Zoom {zoom} was asked for, but this store holds fields of zoom {zoom_in}: "
            f"choose 0 to {zoom_in}."
        )
    fitted = writing_model(cds, model, device)
    names = field_names(cds)
    blocks = [(name, block) for name in names for block in _blocks(cds[name], n_cells(zoom_in))]
    parts: dict[str, list[Floats]] = {name: [] for name in names}
    for name, block in progress(blocks) if progress else blocks:
        fine = _decompress_block(fitted, cds, name, block)
        parts[name].append(fine if zoom == zoom_in else restrict(fine, zoom_in - zoom))
    fields = {}
    for name in names:
        lead = cds[name].dims[:-1]
        values = np.concatenate(parts[name]).reshape(*(cds.sizes[dim] for dim in lead), n_cells(zoom))
        coords = {k: v for k, v in cds[name].coords.items() if k != "crs"}
        fields[name] = xr.DataArray(values, dims=(*lead, "cell"), coords=coords, attrs=dict(cds[name].attrs))
    note = (
        f"decompressed from {cds.attrs['fsae_ratio']} times fewer values, weights {cds.attrs['fsae_model']}"
    )
    kept = {k: v for k, v in cds.attrs.items() if k not in OWN_ATTRIBUTES}
    return canonical_dataset(fields, kept, [note])


def _variables(ds: xr.Dataset, chosen: Iterable[str] | None) -> list[str]:
    here = data_names(ds)
    names = list(here if chosen is None else chosen)
    for name in names:
        if name not in here:
            raise UserError(
                f"There is no variable {name} in this archive, which has {', '.join(here)}: choose one."
            )
    if not names:
        raise UserError(
            "This archive has no variable on the sphere (with a dimension cell): nothing to compress."
        )
    for name in names:
        if ds[name].dims[-1] != "cell":
            raise UserError(f"{name} has dimensions {ds[name].dims}, expected the cells last: transpose it.")
    return names


@dataclass(frozen=True)
class _Block:
    """A slice of the first dimension of a variable."""

    start: int
    stop: int


def _blocks(da: xr.DataArray, cells: int | None = None) -> Iterator[_Block]:
    per_step = int(np.prod(da.shape[1:-1], dtype=int)) * (cells or da.shape[-1])
    step, total = max(1, _BLOCK_VALUES // per_step), da.shape[0] if da.ndim > 1 else 1
    for start in range(0, total, step):
        yield _Block(start, min(start + step, total))


def _take(da: xr.DataArray, block: _Block, trailing: int) -> tuple[Floats, Times]:
    """One block as (fields, *trailing) with the time of each field."""
    part = da[block.start : block.stop] if da.ndim > trailing else da
    values = np.asarray(part.values, dtype=np.float32)
    lead = values.shape[: values.ndim - trailing]
    times = None
    if "time" in part.dims:
        shape = [part.sizes["time"] if dim == "time" else 1 for dim in part.dims[: len(lead)]]
        times = np.broadcast_to(part["time"].values.reshape(shape), lead).ravel()
    return values.reshape(-1, *values.shape[len(lead) :]), times


def _compress_block(model: FieldModel, da: xr.DataArray, block: _Block, instant: bool) -> SimpleNamespace:
    x, times = _take(da, block, 1)
    missing = 1 - np.isfinite(x).mean()
    if missing:
        raise UserError(
            f"{da.name} has missing or infinite values in {100 * missing:.2g} % of its cells, but only "
            "complete fields can be compressed: fill them or leave the variable out."
        )
    got = model.compress_fields(x, variable=str(da.name), times=times, instant=instant)
    offset, scale = (np.asarray(v, dtype=np.float32) for v in (got.offset, got.scale))
    kept = ((got.values - offset[:, None]) / scale[:, None]).astype(np.float16).astype(np.float32)
    return SimpleNamespace(values=kept * scale[:, None] + offset[:, None], offset=offset, scale=scale)


def _decompress_block(model: FieldModel, cds: xr.Dataset, name: str, block: _Block) -> Floats:
    values, times = _take(cds[name], block, 1)
    offset, _ = _take(cds[f"{name}_offset"], block, 0)
    scale, _ = _take(cds[f"{name}_scale"], block, 0)
    compressed = SimpleNamespace(
        values=values,
        offset=offset,
        scale=scale,
        zoom_in=int(cds.attrs["fsae_zoom_in"]),
        zoom=zoom_of(values.shape[-1]),
    )
    instant = bool(cds[name].attrs.get(INSTANT, False))
    fields = model.decompress_fields(compressed, variable=name, times=times, instant=instant)
    return np.asarray(fields, dtype=np.float32)
