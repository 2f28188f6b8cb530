"""A convolutional variational autoencoder on the equirectangular grid: what the Field-Space Autoencoder is
measured against.

As the baseline of Meuer et al., arXiv 2601.15102 (residual blocks, group norm, small KL term), with all that
Field-Space Autoencoders know as well: a start near average and interpolation, orography, land, latitude,
learned maps, sunlight or season. Cells become boxes by area means and boxes cells, so floats, error and
inputs are those of the other models.
"""

from __future__ import annotations

__all__ = ["CnnConditions", "CnnVae", "CnnVaeConfig"]

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from fsae_core.errors import UserError
from fsae_core.model.cnn_layers import Attention, ResidualBlock, SphereConv, pad_sphere
from fsae_core.model.conditioning import SOLAR, SURFACE
from fsae_core.sphere.equirectangular import cells_from_grid, grid_from_cells, grid_shape, row_areas
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.pyramid import prolong, restrict

SEASON = 4
LATENTS = 2
"""Channels of the bottleneck: with a grid of two boxes a cell this makes cells / 4**levels floats."""

Knowledge: TypeAlias = dict[int, Tensor]

_CELL, _MAPS = 32, 8
"""Hidden features a cell; maps of them that the levels are made from."""

_QUIET = -12.0
"""Logarithm of the latents' variance at the start."""


@dataclass(frozen=True)
class CnnVaeConfig:
    """levels: ratio 4**levels. patch: levels of the grid folded into channels before the first convolution;
    widths: channels from there down; deepest: level to which the decoder looks for context; blocks: a level;
    season: whether the phase of the year is known, else sunlight; the rest as in AutoencoderConfig."""

    levels: int
    widths: tuple[int, ...] = (32, 48, 64)
    patch: int = 2
    deepest: int = 4
    blocks: int = 1
    conditions: int = 32
    bases: int = 16
    heads: int = 4
    season: bool = False
    surface_channels: int = 4
    surface_zoom: int = 6
    dropout: float = 0.2
    surface_dropout: float = 0.3
    sunlit: tuple[float, float] = (-10.0, 15.0)

    @property
    def ratio(self) -> int:
        """Values in the field for one in the bottleneck."""
        return 4**self.levels

    @property
    def latent_level(self) -> int:
        """Halvings of the grid down to the bottleneck."""
        return self.levels + 1

    @property
    def bottom(self) -> int:
        """Halvings of the grid down to the coarsest features."""
        return max(self.deepest, self.latent_level)

    def width(self, level: int) -> int:
        """Channels at so many halvings of the grid."""
        return self.widths[min(level - self.patch, len(self.widths) - 1)]


class CnnConditions(NamedTuple):
    """surface: (cells, SURFACE); known: (batch, cells two zooms coarser, SOLAR) of sunlight, or (batch,
    SEASON), or None; turn: as in Conditions."""

    surface: Tensor
    known: Tensor | None = None
    turn: Tensor | None = None


class _Place(nn.Module):
    """Surface features and learned maps -> features at every level of the grid and patterns on the whole
    grid, the same for all fields."""

    def __init__(self, config: CnnVaeConfig) -> None:
        super().__init__()
        self.config = c = config
        self.channels = nn.Parameter(0.1 * torch.randn(c.surface_channels, n_cells(c.surface_zoom)))
        self.cell = nn.Sequential(
            nn.Linear(SURFACE + c.surface_channels, _CELL), nn.SiLU(), nn.Linear(_CELL, _CELL), nn.SiLU()
        )
        self.maps = nn.Linear(_CELL, _MAPS + c.bases)
        self.first = nn.Conv2d(_MAPS * 4**c.patch, c.conditions, 1)
        self.second = SphereConv(c.conditions, c.conditions)
        self.down = nn.ModuleList(nn.Conv2d(c.conditions, c.conditions, 1) for _ in range(c.patch, c.bottom))

    def forward(self, surface: Tensor, turn: Tensor | None) -> Knowledge:
        """(cells, SURFACE) -> {level: (1, conditions, rows, columns)} and, at level 0, the patterns (bases,
        boxes of a patch, rows, columns)."""
        c = self.config
        step = zoom_of(surface.shape[0]) - c.surface_zoom
        learned = restrict(self.channels, -step) if step < 0 else prolong(self.channels, step)
        learned = functional.dropout(learned, c.surface_dropout, self.training)
        features = torch.cat([surface, learned.T], dim=-1)
        if turn is not None:
            features = features.index_select(0, turn)
        maps = grid_from_cells(self.maps(self.cell(features)).T)
        patches = functional.pixel_unshuffle(maps[:, None], 2**c.patch)
        grid, patterns = patches[:_MAPS].flatten(0, 1)[None], patches[_MAPS:]
        grid = functional.silu(self.second(functional.silu(self.first(grid))))
        out = {0: patterns, c.patch: grid}
        for level, layer in enumerate(self.down, start=c.patch + 1):
            grid = functional.silu(layer(functional.avg_pool2d(grid, 2)))
            out[level] = grid
        return out


