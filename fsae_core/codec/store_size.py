"""What a store weighs."""

from __future__ import annotations

__all__ = ["StoreSize", "bytes_on_disk", "size_of_store"]

from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from fsae_core.codec.layout import field_names, held_ratios, layer_name, places_name
from fsae_core.sphere.healpix import n_cells


@dataclass(frozen=True)
class StoreSize:
    """Both ratios of a store; the weights that the decoder needs are not counted in either.

    ratio_floats: values in the native fields / values in the compressed fields of all layers, corrections not
    counted.
    ratio_bytes: bytes of the native fields as float32 / bytes on disk, metadata and checksums included.
    """

    ratio_floats: float
    ratio_bytes: float
    bytes: int
    native_bytes: int


def size_of_store(cds: xr.Dataset, path: str | Path) -> StoreSize:
    """What a compressed dataset and its store at ``path`` weigh."""
    names = field_names(cds)
    native = sum(cds[n].size // cds[n].shape[-1] for n in names) * n_cells(int(cds.attrs["fsae_zoom_in"]))
    size = bytes_on_disk(path)
    layers = [layer_name(name, ratio) for name in names for ratio in held_ratios(cds)[:-1]]
    kept = sum(cds[n].size for n in (*names, *layers))
    if any(places_name(name) in cds.variables for name in names):
        # What says their places is counted, for which room was left (`AdaptiveModel`).
        kept = native // int(cds.attrs["fsae_ratio"])
    return StoreSize(native / kept, 4 * native / size, size, 4 * native)


def bytes_on_disk(path: str | Path) -> int:
    """Bytes of a file, or of every file in a folder."""
    path = Path(path)
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
