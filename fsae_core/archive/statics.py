"""Orography and land share on cells: known to compressor and decompressor alike, so they cost no byte."""

from __future__ import annotations

__all__ = ["STATIC_ZOOM", "static_fields"]

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fsae_core.assets import asset_path
from fsae_core.sphere.pyramid import prolong, restrict

STATIC_ZOOM = 8
"""Zoom of the shipped file, made from ETOPO5 (NOAA, 1988, public domain)."""


def static_fields(zoom: int) -> dict[str, NDArray[np.float32]]:
    """{"orography": metres above the sea (0 on it), "land": share 0..1}, each (cells,) float32, zoom 0 to 9.

    Coarser than 8 they are block means, at 9 a smooth prolongation. The arrays are read-only. Lakes and land
    below sea level are not told apart: heights below zero count as zero.
    """
    return dict(_at(zoom))


@lru_cache(maxsize=10)
def _at(zoom: int) -> tuple[tuple[str, NDArray[np.float32]], ...]:
    fields = []
    for name, array in _shipped():
        if zoom <= STATIC_ZOOM:
            values = np.asarray(restrict(array, STATIC_ZOOM - zoom), np.float32)
        else:
            values = np.asarray(prolong(array, zoom - STATIC_ZOOM), np.float32)
            values = np.clip(values, 0.0, 1.0 if name == "land" else None)
        values = np.ascontiguousarray(values)
        values.setflags(write=False)
        fields.append((name, values))
    return tuple(fields)


@lru_cache(maxsize=1)
def _shipped() -> tuple[tuple[str, NDArray[np.float32]], ...]:
    from fsae_core.archive.reader import open_archive

    dataset = open_archive(asset_path("static", "relief.zarr.zip"))
    return tuple(
        (name, dataset[name].isel(time=0).values.astype(np.float32)) for name in ("orography", "land")
    )
