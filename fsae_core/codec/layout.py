"""What makes a dataset a compressed one."""

from __future__ import annotations

__all__ = ["FORMAT", "INSTANT", "OWN_ATTRIBUTES", "check_compressed", "field_names", "is_compressed"]

import numpy as np
import xarray as xr

from fsae_core.codec.choice import RATIOS
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import MAX_ZOOM, n_cells

FORMAT = 1
INSTANT = "fsae_instant"
"""Attribute of a variable: 1 where its values belong to the very hour of their times; a slice cannot tell."""
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
    if cds.attrs["fsae_format"] != FORMAT:
        raise UserError(
            f"{file} has format {cds.attrs['fsae_format']}, but this version reads format {FORMAT}: "
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
    if cds.sizes.get("cell", 0) * ratio != n_cells(int(zoom)):
        return f"{cds.sizes.get('cell', 0)} cells are not {ratio} times fewer than zoom {zoom} has"
    names = field_names(cds)
    if not names:
        return "it holds no field"
    for name in names:
        if cds[name].dims[-1:] != ("cell",):
            return f"{name} has dimensions {cds[name].dims}"
        for part in (f"{name}_offset", f"{name}_scale"):
            if part not in cds.variables or cds[part].dims != cds[name].dims[:-1]:
                return f"{part} is missing or of another shape than {name}"
    return None
