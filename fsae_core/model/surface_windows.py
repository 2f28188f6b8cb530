"""What a decoder makes of the surface, kept by attention window: it depends on weights and place alone."""

from __future__ import annotations

__all__ = ["SurfaceWindows"]

from collections import OrderedDict

import numpy as np
import torch
from torch import Tensor

from fsae_core.model.attention import WINDOW_LEVELS
from fsae_core.model.autoencoder import FieldSpaceAutoencoder
from fsae_core.model.compression import surface_tensor
from fsae_core.model.part import Index, PartProlongation, positions
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import restrict

_BYTES = 2**26

Share = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


class SurfaceWindows:
    """Shares of `SurfaceEncoder` for the decoder's blocks, computed where they are first asked for.

    At zoom 8 the whole sphere would take 200 MB and half a second; a view needs a few windows of 64 tokens.
    """

    def __init__(self, network: FieldSpaceAutoencoder, zoom: int, device: torch.device) -> None:
        self.network, self.zoom, self.device = network, zoom, device
        self.token_zoom = network.token_zoom(zoom)
        self.window = 4 ** min(self.token_zoom, WINDOW_LEVELS)
        self._kept: OrderedDict[int, list[Share]] = OrderedDict()

    def share(self, block: int, read: Index, shown: Index, written: Index) -> Share:
        """A decoder block's modulation of the tokens that are read and shown, and the bases of those that are
        written; the three are ascending and lie in the windows of `read`."""
        windows = np.unique(read // self.window)
        parts = [share[block] for share in self._of(windows)]
        tokens = (windows[:, None] * self.window + np.arange(self.window)).ravel()

        def pick(which: int, wanted: Index) -> Tensor:
            whole = torch.cat([part[which] for part in parts])
            if len(wanted) == len(tokens):
                return whole
            return whole.index_select(0, torch.from_numpy(positions(wanted, tokens)).to(self.device))

        return pick(0, read), pick(1, read), pick(2, shown), pick(3, shown), pick(4, written)

    def _of(self, windows: Index) -> list[list[Share]]:
        absent = np.array([w for w in windows.tolist() if w not in self._kept], dtype=np.int64)
        found = dict(zip(absent.tolist(), self._compute(absent), strict=True)) if len(absent) else {}
        shares = []
        for window in windows.tolist():
            share = found.get(window) or self._kept.pop(window, None)
            if share is None:  # another view pushed it out meanwhile
                share = self._compute(np.array([window], dtype=np.int64))[0]
            self._kept[window] = share
            shares.append(share)
        size = sum(part.numel() * part.element_size() for block in shares[0] for part in block)
        while len(self._kept) * size > _BYTES and len(self._kept) > len(windows):
            self._kept.popitem(last=False)
        return shares

    def _compute(self, windows: Index) -> list[list[Share]]:
        encoder, blocks = self.network.surface, len(self.network.decoder)
        own = 4 ** (self.zoom - self.token_zoom)
        cells = encoder.cell(self._features(windows)).unflatten(0, (-1, own))
        patterns = encoder.patterns(cells).chunk(encoder.blocks, dim=-1)[:blocks]
        token = encoder.token(cells.mean(1))
        shares: list[list[Share]] = [[] for _ in windows]
        for layer, pattern in zip(list(encoder.modulation)[:blocks], patterns, strict=True):
            parts = [*layer(token).chunk(4, dim=-1), pattern]
            for i, share in enumerate(shares):
                rows = slice(i * self.window, (i + 1) * self.window)
                # Clones: what is kept must not hold on to the windows computed beside it.
                scale_a, shift_a, scale_b, shift_b, bases = (part[rows].clone() for part in parts)
                share.append((scale_a, shift_a, scale_b, shift_b, bases))
        return shares

    def _features(self, windows: Index) -> Tensor:
        """Surface features and learned channels of the windows' cells, (cells, SURFACE + channels)."""
        size = self.window * 4 ** (self.zoom - self.token_zoom)
        cells = (windows[:, None] * size + np.arange(size)).ravel()
        index = torch.from_numpy(cells).to(self.device)
        features = surface_tensor(self.zoom, str(self.device)).index_select(0, index)
        channels = self.network.surface.channels
        if channels is None:
            return features
        step = self.zoom - zoom_of(channels.shape[-1])
        if step > 0:
            # Windows are whole cells of every zoom between theirs and the field's.
            coarse = np.unique(cells // 4**step)
            here = PartProlongation(self.zoom - step, coarse, step, self.device)(channels).flatten(-2)
        else:
            here = restrict(channels, -step).index_select(-1, index)
        return torch.cat([features, here.T], dim=-1)
