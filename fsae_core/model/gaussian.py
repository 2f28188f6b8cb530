"""A linear-Gaussian emulator of compressed fields: what can be had in closed form.

Latents x (frame, n), anomalies in units, are `x = m + T(R(phase) y)`. The mean m is linear in harmonics of
the year (the archive's climatology has two, land needs more) and in the conditions; R is a symmetric root of
the covariance of that day of the year, so that the whitened y is still a field with as many cells; T bends
the marginal law of each cell (`marginal.py`). The fine class has a further root F and a gain G of cell and
season, `T(G R F y)`. In time y is
the sum of two Gaussian processes of unit total covariance: a slow one, `S u` with u fading in weeks, and the
weather, `W w` with `w_k = A w_(k-1) + Q z_k`.
"""

from __future__ import annotations

__all__ = ["GaussianConfig", "GaussianEmulator", "pack_symmetric", "unpack_symmetric"]

import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fsae_core.model.climate import CONDITIONS, Climate, response_features, season_features
from fsae_core.model.marginal import from_normal, identity, knots_at, to_normal
from fsae_core.sphere.healpix import n_cells

NODES = 48
"""Days of the year are rounded to one of as many nodes; roots of the last few are kept."""

_KEPT = 64


@dataclass(frozen=True)
class GaussianConfig:
    """zoom: of the compressed field; cycle: harmonics of the year in the mean; harmonics: of the year in its
    response to the conditions; seasons: of the root; bends: nodes of the year of the
    marginal maps; fade: of the slow part from one frame to
    the next; step_days: between frames."""

    zoom: int = 3
    cycle: int = 6
    harmonics: int = 1
    seasons: int = 3
    bends: int = 12
    fade: float = math.exp(-1 / 12)
    step_days: int = 3


def pack_symmetric(matrix: Tensor) -> Tensor:
    """(..., n, n) -> its lower triangle (..., n (n + 1) / 2)."""
    rows, columns = torch.tril_indices(matrix.shape[-1], matrix.shape[-1])
    return matrix[..., rows, columns]


def unpack_symmetric(packed: Tensor) -> Tensor:
    """The inverse of `pack_symmetric`."""
    n = math.isqrt(2 * packed.shape[-1])
    rows, columns = torch.tril_indices(n, n, device=packed.device)
    full = packed.new_empty(*packed.shape[:-1], n, n)
    full[..., rows, columns] = packed
    full[..., columns, rows] = packed
    return full


