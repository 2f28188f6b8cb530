"""How well a reconstruction follows the truth at each scale."""

from __future__ import annotations

__all__ = ["coherence_by_zoom"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import inject, restrict


def coherence_by_zoom(truth: NDArray[Any], recon: NDArray[Any]) -> dict[int, float]:
    """Correlation of the residual levels of fields (..., cells), pooled over fields: {zoom: -1 to 1}.

    A level holds what cells add to the means of the zoom below, at zoom 0 what the twelve face means add to
    the global mean: the levels of `fsae_core.sphere.spectrum.power_per_zoom`. NaN where either has no
    variance.
    """
    a, b = np.asarray(truth, np.float64), np.asarray(recon, np.float64)
    found: dict[int, float] = {}
    for zoom in range(zoom_of(a.shape[-1]), -1, -1):
        if zoom:
            coarse_a, coarse_b = restrict(a), restrict(b)
            level_a, level_b = a - inject(coarse_a), b - inject(coarse_b)
            a, b = coarse_a, coarse_b
        else:
            level_a, level_b = (v - v.mean(axis=-1, keepdims=True) for v in (a, b))
        size = np.sqrt(np.sum(level_a**2) * np.sum(level_b**2))
        found[zoom] = float(np.sum(level_a * level_b) / size) if size > 0 else float("nan")
    return dict(sorted(found.items()))
