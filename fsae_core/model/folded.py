"""The network laid out for inference on a CPU: the same sums in fewer passes over memory.

What `FieldSpaceAutoencoder` does in float32 to the last digits, with all that is linear folded into the
weights beforehand: gates, the block mean that a decoder's update loses, biases that only move a later sum.
Tokens, halo and sunlight are multiplied where they lie instead of being put side by side, and sums go into
the array that is there. A few fields at once stay in a core's own cache.

On any device; a CPU has a quicker way still for what need not be the same everywhere (`quick`).
"""

from __future__ import annotations

__all__ = ["FoldedBlock", "FoldedMaps", "FoldedNetwork", "FoldedSurface"]

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, scaled_dot_product_attention, silu

from fsae_core.model.attention import WINDOW_LEVELS, FieldSpaceAttention
from fsae_core.model.autoencoder import Conditions, FieldSpaceAutoencoder
from fsae_core.model.conditioning import SOLAR
from fsae_core.model.gather import gather
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.pyramid import neighbour_index, prolongation_matrix


class FoldedSurface(NamedTuple):
    """Of a block: scale and shift before attention and before the MLP (tokens, width), bases (tokens, bases,
    own) with the gate in them."""

    scale_a: Tensor
    shift_a: Tensor
    scale_b: Tensor
    shift_b: Tensor
    bases: Tensor


