"""Temperature at a finer zoom without a network: smooth prolongation, a lapse rate on the relief it misses.

The second is what statistical downscaling is measured against in mountains.

Fields are (..., cells) in K, nested HEALPix; the orography is the shipped one (`static_fields`).
"""

from __future__ import annotations

__all__ = ["STANDARD", "fitted_rate", "lapse_rate", "relief", "smooth"]

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.statics import static_fields
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import prolong, restrict

STANDARD = 6.5
"""K per km of the standard atmosphere (ISO 2533)."""

Array = NDArray[Any]


def smooth(x: Array, levels: int) -> Array:
    """The mean-preserving smooth prolongation, zoom by zoom: (..., cells) to (..., cells * 4**levels)."""
    for _ in range(levels):
        x = prolong(x)
    return x


@lru_cache(maxsize=16)
def relief(zoom: int, levels: int) -> Array:
    """Orography in km, (cells of `zoom`,), that the smooth prolongation of its means `levels` zooms coarser
    misses."""
    height = static_fields(zoom)["orography"] / np.float32(1000)
    missed = height - smooth(np.asarray(restrict(height, levels)), levels)
    missed.setflags(write=False)
    return np.asarray(missed)


def lapse_rate(low: Array, levels: int, rate: float = STANDARD) -> Array:
    """Smooth prolongation and a lapse rate (K/km) on what it misses of the orography: block means stay."""
    fine = smooth(low, levels)
    return np.asarray(fine - fine.dtype.type(rate) * relief(zoom_of(fine.shape[-1]), levels))


def fitted_rate(truth: Array, levels: int) -> float:
    """The lapse rate (K/km) that explains best what fields (time, cells) have beyond their smooth
    prolongation."""
    missed = truth - smooth(np.asarray(restrict(truth, levels)), levels)
    height = relief(zoom_of(truth.shape[-1]), levels)
    return -float((missed * height).sum() / (len(truth) * (height * height).sum()))
