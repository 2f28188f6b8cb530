"""The Field-Space Autoencoder: a field on the sphere to a coarser field on the sphere, and back.

After Meuer et al., arXiv 2601.15102. Where this differs from the authors' code: halos hold the right cells,
gates start at 0.1 round the classical pair (block mean, smooth prolongation), attention is windowed,
sunlight and surface condition every block, and the decoder conserves: the block mean of what it decodes is
the compressed field, exactly.
"""

from __future__ import annotations

__all__ = ["AutoencoderConfig", "Conditions", "FieldSpaceAutoencoder"]

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from fsae_core.errors import UserError
from fsae_core.model.attention import FieldSpaceAttention
from fsae_core.model.conditioning import SOLAR, SurfaceEncoder
from fsae_core.model.gather import tokenise
from fsae_core.model.patchmap import FieldSpaceCompression, FieldSpaceDecompression
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.pyramid import compose, prolong, restrict

Surface: TypeAlias = list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]

_PATCH_LEVELS = 3


@dataclass(frozen=True)
class AutoencoderConfig:
    """Levels: how many zooms coarser the compressed field is, ratio 4^levels.

    The rest as in FieldSpaceAttention;
    decoder_blocks: after the decompression; surface_channels at surface_zoom: learned surface features.
    sunlit: declinations of the sun, in degrees, between which sunlight is made use of; beyond what training
    saw it would mislead.
    """

    levels: int
    width: int = 72
    hidden: int = 128
    attention: int = 32
    heads: int = 2
    exchange: int = 8
    bases: int = 16
    decoder_blocks: int = 2
    surface_channels: int = 4
    surface_zoom: int = 6
    dropout: float = 0.2
    surface_dropout: float = 0.3
    sunlit: tuple[float, float] = (-10.0, 15.0)

    @property
    def patch_levels(self) -> int:
        """A token is a cell this many zooms above the field's: never finer than the compressed field."""
        return max(_PATCH_LEVELS, self.levels)

    @property
    def ratio(self) -> int:
        """Values in the field for one in the compressed field."""
        return 4**self.levels


class Conditions(NamedTuple):
    """Surface: (cells, SURFACE) at the field's zoom; solar: (batch, tokens, SOLAR) or None where the hour
    is not known or has no meaning (means); turn: index (cells,) of the symmetry under which fields were
    turned, in training."""

    surface: Tensor
    solar: Tensor | None = None
    turn: Tensor | None = None


