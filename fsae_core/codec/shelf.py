"""Between coded fields and the variables of a compressed dataset."""

from __future__ import annotations

__all__ = [
    "coded_block",
    "compressed_variables",
    "decoders",
    "named_variables",
    "named_weights",
    "weights_up_to",
]

import json
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.codec.block import Block, take
from fsae_core.codec.choice import FieldModel, Times
from fsae_core.codec.field_coder import CodedFields, FieldCoder
from fsae_core.codec.layers import Layers
from fsae_core.codec.layout import (
    FIELD_CELL,
    INSTANT,
    LATENT,
    LAYERS,
    MAX_ERROR,
    STEP,
    held_ratios,
    layer_name,
    layers_of,
    places_name,
)
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import zoom_of


def named_weights(models: list[FieldModel]) -> dict[str, Any]:
    """Attributes that name the weights, coarse to fine, that a dataset is written with."""
    layers = [{"ratio": m.card.ratio, "model": m.card.name, "weights_sha256": m.card.sha256} for m in models]
    last = layers.pop()
    named = {
        "fsae_model": last["model"],
        "fsae_weights_sha256": last["weights_sha256"],
        "fsae_ratio": int(last["ratio"]),
    }
    return {**named, LAYERS: json.dumps(layers)} if layers else named


def weights_up_to(cds: xr.Dataset, ratio: int | None) -> list[xr.Dataset]:
    """For each layer that the fields at a ratio need, a dataset whose attributes name its weights.

    By default the finest ratio. UserError for one that this dataset does not hold.
    """
    held = held_ratios(cds)
    ratio = held[-1] if ratio is None else ratio
    if ratio not in held:
        raise UserError(
            f"Ratio {ratio} was asked for, but this store holds {', '.join(map(str, held))}: choose that."
        )
    named = [
        xr.Dataset(
            attrs={
                "fsae_ratio": layer["ratio"],
                "fsae_model": layer["model"],
                "fsae_weights_sha256": layer["weights_sha256"],
            }
        )
        for layer in layers_of(cds)
    ]
    return [*named, xr.Dataset(attrs=cds.attrs)][: held.index(ratio) + 1]


def compressed_variables(
    source: xr.DataArray, layers: Layers, blocks: list[list[CodedFields]]
) -> dict[str, xr.DataArray]:
    """The variables of a dataset that hold what became of ``source``, block by block and layer by layer."""
    lead = source.shape[:-1]
    values = [
        np.concatenate([parts[i].values for parts in blocks]).reshape(*lead, -1)
        for i in range(len(layers.coders))
    ]
    sides = [
        np.concatenate([getattr(parts[-1], side) for parts in blocks]).reshape(lead)
        for side in ("offset", "scale")
    ]
    steps = [parts[-1].corrections for parts in blocks if parts[-1].corrections is not None]
    whole = np.concatenate(steps).reshape(*lead, -1) if steps else None
    zooms = [part.zoom for part in blocks[0]]
    found = [parts[-1].places for parts in blocks if parts[-1].places is not None]
    places = np.concatenate(found).reshape(*lead, -1) if found else None
    return named_variables(source, layers, zooms, values, sides, whole, places)


def named_variables(
    source: xr.DataArray,
    layers: Layers,
    zooms: list[int | None],
    values: list[Any],
    sides: list[Any],
    corrections: Any = None,
    places: Any = None,
) -> dict[str, xr.DataArray]:
    """The variables of a dataset that hold these arrays, numpy or Dask.

    values: (*lead, m) of each layer with its zoom (None off the sphere); sides: offset and scale (*lead,);
    places: where the values of adaptive fields stand, (*lead, m).
    """
    coder, lead = layers.coders[-1], source.dims[:-1]
    name, out = coder.variable, {}
    for each, zoom, array in zip(layers.coders, zooms, values, strict=True):
        last, own = LATENT if zoom is None else "cell", name
        attrs: dict[str, Any] = {STEP: each.step}
        if each is coder:
            attrs = {**source.attrs, INSTANT: int(coder.instant), **attrs}
        else:
            last, own = (layer_name(part, each.model.card.ratio) for part in (last, name))
        out[own] = xr.DataArray(array, dims=(*lead, last), attrs=attrs)
    for side, numbers in zip(("offset", "scale"), sides, strict=True):
        out[f"{name}_{side}"] = xr.DataArray(numbers, dims=lead)
    if places is not None:
        out[places_name(name)] = xr.DataArray(places, dims=(*lead, LATENT))
    if coder.max_error is not None:
        out[name].attrs[MAX_ERROR] = coder.max_error
        out[f"{name}_correction"] = xr.DataArray(corrections, dims=(*lead, FIELD_CELL))
    return out


def decoders(cds: xr.Dataset, name: str, models: list[FieldModel]) -> Layers:
    """What brings the fields of a variable back, with the models of its first layers or of all."""
    attrs, zoom_in, whole = cds[name].attrs, int(cds.attrs["fsae_zoom_in"]), len(layers_of(cds)) + 1
    instant, bound = bool(attrs.get(INSTANT, False)), attrs.get(MAX_ERROR)
    return Layers(
        tuple(
            FieldCoder(
                model,
                name,
                instant,
                zoom_in,
                -1,
                max_error=bound if i == whole - 1 else None,
                exact=whole > 1 or bound is not None,
            )
            for i, model in enumerate(models)
        )
    )


def coded_block(cds: xr.Dataset, name: str, block: Block, layers: int) -> tuple[list[CodedFields], Times]:
    """What is stored of a block of times in the first layers, and the times."""
    offset, times = take(cds[f"{name}_offset"], block, 0)
    scale, _ = take(cds[f"{name}_scale"], block, 0)
    names = [*(layer_name(name, layer["ratio"]) for layer in layers_of(cds)), name]
    parts = []
    for own in names[:layers]:
        values, _ = take(cds[own], block, 1)
        on_sphere = str(cds[own].dims[-1]).startswith("cell")
        steps = None
        if own == name and f"{name}_correction" in cds.variables:
            steps, _ = take(cds[f"{name}_correction"], block, 1, np.int32)
        places = None
        if places_name(own) in cds.variables:
            places, _ = take(cds[places_name(own)], block, 1, np.int32)
        zoom = zoom_of(values.shape[-1]) if on_sphere else None
        parts.append(CodedFields(values, offset, scale, zoom, steps, places))
    return parts, times
