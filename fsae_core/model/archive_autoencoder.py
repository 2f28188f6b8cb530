"""A network on top of an archive's closed-form compression.

The linear maps (`LinearFieldCodec`) carry what is Gaussian; Field-Space Attention blocks then correct the
decoded anomalies where the field depends on the compressed one in other ways. The compressed field stays
the linear one.
"""

from __future__ import annotations

__all__ = ["ArchiveAutoencoder", "ArchiveConfig"]

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fsae_core.model.attention import FieldSpaceAttention
from fsae_core.model.conditioning import SurfaceEncoder
from fsae_core.model.gather import tokenise
from fsae_core.model.linear import LinearCodecConfig, LinearFieldCodec
from fsae_core.sphere.healpix import n_cells, zoom_of

_SEASON = 4
_PATCH_LEVELS = 3


@dataclass(frozen=True)
class ArchiveConfig:
    """scale: spread of the anomalies, in their units; blocks: 0 for the linear maps alone."""

    linear: LinearCodecConfig
    scale: float
    blocks: int = 2
    width: int = 64
    hidden: int = 96
    attention: int = 32
    heads: int = 2
    exchange: int = 8
    bases: int = 4
    surface_channels: int = 8


class ArchiveAutoencoder(nn.Module):
    """Anomalies (batch, cells) at the codec's coarse or fine zoom <-> compressed fields (batch, floats)."""

    def __init__(self, config: ArchiveConfig) -> None:
        super().__init__()
        self.config = c = config
        self.linear = LinearFieldCodec(c.linear)
        zoom = c.linear.coarse_zoom
        self.token_zoom = max(0, zoom - _PATCH_LEVELS)
        levels = zoom - self.token_zoom
        own = 4**levels
        self.blocks = nn.ModuleList(
            FieldSpaceAttention(
                own + 4 * 2**levels + 4 + _SEASON,
                own,
                width=c.width,
                hidden=c.hidden,
                attention=c.attention,
                heads=c.heads,
                exchange=c.exchange,
                bases=c.bases,
            )
            for _ in range(c.blocks)
        )
        self.surface = (
            SurfaceEncoder(
                width=c.width, bases=c.bases, blocks=c.blocks, channels=c.surface_channels, zoom=zoom
            )
            if c.blocks
            else None
        )

    def encode(self, x: Tensor, phase: Tensor) -> Tensor:
        """Anomalies (batch, cells), annual phase (batch,) -> (batch, floats)."""
        return self.linear.encode(x, phase)

    def forward(self, x: Tensor, phase: Tensor, surface: Tensor) -> Tensor:
        """Encode and decode: (batch, cells) -> (batch, cells)."""
        return self.decode(self.encode(x, phase), phase, zoom_of(x.shape[-1]), surface)

    def decode(self, b: Tensor, phase: Tensor, zoom: int, surface: Tensor) -> Tensor:
        """(batch, floats), annual phase (batch,), surface features of the coarse zoom -> anomalies at
        `zoom`."""
        coarse_zoom = self.config.linear.coarse_zoom
        if self.surface is None:
            return self.linear.decode(b, phase, zoom)
        y = self.linear.decode(b, phase, coarse_zoom) / self.config.scale
        angle = torch.stack([phase.cos(), phase.sin(), (2 * phase).cos(), (2 * phase).sin()], dim=-1)
        season = angle.to(y)[:, None].expand(-1, n_cells(self.token_zoom), -1)
        memory = None
        for block, share in zip(self.blocks, self.surface(surface, self.token_zoom), strict=True):
            tokens = torch.cat([tokenise(y, self.token_zoom), season], dim=-1)
            update, memory = block(tokens, memory, share)
            y = y + update.flatten(1)
        y = y * self.config.scale
        return y if zoom == coarse_zoom else self.linear.refine(y)
