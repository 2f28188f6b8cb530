"""The layers of a variable as one array of a store, and apart again.

In memory each layer is a variable, ``<v>_256x`` and so on before ``<v>``; on disk (format 3) they lie side by
side along the last dimension of one array, whose chunks are each one stream of `progressive`. So what has to
be read for a coarser ratio is the beginning of each chunk. Format 2 kept an array for each layer.
"""

from __future__ import annotations

__all__ = ["LAYERED", "apart", "codec_of_array", "codec_of_layers", "side_by_side"]

import json
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.codec.layered_codec import Layer, LayeredCodec
from fsae_core.codec.layout import STEP, layer_name, layers_of
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import zoom_of

LAYERED = "fsae_layered"
"""Attribute of a variable on disk, and the name of its last dimension: JSON, of each layer, coarse to fine,
the dimension, how many values a field has, and the step."""


def side_by_side(layers: list[xr.DataArray]) -> xr.DataArray:
    """Standardised layers of a variable, coarse to fine, (..., m) each, as one array; numpy or Dask."""
    *lead, _ = layers[-1].dims
    told = [
        {"dim": str(one.dims[-1]), "values": one.shape[-1], "step": float(one.attrs[STEP])} for one in layers
    ]
    parts = [one.transpose(*lead, one.dims[-1]).data for one in layers]
    if any(one.chunks is not None for one in layers):
        import dask.array as da

        joined: Any = da.concatenate(parts, axis=-1).rechunk({len(lead): -1})
    else:
        joined = np.concatenate(parts, axis=-1)
    attrs = {**layers[-1].attrs, LAYERED: json.dumps(told, separators=(",", ":"))}
    coords = {k: v for k, v in layers[-1].coords.items() if set(v.dims) <= set(lead)}
    return xr.DataArray(joined, dims=(*lead, LAYERED), coords=coords, attrs=attrs)


def codec_of_layers(layers: list[tuple[int, float, int | None]]) -> LayeredCodec:
    """From values, step and zoom (None off the sphere) of each, coarse to fine."""
    return LayeredCodec(tuple(Layer(m, float(s), -1 if zoom is None else zoom) for m, s, zoom in layers))


def codec_of_array(array: xr.DataArray) -> LayeredCodec:
    """Of what `side_by_side` gave."""
    return codec_of_layers(
        [
            (one["values"], one["step"], zoom_of(one["values"]) if one["dim"].startswith("cell") else None)
            for one in json.loads(array.attrs[LAYERED])
        ]
    )


def apart(ds: xr.Dataset, file: str) -> xr.Dataset:
    """With a variable for each layer again. UserError where what is said of them cannot be."""
    out = ds.copy()
    for name in [str(n) for n, array in ds.data_vars.items() if LAYERED in array.attrs]:
        stored = ds[name].variable
        cuts = _cuts(ds, name)
        if cuts is None:
            raise UserError(
                f"{file} is not a sound compressed store (what it says of the layers of {name} cannot be): "
                "make or copy it again."
            )
        out = out.drop_vars(name)
        for own, dim, place, step in cuts:
            part = stored[..., place]
            attrs: dict[str, Any] = {STEP: step}
            if own == name:
                attrs = {k: v for k, v in stored.attrs.items() if k != LAYERED}
            out[own] = xr.Variable((*part.dims[:-1], dim), part._data, attrs)
    return out


def _cuts(ds: xr.Dataset, name: str) -> list[tuple[str, str, slice, float]] | None:
    """Name, dimension, place along the last dimension and step of each layer; None where they cannot be."""
    cuts, start = [], 0
    try:
        told = json.loads(ds[name].attrs[LAYERED])
        names = [*(layer_name(name, layer["ratio"]) for layer in layers_of(ds)), name]
        for own, one in zip(names, told, strict=True):
            dim, values, step = str(one["dim"]), int(one["values"]), float(one["step"])
            if values < 1 or dim in ds[name].dims or (own != name and own in ds.variables):
                return None
            cuts.append((own, dim, slice(start, start + values), step))
            start += values
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return cuts if ds[name].ndim and start == ds[name].shape[-1] else None