class GaussianEmulator(nn.Module):
    """Buffers, fitted by `fit_gaussian`; no parameters."""

    season: Tensor
    response: Tensor
    root: Tensor
    marginal: Tensor
    fine_root: Tensor
    fine_gain: Tensor
    fine_season: Tensor
    slow: Tensor
    weather: Tensor
    forward_map: Tensor
    innovation: Tensor

    def __init__(self, config: GaussianConfig) -> None:
        super().__init__()
        self.config = c = config
        self.n = n = n_cells(c.zoom)
        packed = n * (n + 1) // 2
        self.register_buffer("marginal", identity(c.bends, n))
        self.register_buffer("season", torch.zeros(1 + 2 * c.cycle, n))
        self.register_buffer("response", torch.zeros(len(CONDITIONS) * (1 + 2 * c.harmonics), n))
        self.register_buffer("root", torch.zeros(1 + 2 * c.seasons, packed))
        eye = pack_symmetric(torch.eye(n))
        self.root[0] = eye
        self.register_buffer("fine_root", eye.clone())
        self.register_buffer("fine_gain", torch.ones(n))
        self.register_buffer("fine_season", torch.tensor([1.0, 0.0, 0.0]))
        self.register_buffer("slow", torch.zeros(packed))
        self.register_buffer("weather", eye.clone())
        self.register_buffer("forward_map", torch.zeros(n, n))
        self.register_buffer("innovation", eye.clone())
        self._roots: OrderedDict[tuple[int, bool, bool], Tensor] = OrderedDict()
        self._process: tuple[Tensor, Tensor, Tensor] | None = None

    def forget(self) -> None:
        """Drop what was derived from the buffers: to be called after they changed."""
        self._roots.clear()
        self._process = None

    def mean(self, climate: Climate, guidance: float = 1.0) -> Tensor:
        """(frame, n): the season's and the response to the conditions, all of which must be known."""
        cycle = torch.from_numpy(season_features(climate.phase, self.config.cycle)).to(self.season)
        features = torch.from_numpy(response_features(climate, self.config.harmonics)).to(self.response)
        return cycle @ self.season + guidance * (features @ self.response)

    def root_at(self, node: int, fine: bool, inverse: bool = False) -> Tensor:
        """Map (n, n) from whitened to plain latents at a node of the year, or its inverse."""
        key = (node, fine, inverse)
        if key not in self._roots:
            phase = 2 * math.pi * node / NODES
            angles = season_features(np.array([phase]), self.config.seasons)[0]
            turned = torch.from_numpy(angles).to(self.root) @ self.root
            matrix = unpack_symmetric(turned)
            if fine:
                season = torch.from_numpy(season_features(np.array([phase]), 1)[0]).to(self.root)
                gain = self.fine_gain * (season @ self.fine_season)
                matrix = gain[:, None] * (matrix @ unpack_symmetric(self.fine_root))
            self._roots[key] = torch.linalg.inv(matrix) if inverse else matrix
            while len(self._roots) > _KEPT:
                self._roots.popitem(last=False)
        return self._roots[key]

    def _by_node(self, rows: Tensor, phase: NDArray[np.float64], fine: bool, inverse: bool) -> Tensor:
        nodes = np.round(np.asarray(phase) * NODES / (2 * np.pi)).astype(int) % NODES
        out = torch.empty_like(rows)
        for node in np.unique(nodes):
            chosen = torch.from_numpy(np.flatnonzero(nodes == node)).to(rows.device)
            matrix = self.root_at(int(node), fine)
            knots = knots_at(self.marginal, 2 * math.pi * int(node) / NODES)
            # The fine class is bent as the coarse one is, so that both are whitened by the same maps.
            spread = self.root_at(int(node), False).norm(dim=1)
            if inverse:
                bent = to_normal(rows[chosen] / spread, knots) * spread
                out[chosen] = bent @ self.root_at(int(node), fine, True).T
            else:
                out[chosen] = from_normal(rows[chosen] @ matrix.T / spread, knots) * spread
        return out

    def colour(self, y: Tensor, climate: Climate, guidance: float = 1.0) -> Tensor:
        """Whitened fields (frame, n) -> latents in units."""
        return self._by_node(y, climate.phase, climate.fine, False) + self.mean(climate, guidance)

    def whiten(self, x: Tensor, climate: Climate) -> Tensor:
        """Latents in units (frame, n) -> whitened fields; the inverse of `colour`."""
        return self._by_node(x - self.mean(climate), climate.phase, climate.fine, True)

    def correlate(self, noise: Tensor) -> Tensor:
        """Independent normal numbers (batch, 2, frame, n) -> whitened fields (batch, frame, n) that hang
        together in time; each is standard normal where the fit is exact."""
        if self._process is None:
            self._process = (
                unpack_symmetric(self.slow),
                unpack_symmetric(self.weather),
                unpack_symmetric(self.innovation),
            )
        slow, weather, innovation = self._process
        fade = self.config.fade
        u, w = noise[:, 0, 0], noise[:, 1, 0]
        frames = [u @ slow + w @ weather]
        for k in range(1, noise.shape[2]):
            u = fade * u + math.sqrt(1 - fade**2) * noise[:, 0, k]
            w = w @ self.forward_map.T + noise[:, 1, k] @ innovation
            frames.append(u @ slow + w @ weather)
        return torch.stack(frames, dim=1)