class _Stage(nn.Module):
    """The blocks of one level."""

    def __init__(self, config: CnnVaeConfig, level: int, inputs: int, attends: bool = False) -> None:
        super().__init__()
        c, width = config, config.width(level)
        self.level = level
        self.place = nn.Conv2d(c.conditions, c.conditions, 1)
        self.hour = nn.Conv2d(inputs, c.conditions, 1, bias=False)
        self.blocks = nn.ModuleList(ResidualBlock(width, c.conditions, c.dropout) for _ in range(c.blocks))
        self.attention = Attention(width, c.heads) if attends and c.heads else None

    def forward(self, x: Tensor, places: Knowledge, hours: Knowledge) -> Tensor:
        """(batch, width, rows, columns) -> the same shape."""
        known = self.place(places[self.level])
        if hours:
            hour = self.hour(hours[min(max(self.level, min(hours)), max(hours))])
            if 1 < hour.shape[-1] < known.shape[-1]:
                hour = functional.interpolate(hour, size=known.shape[-2:])
            known = known + hour
        known = functional.silu(known)
        for block in self.blocks:
            x = block(x, known)
        return x if self.attention is None else self.attention(x)


class CnnVae(nn.Module):
    """Fields (batch, cells) of any zoom from levels up, normalised; fully convolutional."""

    def __init__(self, config: CnnVaeConfig) -> None:
        super().__init__()
        self.config = c = config
        inputs = SEASON if c.season else SOLAR
        top, latent, bottom = c.patch, c.latent_level, c.bottom
        self.surface = _Place(c)
        self.stem = nn.Conv2d(4**top, c.width(top), 1)
        self.encoder = nn.ModuleDict(
            {
                str(i): _Stage(c, i, inputs, attends=i >= c.deepest and i == latent)
                for i in range(top, latent + 1)
            }
        )
        self.encoder_down = nn.ModuleDict(
            {str(i): nn.Conv2d(c.width(i), c.width(i + 1), 2, stride=2) for i in range(top, latent)}
        )
        self.squeeze = SphereConv(c.width(latent), 2 * LATENTS, gain=0.1)
        self.widen = SphereConv(LATENTS, c.width(latent))
        self.context = nn.ModuleDict({str(i): _Stage(c, i, inputs) for i in range(latent, bottom)})
        self.context_down = nn.ModuleDict(
            {str(i): nn.Conv2d(c.width(i), c.width(i + 1), 2, stride=2) for i in range(latent, bottom)}
        )
        self.decoder = nn.ModuleDict(
            {str(i): _Stage(c, i, inputs, attends=i == bottom) for i in range(top, bottom + 1)}
        )
        self.decoder_up = nn.ModuleDict(
            {
                str(i): nn.ConvTranspose2d(c.width(i), c.width(i - 1), 2, stride=2)
                for i in range(top + 1, bottom + 1)
            }
        )
        self.head_norm = nn.GroupNorm(max(1, c.width(top) // 8), c.width(top))
        self.head = SphereConv(c.width(top), 4**top + c.bases, gain=0.1)

    def floats(self, zoom: int) -> int:
        """Values in the bottleneck of a field of `zoom`; UserError for a field too coarse."""
        if zoom < max(self.config.levels, self.config.bottom - 1):
            raise UserError(
                f"A field of zoom {zoom} was found, zoom {self.config.bottom - 1} or finer was expected for "
                f"ratio {self.config.ratio}: choose a smaller ratio or a finer field."
            )
        return n_cells(zoom) // self.config.ratio

    def places(self, conditions: CnnConditions) -> Knowledge:
        """What the stages know of the surface: the same for all fields of a zoom."""
        return self.surface(conditions.surface, conditions.turn)

    def _hours(self, conditions: CnnConditions) -> Knowledge:
        c, known = self.config, conditions.known
        if known is None:
            return {}
        if c.season:
            return {0: known[:, :, None, None]}
        flat = known.transpose(1, 2).flatten(0, 1)
        grid = grid_from_cells(flat).unflatten(0, (known.shape[0], -1))
        out = {2: grid}
        for level in range(3, c.bottom + 1):
            out[level] = functional.avg_pool2d(out[level - 1], 2)
        return out

    def encode(
        self, x: Tensor, conditions: CnnConditions, *, places: Knowledge | None = None
    ) -> tuple[Tensor, Tensor]:
        """(batch, cells) -> mean and logarithm of the variance of the latents, (batch, cells / ratio)."""
        self.floats(zoom_of(x.shape[-1]))
        c = self.config
        places, hours = places or self.places(conditions), self._hours(conditions)
        grid = grid_from_cells(x)[:, None]
        h = self.stem(functional.pixel_unshuffle(grid, 2**c.patch))
        for level in range(c.patch, c.latent_level + 1):
            h = self.encoder[str(level)](h, places, hours)
            if level < c.latent_level:
                h = self.encoder_down[str(level)](h)
        mean, spread = self.squeeze(functional.silu(h)).float().chunk(2, dim=1)
        mean = mean + self._average(grid)
        return mean.flatten(1), (spread + _QUIET).clamp(-20.0, 4.0).flatten(1)

    def _average(self, grid: Tensor) -> Tensor:
        """Area means of the western and the eastern half of each box of the bottleneck."""
        size = 2**self.config.latent_level
        area = row_areas(grid.shape[-2]).to(grid)[:, None]
        share = functional.avg_pool2d(area[None, None], (size, 1))
        halves = functional.avg_pool2d(grid * area, (size, size // 2)) / share
        return halves.unflatten(-1, (-1, LATENTS)).squeeze(1).permute(0, 3, 1, 2)

    def _interpolate(self, z: Tensor) -> Tensor:
        """Latents (batch, LATENTS, rows, columns) as these means -> a smooth field on the grid."""
        size = 2**self.config.latent_level
        halves = z.permute(0, 2, 3, 1).flatten(2)[:, None]
        wide = functional.interpolate(
            pad_sphere(halves), scale_factor=(size, size // 2), mode="bilinear", align_corners=False
        )
        return wide[..., size:-size, size // 2 : -(size // 2)]

    def decode(self, z: Tensor, conditions: CnnConditions, *, places: Knowledge | None = None) -> Tensor:
        """Latents (batch, cells / ratio) -> the field (batch, cells)."""
        c = self.config
        zoom = zoom_of(z.shape[-1] * c.ratio)
        places, hours = places or self.places(conditions), self._hours(conditions)
        rows, columns = grid_shape(zoom)
        shape = (LATENTS, rows // 2**c.latent_level, columns // 2**c.latent_level)
        latents = z.unflatten(1, shape)
        h = self.widen(latents)
        kept: Knowledge = {}
        for level in range(c.latent_level, c.bottom):
            h = self.context[str(level)](h, places, hours)
            kept[level] = h
            h = self.context_down[str(level)](h)
        for level in range(c.bottom, c.patch - 1, -1):
            h = self.decoder[str(level)](h, places, hours)
            if level > c.patch:
                h = self.decoder_up[str(level)](h)
                h = h + kept[level - 1] if level - 1 in kept else h
        out = self.head(functional.silu(self.head_norm(h)))
        fine, weights = out.split([4**c.patch, c.bases], dim=1)
        if c.bases:
            # Ten times faster than einsum, which goes by way of many small matrix products.
            fine = fine + (weights[:, :, None] * places[0]).sum(1)
        grid = self._interpolate(latents) + functional.pixel_shuffle(fine, 2**c.patch).float()
        # Only where the error sought is as small as this blur is sharpening worth its time.
        return cells_from_grid(grid[:, 0], sharpen=c.levels <= 2)

    def forward(self, x: Tensor, conditions: CnnConditions) -> tuple[Tensor, Tensor]:
        """(batch, cells) -> reconstruction and KL divergence of the latents from the unit normal, their
        mean (batch,)."""
        places = self.places(conditions)
        mean, spread = self.encode(x, conditions, places=places)
        divergence = 0.5 * (mean.square() + spread.exp() - 1 - spread).mean(-1)
        z = mean
        if self.training:
            z = mean + (0.5 * spread).exp() * torch.randn_like(mean)
        return self.decode(z, conditions, places=places), divergence
