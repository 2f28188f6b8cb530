"""Novelty: how far a time lies from the others, whatever its year and season.

The Mahalanobis distance of deseasonalised scores less their slow path, divided by the root of their number,
so that 1 is usual. Its null are surrogates with the same spectra and covariances and nothing else (random
phases): what a stationary Gaussian process of this kind would do. Times beyond it are heavier than Gaussian
or belong to an event.
"""

from __future__ import annotations

__all__ = ["NoveltyConfig", "novelty"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsae_core.atlas.calendar import Floats, slow_part
from fsae_core.atlas.resample import phase_randomised


@dataclass(frozen=True)
class NoveltyConfig:
    """bandwidth: years, of what counts as slow; surrogates: of the null, whose times are pooled."""

    bandwidth: float = 10.0
    surrogates: int = 99
    seed: int = 0


def novelty(
    scores: Floats, years: NDArray[np.float64], config: NoveltyConfig | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Deseasonalised scores (time, d) at decimal years (time,) -> novelty (time,) and its p (time,)."""
    c = config or NoveltyConfig()
    fast = np.asarray(scores, np.float64) - slow_part(scores, years, c.bandwidth)
    fast = fast[:, fast.std(axis=0) > 1e-9 * max(float(fast.std()), np.finfo(float).tiny)]
    if fast.shape[1] == 0:
        return np.zeros(len(fast)), np.ones(len(fast))
    value = _distance(fast)
    rng = np.random.default_rng(c.seed)
    null = np.sort(np.concatenate([_distance(phase_randomised(fast, rng)) for _ in range(c.surrogates)]))
    beyond = null.size - np.searchsorted(null, value, side="left")
    return value, (1 + beyond) / (1 + null.size)


def _distance(x: Floats) -> NDArray[np.float64]:
    centred = x - x.mean(axis=0)
    covariance = centred.T @ centred / len(x)
    solved = np.linalg.solve(covariance, centred.T)
    return np.sqrt(np.maximum(np.einsum("td,dt->t", centred, solved), 0.0) / x.shape[1])
