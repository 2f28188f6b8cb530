"""Decoding where one looks: only the tokens under a view, and what they depend on, are computed.

A token of a decoder block depends on the rings of tokens around it (halo and exchange) and, where the block
attends, on all tokens of their attention windows. A plan walks the blocks backwards from the cells asked for
and notes which tokens each block must read, show to its neighbours and write. The numbers are those of
`FieldSpaceAutoencoder.decode` up to rounding. What the network makes of the surface is kept by attention
window, so that moving the view computes only windows not seen before.
"""

from __future__ import annotations

__all__ = ["RegionDecoder", "RegionPlan"]

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import layer_norm, scaled_dot_product_attention, silu

from fsae_core.model.attention import WINDOW_LEVELS, FieldSpaceAttention
from fsae_core.model.autoencoder import FieldSpaceAutoencoder
from fsae_core.model.conditioning import SOLAR
from fsae_core.model.gather import halo_table, neighbour_table
from fsae_core.model.part import Index, PartProlongation, positions
from fsae_core.model.surface_windows import SurfaceWindows

_PLANS = 8


@dataclass(frozen=True)
class _Layer:
    """What one block reads and writes; all but `tokens` are positions, not global indices.

    tokens: (read,) global; patches: (read, own + halo) in what the block is given; shown: (shown,) among the
    read; ring: (written, 8) and written: (written,) among the shown; before: (read,) among the tokens of the
    block before (None in the first); surface: scale and shift before attention (read, width), before the
    exchange (shown, width), and bases (written, own, bases).
    """

    tokens: Tensor
    patches: Tensor
    shown: Tensor
    ring: Tensor
    written: Tensor
    before: Tensor | None
    surface: tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class RegionPlan:
    """How the cells `cells` (ascending) of the decoded field are computed; `needs`: the cells of the
    compressed field that are read."""

    cells: Index
    needs: Index
    layers: tuple[_Layer, ...]
    smooth: PartProlongation
    steps: tuple[Tensor, Tensor]
    """Compressed cells whose patches are decoded (cells,) and their neighbours (cells, 8)."""
    last: tuple[Tensor, ...]
    """For each layer after the first, where its written patches stand in those of the layer before."""
    out: Tensor
    """Where `cells` stand in the patches of the last layer."""


