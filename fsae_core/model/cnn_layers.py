"""Convolution on the equirectangular grid: round in longitude, over the poles in latitude, and blocks that
know the surface."""

from __future__ import annotations

__all__ = ["Attention", "ResidualBlock", "SphereConv", "pad_sphere"]

import torch
from torch import Tensor, nn
from torch.nn import functional

_GROUP = 8


def pad_sphere(x: Tensor, width: int = 1) -> Tensor:
    """(batch, channel, row, column) with `width` more on each side: beyond a pole lie the rows on its other
    side."""
    half = x.shape[-1] // 2
    north = x[..., :width, :].flip(-2).roll(half, -1)
    south = x[..., -width:, :].flip(-2).roll(half, -1)
    x = torch.cat([north, x, south], dim=-2)
    return torch.cat([x[..., -width:], x, x[..., :width]], dim=-1)


class SphereConv(nn.Conv2d):
    """3 x 3 convolution without an edge."""

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__(inputs, outputs, 3)
        with torch.no_grad():
            self.weight.mul_(gain)
            if self.bias is not None:
                self.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, row, column) -> (batch, outputs, row, column)."""
        return super().forward(pad_sphere(x))


class ResidualBlock(nn.Module):
    """Group norm, modulation by what is known of the place and time, SiLU and convolution, twice.

    conditions: channels of that knowledge.
    """

    def __init__(self, width: int, conditions: int, dropout: float) -> None:
        super().__init__()
        groups = max(1, width // _GROUP)
        self.first_norm = nn.GroupNorm(groups, width)
        self.second_norm = nn.GroupNorm(groups, width)
        self.modulation = nn.Conv2d(conditions, 2 * width, 1)
        self.first, self.second = SphereConv(width, width), SphereConv(width, width, gain=0.1)
        self.dropout = dropout
        nn.init.normal_(self.modulation.weight, std=0.02)
        nn.init.zeros_(self.modulation.get_parameter("bias"))

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        """x: (batch, width, row, column); known: (batch or 1, conditions, row, column)."""
        scale, shift = self.modulation(known).chunk(2, dim=1)
        h = self.first(functional.silu(self.first_norm(x) * (1 + scale) + shift))
        h = functional.silu(self.second_norm(h))
        if self.training and self.dropout:
            # One mask for the batch: drawing one for each field would cost as much as the convolution.
            h = h * functional.dropout(h.new_ones(1, *h.shape[1:]), self.dropout)
        return x + self.second(h)


class Attention(nn.Module):
    """Every place of the coarsest grid looks at every other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(max(1, width // _GROUP), width)
        self.inputs = nn.Conv2d(width, 3 * width, 1)
        self.outputs = nn.Conv2d(width, width, 1)
        with torch.no_grad():
            self.outputs.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, width, row, column) -> the same shape."""
        q, k, v = (
            part.flatten(2).unflatten(1, (self.heads, -1)).transpose(-1, -2)
            for part in self.inputs(self.norm(x)).chunk(3, dim=1)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return x + self.outputs(mixed.transpose(-1, -2).flatten(1, 2).unflatten(-1, x.shape[-2:]))
