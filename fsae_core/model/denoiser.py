"""The velocity network of Compressed Field Diffusion: a Field-Space transformer over tokens of all frames.

State: whitened compressed fields z (batch, frame, cell). On the path `z = cos a e + sin a y` between a draw
e of the Gaussian emulator (a = 0) and a field y of the archive (a = pi / 2) the velocity is
`cos a y - sin a e`. Where the archive is Gaussian, e and y have the same law and the expected velocity is
zero: the network, which starts at zero, learns only what is left. A token is a patch of cells with its halo;
the tokens of all frames stand on one axis and attend to each other, with a bias by how many frames lie
between.
"""

from __future__ import annotations

__all__ = ["QUARTER", "Denoiser", "DenoiserConfig", "Query", "query_of"]

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, scaled_dot_product_attention, silu

from fsae_core.model.climate import CONDITIONS, Climate
from fsae_core.model.gather import ring_values, tokenise
from fsae_core.sphere.healpix import n_cells

QUARTER = math.pi / 2
"""Where the path ends."""

_WAVES = 8
_SEASON = 4
_CLASSES = 2


@dataclass(frozen=True)
class DenoiserConfig:
    """zoom: of the state; token_levels: a token is 4**token_levels cells; reach: frames apart beyond which
    the bias stays the same; exchange: channels that a token shows its neighbours."""

    zoom: int = 3
    token_levels: int = 2
    blocks: int = 2
    width: int = 64
    hidden: int = 128
    heads: int = 2
    exchange: int = 8
    reach: int = 10
    embedding: int = 64


@dataclass(frozen=True)
class Query:
    """Conditions as the network reads them: phase (batch, frame), values (batch, frame, 3) of order one,
    known (batch, 3) and resolution class known (batch,) as 0 or 1, fine (batch,) as 0 or 1."""

    phase: Tensor
    values: Tensor
    known: Tensor
    class_known: Tensor
    fine: Tensor

    def unknown(self) -> Query:
        """The same with conditions and class unknown; the season stays."""
        return Query(
            self.phase,
            self.values,
            torch.zeros_like(self.known),
            torch.zeros_like(self.class_known),
            self.fine,
        )


def query_of(climate: Climate, device: torch.device | str = "cpu") -> Query:
    """One row of frames as a batch of one."""
    known = torch.from_numpy(climate.known).float()
    values = torch.nan_to_num(torch.from_numpy(climate.scaled).float())
    one = torch.ones(1, device=device)
    return Query(
        torch.from_numpy(climate.phase).float()[None].to(device),
        values[None].to(device),
        known[None].to(device),
        one,
        one * float(climate.fine),
    )


class _Block(nn.Module):
    """Reads tokens of the state, mixes them, writes an update of their own cells."""

    def __init__(self, c: DenoiserConfig, tokens: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.width, self.heads = c.width, c.heads
        self.read = nn.Linear(inputs, c.width)
        self.place = nn.Parameter(torch.randn(tokens, c.width) * 0.1)
        self.qkv = nn.Linear(c.width, 3 * c.width)
        self.out = nn.Linear(c.width, c.width, bias=False)
        self.apart = nn.Parameter(torch.zeros(c.heads, 2 * c.reach + 1))
        self.modulate = nn.Linear(c.embedding, 4 * c.width)
        self.local = nn.Parameter(torch.zeros(tokens, 4 * c.width))
        self.show = nn.Linear(c.width, c.exchange)
        self.up = nn.Linear(c.width + 8 * c.exchange, c.hidden)
        self.down = nn.Linear(c.hidden, c.width)
        self.write = nn.Linear(c.width, outputs)
        for layer in (self.write, self.modulate):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def _attend(self, h: Tensor, bias: Tensor) -> Tensor:
        batch, frames, tokens, _ = h.shape
        q, k, v = (
            part.reshape(batch, frames * tokens, self.heads, -1).transpose(1, 2)
            for part in self.qkv(h).chunk(3, dim=-1)
        )
        mixed = scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.out(mixed.transpose(1, 2).reshape(h.shape))

    def forward(
        self, tokens: Tensor, memory: Tensor | None, emb: Tensor, apart: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Tokens (batch, frame, token, inputs), embedding (batch, frame, c), distance of frames as an index
        (frame, frame) or None for one frame -> update (batch, frame, token, outputs), memory."""
        h = self.read(tokens) + self.place
        if memory is not None:
            h = h + memory
        turned = self.modulate(emb)[:, :, None] + self.local
        scale_a, shift_a, scale_b, shift_b = turned.chunk(4, dim=-1)
        if apart is not None:
            count = h.shape[2]
            bias = self.apart[:, apart].repeat_interleave(count, 1).repeat_interleave(count, 2)
        else:
            bias = h.new_zeros(1, 1, 1)
        h = h + self._attend(layer_norm(h, (self.width,)) * (1 + scale_a) + shift_a, bias)
        normed = layer_norm(h, (self.width,)) * (1 + scale_b) + shift_b
        ring = ring_values(self.show(normed).flatten(0, 1)).unflatten(0, h.shape[:2])
        h = h + self.down(silu(self.up(torch.cat([normed, ring], dim=-1))))
        return self.write(h), h


class Denoiser(nn.Module):
    """Velocity of whitened compressed fields (batch, frame, cell); zero before it is trained."""

    def __init__(self, config: DenoiserConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or DenoiserConfig()
        self.token_zoom = c.zoom - c.token_levels
        own = 4**c.token_levels
        halo = 4 * 2**c.token_levels + 4
        tokens = n_cells(self.token_zoom)
        self.blocks = nn.ModuleList(_Block(c, tokens, own + halo, own) for _ in range(c.blocks))
        features = 2 * _WAVES + _SEASON + 2 * len(CONDITIONS) + _CLASSES
        self.embed = nn.Sequential(
            nn.Linear(features, c.embedding), nn.SiLU(), nn.Linear(c.embedding, c.embedding), nn.SiLU()
        )

    def _embedding(self, angle: Tensor, query: Query) -> Tensor:
        steps = torch.arange(1, _WAVES + 1, device=angle.device) * angle[:, None]
        frames = query.phase.shape[1]
        noise = torch.cat([steps.cos(), steps.sin()], dim=-1)[:, None].expand(-1, frames, -1)
        p = query.phase
        season = torch.stack([p.cos(), p.sin(), (2 * p).cos(), (2 * p).sin()], dim=-1)
        known = query.known[:, None].expand(-1, frames, -1)
        classes = torch.stack([query.class_known * (1 - query.fine), query.class_known * query.fine], dim=-1)
        parts = [noise, season, query.values * known, known, classes[:, None].expand(-1, frames, -1)]
        return self.embed(torch.cat(parts, dim=-1))

    def forward(self, z: Tensor, angle: Tensor, query: Query) -> Tensor:
        """State (batch, frame, cell), angle (batch,) from 0 to pi / 2 -> velocity (batch, frame, cell)."""
        batch, frames, _ = z.shape
        emb = self._embedding(angle, query)
        apart = None
        if frames > 1:
            k = torch.arange(frames, device=z.device)
            reach = self.config.reach
            apart = (k[None] - k[:, None]).clamp(-reach, reach) + reach
        field, memory = z, None
        total = torch.zeros_like(z)
        for block in self.blocks:
            tokens = tokenise(field.flatten(0, 1), self.token_zoom).unflatten(0, (batch, frames))
            update, memory = block(tokens, memory, emb, apart)
            total = total + update.flatten(2)
            field = z + total
        return total
