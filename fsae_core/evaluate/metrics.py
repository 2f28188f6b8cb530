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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsae_core.sphere.healpix import cell_centres, zoom_of

Array = NDArray[np.floating]


@dataclass
class ErrorSums:
    """The sums behind every metric below, so that an archive can be judged block by block."""

    count: int = 0
    total: float = 0.0
    total_absolute: float = 0.0
    total_square: float = 0.0
    largest: float = 0.0
    truth_min: float = np.inf
    truth_max: float = -np.inf

    def add(self, truth: Array, recon: Array) -> "ErrorSums":
        """Take one more block in; both of the same shape. Returns itself."""
        if truth.shape != recon.shape:
            raise ValueError(f"truth has shape {truth.shape} and the reconstruction {recon.shape}")
        valid = np.isfinite(truth)
        reference = truth[valid].astype(np.float64)
        error = recon[valid].astype(np.float64) - reference
        if error.size:
            self.count += error.size
            self.total += float(error.sum())
            self.total_absolute += float(np.abs(error).sum())
            self.total_square += float(np.square(error).sum())
            # np.maximum keeps a NaN; the builtin max would drop it.
            self.largest = float(np.maximum(self.largest, np.abs(error).max()))
            self.truth_min = min(self.truth_min, float(reference.min()))
            self.truth_max = max(self.truth_max, float(reference.max()))
        return self

    @property
    def rmse(self) -> float:
        return float(np.sqrt(self.total_square / self.count)) if self.count else np.nan

    @property
    def mae(self) -> float:
        return self.total_absolute / self.count if self.count else np.nan

    @property
    def bias(self) -> float:
        return self.total / self.count if self.count else np.nan

    @property
    def max_error(self) -> float:
        return self.largest if self.count else np.nan

    @property
    def psnr_db(self) -> float:
        """20 log10((max - min of the truth) / RMSE); infinite when exact, NaN for a constant truth."""
        span, error = self.truth_max - self.truth_min, self.rmse
        if not self.count or np.isnan(error):
            return np.nan
        if error == 0:
            return np.inf
        return float(20 * np.log10(span / error)) if span > 0 else np.nan


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
