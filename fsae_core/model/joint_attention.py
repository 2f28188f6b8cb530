"""Field-Space Attention with a token axis over variables.

A token is the patch of one variable under one cell of the token zoom. Attention runs over the tokens of all
variables in a window together, so that pressure can tell wind what it lacks and the other way round; what a
variable is says an embedding of its own, and whether it is there or only guessed a second one. Maps from and
to cells are a variable's own, everything between is shared.
"""

from __future__ import annotations

__all__ = ["JointAttention"]

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, layer_norm, scaled_dot_product_attention, silu

from fsae_core.model.attention import GATE, WINDOW_LEVELS
from fsae_core.model.gather import ring_values
from fsae_core.sphere.healpix import n_cells, zoom_of

_WHOLE = 48
"""Up to so many tokens of a variable are one window."""


class JointAttention(nn.Module):
    """One block; the arguments are those of `FieldSpaceAttention`, for each of `variables`."""

    def __init__(
        self,
        variables: int,
        inputs: int,
        outputs: int,
        *,
        width: int,
        hidden: int,
        attention: int,
        heads: int,
        exchange: int,
        bases: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.width, self.heads, self.dropout = width, heads, dropout
        self.read = nn.Parameter(torch.randn(variables, inputs, width) * inputs**-0.5)
        self.qkv = nn.Linear(width, 3 * attention)
        self.out = nn.Linear(attention, width, bias=False)
        self.show = nn.Linear(width, exchange)
        self.up = nn.Linear(width + 8 * exchange, hidden)
        self.down = nn.Linear(hidden, width)
        nn.init.normal_(self.down.weight, std=0.02)
        self.write = nn.Parameter(0.1 * width**-0.5 * torch.randn(variables, width, outputs))
        self.weigh = nn.Linear(width, bases)
        nn.init.normal_(self.weigh.weight, std=0.1 * width**-0.5)
        nn.init.zeros_(self.weigh.bias)
        self.gate = nn.Parameter(torch.full((variables, 1, 1), GATE))

    def _attend(self, h: Tensor) -> Tensor:
        """(batch, variables, tokens, width): among all variables and the tokens of a window."""
        batch, variables, tokens, _ = h.shape
        windows = 1 if tokens <= _WHOLE else n_cells(zoom_of(tokens) - WINDOW_LEVELS)

        def rows(x: Tensor) -> Tensor:
            x = x.reshape(batch, variables, windows, tokens // windows, self.heads, -1)
            return x.permute(0, 2, 4, 1, 3, 5).reshape(batch * windows, self.heads, -1, x.shape[-1])

        query, key, value = (rows(part) for part in self.qkv(h).chunk(3, dim=-1))
        mixed = scaled_dot_product_attention(query, key, value)
        mixed = mixed.reshape(batch, windows, self.heads, variables, tokens // windows, -1)
        return self.out(mixed.permute(0, 3, 1, 4, 2, 5).reshape(batch, variables, tokens, -1))

    def forward(
        self,
        tokens: Tensor,
        marks: Tensor,
        memory: Tensor | None,
        surface: tuple[Tensor, Tensor, Tensor, Tensor, Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Tokens (batch, variables, tokens, inputs), marks (variables, width), memory (batch, variables,
        tokens, width) or None, the block's share of SurfaceEncoder -> update of the own cells and the new
        memory."""
        scale_a, shift_a, scale_b, shift_b, bases = surface
        h = _own_maps(tokens, self.read) + marks[:, None]
        if memory is not None:
            h = h + memory
        h = h + self._attend(layer_norm(h, (self.width,)) * (1 + scale_a) + shift_a)
        normed = layer_norm(h, (self.width,)) * (1 + scale_b) + shift_b
        ring = ring_values(self.show(normed).flatten(0, 1)).unflatten(0, tuple(h.shape[:2]))
        inner = silu(self.up(torch.cat([normed, ring], dim=-1)))
        if self.training and self.dropout:
            inner = inner * dropout(inner.new_ones(inner.shape[1:]), self.dropout)
        h = h + self.down(inner)
        local = torch.einsum("bvtk,tok->bvto", self.weigh(h), bases)
        return self.gate * (_own_maps(h, self.write) + local), h


def _own_maps(x: Tensor, maps: Tensor) -> Tensor:
    """(batch, variables, tokens, m) by (variables, m, n), each variable by its own."""
    batch, variables, tokens, _ = x.shape
    rows = x.transpose(0, 1).reshape(variables, batch * tokens, -1)
    return torch.bmm(rows, maps).reshape(variables, batch, tokens, -1).transpose(0, 1)
