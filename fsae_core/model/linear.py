"""A closed-form linear compression of an archive's anomalies whose compressed state is a coarse field.

The archive has a coarse zoom (abundant) and, where it is not None, a fine zoom (scarce). One bottleneck of
12 * 4**bottleneck_zoom numbers serves both: a fine field is restricted to the coarse zoom, encoded there, and
decoded to the fine zoom by smooth prolongation plus a regression on the coarse cells around. The basis turns
with the season: orthonormal nodes through the year, rotated (orthogonal Procrustes) towards the block
means, are interpolated linearly, and decoding is the pseudo-inverse of encoding. A bottleneck at the coarse
zoom itself keeps a principal subspace of the fine field inside each patch instead.
"""

from __future__ import annotations

__all__ = ["LinearCodecConfig", "LinearFieldCodec", "two_ring"]

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells, ring_table, zoom_of
from fsae_core.sphere.pyramid import prolong, restrict


@dataclass(frozen=True)
class LinearCodecConfig:
    """What shapes the buffers: zooms, rank of the shared subspace, nodes a year, cells a fine cell sees."""

    coarse_zoom: int
    bottleneck_zoom: int
    fine_zoom: int | None = None
    subspace: int = 0
    seasons: int = 1
    neighbours: int = 9
    patch_zoom: int = 0

    def __post_init__(self) -> None:
        top = self.coarse_zoom if self.fine_zoom is not None else self.coarse_zoom - 1
        if not 0 <= self.bottleneck_zoom <= top:
            raise UserError(
                f"A bottleneck at zoom {self.bottleneck_zoom} was asked for, 0 to {top} is possible."
            )
        if self.fine_zoom is not None and self.fine_zoom <= self.coarse_zoom:
            raise UserError(
                f"Fine zoom {self.fine_zoom} must be finer than the coarse zoom {self.coarse_zoom}."
            )
        if self.neighbours not in (1, 9, 25):
            raise UserError(f"{self.neighbours} neighbours were asked for, expected 1, 9 or 25.")
        if self.by_patch and not 0 <= self.patch_zoom <= self.coarse_zoom:
            raise UserError(
                f"Patches of zoom {self.patch_zoom} do not fit a field of zoom {self.coarse_zoom}."
            )
        if not self.by_patch and self.subspace < n_cells(self.bottleneck_zoom):
            raise UserError(
                f"A subspace of rank {self.subspace} cannot hold {n_cells(self.bottleneck_zoom)} floats."
            )
        if not self.by_patch and self.seasons == 1 and self.subspace != n_cells(self.bottleneck_zoom):
            raise UserError(
                "Without seasons the subspace must have as many columns as the bottleneck has cells."
            )

    @property
    def by_patch(self) -> bool:
        """Whether the bottleneck lies at the coarse zoom: patches of the fine field are compressed."""
        return self.bottleneck_zoom == self.coarse_zoom


