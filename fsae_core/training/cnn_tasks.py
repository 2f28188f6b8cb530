"""What the convolutional baseline learns: fields normalised one by one, or anomalies; the losses are those of
the Field-Space Autoencoder."""

from __future__ import annotations

__all__ = ["CnnAnomalyTask", "CnnFieldTask"]

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fsae_core.archive.climatology import phase_basis
from fsae_core.model.cnn_model import SUN_LEVELS
from fsae_core.model.cnn_vae import CnnConditions, CnnVae
from fsae_core.model.compression import surface_tensor
from fsae_core.model.conditioning import solar_features
from fsae_core.sphere.healpix import zoom_of
from fsae_core.training.fields import FieldPool, FieldSet
from fsae_core.training.mixture import share_of_baseline

Floats = NDArray[np.float32]

_SEASON = 0.5
"""Radians of the year, a month, within which fields are of one season."""


class CnnFieldTask:
    """Squared error of the reconstruction as a share of what block mean and smooth prolongation miss, and a
    little of the latents' divergence."""

    def __init__(
        self,
        module: CnnVae,
        pool: FieldPool,
        check: Sequence[FieldSet],
        device: torch.device,
        divergence: float = 1e-4,
    ) -> None:
        self.module, self.pool, self.check, self.device = module, pool, check, device
        self.divergence = divergence

    def loss(self, forward: nn.Module, rng: np.random.Generator) -> Tensor:
        """Share of the baseline's squared error, mean over the batch, and the weighted divergence."""
        draw = self.pool.draw(rng, SUN_LEVELS, self.device)
        y, divergence = forward(draw.fields, CnnConditions(draw.surface, draw.solar, draw.turn))
        share = share_of_baseline(y, draw.fields, self.module.config.levels)
        return share.mean() + self.divergence * divergence.mean()

    def validate(self, module: nn.Module) -> float | None:
        """Root of the mean share over the check fields; None without any."""
        shares = []
        for one in self.check:
            for i in range(0, len(one.values), 4):
                x = one.values[i : i + 4].float().to(self.device)
                sun = None
                if one.instant:
                    sun = torch.from_numpy(solar_features(one.times[i : i + 4], one.zoom - SUN_LEVELS))
                surface = surface_tensor(one.zoom, "cpu").to(self.device)
                y, _ = module(x, CnnConditions(surface, None if sun is None else sun.to(self.device)))
                shares.append(share_of_baseline(y, x, self.module.config.levels))
        return float(torch.cat(shares).mean().sqrt()) if shares else None


class CnnAnomalyTask:
    """Squared error of decoded anomalies over their variance, and a little of the latents' divergence.

    train: periods of anomalies (time, cell) in units of `scale`'s and their phases (time,), all of one zoom,
    each with how often it is drawn; mixing: share of fields to which a field of the same season is added,
    such that the spread stays.
    """

    def __init__(
        self,
        module: CnnVae,
        train: Sequence[tuple[Floats, Floats, float]],
        check: tuple[Floats, Floats] | None,
        scale: float,
        device: torch.device,
        *,
        batch: int = 16,
        divergence: float = 1e-4,
        mixing: float = 0.5,
    ) -> None:
        self.module, self.train, self.check, self.scale, self.device = module, train, check, scale, device
        self.batch, self.divergence, self.mixing = batch, divergence, mixing
        odds = np.array([weight for _, _, weight in train])
        self._odds = odds / odds.sum()
        zoom = zoom_of(train[0][0].shape[-1])
        self._surface = surface_tensor(zoom, "cpu").to(device)

    def _inputs(self, x: Floats, phase: Floats) -> tuple[Tensor, CnnConditions]:
        season = torch.from_numpy(phase_basis(phase)[:, 1:].astype(np.float32)).to(self.device)
        fields = torch.from_numpy(np.ascontiguousarray(x / np.float32(self.scale))).to(self.device)
        return fields, CnnConditions(self._surface, season)

    def loss(self, forward: nn.Module, rng: np.random.Generator) -> Tensor:
        """Mean over a batch of one period, in units of the scale squared."""
        anomalies, phases, _ = self.train[int(rng.choice(len(self.train), p=self._odds))]
        chosen = rng.integers(len(anomalies), size=self.batch)
        x, phase = anomalies[chosen], phases[chosen]
        # Anomalies are near Gaussian: a weighted sum of two of one season, squares summing to 1, is another.
        near = np.abs(np.angle(np.exp(1j * (phases[None] - phase[:, None])))) < _SEASON
        other = np.array([rng.choice(np.flatnonzero(row)) for row in near])
        angle = rng.uniform(0, np.pi / 2, (self.batch, 1)) * (rng.random((self.batch, 1)) < self.mixing)
        x = (np.cos(angle) * x + np.sin(angle) * anomalies[other]).astype(np.float32)
        fields, conditions = self._inputs(x, phase)
        y, divergence = forward(fields, conditions)
        return (y - fields).square().mean() + self.divergence * divergence.mean()

    def validate(self, module: nn.Module) -> float | None:
        """RMSE in the field's units on the validation period; None without one."""
        if self.check is None:
            return None
        errors = []
        for i in range(0, len(self.check[0]), 64):
            x, conditions = self._inputs(*(part[i : i + 64] for part in self.check))
            errors.append((module(x, conditions)[0] - x).square().mean(-1))
        return float(torch.cat(errors).mean().sqrt()) * self.scale