class FieldSpaceAutoencoder(nn.Module):
    """Fields (batch, cells) of any zoom from `config.patch_levels` up, normalised; relative zooms, so one
    set of weights serves them all."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = c = config
        own, side = 4**c.patch_levels, 2**c.patch_levels
        coarse = c.patch_levels - c.levels
        ring_own, ring_coarse = own + 4 * side + 4, 4**coarse + 4 * 2**coarse + 4

        def block(inputs: int, attends: bool = True) -> FieldSpaceAttention:
            return FieldSpaceAttention(
                inputs + SOLAR,
                own,
                width=c.width,
                hidden=c.hidden,
                attention=c.attention if attends else 0,
                heads=c.heads,
                exchange=c.exchange,
                bases=c.bases,
                dropout=c.dropout,
            )

        self.surface = SurfaceEncoder(
            width=c.width,
            bases=c.bases,
            blocks=c.decoder_blocks + 1,
            channels=c.surface_channels,
            zoom=c.surface_zoom,
            dropout=c.surface_dropout,
        )
        self.encoder = block(ring_own + 1)
        self.compression = FieldSpaceCompression(c.levels)
        self.decompression = FieldSpaceDecompression(c.levels)
        # The first decoder block reads the compressed field, which says all there is; later ones the field
        # so far. It alone attends: further attention cost time and gained nothing that could be measured.
        self.decoder = nn.ModuleList(
            block(ring_own if i else ring_coarse, attends=i == 0) for i in range(c.decoder_blocks)
        )

    def token_zoom(self, zoom: int) -> int:
        """Zoom of the tokens for fields of `zoom`; UserError for a field too coarse to be compressed so
        far."""
        if zoom < self.config.patch_levels:
            raise UserError(
                f"A field of zoom {zoom} was found, zoom {self.config.patch_levels} or finer was expected "
                f"for ratio {self.config.ratio}: choose a smaller ratio or a finer field."
            )
        return zoom - self.config.patch_levels

    def surfaces(self, conditions: Conditions) -> Surface:
        """What every block knows of the surface: the same for all fields of a zoom."""
        zoom = zoom_of(conditions.surface.shape[0])
        return self.surface(conditions.surface, self.token_zoom(zoom), conditions.turn)

    def _solar(self, conditions: Conditions, batch: int, token_zoom: int) -> Tensor:
        if conditions.solar is not None:
            return conditions.solar
        return conditions.surface.new_zeros(batch, n_cells(token_zoom), SOLAR)

    def encode(
        self,
        x: Tensor | Mapping[int, Tensor | None],
        conditions: Conditions,
        *,
        zoom: int | None = None,
        surface: Surface | None = None,
    ) -> Tensor:
        """A field (batch, cells), or the levels of a pyramid of which finer ones may be missing (with the
        `zoom` of the whole), -> the compressed field (batch, cells / ratio).

        A missing level counts as zero residual, and the encoder is told how many are missing. surface: what
        `surfaces` gave for these conditions, where it is at hand.
        """
        missing = 0
        if isinstance(x, Mapping):
            target = max(x) if zoom is None else zoom
            missing = target - max((z for z, level in x.items() if level is not None), default=target)
            field: Tensor = compose(x, target)
        else:
            field = x
        token_zoom = self.token_zoom(zoom_of(field.shape[-1]))
        surface = surface or self.surfaces(conditions)
        tokens = tokenise(field, token_zoom)
        known = tokens.new_full((*tokens.shape[:2], 1), missing / self.config.patch_levels)
        solar = self._solar(conditions, field.shape[0], token_zoom)
        update, _ = self.encoder(torch.cat([tokens, known, solar], dim=-1), None, surface[-1])
        return self.compression(field + update.flatten(1))

    def decode(self, b: Tensor, conditions: Conditions, *, surface: Surface | None = None) -> Tensor:
        """The compressed field (batch, cells / ratio) -> the field (batch, cells); its block mean is
        `b`."""
        levels = self.config.levels
        token_zoom = self.token_zoom(zoom_of(b.shape[-1]) + levels)
        surface = surface or self.surfaces(conditions)
        solar = self._solar(conditions, b.shape[0], token_zoom)
        y = self.decompression(b)
        memory = None
        for i, block in enumerate(self.decoder):
            tokens = tokenise(y if i else b, token_zoom)
            update, memory = block(torch.cat([tokens, solar], dim=-1), memory, surface[i])
            patches = update.flatten(1).unflatten(1, (-1, 4**levels))
            y = y + (patches - patches.mean(-1, keepdim=True)).flatten(1)
        return y

    def forward(
        self,
        x: Tensor,
        conditions: Conditions,
        drop: int = 0,
        rounded: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """(batch, cells) -> (reconstruction, compressed field).

        drop: finest levels hidden from the encoder; rounded: what becomes of the compressed field before it
        is decoded.
        """
        zoom = zoom_of(x.shape[-1])
        surface = self.surfaces(conditions)
        shown: Tensor | dict[int, Tensor | None] = x
        if drop:
            shown = {zoom - drop: restrict(x, drop), zoom: None}
        b = self.encode(shown, conditions, surface=surface)
        b = b if rounded is None else rounded(b)
        return self.decode(b, conditions, surface=surface), b

    @staticmethod
    def baseline(x: Tensor, levels: int) -> Tensor:
        """Block mean and smooth prolongation (batch, cells) -> (batch, cells), what the untrained model is
        near."""
        return prolong(restrict(x, levels), levels)
