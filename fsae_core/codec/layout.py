"""What makes a dataset a compressed one."""

from __future__ import annotations

__all__ = [
    "FIELD_CELL",
    "FORMAT",
    "INSTANT",
    "LATENT",
    "LAYERED_FORMAT",
    "LAYERS",
    "DETAILS_FORMAT",
    "MAX_ERROR",
    "OWN_ATTRIBUTES",
    "STANDARDISED",
    "STEP",
    "check_compressed",
    "field_names",
    "format_of",
    "held_ratios",
    "is_compressed",
    "layer_name",
    "layers_of",
    "places_name",
]

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.codec.choice import RATIOS, is_adaptive
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import MAX_ZOOM, n_cells

FORMAT, LAYERED_FORMAT, DETAILS_FORMAT = 2, 3, 4
"""The second of datasets with layers, the third of adaptive ones."""
_READABLE = (1, 2, 3, 4)
"""1 kept standardised fields as float16; 2 kept layers in arrays of their own."""
INSTANT = "fsae_instant"
"""Attribute of a variable: 1 where its values belong to the very hour of their times; a slice cannot tell."""
STEP = "fsae_step"
"""Attribute of a variable: the step it was quantised by, in units of the scale; none in format 1."""
MAX_ERROR = "fsae_max_error"
"""Attribute of a variable with corrections: the largest error they leave, in its units."""
STANDARDISED = "fsae_standardised"
"""Attribute of a variable on disk: how its values follow from what is stored."""
LATENT, FIELD_CELL = "latent", "field_cell"
"""Dimensions of compressed fields that lie on no sphere, and of corrections."""
LAYERS = "fsae_layers"
"""Attribute of a dataset with coarser layers: JSON, their ratio, model and weights_sha256, coarse to fine."""
OWN_ATTRIBUTES = ("fsae_format", "fsae_model", "fsae_weights_sha256", "fsae_ratio", "fsae_zoom_in")


def format_of(models: Sequence[Any]) -> int:
    """Of what is written with these models, one for each layer."""
    if is_adaptive(models[-1].card):
        return DETAILS_FORMAT
    return LAYERED_FORMAT if len(models) > 1 else FORMAT


def is_compressed(ds: xr.Dataset) -> bool:
    """Whether this dataset came out of `compress`."""
    return "fsae_format" in ds.attrs


def field_names(cds: xr.Dataset) -> list[str]:
    """The variables of a compressed dataset that are fields; their offsets and scales are not."""
    return [str(name) for name in cds.data_vars if f"{name}_offset" in cds.variables]


def layer_name(name: str, ratio: int) -> str:
    """Of the variable, or the dimension, of a coarser layer."""
    return f"{name}_{ratio}x"


def places_name(name: str) -> str:
    """Of the variable that says where the numbers of an adaptive field stand."""
    return f"{name}_place"


def layers_of(cds: xr.Dataset) -> list[dict[str, Any]]:
    """Ratio, model and weights_sha256 of the coarser layers, coarse to fine; those that can be told."""
    try:
        layers = json.loads(cds.attrs.get(LAYERS, "[]"))
        return [{**layer, "ratio": int(layer["ratio"])} for layer in layers]
    except (ValueError, TypeError, KeyError, RecursionError):
        return [{"ratio": 0}]


def held_ratios(cds: xr.Dataset) -> list[int]:
    """All ratios that can be had of a sound compressed dataset, coarse to fine."""
    return [*(layer["ratio"] for layer in layers_of(cds)), int(cds.attrs["fsae_ratio"])]


def check_compressed(cds: xr.Dataset, file: str = "This") -> None:
    """Refuse what `compress` cannot have written, since a store may come from anybody. Raises UserError."""
    if not is_compressed(cds):
        raise UserError(
            f"{file} is not a compressed store (it has no attribute fsae_format): compress it first."
        )
    if cds.attrs["fsae_format"] not in _READABLE:
        raise UserError(
            f"{file} has format {cds.attrs['fsae_format']}, but this version reads formats up to "
            f"{_READABLE[-1]}: install the version that wrote it."
        )
    wrong = _contradiction(cds)
    if wrong:
        raise UserError(f"{file} is not a sound compressed store ({wrong}): make or copy it again.")