class RegionDecoder:
    """Parts of the fields of one `zoom` that a network decodes."""

    def __init__(self, network: FieldSpaceAutoencoder, zoom: int, device: torch.device) -> None:
        self.network, self.zoom, self.device = network, zoom, device
        self.token_zoom = network.token_zoom(zoom)
        self.window = 4 ** min(self.token_zoom, WINDOW_LEVELS)
        self._surface = SurfaceWindows(network, zoom, device)
        self._plans: OrderedDict[bytes, RegionPlan] = OrderedDict()

    def plan(self, cells: Index) -> RegionPlan:
        """For cells (any order, repeated or not) of the decoded field; the last few plans are kept."""
        cells = np.unique(np.asarray(cells, np.int64))
        key = cells.tobytes()
        found = self._plans.pop(key, None) or self._plan(cells)
        self._plans[key] = found
        while len(self._plans) > _PLANS:
            self._plans.popitem(last=False)
        return found

    def _plan(self, cells: Index) -> RegionPlan:
        config = self.network.config
        own = 4**config.patch_levels
        ring = neighbour_table(self.token_zoom)
        window = self.window
        written = np.unique(cells // own)
        sets: list[tuple[Index, Index, Index]] = []
        for i in reversed(range(len(self.network.decoder))):
            shown = np.union1d(written, ring[written])
            attends = self.network.decoder[i].qkv is not None
            read = _spread(np.unique(shown // window), window) if attends else shown
            sets.append((read, shown, written))
            written = np.union1d(read, ring[read]) if i else written
        sets.reverse()

        coarse_zoom = self.zoom - config.levels
        inside = 4 ** (config.patch_levels - config.levels)
        decoded = _spread(sets[0][2], inside)
        smooth = PartProlongation(coarse_zoom, decoded, config.levels, self.device)
        around = neighbour_table(coarse_zoom)[decoded]
        patches = _patches(sets[0][0], coarse_zoom, self.token_zoom)
        needs = np.union1d(np.union1d(smooth.needs, around.ravel()), patches.ravel())
        layers, last = [], []
        for i, (read, shown, written) in enumerate(sets):
            before = None
            if i:
                earlier = sets[i - 1][2]
                patches = _patches(read, self.zoom, self.token_zoom)
                patches = positions(patches // own, earlier) * own + patches % own
                before = self._table(positions(read, earlier))
                last.append(self._table(positions(written, earlier)))
            layers.append(
                _Layer(
                    tokens=self._table(read),
                    patches=self._table(patches),
                    shown=self._table(positions(shown, read)),
                    ring=self._table(positions(ring[written], shown)),
                    written=self._table(positions(written, shown)),
                    before=before,
                    surface=self._surface.share(i, read, shown, written),
                )
            )
        out = positions(cells // own, sets[-1][2]) * own + cells % own
        return RegionPlan(
            cells=cells,
            needs=needs,
            layers=tuple(layers),
            smooth=smooth,
            steps=(self._table(decoded), self._table(around)),
            last=tuple(last),
            out=self._table(out),
        )

    def _table(self, index: Index) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(index)).to(self.device)

    def decode(self, b: Tensor, plan: RegionPlan, solar: Tensor | None = None) -> Tensor:
        """Compressed fields (batch, cells), of which only `plan.needs` are read, and sunlight (batch, tokens,
        SOLAR) or None -> (batch, plan.cells)."""
        own = 4**self.network.config.patch_levels
        y = self._decompress(b, plan).unflatten(1, (-1, own))
        memory = None
        for i, (block, layer) in enumerate(zip(self.network.decoder, plan.layers, strict=True)):
            assert isinstance(block, FieldSpaceAttention)
            tokens = (y.flatten(1) if i else b).index_select(1, layer.patches.reshape(-1))
            tokens = tokens.unflatten(1, tuple(layer.patches.shape))
            if solar is None:
                sun = tokens.new_zeros(*tokens.shape[:2], SOLAR)
            else:
                sun = solar.index_select(1, layer.tokens)
            if layer.before is not None:
                assert memory is not None
                memory = memory.index_select(1, layer.before)
                y = y.index_select(1, plan.last[i - 1])
            update, memory = _block(block, torch.cat([tokens, sun], dim=-1), memory, layer, self.window)
            quads = update.unflatten(-1, (-1, 4**self.network.config.levels))
            y = y + (quads - quads.mean(-1, keepdim=True)).flatten(-2)
        return y.flatten(1).index_select(1, plan.out)

    def _decompress(self, b: Tensor, plan: RegionPlan) -> Tensor:
        """As `FieldSpaceDecompression`, for the patches of the tokens that the first block writes."""
        layer = self.network.decompression
        cells, around = plan.steps
        ring = b.index_select(1, around.reshape(-1)).unflatten(1, tuple(around.shape))
        learned = (ring - b.index_select(1, cells).unsqueeze(-1)) @ (
            layer.weight - layer.weight.mean(dim=1, keepdim=True)
        )
        return (plan.smooth(b) + layer.gate * learned).flatten(1)


def _spread(coarse: Index, size: int) -> Index:
    """The `size` descendants of each of these cells, in order."""
    return np.asarray((coarse[:, None] * size + np.arange(size)).ravel(), dtype=np.int64)


def _patches(tokens: Index, zoom: int, token_zoom: int) -> Index:
    """Own cells and halo of these tokens as `tokenise` orders them, (tokens, own + halo)."""
    own = _spread(tokens, 4 ** (zoom - token_zoom)).reshape(len(tokens), -1)
    return np.concatenate([own, halo_table(zoom, token_zoom)[tokens]], axis=1)


def _block(
    block: FieldSpaceAttention, tokens: Tensor, memory: Tensor | None, layer: _Layer, window: int
) -> tuple[Tensor, Tensor]:
    """As `FieldSpaceAttention.forward`, for the tokens of a layer; whole windows are read where it
    attends."""
    scale_a, shift_a, scale_b, shift_b, bases = layer.surface
    h = block.read(tokens)
    if memory is not None:
        h = h + memory
    if block.qkv is not None and block.out is not None:
        normed = layer_norm(h, (block.width,)) * (1 + scale_a) + shift_a
        heads = (
            part.reshape(-1, window, block.heads, part.shape[-1] // block.heads).transpose(1, 2)
            for part in block.qkv(normed).chunk(3, dim=-1)
        )
        mixed = scaled_dot_product_attention(*heads).transpose(1, 2)
        h = h + block.out(mixed.reshape(*h.shape[:2], -1))
    h = h.index_select(1, layer.shown)
    normed = layer_norm(h, (block.width,)) * (1 + scale_b) + shift_b
    ring = block.show(normed).index_select(1, layer.ring.reshape(-1))
    ring = ring.unflatten(1, tuple(layer.ring.shape)).flatten(2)
    inner = silu(block.up(torch.cat([normed.index_select(1, layer.written), ring], dim=-1)))
    h = h.index_select(1, layer.written) + block.down(inner)
    update = block.write(h)
    if block.weigh is not None:
        local = torch.bmm(block.weigh(h).transpose(0, 1), bases.transpose(1, 2))
        update = update + local.transpose(0, 1)
    return block.gate * update, h
