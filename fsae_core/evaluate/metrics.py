"""How far a reconstruction is from the truth.

Fields have shape (..., cells) on nested HEALPix, whose cells are of equal area: every mean is a plain mean.
A cell where the truth is not finite is left out; a cell where only the reconstruction is not finite makes the
result NaN, so that a codec cannot hide what it lost.
"""

__all__ = [
    "ErrorSums",
    "rmse",
    "mae",
    "bias",
    "max_error",
    "psnr_db",
    "rmse_by_latitude",
    "power_ratio_by_zoom",
]

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.error_sums import ErrorSums
from fsae_core.sphere.healpix import cell_centres, zoom_of

Array = NDArray[np.floating]


def rmse(truth: Array, recon: Array) -> float:
    """Root of the mean square error, in the units of the field."""
    return ErrorSums().add(truth, recon).rmse


def mae(truth: Array, recon: Array) -> float:
    """Mean of the absolute error."""
    return ErrorSums().add(truth, recon).mae


def bias(truth: Array, recon: Array) -> float:
    """Mean of reconstruction minus truth."""
    return ErrorSums().add(truth, recon).bias


def max_error(truth: Array, recon: Array) -> float:
    """Largest absolute error."""
    return ErrorSums().add(truth, recon).max_error


def psnr_db(truth: Array, recon: Array) -> float:
    """Peak signal-to-noise ratio in dB, the peak being the range (max - min) of the whole truth."""
    return ErrorSums().add(truth, recon).psnr_db


def rmse_by_latitude(truth: Array, recon: Array, bands: int = 36) -> tuple[Array, Array]:
    """RMSE in bands of equal width in latitude: (centres in degrees south to north, RMSE), shapes (bands,).

    A band without a cell or without a valid truth is NaN.
    """
    _, lat = cell_centres(zoom_of(truth.shape[-1]))
    band = np.clip(((lat + 90) * (bands / 180)).astype(int), 0, bands - 1)
    valid = np.isfinite(truth)
    square = np.where(valid, np.square(recon.astype(np.float64) - truth), 0.0)
    leading = tuple(range(truth.ndim - 1))
    sums = np.bincount(band, weights=square.sum(axis=leading), minlength=bands)
    counts = np.bincount(band, weights=valid.sum(axis=leading), minlength=bands)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.sqrt(sums / counts)
    return (np.arange(bands) + 0.5) * (180 / bands) - 90, values


def power_ratio_by_zoom(truth: Array, recon: Array) -> dict[int, float]:
    """Variance of each residual level of the reconstruction over that of the truth; 1 keeps all the detail.

    NaN where the truth has no variance at that zoom.
    """
    from fsae_core.sphere.spectrum import power_per_zoom  # late: it brings healpy

    before, after = power_per_zoom(truth), power_per_zoom(recon)
    return {
        zoom: float(np.mean(after[zoom]) / np.mean(before[zoom])) if np.mean(before[zoom]) > 0 else np.nan
        for zoom in before
    }
