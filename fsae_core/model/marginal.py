"""Monotone maps between normal numbers and what a cell of the archive really does, through the year.

Snow, ice and monsoons make temperatures skewed. A map is a broken line over even knots of a standard normal
number, one for each cell and each of some nodes of the year; beyond the outer knots it goes on straight.
"""

from __future__ import annotations

__all__ = ["KNOTS", "fit_marginals", "from_normal", "identity", "knots_at", "to_normal"]

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

from fsae_core.model.covariance import day_weights

KNOTS = torch.linspace(-2.0, 2.0, 9)
_GAP = 0.5
_SLOPES = (0.6, 1.6)
_SHRINK = 0.85
"""Share of the departure from the straight line that is kept: quantiles of few samples are noisy."""


def identity(nodes: int, cells: int) -> Tensor:
    """Maps that change nothing, (nodes, cells, knots)."""
    return KNOTS.expand(nodes, cells, -1).clone()


def knots_at(maps: Tensor, phase: float) -> Tensor:
    """Maps of a phase of the year, linear between nodes (node m stands at m / nodes): (cells, knots)."""
    nodes = len(maps)
    place = phase / (2 * np.pi) * nodes
    left = int(np.floor(place))
    return torch.lerp(maps[left % nodes], maps[(left + 1) % nodes], place - left)


def from_normal(u: Tensor, values: Tensor) -> Tensor:
    """Normal numbers (row, cell) through the maps with these knots (cell, knots)."""
    place = (u - KNOTS[0]) / _GAP
    slot = place.floor().clamp(0, len(KNOTS) - 2).long()
    low = values.T.gather(0, slot)
    high = values.T.gather(0, slot + 1)
    return low + (place - slot) * (high - low)


def to_normal(x: Tensor, values: Tensor) -> Tensor:
    """The inverse of `from_normal`."""
    inner = values[:, 1:-1].contiguous()
    slot = torch.searchsorted(inner, x.T.contiguous()).T
    low = values.T.gather(0, slot)
    high = values.T.gather(0, slot + 1)
    return KNOTS[0] + _GAP * (slot + (x - low) / (high - low))


def fit_marginals(scaled: NDArray, phase: NDArray, nodes: int, kernel_days: float, all_year: float) -> Tensor:
    """Maps (nodes, cell, knots) from anomalies over their spread (time, cell): weighted quantiles of days
    around each node."""
    order = np.argsort(scaled, axis=0)
    ordered = np.take_along_axis(scaled, order, axis=0)
    levels = norm.cdf(KNOTS.numpy())
    maps = np.empty((nodes, scaled.shape[1], len(KNOTS)), np.float32)
    for m in range(nodes):
        weights = day_weights(phase, 2 * np.pi * m / nodes, kernel_days, all_year)[order]
        reached = np.cumsum(weights, axis=0) - weights / 2
        for cell in range(scaled.shape[1]):
            maps[m, cell] = np.interp(levels, reached[:, cell], ordered[:, cell])
    straight = KNOTS.numpy()
    maps = straight + _SHRINK * (maps - straight)
    # Slopes near 0 would blow rare values up on the way back.
    steps = np.clip(np.diff(maps, axis=-1), _SLOPES[0] * _GAP, _SLOPES[1] * _GAP)
    bent = np.concatenate([np.zeros_like(maps[..., :1]), np.cumsum(steps, axis=-1)], axis=-1)
    return torch.from_numpy(bent + (maps - bent).mean(axis=-1, keepdims=True)).float()