class FoldedBlock:
    """A FieldSpaceAttention with folded weights, which adds its update to a field.

    own, ring: how many of its inputs are cells of the token and cells around it; what follows them but the
    sunlight is 0. patch: of cells whose mean update is taken out, 1 for none. carried: what the memory that
    comes in lacks, (width,).
    """

    def __init__(self, block: FieldSpaceAttention, own: int, ring: int, patch: int, carried: Tensor) -> None:
        def laid(*parts: Tensor) -> tuple[Tensor, ...]:
            return tuple(part.contiguous() for part in parts)

        read, gate = block.read.weight.T, block.gate
        self.width, self.heads, self._patch, self._gate = block.width, block.heads, patch, gate
        self._one, self._zero = torch.ones_like(carried), torch.zeros_like(carried)
        self.own, self.ring, self.solar = laid(read[:own], read[own : own + ring], read[-SOLAR:])
        (self.bias,) = laid(block.read.bias + carried)
        self.qkv = self.out = None
        if block.qkv is not None and block.out is not None:
            self.qkv = laid(block.qkv.weight.T, block.qkv.bias)
            (self.out,) = laid(block.out.weight.T)
        self.show = laid(block.show.weight.T, block.show.bias)
        up = block.up.weight.T
        self.up = laid(up[: block.width], up[block.width :], block.up.bias)
        (self.down,) = laid(block.down.weight.T)
        self.lacking = block.down.bias
        write = self._centred(gate * torch.cat([block.write.weight.T, block.write.bias[None]]))
        self.write = laid(write[:-1], write[-1] + self.lacking @ write[:-1])
        self.weigh = None
        if block.weigh is not None:
            weigh = block.weigh.weight.T
            self.weigh = laid(weigh, block.weigh.bias + self.lacking @ weigh)

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
        own, ring = own.flatten(0, 1), ring.flatten(0, 1)
        h = torch.addmm(self.bias if memory is None else memory, own, self.own)
        if memory is not None:
            h += self.bias
        h.addmm_(ring, self.ring)
        if solar is not None:
            h.addmm_(solar.flatten(0, 1), self.solar)
        if self.qkv is not None and self.out is not None:
            normed = self._modulated(h, batch, surface.scale_a, surface.shift_a)
            h.addmm_(self._attend(normed, batch), self.out)
        normed = self._modulated(h, batch, surface.scale_b, surface.shift_b)
        shown = torch.addmm(self.show[1], normed, self.show[0]).view(batch, tokens, -1)
        around = gather(shown, zoom_of(tokens)).view(batch * tokens, -1)
        inner = torch.addmm(self.up[2], normed, self.up[0]).addmm_(around, self.up[1])
        h.addmm_(silu(inner, inplace=True), self.down)
        field.view(batch * tokens, -1).addmm_(h, self.write[0])
        field += self.write[1]
        if self.weigh is not None:
            weights = torch.addmm(self.weigh[1], h, self.weigh[0]).view(batch, tokens, -1)
            field += torch.bmm(weights.transpose(0, 1), surface.bases).transpose(0, 1)
        return h

    def _modulated(self, h: Tensor, batch: int, scale: Tensor, shift: Tensor) -> Tensor:
        """Rows (batch * tokens, width), normed and modulated token by token."""
        # torch takes half the time for a norm that has weights, though they change nothing.
        normed = layer_norm(h, (self.width,), self._one, self._zero)
        normed.view(batch, -1, self.width).mul_(scale).add_(shift)
        return normed

    def _attend(self, normed: Tensor, batch: int) -> Tensor:
        assert self.qkv is not None
        tokens = len(normed) // batch
        windows = n_cells(max(zoom_of(tokens) - WINDOW_LEVELS, 0))
        qkv = torch.addmm(self.qkv[1], normed, self.qkv[0])
        query, key, value = (
            part.reshape(batch * windows, tokens // windows, self.heads, -1).transpose(1, 2)
            for part in qkv.chunk(3, dim=-1)
        )
        mixed = scaled_dot_product_attention(query, key, value)
        return mixed.transpose(1, 2).reshape(batch * tokens, -1)


class FoldedMaps:
    """Compression and decompression as maps of a coarse cell's ring and the cells in it: no fine field of
    prolonged means is made on the way."""

    def __init__(self, network: FieldSpaceAutoencoder) -> None:
        device, there, back = network.encoder.gate.device, network.compression, network.decompression
        self.levels = there.levels
        smooth = prolongation_matrix(there.levels)[:, 1:].T
        self.smooth = torch.tensor(smooth, dtype=torch.float32, device=device)
        self.spread = self.smooth + back.gate * (back.weight - back.weight.mean(1, keepdim=True))
        # What the weights see is a patch less its prolonged mean: the part of the mean is left to its ring.
        own = there.gate * there.weight
        self.gather = 4.0**-there.levels * (1 - own.sum()) + own
        self.around = self.smooth @ own
        self._absent: dict[int, tuple[Tensor, ...]] = {}

    def _ring(self, b: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """Steps to the neighbours (batch, cells, 8), with an absent corner as the networks' gather has it;
        what the smooth prolongation adds to that of an absent corner (batch, absent); slots and cells of
        these."""
        zoom = zoom_of(b.shape[-1])
        if zoom not in self._absent:
            places = neighbour_index(zoom)[1]
            self._absent[zoom] = tuple(torch.tensor(place, device=b.device) for place in places)
        slot, cell, before, after = self._absent[zoom]
        steps = gather(b, zoom) - b.unsqueeze(-1)
        between = 0.5 * (steps[:, cell, before] + steps[:, cell, after])
        return steps, between - steps[:, cell, slot], (slot, cell)

    def compress(self, x: Tensor) -> Tensor:
        """As `FieldSpaceCompression`."""
        patches = x.unflatten(-1, (-1, 4**self.levels))
        steps, lacking, (slot, cell) = self._ring(patches.mean(-1))
        b = patches @ self.gather - steps @ self.around
        b.index_add_(1, cell, -lacking * self.around[slot])
        return b

    def decompress(self, b: Tensor) -> Tensor:
        """As `FieldSpaceDecompression`."""
        steps, lacking, (slot, cell) = self._ring(b)
        y = steps @ self.spread
        y += b.unsqueeze(-1)
        y.index_add_(1, cell, lacking.unsqueeze(-1) * self.smooth[slot])
        return y.flatten(1)


class FoldedNetwork:
    """What a FieldSpaceAutoencoder encodes and decodes whole fields to, for inference alone."""

    def __init__(self, network: FieldSpaceAutoencoder) -> None:
        self.config = c = network.config
        own, side, coarse = 4**c.patch_levels, 2**c.patch_levels, c.patch_levels - c.levels
        ring, none = 4 * side + 4, torch.zeros(c.width, device=network.encoder.gate.device)
        self.network = network
        with torch.no_grad():
            self.maps = FoldedMaps(network)
            self.encoder = FoldedBlock(network.encoder, own, ring, 1, none)
            self.decoder: list[FoldedBlock] = []
            carried = none
            for i, block in enumerate(network.decoder):
                shape = (own, ring) if i else (4**coarse, 4 * 2**coarse + 4)
                assert isinstance(block, FieldSpaceAttention)
                self.decoder.append(FoldedBlock(block, *shape, 4**c.levels, carried))
                carried = self.decoder[-1].lacking

    def surfaces(self, conditions: Conditions) -> list[FoldedSurface]:
        """What every block knows of the surface, as it is used here."""
        blocks = [*self.decoder, self.encoder]
        shares = self.network.surfaces(conditions)
        return [block.surface(share) for block, share in zip(blocks, shares, strict=True)]

    def encode(self, x: Tensor, conditions: Conditions, *, surface: list[FoldedSurface]) -> Tensor:
        """A field (batch, cells) -> the compressed field (batch, cells / ratio)."""
        zoom = zoom_of(x.shape[-1])
        tokens = self.network.token_zoom(zoom)
        own, field = x.unflatten(1, (n_cells(tokens), -1)), x.clone(memory_format=torch.contiguous_format)
        ring = gather(x, zoom, tokens)
        self.encoder.add(field.view(own.shape), own, ring, conditions.solar, None, surface[-1])
        return self.maps.compress(field)

    def decode(self, b: Tensor, conditions: Conditions, *, surface: list[FoldedSurface]) -> Tensor:
        """The compressed field (batch, cells / ratio) -> the field (batch, cells)."""
        read, memory = b, None
        y = self.maps.decompress(b)
        tokens = self.network.token_zoom(zoom_of(y.shape[-1]))
        field = y.view(len(b), n_cells(tokens), -1)
        for block, share in zip(self.decoder, surface, strict=False):
            own, ring = (
                read.unflatten(1, (n_cells(tokens), -1)),
                gather(read, zoom_of(read.shape[-1]), tokens),
            )
            memory = block.add(field, own, ring, conditions.solar, memory, share)
            read = y
        return y
