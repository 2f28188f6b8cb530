"""What an ensemble says of a value: how likely it is, how it is distributed, where the truth lies in it."""

from __future__ import annotations

__all__ = ["density", "exceedance", "exchanged_ranks"]

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fsae_core.errors import UserError

Floats = NDArray[np.float64]


def exceedance(ensemble: ArrayLike, threshold: float, *, above: bool = True) -> Floats:
    """Share of members (member, ...) beyond a threshold, (...): above it, or below."""
    e = np.asarray(ensemble)
    return np.asarray((e > threshold if above else e < threshold).mean(axis=0), dtype=np.float64)


def density(sample: ArrayLike, at: ArrayLike) -> Floats:
    """Gaussian kernel estimate of the density of a sample (n,) at values (m,), per unit.

    Width by Silverman's rule (1986, eq. 3.31). UserError below two values.
    """
    x, points = np.asarray(sample, dtype=np.float64), np.asarray(at, dtype=np.float64)
    if x.size < 2:
        raise UserError(f"{x.size} values were given, at least 2 are needed for a density.")
    quartiles = np.subtract(*np.quantile(x, (0.75, 0.25))) / 1.34
    spread = min(s for s in (x.std(ddof=1), quartiles, np.inf) if s > 0)
    width = 0.9 * spread * x.size**-0.2 if np.isfinite(spread) else 1e-3
    z = (points[:, None] - x[None, :]) / width
    return np.asarray(np.exp(-0.5 * z**2).mean(axis=1) / (width * np.sqrt(2 * np.pi)))


def exchanged_ranks(ensemble: ArrayLike, truth: ArrayLike) -> tuple[Floats, Floats]:
    """Rank histogram over cells, relative to a flat one: of the truth (rank,), of each member in its place.

    ensemble (member, cell), truth (cell,). Cells are alike, so a histogram of one field is never flat: what
    members (member, rank) have when each is ranked among the others and the truth is the measure.
    """
    e, t = np.asarray(ensemble), np.asarray(truth)
    if e.ndim != 2 or t.shape != e.shape[1:]:
        raise UserError(
            f"An ensemble of shape {e.shape} and a truth of shape {t.shape} were given: expected (member, "
            "cell) and (cell,)."
        )
    pooled = np.concatenate([t[None], e])
    ranks = pooled.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    count, cells = pooled.shape
    histograms = np.stack([np.bincount(row, minlength=count) for row in ranks]) * (count / cells)
    return histograms[0], histograms[1:]
