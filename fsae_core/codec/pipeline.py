"""Archives to compressed datasets and back, block of times by block of times.

A compressed dataset holds each variable as a field on the coarse sphere, dims (time[, member], cell), in its
own units (general weights) or as an anomaly in them (an archive's own weights), with the offset and the
scale that the decoder needs: ``<v>_offset`` and ``<v>_scale``, dims (time[, member]). Its values are already
rounded to what a store keeps (float16 of (value - offset) / scale), so that memory and file say the same.
"""

from __future__ import annotations

__all__ = [
    "FORMAT",
    "RATIOS",
    "FieldModel",
    "compress",
    "decompress",
    "is_compressed",
    "levels_of_ratio",
    "pick_model",
]

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import canonical_dataset, crs_variable, data_names, zoom_of_dataset
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.pyramid import restrict

FORMAT = 1
RATIOS = (4, 16, 64, 256)
_OWN_ATTRIBUTES = ("fsae_format", "fsae_model", "fsae_weights_sha256", "fsae_ratio", "fsae_zoom_in")
_BLOCK_VALUES = 2**21
"""Values of the native field that are in memory at once."""

Floats = NDArray[np.float32]
Times = NDArray[np.datetime64] | None
Progress = Callable[[Iterable[Any]], Iterable[Any]]


class FieldModel(Protocol):
    """What the codec asks of a model; ``fsae_core.model.checkpoint.load_model`` gives such objects.

    ``card`` has name, ratio, variables (tuple, or None for any), zooms (lowest and highest input), sha256.
    """

    @property
    def card(self) -> Any: ...

    def compress_fields(self, x: Floats, *, variable: str, times: Times) -> Any: ...

    def decompress_fields(self, compressed: Any, *, variable: str, times: Times) -> Floats: ...


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
    fitted = pick_model(ds, ratio, model, device)
    _check_fit(fitted.card, ratio, names, zoom_in)

    blocks = [(name, block) for name in names for block in _blocks(ds[name])]
    parts: dict[str, list[SimpleNamespace]] = {name: [] for name in names}
    for name, block in progress(blocks) if progress else blocks:
        parts[name].append(_compress_block(fitted, ds[name], block))
    out = xr.Dataset(coords={k: v for k, v in ds.coords.items() if "cell" not in v.dims and k != "crs"})
    out["crs"] = crs_variable(zoom_in - levels)
    for name in names:
        lead = ds[name].dims[:-1]
        shape = tuple(ds.sizes[dim] for dim in lead)
        values, offset, scale = (
            np.concatenate([getattr(part, field) for part in parts[name]])
            for field in ("values", "offset", "scale")
        )
        out[name] = xr.DataArray(values.reshape(*shape, -1), dims=(*lead, "cell"), attrs=dict(ds[name].attrs))
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
    if not is_compressed(cds):
        raise UserError(
            "This is not a compressed dataset (it has no attribute fsae_format): compress it first."
        )
    zoom_in = int(cds.attrs["fsae_zoom_in"])
    zoom = zoom_in if zoom is None else zoom
    if not 0 <= zoom <= zoom_in:
        raise UserError(
            f"Zoom {zoom} was asked for, but this store holds fields of zoom {zoom_in}: "
            f"choose 0 to {zoom_in}."
        )
    fitted = _load(model or cds.attrs["fsae_model"], device)
    if fitted.card.sha256 != cds.attrs["fsae_weights_sha256"]:
        raise UserError(
            f"The store was written with weights {cds.attrs['fsae_model']} of checksum "
            f"{cds.attrs['fsae_weights_sha256'][:12]}, but the weights given have {fitted.card.sha256[:12]}: "
            "decompress with the weights it was written with."
        )
    names = [str(n) for n in cds.data_vars if f"{n}_offset" in cds.variables]
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
    kept = {k: v for k, v in cds.attrs.items() if k not in _OWN_ATTRIBUTES}
    return canonical_dataset(fields, kept, [note])


def is_compressed(ds: xr.Dataset) -> bool:
    """Whether this dataset came out of `compress`."""
    return "fsae_format" in ds.attrs


def pick_model(
    ds: xr.Dataset, ratio: int, model: str | Path | FieldModel = "auto", device: str = "auto"
) -> FieldModel:
    """The model that `compress` would use; "auto": the archive's own weights where there are some."""
    levels_of_ratio(ratio, zoom_of_dataset(ds))
    if model == "auto":
        family = "amip" if ds.attrs.get("fsae_climatology") == "amip" else "general"
        model = f"{family}-{ratio}x"
    return _load(model, device)


def levels_of_ratio(ratio: int, zoom_in: int) -> int:
    """How many zooms coarser the compressed field is: ratio = 4^levels. UserError where that cannot be."""
    if ratio not in RATIOS:
        raise UserError(
            f"Ratio {ratio} was asked for, but fields are compressed 4, 16, 64 or 256 times: choose one."
        )
    levels = RATIOS.index(ratio) + 1
    if levels > zoom_in:
        allowed = ", ".join(str(r) for r in RATIOS[:zoom_in]) or "none"
        raise UserError(
            f"A field of zoom {zoom_in} has {n_cells(zoom_in)} cells and cannot be compressed {ratio} times, "
            f"which needs zoom {levels} at least: choose a smaller ratio ({allowed})."
        )
    return levels


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


def _load(model: str | Path | FieldModel, device: str) -> FieldModel:
    if not isinstance(model, str | Path):
        return model
    from fsae_core.model.checkpoint import load_model

    return load_model(model, device=device)


def _check_fit(card: Any, ratio: int, names: list[str], zoom_in: int) -> None:
    if card.ratio != ratio:
        raise UserError(f"The weights {card.name} compress {card.ratio} times, not {ratio}: choose others.")
    other = [name for name in names if card.variables is not None and name not in card.variables]
    if other:
        raise UserError(
            f"The weights {card.name} were made for {', '.join(card.variables)}, not for {', '.join(other)}: "
            f"choose the general weights (general-{ratio}x)."
        )
    low, high = card.zooms
    if not low <= zoom_in <= high:
        raise UserError(
            f"The weights {card.name} take fields of zoom {low} to {high}, this one has zoom {zoom_in}: "
            "regrid it with `fsae prepare --zoom` or choose other weights."
        )


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


def _compress_block(model: FieldModel, da: xr.DataArray, block: _Block) -> SimpleNamespace:
    x, times = _take(da, block, 1)
    missing = 1 - np.isfinite(x).mean()
    if missing:
        raise UserError(
            f"{da.name} has missing or infinite values in {100 * missing:.2g} % of its cells, but only "
            "complete fields can be compressed: fill them or leave the variable out."
        )
    got = model.compress_fields(x, variable=str(da.name), times=times)
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
    return np.asarray(model.decompress_fields(compressed, variable=name, times=times), dtype=np.float32)
