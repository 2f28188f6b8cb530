"""Field-Space Attention: a transformer block whose residual stream is the field itself.

After Witte et al. (arXiv 2512.20350) and Meuer et al. (arXiv 2601.15102). A token is the patch of cells
under one cell of the token zoom with its one-cell halo. Each block reads tokens from the field, mixes them
by attention and by an exchange with the eight neighbouring tokens, and adds its update to the field: the
state between blocks is always a field on the sphere that can be looked at. A token memory runs along, so
that a later block need not find anew what an earlier one knew.
"""

from __future__ import annotations

__all__ = ["WINDOW_LEVELS", "FieldSpaceAttention"]

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, layer_norm, scaled_dot_product_attention, silu

from fsae_core.model.gather import ring_values
from fsae_core.sphere.healpix import n_cells, zoom_of

WINDOW_LEVELS = 3
"""Attention runs among the 4**3 tokens under one cell three zooms above: linear in the number of cells.

What reaches further does so through the ring exchange of each block and through the coarse field.
"""

GATE = 0.1
"""Start of every gate: small enough to stay near the linear skip, large enough for gradients to pass.

(With the reference's two nested gates of 1e-7 the attention gets gradients of 1e-15 and stands still.)
"""


class FieldSpaceAttention(nn.Module):
    """One block.

    inputs: numbers in a token, halo and conditions included; outputs: own cells that the block updates;
    width: of the token memory; hidden: of the MLP; attention: total width of the heads (0 turns attention
    off); exchange: channels that a token shows its neighbours; bases: local patterns that the update may
    combine.
    """

    def __init__(
        self,
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
        self.read = nn.Linear(inputs, width)
        self.qkv = nn.Linear(width, 3 * attention) if attention else None
        self.out = nn.Linear(attention, width, bias=False) if attention else None
        self.show = nn.Linear(width, exchange)
        self.up = nn.Linear(width + 8 * exchange, hidden)
        self.down = nn.Linear(hidden, width)
        nn.init.normal_(self.down.weight, std=0.02)
        self.write = nn.Linear(width, outputs)
        self.weigh = nn.Linear(width, bases) if bases else None
        for layer in (self.write, self.weigh):
            if layer is not None:
                nn.init.normal_(layer.weight, std=0.1 * width**-0.5)
                nn.init.zeros_(layer.bias)
        self.gate = nn.Parameter(torch.tensor(GATE))

    def _attend(self, h: Tensor) -> Tensor:
        assert self.qkv is not None and self.out is not None
        tokens = h.shape[1]
        windows = n_cells(max(zoom_of(tokens) - WINDOW_LEVELS, 0))
        heads = (
            part.reshape(h.shape[0] * windows, tokens // windows, self.heads, -1).transpose(1, 2)
            for part in self.qkv(h).chunk(3, dim=-1)
        )
        mixed = scaled_dot_product_attention(*heads)
        return self.out(mixed.transpose(1, 2).reshape(h.shape[0], tokens, -1))

    def forward(
        self, tokens: Tensor, memory: Tensor | None, surface: tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Tokens (batch, token, inputs), memory (batch, token, width) or None, the block's share of
        SurfaceEncoder -> update of the own cells (batch, token, outputs) and the new memory."""
        scale_a, shift_a, scale_b, shift_b, bases = surface
        h = self.read(tokens)
        if memory is not None:
            h = h + memory
        if self.qkv is not None:
            h = h + self._attend(layer_norm(h, (self.width,)) * (1 + scale_a) + shift_a)
        normed = layer_norm(h, (self.width,)) * (1 + scale_b) + shift_b
        inner = silu(self.up(torch.cat([normed, ring_values(self.show(normed))], dim=-1)))
        if self.training and self.dropout:
            # One mask for all fields of a batch: drawing random numbers costs as much as the layer itself.
            inner = inner * dropout(inner.new_ones(inner.shape[1:]), self.dropout)
        h = h + self.down(inner)
        update = self.write(h)
        if self.weigh is not None:
            # (token, batch, bases) @ (token, bases, own): one small product a token, not one a field.
            local = torch.bmm(self.weigh(h).transpose(0, 1), bases.transpose(1, 2))
            update = update + local.transpose(0, 1)
        return self.gate * update, h
