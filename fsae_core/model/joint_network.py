"""What refines the decoded fields of several variables together: blocks of `JointAttention`."""

from __future__ import annotations

__all__ = ["JointNetwork", "JointNetworkConfig"]

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from fsae_core.model.conditioning import SurfaceEncoder
from fsae_core.model.gather import gather, halo_table
from fsae_core.model.joint_attention import JointAttention
from fsae_core.sphere.healpix import cell_vectors, zoom_of
from fsae_core.sphere.tangent import carried_frames, grid_frames, rotate_wind

PATCH_LEVELS = 3


@dataclass(frozen=True)
class JointNetworkConfig:
    """variables: by name, in order; conditions: numbers a token gets beside its cells; surface_zoom: of the
    learned channels of the surface."""

    variables: tuple[str, ...]
    conditions: int
    surface_zoom: int
    blocks: int = 2
    width: int = 64
    hidden: int = 96
    attention: int = 32
    heads: int = 2
    exchange: int = 8
    bases: int = 4
    surface_channels: int = 8
    dropout: float = 0.0

    @property
    def wind(self) -> tuple[int, int] | None:
        """Where the eastward and the northward wind stand, if both are among the variables."""
        if {"u10", "v10"} <= set(self.variables):
            return self.variables.index("u10"), self.variables.index("v10")
        return None


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # kept for training too, whoever asks first
def _halo_turn(zoom: int, token_zoom: int, device: str) -> tuple[Tensor, Tensor]:
    """Cosine and sine (tokens, halo) of the turn from the frame of a halo cell to that of the token's face,
    carried there."""
    halo = halo_table(zoom, token_zoom)
    face = np.arange(len(halo)) // 4**token_zoom
    here = cell_vectors(zoom)[halo]
    first, _ = carried_frames(face[:, None], here)
    own_first, own_second = (frame[halo] for frame in grid_frames(zoom))
    pair = [(first * own).sum(-1).astype(np.float32) for own in (own_first, own_second)]
    return torch.tensor(pair[0], device=device), torch.tensor(pair[1], device=device)


class JointNetwork(nn.Module):
    """Fields (batch, variables, cells), each divided by its spread, to better ones of that shape."""

    def __init__(self, config: JointNetworkConfig) -> None:
        super().__init__()
        self.config = c = config
        own = 4**PATCH_LEVELS
        inputs = own + 4 * 2**PATCH_LEVELS + 4 + c.conditions
        self.names = nn.Parameter(0.1 * torch.randn(len(c.variables), c.width))
        self.absent = nn.Parameter(0.1 * torch.randn(len(c.variables), c.width))
        self.blocks = nn.ModuleList(
            JointAttention(
                len(c.variables),
                inputs,
                own,
                width=c.width,
                hidden=c.hidden,
                attention=c.attention,
                heads=c.heads,
                exchange=c.exchange,
                bases=c.bases,
                dropout=c.dropout,
            )
            for _ in range(c.blocks)
        )
        self.surface = SurfaceEncoder(
            width=c.width,
            bases=c.bases,
            blocks=c.blocks,
            channels=c.surface_channels,
            zoom=c.surface_zoom,
            dropout=c.dropout,
        )

    def tokens(self, y: Tensor, token_zoom: int) -> Tensor:
        """(batch, variables, cells) -> (batch, variables, tokens, own + halo); the wind of halo cells in the
        token's own frame."""
        batch, variables, cells = y.shape
        zoom = zoom_of(cells)
        own = y.unflatten(-1, (12 * 4**token_zoom, -1))
        halo = gather(y.flatten(0, 1), zoom, token_zoom).unflatten(0, (batch, variables))
        if self.config.wind is not None:
            one, two = self.config.wind
            cosine, sine = _halo_turn(zoom, token_zoom, str(y.device))
            parts = list(halo.unbind(1))
            a, b = parts[one], parts[two]
            parts[one], parts[two] = cosine * a + sine * b, cosine * b - sine * a
            halo = torch.stack(parts, dim=1)
        return torch.cat([own, halo], dim=-1)

    def forward(self, x: Tensor, there: Tensor, conditions: Tensor, surface: Tensor) -> Tensor:
        """x: (batch, variables, cells), wind towards east and north; there: (variables,) bool, what is known
        and not only guessed; conditions: (batch, tokens, conditions); surface: features of the cells."""
        token_zoom = max(0, zoom_of(x.shape[-1]) - PATCH_LEVELS)
        y = self._turned(x, back=False)
        marks = self.names + torch.where(there[:, None], 0.0, 1.0) * self.absent
        told = conditions[:, None].expand(-1, x.shape[1], -1, -1)
        memory = None
        for block, share in zip(self.blocks, self.surface(surface, token_zoom), strict=True):
            tokens = torch.cat([self.tokens(y, token_zoom), told], dim=-1)
            update, memory = block(tokens, marks, memory, share)
            y = y + update.flatten(2)
        return self._turned(y, back=True)

    def _turned(self, x: Tensor, *, back: bool) -> Tensor:
        if self.config.wind is None:
            return x
        one, two = self.config.wind
        parts = list(x.unbind(1))
        parts[one], parts[two] = rotate_wind(parts[one], parts[two], back=back)
        return torch.stack(parts, dim=1)
