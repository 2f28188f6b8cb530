"""Field-Space Compression and Decompression: linear maps between a patch of cells and one coarse cell.

After Meuer et al., arXiv 2601.15102, eqs. 4-6 and 10-11. A field N zooms coarser has 4^N fewer values and
is itself a field. Both maps start as the classical pair, block mean and mean-preserving smooth
prolongation, with a gated learned part beside it, so an untrained model is near that baseline and training
can only help.
"""

from __future__ import annotations

__all__ = ["FieldSpaceCompression", "FieldSpaceDecompression"]

import torch
from torch import Tensor, nn

from fsae_core.model.attention import GATE
from fsae_core.model.gather import gather
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import prolong, restrict


class FieldSpaceCompression(nn.Module):
    """(batch, cells) -> (batch, cells / 4^levels): block mean plus a learned weighting inside the patch."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels
        self.weight = nn.Parameter(torch.randn(4**levels) / (10 * 4**levels))
        self.gate = nn.Parameter(torch.tensor(GATE))

    def forward(self, x: Tensor) -> Tensor:
        """Constants pass unchanged: the learned weights see what the smooth prolongation of the mean
        misses."""
        mean = restrict(x, self.levels)
        missed = (x - prolong(mean, self.levels)).unflatten(-1, (-1, 4**self.levels))
        return mean + self.gate * (missed @ self.weight)


class FieldSpaceDecompression(nn.Module):
    """(batch, cells) -> (batch, cells * 4^levels): smooth prolongation plus a learned map of the ring of
    neighbours."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels
        self.weight = nn.Parameter(torch.randn(8, 4**levels) / 80)
        self.gate = nn.Parameter(torch.tensor(GATE))

    def forward(self, b: Tensor) -> Tensor:
        steps = gather(b, zoom_of(b.shape[-1])) - b.unsqueeze(-1)
        learned = steps @ (self.weight - self.weight.mean(dim=1, keepdim=True))
        return prolong(b, self.levels) + self.gate * learned.flatten(-2)
