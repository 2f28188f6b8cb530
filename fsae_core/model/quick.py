"""The network as a CPU runs it fastest: torch's matrix products with compiled kernels between them.

The sums of `FoldedNetwork`, whose folded weights it uses, in fewer passes over memory still. Where the
processor has units for bfloat16, the insides of the blocks are kept in it: products are four times as quick
(Zen 5). A reconstruction of ERA5 temperature moves by a thousandth of its spread (root mean square; single
cells by a hundredth), its RMSE by 0.02 % at most (4x to 256x). Fields are float32, and so is what norms and
attention are computed in. What has to be the same everywhere (corrections that keep a largest error, layers
upon layers) is not computed so.
"""

from __future__ import annotations

__all__ = ["QuickNetwork", "QuickSurface", "half_pays"]

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fsae_core.model import kernels, map_kernels
from fsae_core.model.attention import WINDOW_LEVELS
from fsae_core.model.autoencoder import Conditions
from fsae_core.model.folded import FoldedBlock, FoldedNetwork
from fsae_core.model.gather import halo_table, neighbour_table
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.pyramid import neighbour_index

Floats = NDArray[np.float32]

_CELLS_AT_ONCE = 640000  # 13 fields of zoom 6: what lies between two products stays near the processor
_ALIGNED = 8  # columns of what a block reads come in so many, which products like


def half_pays(device: torch.device) -> bool:
    """Whether products of bfloat16 are quicker than those of float32 on this device."""
    told = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return device.type == "cpu" and told is not None and bool(told())


class QuickSurface(NamedTuple):
    """Of a block: scale and shift before attention and before the MLP, (tokens, width) float32, and bases
    (tokens, n, own)."""

    scale_a: Floats
    shift_a: Floats
    scale_b: Floats
    shift_b: Floats
    bases: NDArray[Any]


@lru_cache(maxsize=64)
def _table(zoom: int, token_zoom: int | None = None) -> NDArray[np.uint32]:
    """As `neighbour_table`, or with `token_zoom` as `halo_table`."""
    table = neighbour_table(zoom) if token_zoom is None else halo_table(zoom, token_zoom)
    return np.ascontiguousarray(table, np.uint32)


@lru_cache(maxsize=16)
def _absent(zoom: int) -> NDArray[np.int32]:
    """Absent corners (k, 4): slot, cell, slots before and after."""
    return np.ascontiguousarray(np.stack(neighbour_index(zoom)[1], axis=-1), np.int32)


def _seen(kept: Tensor) -> NDArray[Any]:
    """A tensor as kernels take it."""
    return (kept.view(torch.int16) if kept.dtype == torch.bfloat16 else kept).numpy()


def _words(*kept: Tensor) -> list[NDArray[Any]]:
    """Tensors for kernels that only copy, in as wide words as fit the rows of all."""
    fit = all(one.shape[1] * one.itemsize % 8 == 0 for one in kept)
    return [_seen(one).view(np.int64) if fit else _seen(one) for one in kept]


def _in_full(bases: Tensor, dim: int) -> Tensor:
    """With zeros for those that lack to a multiple of BASES along an axis."""
    lacking = list(bases.shape)
    lacking[dim] = -lacking[dim] % kernels.BASES
    return torch.cat([bases, bases.new_zeros(lacking)], dim=dim)


