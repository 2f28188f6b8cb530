"""Sums of errors over an archive, block by block.

A cell where the truth is not finite is left out; a cell where only the reconstruction is not finite makes the
result NaN, so that a codec cannot hide what it lost.
"""

__all__ = ["ErrorSums"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass
class ErrorSums:
    """The sums behind RMSE, bias, PSNR and the largest error, for archives judged by blocks."""

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

    def merge(self, other: "ErrorSums") -> "ErrorSums":
        """Take in what was summed elsewhere. Returns itself."""
        for name in ("count", "total", "total_absolute", "total_square"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.largest = float(np.maximum(self.largest, other.largest))
        self.truth_min = min(self.truth_min, other.truth_min)
        self.truth_max = max(self.truth_max, other.truth_max)
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
