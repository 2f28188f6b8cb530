"""The network laid out for inference on a CPU: the same sums in fewer passes over memory.

What `FieldSpaceAutoencoder` does in float32 to the last digits, with all that is linear folded into the
weights beforehand: gates, the block mean that a decoder's update loses, biases that only move a later sum.
Tokens, halo and sunlight are multiplied where they lie instead of being put side by side, and sums go into
the array that is there. A few fields at once stay in a core's own cache.
"""

from __future__ import annotations

__all__ = ["FoldedNetwork"]

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, scaled_dot_product_attention, silu

from fsae_core.model.attention import WINDOW_LEVELS, FieldSpaceAttention
from fsae_core.model.autoencoder import Conditions, FieldSpaceAutoencoder
from fsae_core.model.conditioning import SOLAR
from fsae_core.model.gather import gather
from fsae_core.sphere.healpix import n_cells, zoom_of


class FoldedSurface(NamedTuple):
    """Of a block: scale and shift before attention and before the MLP (tokens, width), bases (tokens, bases,
    own) with the gate in them."""

    scale_a: Tensor
    shift_a: Tensor
    scale_b: Tensor
    shift_b: Tensor
    bases: Tensor


class _Block:
    """A FieldSpaceAttention with folded weights, which adds its update to a field.

    own, ring: how many of its inputs are cells of the token and cells around it; what follows them but the
    sunlight is 0. patch: of cells whose mean update is taken out, 1 for none. carried: what the memory that
    comes in lacks, (width,).
    """

    def __init__(self, block: FieldSpaceAttention, own: int, ring: int, patch: int, carried: Tensor) -> None:
        read, gate = block.read.weight, block.gate
        self.width, self.heads, self._patch, self._gate = block.width, block.heads, patch, gate
        self.own = read[:, :own].T.contiguous()
        self.ring = read[:, own : own + ring].T.contiguous()
        self.solar = read[:, -SOLAR:].T.contiguous()
        self.bias = block.read.bias + carried
        self.qkv = self.out = None
        if block.qkv is not None and block.out is not None:
            self.qkv = block.qkv.weight.T.contiguous(), block.qkv.bias
            self.out = block.out.weight.T.contiguous()
        self.show = block.show.weight.T.contiguous(), block.show.bias
        up = block.up.weight.T
        self.up = up[: block.width].contiguous(), up[block.width :].contiguous(), block.up.bias
        self.down = block.down.weight.T.contiguous()
        self.lacking = block.down.bias
        write = self._centred(gate * torch.cat([block.write.weight.T, block.write.bias[None]]))
        self.write = write[:-1].contiguous(), write[-1] + self.lacking @ write[:-1]
        self.weigh = None
        if block.weigh is not None:
            weigh = block.weigh.weight.T
            self.weigh = weigh.contiguous(), block.weigh.bias + self.lacking @ weigh

    def _centred(self, last: Tensor) -> Tensor:
        """What adds nothing to the mean of a patch, along the last axis."""
        if self._patch == 1:
            return last
        patches = last.unflatten(-1, (-1, self._patch))
        return (patches - patches.mean(-1, keepdim=True)).flatten(-2)

    def surface(self, share: tuple[Tensor, ...]) -> FoldedSurface:
        """From the block's share of `SurfaceEncoder`."""
        scale_a, shift_a, scale_b, shift_b, bases = share
        bases = self._centred(self._gate * bases.transpose(1, 2)).contiguous()
        return FoldedSurface(1 + scale_a, shift_a.contiguous(), 1 + scale_b, shift_b.contiguous(), bases)

    def add(
        self,
        field: Tensor,
        own: Tensor,
        ring: Tensor,
        solar: Tensor | None,
        memory: Tensor | None,
        surface: FoldedSurface,
    ) -> Tensor:
        """Add to a field (batch, tokens, cells) what the block makes of own (batch, tokens, own) and ring
        (batch, tokens, ring); the new memory (rows, width), short of `lacking`."""
        batch, tokens = own.shape[:2]
        h = torch.addmm(self.bias if memory is None else memory, own.flatten(0, 1), self.own)
        if memory is not None:
            h += self.bias
        h.addmm_(ring.flatten(0, 1), self.ring)
        if solar is not None:
            h.addmm_(solar.flatten(0, 1), self.solar)
        lying = h.view(batch, tokens, self.width)
        if self.qkv is not None and self.out is not None:
            h.addmm_(self._attend(self._modulated(lying, surface.scale_a, surface.shift_a)), self.out)
        normed = self._modulated(lying, surface.scale_b, surface.shift_b)
        rows = normed.flatten(0, 1)
        shown = torch.addmm(self.show[1], rows, self.show[0]).view(batch, tokens, -1)
        around = gather(shown, zoom_of(tokens)).view(batch * tokens, -1)
        inner = torch.addmm(self.up[2], rows, self.up[0]).addmm_(around, self.up[1])
        h.addmm_(silu(inner, inplace=True), self.down)
        field.view(batch * tokens, -1).addmm_(h, self.write[0])
        field += self.write[1]
        if self.weigh is not None:
            weights = torch.addmm(self.weigh[1], h, self.weigh[0]).view(batch, tokens, -1)
            field += torch.bmm(weights.transpose(0, 1), surface.bases).transpose(0, 1)
        return h

    def _modulated(self, h: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return layer_norm(h, (self.width,)).mul_(scale).add_(shift)

    def _attend(self, normed: Tensor) -> Tensor:
        assert self.qkv is not None
        batch, tokens = normed.shape[:2]
        windows = n_cells(max(zoom_of(tokens) - WINDOW_LEVELS, 0))
        qkv = torch.addmm(self.qkv[1], normed.flatten(0, 1), self.qkv[0])
        query, key, value = (
            part.reshape(batch * windows, tokens // windows, self.heads, -1).transpose(1, 2)
            for part in qkv.chunk(3, dim=-1)
        )
        mixed = scaled_dot_product_attention(query, key, value)
        return mixed.transpose(1, 2).reshape(batch * tokens, -1)


class FoldedNetwork:
    """What a FieldSpaceAutoencoder encodes and decodes whole fields to, for inference alone."""

    def __init__(self, network: FieldSpaceAutoencoder) -> None:
        c = self.config = network.config
        own, side, coarse = 4**c.patch_levels, 2**c.patch_levels, c.patch_levels - c.levels
        ring, none = 4 * side + 4, torch.zeros(c.width, device=network.encoder.gate.device)
        self._network = network
        with torch.no_grad():
            self._encoder = _Block(network.encoder, own, ring, 1, none)
            self._decoder, carried = [], none
            for i, block in enumerate(network.decoder):
                shape = (own, ring) if i else (4**coarse, 4 * 2**coarse + 4)
                assert isinstance(block, FieldSpaceAttention)
                self._decoder.append(_Block(block, *shape, 4**c.levels, carried))
                carried = self._decoder[-1].lacking

    def surfaces(self, conditions: Conditions) -> list[FoldedSurface]:
        """What every block knows of the surface, as it is used here."""
        blocks = [*self._decoder, self._encoder]
        shares = self._network.surfaces(conditions)
        return [block.surface(share) for block, share in zip(blocks, shares, strict=True)]

    def encode(self, x: Tensor, conditions: Conditions, *, surface: list[FoldedSurface]) -> Tensor:
        """A field (batch, cells) -> the compressed field (batch, cells / ratio)."""
        zoom = zoom_of(x.shape[-1])
        tokens = self._network.token_zoom(zoom)
        own, field = x.unflatten(1, (n_cells(tokens), -1)), x.clone(memory_format=torch.contiguous_format)
        ring = gather(x, zoom, tokens)
        self._encoder.add(field.view(own.shape), own, ring, conditions.solar, None, surface[-1])
        return self._network.compression(field)

    def decode(self, b: Tensor, conditions: Conditions, *, surface: list[FoldedSurface]) -> Tensor:
        """The compressed field (batch, cells / ratio) -> the field (batch, cells)."""
        read, memory = b, None
        y = self._network.decompression(b).contiguous()
        tokens = self._network.token_zoom(zoom_of(y.shape[-1]))
        field = y.view(len(b), n_cells(tokens), -1)
        for block, share in zip(self._decoder, surface, strict=False):
            own, ring = (
                read.unflatten(1, (n_cells(tokens), -1)),
                gather(read, zoom_of(read.shape[-1]), tokens),
            )
            memory = block.add(field, own, ring, conditions.solar, memory, share)
            read = y
        return y