class _Block:
    """A FoldedBlock's weights in what the products compute in.

    Its first product has what is read side by side: own cells, ring, a one for the bias, sunlight.
    """

    def __init__(self, block: FoldedBlock, kind: torch.dtype) -> None:
        def laid(*parts: Tensor) -> tuple[Tensor, ...]:
            return tuple(part.to(kind).contiguous() for part in parts)

        self.width, self.heads = block.width, block.heads
        read = torch.cat([block.own, block.ring, block.bias[None], block.solar])
        (self.read,) = laid(torch.nn.functional.pad(read, (0, 0, 0, -len(read) % _ALIGNED)))
        attends = block.qkv is not None and block.out is not None
        self.qkv: tuple[Tensor, ...] | None = None
        if attends and block.qkv is not None:
            factor = torch.ones_like(block.qkv[1])
            factor[: len(factor) // 3] = (len(factor) // 3 / block.heads) ** -0.5  # of queries
            self.qkv = laid(*(part * factor for part in block.qkv))
        self.mix = laid(*block.out.chunk(self.heads)) if attends and block.out is not None else None
        show, bias = block.show
        own, around, up_bias = block.up
        (self.show,), (self.down,) = laid(show), laid(block.down)
        # What neighbours are shown less the bias, which only moves what is made of it.
        self.up = laid(torch.cat([own, around]), up_bias + bias.repeat(8) @ around)
        last = [block.write]
        if block.weigh is not None:
            last.append(tuple(_in_full(part, -1) for part in block.weigh))
        self.last = laid(*(torch.cat([pair[i] for pair in last], dim=-1) for i in (0, 1)))

    def run(
        self,
        room: _Room,
        read: Floats,
        solar: Floats,
        memory: Tensor | None,
        surface: QuickSurface,
    ) -> tuple[Tensor, tuple[NDArray[Any], Floats]]:
        """From the fields that it reads (batch, cells) and memory (rows, width) the new memory, and what
        kernels take of the update: numbers (rows, own + n), bases. Both lie in the room until the next."""
        tokens = len(surface.bases)
        rows, token_zoom = len(read) * tokens, zoom_of(tokens)
        told = room.of("told", rows, len(self.read))
        kernels.lay_tokens(read, _table(zoom_of(read.shape[-1]), token_zoom), solar, _seen(told))
        if memory is None:
            h = torch.mm(told, self.read, out=room.of("h", rows, self.width))
        else:
            h = memory.addmm_(told, self.read)
        wide = room.of("wide", rows, len(self.up[0]))
        normed = wide[:, : self.width]
        if self.qkv is not None and self.mix is not None:
            kernels.modulate(_seen(h), surface.scale_a, surface.shift_a, _seen(wide))
            for mixed, mix in zip(self._attended(room, normed, tokens), self.mix, strict=True):
                h.addmm_(mixed, mix)
        kernels.modulate(_seen(h), surface.scale_b, surface.shift_b, _seen(wide))
        shown = torch.mm(normed, self.show, out=room.of("shown", rows, self.show.shape[1]))
        words, out = _words(shown, wide)
        kernels.exchange(words, _table(token_zoom), out)
        inner = torch.addmm(self.up[1], wide, self.up[0], out=room.of("inner", rows, len(self.up[1])))
        kernels.silu_in_place(_seen(inner))
        h.addmm_(inner, self.down)
        made = torch.addmm(self.last[1], h, self.last[0], out=room.of("made", rows, len(self.last[1])))
        return h, (_seen(made), surface.bases)

    def _attended(self, room: _Room, normed: Tensor, tokens: int) -> Tensor:
        """Softmax attention (Vaswani et al. 2017, arXiv 1706.03762) among the tokens of a window, (heads,
        rows, size of a head)."""
        assert self.qkv is not None
        windows = len(normed) // tokens * n_cells(max(zoom_of(tokens) - WINDOW_LEVELS, 0))
        rows, width, window = len(normed), len(self.qkv[1]) // 3, len(normed) // windows
        qkv = torch.addmm(self.qkv[1], normed, self.qkv[0], out=room.of("qkv", rows, 3 * width))
        together = qkv.view(windows, window, 3, self.heads, width // self.heads)
        apart = room.of("apart", rows, 3 * width).view(3, self.heads, windows, window, -1)
        apart.copy_(together.permute(2, 3, 0, 1, 4))
        query, key, value = apart.flatten(1, 2)
        weights = room.of("weights", rows * self.heads, window)
        by_window = weights.view(len(query), window, window)
        torch.bmm(query, key.transpose(1, 2), out=by_window)
        kernels.softmax_in_place(_seen(weights))
        mixed = room.of("mixed", rows * self.heads, width // self.heads).view(query.shape)
        return torch.bmm(by_window, value, out=mixed).view(self.heads, rows, -1)


class _Room:
    """Memory for what comes and goes within a block, used again for the next fields."""

    def __init__(self, kind: torch.dtype) -> None:
        self._kind = kind
        self._kept: dict[str, Tensor] = {}

    def of(self, name: str, rows: int, columns: int, kind: torch.dtype | None = None) -> Tensor:
        """A table of any content."""
        kept = self._kept.get(name)
        if kept is None or kept.numel() < rows * columns:
            kept = self._kept[name] = torch.empty(rows * columns, dtype=kind or self._kind)
        return kept[: rows * columns].view(rows, columns)


class QuickNetwork:
    """What a FieldSpaceAutoencoder encodes and decodes whole fields to, for inference on a CPU.

    half: what is inside of its blocks is bfloat16.
    """

    def __init__(self, folded: FoldedNetwork, *, half: bool = False) -> None:
        self._kind = torch.bfloat16 if half else torch.float32
        self._folded, self._levels = folded, folded.config.levels
        self._encoder = _Block(folded.encoder, self._kind)
        self._decoder = [_Block(block, self._kind) for block in folded.decoder]
        maps = folded.maps
        self._spread, self._smooth = (np.ascontiguousarray(m.numpy()) for m in (maps.spread, maps.smooth))
        self._gather, self._around = (np.ascontiguousarray(m.numpy()) for m in (maps.gather, maps.around))

    def surfaces(self, conditions: Conditions) -> list[QuickSurface]:
        """What every block knows of the surface, as it is used here."""
        return [
            QuickSurface(*(part.contiguous().numpy() for part in (*share[:4], _in_full(share.bases, 1))))
            for share in self._folded.surfaces(conditions)
        ]

    def encode(self, x: Floats, solar: Floats | None, *, surface: list[QuickSurface]) -> Floats:
        """Normalised fields (batch, cells) -> compressed fields (batch, cells / ratio)."""
        zoom = zoom_of(x.shape[-1]) - self._levels
        out, room = np.empty((len(x), n_cells(zoom)), np.float32), _Room(self._kind)
        for part in _parts(x):
            field = np.ascontiguousarray(x[part], np.float32)
            update = self._encoder.run(room, field, _sun(solar, part, field), None, surface[-1])[1]
            better = room.of("better", len(field), field.shape[1], torch.float32).numpy()
            kernels.add_update(field, *update, better)
            map_kernels.gathered_means(
                better, _table(zoom), self._gather, self._around, _absent(zoom), out[part]
            )
        return out

    def decode(
        self,
        b: Floats,
        solar: Floats | None,
        spread: Floats,
        offset: Floats,
        *,
        surface: list[QuickSurface],
    ) -> Floats:
        """Normalised compressed fields (batch, cells / ratio) -> fields (batch, cells) times ``spread`` plus
        ``offset``, (batch,) both."""
        zoom = zoom_of(b.shape[-1])
        out, room = np.empty((len(b), n_cells(zoom + self._levels)), np.float32), _Room(self._kind)
        for part in _parts(out):
            means, field = np.ascontiguousarray(b[part], np.float32), out[part]
            sun, read, memory = _sun(solar, part, field), means, None
            map_kernels.prolonged(means, _table(zoom), self._spread, self._smooth, _absent(zoom), field)
            for block, share in zip(self._decoder, surface, strict=False):
                memory, update = block.run(room, read, sun, memory, share)
                read = field
                if block is not self._decoder[-1]:
                    kernels.add_update(field, *update, field)
            kernels.finish(field, *update, means, spread[part], offset[part])
        return out


def _parts(x: Floats) -> list[slice]:
    """Fields that are worked on together, as many at a time."""
    parts = -(-x.size // _CELLS_AT_ONCE)
    step = -(-len(x) // max(parts, 1))
    return [slice(i, i + step) for i in range(0, len(x), max(step, 1))]


def _sun(solar: Floats | None, part: slice, field: Floats) -> Floats:
    """The sunlight of these fields, without columns where there is none."""
    return np.empty((len(field), 0, 0), np.float32) if solar is None else solar[part]
