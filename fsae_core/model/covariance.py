"""Covariances of anomalies from few maps: seasonal windows, tapers with distance, leading bases, rotation."""

from __future__ import annotations

__all__ = ["SeasonalSpread", "block_directions", "day_weights", "gaspari_cohn", "leading", "rotate", "taper"]

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from fsae_core.sphere.healpix import cell_vectors, n_cells, zoom_of

Floats = NDArray[np.float32]
DAYS = 365.2425


def gaspari_cohn(r: NDArray) -> NDArray[np.float64]:
    """Compact correlation of distance over half-width: 1 at 0, 0 from 2 on (doi 10.1002/qj.49712555417)."""
    r = np.abs(np.asarray(r, dtype=np.float64))
    near = 1 + r**2 * (-5 / 3 + r * (5 / 8 + r * (1 / 2 - r / 4)))
    s = np.maximum(r, 1.0)
    far = 4 - 5 * s + s**2 * (5 / 3 + s * (5 / 8 + s * (-1 / 2 + s / 12))) - 2 / (3 * s)
    return np.where(r <= 1, near, np.where(r < 2, far, 0.0))


def taper(zoom: int, half_width_deg: float, floor: float = 0.0, cells: slice = slice(None)) -> Floats:
    """Factors (n, n) for a covariance of `cells`: floor + (1 - floor) * gaspari_cohn(distance)."""
    vectors = cell_vectors(zoom)[cells]
    angle = np.degrees(np.arccos(np.clip(vectors @ vectors.T, -1, 1)))
    return (floor + (1 - floor) * gaspari_cohn(angle / half_width_deg)).astype(np.float32)


def day_weights(phase: NDArray, centre: float, width_days: float, all_year: float) -> Floats:
    """Weights (time,) with sum 1: a Gaussian of the day of year around `centre` and equal weights."""
    days = np.abs((phase - centre + np.pi) % (2 * np.pi) - np.pi) * DAYS / (2 * np.pi)
    near = np.exp(-0.5 * (days / width_days) ** 2)
    total = near.sum()
    near = near / total if total > 0 else np.full(len(phase), 1 / len(phase))
    return (near * (1 - all_year) + all_year / len(phase)).astype(np.float32)


class SeasonalSpread:
    """Spread of each cell through the year, by a kernel of `width_days`; `at(phase)` -> (..., cells)."""

    def __init__(self, anomalies: Floats, phase: NDArray, width_days: float, nodes: int = 36) -> None:
        self.nodes = nodes
        centres = np.arange(nodes) * 2 * np.pi / nodes
        square = np.square(anomalies)
        weights = np.stack([day_weights(phase, c, width_days, 0.02) for c in centres])
        self.table = np.sqrt(weights @ square + 1e-12 * square.mean() + np.finfo(np.float32).tiny)

    def at(self, phase: NDArray | float) -> Floats:
        """Spread at the nearest node."""
        return self.table[np.round(np.asarray(phase) * self.nodes / (2 * np.pi)).astype(int) % self.nodes]


def leading(covariance: Floats, rank: int) -> Floats:
    """Eigenvectors (n, rank) of the largest eigenvalues, largest first; overwrites its argument."""
    n = len(covariance)
    _, vectors = scipy.linalg.eigh(
        covariance, subset_by_index=[n - rank, n - 1], overwrite_a=True, check_finite=False
    )
    return np.ascontiguousarray(vectors[:, ::-1])


def block_directions(cells: int, floats: int) -> Floats:
    """Orthonormal columns (cells, floats) whose coefficients are scaled block means of a nested field."""
    block = cells // floats
    return np.repeat(np.eye(floats, dtype=np.float32), block, axis=0) / np.float32(np.sqrt(block))


def rotate(basis: Floats, cross: Floats) -> Floats:
    """Orthogonal Procrustes: turn `basis` (n, k) so that its coefficients come close to a target's.

    `cross` (k, k) is the covariance of the basis' coefficients (rows) with the target's (columns).
    """
    u, _, vt = np.linalg.svd(cross.astype(np.float64))
    return (basis @ (u @ vt)).astype(np.float32)


def cells_zoom(anomalies: Floats) -> int:
    """Zoom of (time, cell) anomalies."""
    return zoom_of(anomalies.shape[-1])


def default_subspace(zoom: int) -> int:
    """Rank of the subspace shared by the seasons: a quarter of the cells, at most 1024."""
    return min(n_cells(zoom - 1), 1024)