def _contradiction(cds: xr.Dataset) -> str | None:
    missing = [key for key in OWN_ATTRIBUTES if key not in cds.attrs]
    if missing:
        return f"it lacks {', '.join(missing)}"
    zoom, ratio = cds.attrs["fsae_zoom_in"], cds.attrs["fsae_ratio"]
    if not isinstance(zoom, int | np.integer) or not 0 <= zoom <= MAX_ZOOM or ratio not in RATIOS:
        return f"zoom {zoom!r} and ratio {ratio!r} cannot be"
    layers, names = layers_of(cds), field_names(cds)
    held = [layer["ratio"] for layer in layers] + [int(ratio)]
    if not set(held) <= set(RATIOS) or held != sorted(set(held), reverse=True):
        return f"layers of ratios {held} cannot be"
    if not all(isinstance(layer.get(key), str) for layer in layers for key in ("model", "weights_sha256")):
        return "a layer does not name its weights"
    if not names:
        return "it holds no field"
    for name in names:
        wrong = _wrong_variable(cds, name, int(zoom), int(ratio))
        for layer in held[:-1]:
            wrong = wrong or _wrong_layer(cds, name, int(zoom), layer)
        if wrong:
            return wrong
    return None


def _wrong_layer(cds: xr.Dataset, name: str, zoom: int, ratio: int) -> str | None:
    part = layer_name(name, ratio)
    if part not in cds.variables or cds[part].dims[:-1] != cds[name].dims[:-1]:
        return f"{part} is missing or of another shape than {name}"
    if cds[part].dims[-1] == layer_name("cell", ratio):
        size, expected = cds[part].shape[-1], n_cells(zoom) // ratio
        return None if size == expected else f"{part} has {size} cells, {expected} were expected"
    if cds[part].dims[-1] != layer_name(LATENT, ratio) or not 0 < cds[part].shape[-1] <= n_cells(zoom):
        return f"{part} has dimensions {cds[part].dims}"
    return None


def _wrong_variable(cds: xr.Dataset, name: str, zoom: int, ratio: int) -> str | None:
    lead, last = cds[name].dims[:-1], cds[name].dims[-1:]
    if last not in (("cell",), (LATENT,)):
        return f"{name} has dimensions {cds[name].dims}"
    size = cds[name].shape[-1]
    if last == ("cell",) and size * ratio != n_cells(zoom):
        return f"{size} cells are not {ratio} times fewer than zoom {zoom} has"
    if not 0 < size <= n_cells(zoom):
        return f"{size} values are more than zoom {zoom} has"
    places = places_name(name)
    if places in cds.variables and cds[places].dims != (*lead, LATENT):
        return f"{places} is of another shape than {name}"
    if (places in cds.variables) != (cds.attrs["fsae_format"] == DETAILS_FORMAT):
        return f"{places} is missing, or should not be there"
    for part in (f"{name}_offset", f"{name}_scale"):
        if part not in cds.variables or cds[part].dims != lead:
            return f"{part} is missing or of another shape than {name}"
    bound, part = cds[name].attrs.get(MAX_ERROR), f"{name}_correction"
    if (bound is None) != (part not in cds.variables):
        return f"{part} or the attribute {MAX_ERROR} is missing"
    if bound is not None and not (_is_positive(bound) and cds[part].dims == (*lead, FIELD_CELL)):
        return f"the largest error {bound!r} or the shape of {part} cannot be"
    if bound is not None and cds.sizes[FIELD_CELL] != n_cells(zoom):
        return f"{part} has {cds.sizes[FIELD_CELL]} cells, zoom {zoom} has {n_cells(zoom)}"
    return None


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value) and value > 0)
