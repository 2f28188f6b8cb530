"""Structural similarity of floating-point fields (DSSIM), on the twelve base faces.

Baker, Pinard and Hammerling 2023, "DSSIM: a structural similarity index for floating-point data" (arXiv
2202.02616). Truth and reconstruction are scaled together to [0, 1] and rounded to 256 values; windows are
11 x 11 Gaussians of standard deviation 1.5; both constants are 1e-8. The paper crops the border of its grid;
here every window that lies wholly inside a base face counts, cells in the face's own rows and columns.
"""

from __future__ import annotations

__all__ = ["dssim"]

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.sphere.healpix import xyf_cell, zoom_of

_REACH = 5
_SIGMA = 1.5
_CONSTANT = 1e-8
_VALUES = 255


def dssim(truth: NDArray[Any], recon: NDArray[Any]) -> float:
    """Mean over fields (..., cells) of their DSSIM; 1 for equal fields.

    NaN below zoom 4, where no window fits into a face, and where a value is missing.
    """
    zoom = zoom_of(truth.shape[-1])
    if 2**zoom < 2 * _REACH + 1 or not (np.isfinite(truth).all() and np.isfinite(recon).all()):
        return float("nan")
    pairs = zip(truth.reshape(-1, truth.shape[-1]), recon.reshape(-1, recon.shape[-1]), strict=True)
    return float(np.mean([_of_field(a.astype(np.float64), b.astype(np.float64), zoom) for a, b in pairs]))


def _of_field(a: NDArray[np.float64], b: NDArray[np.float64], zoom: int) -> float:
    low, high = min(a.min(), b.min()), max(a.max(), b.max())
    if high == low:
        return 1.0
    a, b = (np.round((v[_faces(zoom)] - low) / (high - low) * _VALUES) / _VALUES for v in (a, b))
    mean_a, mean_b = _smooth(a), _smooth(b)
    spread = _smooth(a * a) - mean_a**2 + _smooth(b * b) - mean_b**2
    together = _smooth(a * b) - mean_a * mean_b
    level = (2 * mean_a * mean_b + _CONSTANT) / (mean_a**2 + mean_b**2 + _CONSTANT)
    return float(np.mean(level * (2 * together + _CONSTANT) / (spread + _CONSTANT)))


@lru_cache(maxsize=10)
def _faces(zoom: int) -> NDArray[np.int64]:
    """Cells as (face, y, x)."""
    side = np.arange(2**zoom)
    x, y, face = np.broadcast_arrays(side[None, None], side[None, :, None], np.arange(12)[:, None, None])
    return xyf_cell(x, y, face, zoom)


def _smooth(faces: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian means of the windows inside each face: (12, n, n) -> (12, n - 10, n - 10)."""
    weights = np.exp(-0.5 * (np.arange(-_REACH, _REACH + 1) / _SIGMA) ** 2)
    weights /= weights.sum()
    inside = faces.shape[-1] - 2 * _REACH
    rows = sum(w * faces[:, k : k + inside] for k, w in enumerate(weights))
    return np.asarray(sum(w * rows[:, :, k : k + inside] for k, w in enumerate(weights)))