@lru_cache(maxsize=16)
def two_ring(zoom: int, neighbours: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Cells within 0, 1 or 2 steps: index (n_cells, 1 | 9 | 25), the cell itself first, and which are real.

    Slots that a corner of the grid leaves free repeat the cell itself and are marked False.
    """
    steps = {1: 0, 9: 1, 25: 2}[neighbours]
    ring = ring_table(zoom)
    own = np.arange(len(ring))
    reach = own[:, None]
    for _ in range(steps):
        wider = np.where(reach[..., None] < 0, -1, ring[reach]).reshape(len(ring), -1)
        reach = np.concatenate([reach, wider], axis=1)
    ordered = np.sort(reach, axis=1)
    first = np.ones_like(ordered, dtype=bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first &= (ordered >= 0) & (ordered != own[:, None])
    index = np.repeat(own[:, None], neighbours, axis=1)
    real = np.zeros(index.shape, dtype=bool)
    real[:, 0] = True
    rows, columns = np.nonzero(first)
    slot = np.cumsum(first, axis=1)[rows, columns]
    index[rows, slot] = ordered[rows, columns]
    real[rows, slot] = True
    return index, real


class LinearFieldCodec(torch.nn.Module):
    """Linear maps as buffers, which may be stored in half precision; `encode(decode(b))` gives b back.

    Buffers: `basis` (coarse cells, subspace), `nodes` (seasons, subspace, bottleneck cells; with two seasons
    or more), `patches` (patches, fine cells of one, floats of one; for a bottleneck at the coarse zoom),
    `fine_weights` (coarse cells, children, neighbours; zero mean over the children; only with a fine zoom).
    """

    basis: torch.Tensor
    nodes: torch.Tensor
    patches: torch.Tensor
    fine_weights: torch.Tensor
    index: torch.Tensor

    def __init__(self, config: LinearCodecConfig) -> None:
        super().__init__()
        self.config = config
        coarse, floats = n_cells(config.coarse_zoom), n_cells(config.bottleneck_zoom)
        if config.by_patch and config.fine_zoom is not None:
            count = n_cells(config.patch_zoom)
            shape = (count, n_cells(config.fine_zoom) // count, floats // count)
            self.register_buffer("patches", torch.zeros(shape))
        else:
            self.register_buffer("basis", torch.zeros(coarse, config.subspace))
            if config.seasons > 1:
                self.register_buffer("nodes", torch.zeros(config.seasons, config.subspace, floats))
        if config.fine_zoom is not None:
            children = 4 ** (config.fine_zoom - config.coarse_zoom)
            self.register_buffer("fine_weights", torch.zeros(coarse, children, config.neighbours))
            index, _ = two_ring(config.coarse_zoom, config.neighbours)
            self.register_buffer("index", torch.from_numpy(index.copy()), persistent=False)

    @property
    def scale(self) -> float:
        """What turns orthonormal coefficients into values of block means."""
        c = self.config
        top = c.fine_zoom if c.by_patch and c.fine_zoom is not None else c.coarse_zoom
        return 2.0 ** -(top - c.bottleneck_zoom)

    def encode(self, x: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
        """Anomalies (B, cells) at the coarse or fine zoom, annual phase (B,) in radians -> (B, floats)."""
        zoom = self._zoom(zoom_of(int(x.shape[-1])))
        config = self.config
        if config.by_patch:
            fine = x if zoom == config.fine_zoom else self.refine(x)
            tiles = fine.unflatten(-1, self.patches.shape[:2])
            return torch.einsum("bpc,pcf->bpf", tiles, self.patches.to(x)).flatten(-2) * self.scale
        coarse = restrict(x, zoom - config.coarse_zoom)
        inner = coarse @ self.basis.to(x)
        if config.seasons > 1:
            inner = self._turned(inner, phase)
        return inner * self.scale

    def decode(self, b: torch.Tensor, phase: torch.Tensor, zoom: int) -> torch.Tensor:
        """Compressed fields (B, floats), annual phase (B,) -> anomalies (B, cells) at either zoom."""
        self._zoom(zoom)
        config = self.config
        inner = b / self.scale
        if config.by_patch and config.fine_zoom is not None:
            tiles = inner.unflatten(-1, (self.patches.shape[0], self.patches.shape[2]))
            fine = torch.einsum("bpf,pcf->bpc", tiles, self.patches.to(b)).flatten(-2)
            return fine if zoom == config.fine_zoom else restrict(fine, config.fine_zoom - zoom)
        if config.seasons > 1:
            inner = self._turned_back(inner, phase)
        coarse = inner @ self.basis.to(b).T
        return coarse if zoom == config.coarse_zoom else self.refine(coarse)

    def patterns(self, phase: torch.Tensor) -> torch.Tensor:
        """What each orthonormal coefficient stands for in the subspace at these phases (B,), (B, subspace,
        floats); only with seasons."""
        inverse, nodes = self._season(phase, self.basis)
        # By Cholesky's factors: MKL's LU has been seen to err once the number of threads had been changed.
        factor = torch.linalg.cholesky(nodes.transpose(-1, -2) @ nodes)
        return torch.cholesky_solve(nodes.transpose(-1, -2), factor).transpose(-1, -2)[inverse]

    def refine(self, coarse: torch.Tensor) -> torch.Tensor:
        """Coarse anomalies to the fine zoom: smooth prolongation plus regression; block means are kept."""
        config = self.config
        if config.fine_zoom is None:
            raise UserError(
                "This codec knows one zoom only: fit it with fine fields to decode to a finer zoom."
            )
        return prolong(coarse, config.fine_zoom - config.coarse_zoom) + self.detail(coarse).flatten(-2)

    def detail(self, coarse: torch.Tensor, cells: torch.Tensor | None = None) -> torch.Tensor:
        """What the regression adds to smooth prolongation: coarse anomalies (B, cells) -> (B, cells or the
        chosen `cells` of them, children)."""
        index = self.index if cells is None else self.index[cells]
        weights = self.fine_weights if cells is None else self.fine_weights[cells]
        return torch.einsum("bpm,pcm->bpc", coarse[:, index], weights.to(coarse))

    def _zoom(self, zoom: int) -> int:
        known = [z for z in (self.config.coarse_zoom, self.config.fine_zoom) if z is not None]
        if zoom not in known:
            raise UserError(
                f"A field of zoom {zoom} was found, this codec is for zoom {' and '.join(map(str, known))}."
            )
        return zoom

    def _season(self, phase: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Interpolated nodes of each different phase, (phases, subspace, floats), and which a row uses."""
        single, inverse = torch.unique(phase.to(torch.float64), return_inverse=True)
        left, share = self._between(single)
        nodes = self.nodes.to(like)
        right = nodes[(left + 1) % self.config.seasons]
        return inverse, torch.lerp(nodes[left], right, share.to(like)[:, None, None])

    def _between(self, phase: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The node before each phase, and what share of the way to the next it lies.

        Node m stands at the phase (m + 1/2) / seasons of a year.
        """
        place = phase.to(torch.float64) / (2 * math.pi) * self.config.seasons - 0.5
        left = torch.floor(place)
        return left.to(torch.int64) % self.config.seasons, place - left

    def _turned(self, inner: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
        """Coefficients in the shared subspace (B, subspace) -> in the basis of their phases (B, floats).

        Not by the nodes of each phase: between the same two, fields are multiplied by both at once.
        """

        def turn(rows: torch.Tensor, first: torch.Tensor, second: torch.Tensor, share: torch.Tensor) -> Any:
            return torch.lerp(rows @ first, rows @ second, share[:, None])

        return self._by_node(inner, phase, turn)

    def _turned_back(self, inner: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
        """The pseudo-inverse of `_turned`: (B, floats) -> (B, subspace)."""

        def turn(rows: torch.Tensor, first: torch.Tensor, second: torch.Tensor, share: torch.Tensor) -> Any:
            # The interpolated basis' Gram matrix, for many phases from those of what it lies between.
            single, inverse = torch.unique(share, return_inverse=True)
            if len(single) == 1:
                basis = torch.lerp(first, second, single)
                gram = (basis.T @ basis)[None]
            else:
                mixed, s = first.T @ second, single[:, None, None]
                gram = (1 - s).square() * (first.T @ first) + s.square() * (second.T @ second)
                gram = gram + s * (1 - s) * (mixed + mixed.T)
            factor = torch.linalg.cholesky(gram)[inverse]
            rows = torch.cholesky_solve(rows.unsqueeze(-1), factor).squeeze(-1)
            return torch.lerp(rows @ first.T, rows @ second.T, share[:, None])

        return self._by_node(inner, phase, turn)

    def _by_node(self, inner: torch.Tensor, phase: torch.Tensor, turn: Callable[..., Any]) -> torch.Tensor:
        """What `turn` makes of rows (n, ...), the nodes their phases lie between, and the shares (n,)."""
        left, share = self._between(phase)
        nodes = self.nodes.to(inner)
        order, made = [], []
        for node in torch.unique(left).tolist():
            rows = torch.nonzero(left == node).squeeze(-1)
            second = nodes[(node + 1) % self.config.seasons]
            order.append(rows)
            made.append(turn(inner[rows], nodes[node], second, share[rows].to(inner)))
        return torch.cat(made)[torch.argsort(torch.cat(order))]
