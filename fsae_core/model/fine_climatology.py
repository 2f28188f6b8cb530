"""Climatology of a scarce fine archive: the abundant coarse one, corrected by what few fine maps can tell."""

from __future__ import annotations

__all__ = ["fit_fine_climatology"]

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fsae_core.archive.climatology import phase_basis
from fsae_core.model.covariance import Floats, cells_zoom
from fsae_core.sphere.pyramid import prolong, restrict


def fit_fine_climatology(
    fine: ArrayLike,
    fine_phase: ArrayLike,
    coarse_coef: ArrayLike,
    coarse_anomalies: ArrayLike,
    basis: ArrayLike,
    *,
    ridge: float = 0.15,
    caution: float = 2.0,
    bins: int = 9,
) -> NDArray[np.float32]:
    """Harmonic coefficients (5, fine cells) of the fine fields' climatology.

    The mean difference of few fine maps to the coarse climatology `coarse_coef` (5, coarse cells) is part
    bias, part weather. Along the orthonormal `basis` (coarse cells, modes by falling variance) the weather's
    share is known from `coarse_anomalies` (consecutive times; their autocorrelation lowers the number of
    independent maps), and each bin of modes is shrunk by it (James-Stein; `caution` multiplies that share).
    Across the basis, and for the fine residual, harmonics get a ridge penalty.
    """
    x = np.asarray(fine, dtype=np.float32)
    coef, modes = np.asarray(coarse_coef, dtype=np.float64), np.asarray(basis, dtype=np.float32)
    anomalies: Floats = np.asarray(coarse_anomalies, dtype=np.float32)
    levels = cells_zoom(x) - cells_zoom(anomalies)
    design = phase_basis(fine_phase)
    coarse = restrict(x, levels)
    penalty = np.diag([0.0, 1, 1, 1, 1]) * ridge * len(x)
    normal = design.T @ design
    careful = np.linalg.solve(normal + penalty, design.T)
    inverse = np.linalg.inv(normal)

    amplitude = anomalies @ modes
    variance = amplitude.var(axis=0)
    lagged = (amplitude[1:] * amplitude[:-1]).mean(axis=0) / variance
    inflation = np.clip((1 + lagged) / (1 - lagged), 1, 20)
    difference = coarse - design @ coef
    along = difference @ modes
    turn = inverse @ (design.T @ along)
    noise = caution * np.diag(inverse)[:, None] * (variance * inflation)[None]
    edges = np.unique(np.round(np.geomspace(1, modes.shape[1], bins + 1)).astype(int))
    edges[0] = 0
    for low, high in pairwise(edges):
        signal = (turn[:, low:high] ** 2 / noise[:, low:high]).mean(axis=1)
        turn[:, low:high] *= np.maximum(0.0, 1 - 1 / signal)[:, None]
    across = careful @ (difference - along @ modes.T)
    residual = careful @ (x - prolong(coarse, levels))
    return (prolong(coef + turn @ modes.T + across, levels) + residual).astype(np.float32)
