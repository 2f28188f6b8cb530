"""The canonical archive: dims (time[, member], cell), nested HEALPix, a `crs` variable, canonical units."""

from __future__ import annotations

__all__ = ["FORMAT", "canonical_dataset", "crs_variable", "data_names", "is_canonical", "zoom_of_dataset"]

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.variables import CANONICAL
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import zoom_of

FORMAT = 1
"""Value of the attribute `fsae_archive`: how an archive that this library wrote is told from a foreign
one."""

_KEPT = (
    "title",
    "source",
    "licence",
    "license",
    "institution",
    "references",
    "comment",
    "history",
    "Conventions",
)


def crs_variable(zoom: int) -> xr.DataArray:
    """The grid mapping: a scalar whose attributes say nested HEALPix of `nside = 2**zoom`."""
    return xr.DataArray(
        np.int32(0),
        attrs={"grid_mapping_name": "healpix", "healpix_nside": 1 << zoom, "healpix_order": "nest"},
    )


def canonical_dataset(
    fields: Mapping[str, xr.DataArray], attrs: Mapping[str, Any], notes: list[str] | None = None
) -> xr.Dataset:
    """Put fields of dims (time[, member], cell) together, with crs, CF attributes and a history.

    Attributes of a known variable come from the canonical table; the file's `units` stay on unknown ones.
    """
    dataset = xr.Dataset()
    for name, array in fields.items():
        known = CANONICAL.get(name)
        own = {
            k: v
            for k, v in array.attrs.items()
            if k in ("long_name", "standard_name", "units", "cell_methods", "fsae_instant")
        }
        if known is not None:
            own |= {"units": known.units, "long_name": known.long_name, "standard_name": known.standard_name}
        else:
            own.setdefault("units", "1")
            own.setdefault("long_name", name)
        dataset[name] = array.assign_attrs({**array.attrs, **own, "grid_mapping": "crs"})
        dataset[name].attrs = {**own, "grid_mapping": "crs"}
    zoom = zoom_of_dataset(dataset)
    dataset["crs"] = crs_variable(zoom)
    kept = {k: _plain(v) for k, v in attrs.items() if k in _KEPT or k.startswith("fsae_")}
    if "license" in kept:
        kept.setdefault("licence", kept.pop("license"))
    kept.setdefault("source", "unknown")
    kept.setdefault("institution", "unknown")
    kept.setdefault("references", "unknown")
    kept.setdefault("licence", "unknown")
    line = "; ".join(notes or [])
    before = kept.get("history", "")
    kept["history"] = "\n".join(part for part in (before, line) if part) or "unchanged"
    dataset.attrs = {**kept, "Conventions": "CF-1.11", "fsae_archive": FORMAT}
    return dataset


def is_canonical(dataset: xr.Dataset) -> bool:
    """Whether this library wrote it (or made it): nothing needs converting."""
    return (
        dataset.attrs.get("fsae_archive") == FORMAT and "cell" in dataset.dims and "crs" in dataset.variables
    )


def data_names(dataset: xr.Dataset) -> tuple[str, ...]:
    """Names of the fields of a canonical dataset: known ones in the canonical table's order, then the others.

    A Zarr store lists its arrays in no order, so the dataset's own cannot be relied on.
    """
    names = [str(name) for name, array in dataset.data_vars.items() if "cell" in array.dims]
    known = [name for name in CANONICAL if name in names]
    return (*known, *sorted(name for name in names if name not in CANONICAL))


def zoom_of_dataset(dataset: xr.Dataset) -> int:
    """Zoom of a canonical dataset from its number of cells."""
    if "cell" not in dataset.sizes:
        raise UserError(
            "The dataset has no dimension 'cell'; expected a canonical archive: open it with open_archive."
        )
    return zoom_of(dataset.sizes["cell"])


def _plain(value: Any) -> Any:
    """Attributes that JSON can hold."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value
