"""Flow matching in the compressed space: windows of whitened fields, and the error of the velocity."""

from __future__ import annotations

__all__ = ["DiffusionTask", "FlowConfig", "Windows"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fsae_core.model.climate import Climate
from fsae_core.model.denoiser import QUARTER, Denoiser, Query
from fsae_core.model.gaussian import GaussianEmulator

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class FlowConfig:
    """frames: in a window; windows, singles: fields in a batch of either kind; single_share, fine_share: of
    batches; dropout: how often a condition, and the class, is made unknown; angles: "uniform" (flow matching)
    or "edm" (log-normal noise levels, Karras et al. 2022)."""

    frames: int = 10
    windows: int = 6
    singles: int = 40
    single_share: float = 0.3
    fine_share: float = 0.15
    dropout: float = 0.15
    angles: str = "uniform"


class Windows:
    """Whitened fields (frame, cell) with conditions, drawn as runs of unbroken frames."""

    def __init__(self, y: Floats, climate: Climate, runs: NDArray[np.int64]) -> None:
        self.y, self.climate, self.runs = torch.from_numpy(y), climate, runs
        self.scaled = np.nan_to_num(climate.scaled).astype(np.float32)

    def starts(self, frames: int) -> NDArray[np.int64]:
        """Where a window of so many frames begins."""
        last = len(self.y) - frames
        return (
            np.flatnonzero(self.runs[: last + 1] == self.runs[frames - 1 :])
            if last >= 0
            else np.empty(0, int)
        )

    def take(self, first: NDArray[np.int64], frames: int) -> tuple[Tensor, Query]:
        """Windows (batch, frame, cell) that begin at `first`, with all conditions known."""
        index = first[:, None] + np.arange(frames)
        known = torch.from_numpy(np.isfinite(self.climate.values[index]).all(axis=1)).float()
        one = torch.ones(len(first))
        query = Query(
            torch.from_numpy(self.climate.phase[index]).float(),
            torch.from_numpy(self.scaled[index]),
            known,
            one,
            one * float(self.climate.fine),
        )
        return self.y[torch.from_numpy(index)], query


class DiffusionTask:
    """Squared error of the velocity; 1 is what the Gaussian emulator alone has."""

    def __init__(
        self,
        module: Denoiser,
        emulator: GaussianEmulator,
        train: Sequence[Windows],
        check: Windows | None,
        device: torch.device,
        flow: FlowConfig,
    ) -> None:
        self.module, self.emulator, self.device, self.flow = module, emulator.to(device), device, flow
        self.train, self.check = train, check
        self._draws: list[tuple[Tensor, Tensor, Tensor, Query]] | None = None

    def _pair(self, windows: Windows, first: NDArray[np.int64], frames: int, seed: int) -> Any:
        y, query = windows.take(first, frames)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(len(first), 2, frames, y.shape[-1], generator=generator)
        return self.emulator.correlate(noise.to(self.device)), y.to(self.device), query

    def _angles(self, count: int, rng: np.random.Generator) -> Tensor:
        if self.flow.angles == "edm":
            sigma = np.exp(rng.normal(-1.2, 1.2, count))
            return torch.from_numpy(np.arctan2(1.0, sigma)).float().to(self.device)
        # One angle in each of as many equal parts: less noise in the gradient.
        spread = (rng.permutation(count) + rng.random(count)) / count
        return torch.from_numpy(spread * QUARTER).float().to(self.device)

    def _error(self, forward: nn.Module, e: Tensor, y: Tensor, angle: Tensor, query: Query) -> Tensor:
        cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
        found = forward(cos * e + sin * y, angle, _to(query, self.device))
        return (found - (cos * y - sin * e)).square()

    def loss(self, forward: nn.Module, rng: np.random.Generator) -> Tensor:
        """Mean over a batch of windows or of single frames, of one class."""
        fine = len(self.train) > 1 and rng.random() < self.flow.fine_share
        windows = self.train[int(fine)]
        single = rng.random() < self.flow.single_share
        frames, batch = (1, self.flow.singles) if single else (self.flow.frames, self.flow.windows)
        first = rng.choice(windows.starts(frames), size=batch)
        e, y, query = self._pair(windows, first, frames, int(rng.integers(2**62)))
        keep = torch.from_numpy(rng.random((batch, 4)) >= self.flow.dropout).float()
        query = Query(
            query.phase, query.values, query.known * keep[:, :3], query.class_known * keep[:, 3], query.fine
        )
        return self._error(forward, e, y, self._angles(batch, rng), query).mean()

    def validate(self, module: nn.Module) -> float | None:
        """Error on the validation period over that of no network; the same draws every time."""
        if self.check is None or not len(self.check.starts(self.flow.frames)):
            return None
        frames = self.flow.frames
        if self._draws is None:
            rng = np.random.default_rng(5)
            first = self.check.starts(frames)[::frames]
            self._draws = []
            for turn in range(3):
                e, y, query = self._pair(self.check, first, frames, turn)
                self._draws.append((e, y, self._angles(len(first), rng), query))
        error = torch.cat([self._error(module, *draw).mean((1, 2)) for draw in self._draws])
        plain = torch.cat(
            [
                (a.cos()[:, None, None] * y - a.sin()[:, None, None] * e).square().mean((1, 2))
                for e, y, a, _ in self._draws
            ]
        )
        return float(error.mean().detach() / plain.mean())


def _to(query: Query, device: torch.device) -> Query:
    parts = (query.phase, query.values, query.known, query.class_known, query.fine)
    return Query(*(part.to(device) for part in parts))
