"""What makes a dataset a compressed one."""

from __future__ import annotations

__all__ = [
    "FIELD_CELL",
    "FORMAT",
    "INSTANT",
    "LATENT",
    "MAX_ERROR",
    "OWN_ATTRIBUTES",
    "STANDARDISED",
    "STEP",
    "check_compressed",
    "field_names",
    "is_compressed",
]

from typing import Any

import numpy as np
import xarray as xr

from fsae_core.codec.choice import RATIOS
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import MAX_ZOOM, n_cells

FORMAT = 2
_READABLE = (1, 2)
"""1 kept standardised fields as float16."""
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
OWN_ATTRIBUTES = ("fsae_format", "fsae_model", "fsae_weights_sha256", "fsae_ratio", "fsae_zoom_in")


def is_compressed(ds: xr.Dataset) -> bool:
    """Whether this dataset came out of `compress`."""
    return "fsae_format" in ds.attrs


def field_names(cds: xr.Dataset) -> list[str]:
    """The variables of a compressed dataset that are fields; their offsets and scales are not."""
    return [str(name) for name in cds.data_vars if f"{name}_offset" in cds.variables]


def check_compressed(cds: xr.Dataset, file: str = "This") -> None:
    """Refuse what `compress` cannot have written, since a store may come from anybody. Raises UserError."""
    if not is_compressed(cds):
        raise UserError(
            f"{file} is not a compressed store (it has no attribute fsae_format): compress it first."
        )
    if cds.attrs["fsae_format"] not in _READABLE:
        raise UserError(
            f"{file} has format {cds.attrs['fsae_format']}, but this version reads formats up to {FORMAT}: "
            "install the version that wrote it."
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
    names = field_names(cds)
    if not names:
        return "it holds no field"
    for name in names:
        wrong = _wrong_variable(cds, name, int(zoom), int(ratio))
        if wrong:
            return wrong
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
