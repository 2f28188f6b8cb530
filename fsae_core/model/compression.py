"""From fields in their units to compressed fields and back: the network with its normaliser and
conditions."""

from __future__ import annotations

__all__ = ["CompressedFields", "CompressionModel", "GeneralModel", "parts_of", "surface_tensor"]

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.archive.climatology import FieldNormaliser
from fsae_core.archive.statics import static_fields
from fsae_core.model.autoencoder import Conditions, FieldSpaceAutoencoder
from fsae_core.model.card import ModelCard
from fsae_core.model.conditioning import sunlight, surface_features
from fsae_core.model.folded import FoldedNetwork, FoldedSurface, half_pays
from fsae_core.sphere.healpix import n_cells, zoom_of

Floats = NDArray[np.float32]
Times = NDArray[np.datetime64] | None

_CELLS_AT_ONCE = 2**19
"""About 300 MB of intermediate values on a CPU."""


@dataclass(frozen=True)
class CompressedFields:
    """Values: (time, coarse cell) in the field's units, or anomalies in them; offset, scale: (time,), what
    the decoder must know beside them; zoom_in: of the field; zoom: of the values."""

    values: Floats
    offset: Floats
    scale: Floats
    zoom_in: int
    zoom: int


class CompressionModel(Protocol):
    """What `load_model` gives."""

    card: ModelCard

    def compress_fields(
        self, x: Floats, *, variable: str, times: Times = None, instant: bool = False
    ) -> CompressedFields: ...

    def decompress_fields(
        self, compressed: CompressedFields, *, variable: str, times: Times = None, instant: bool = False
    ) -> Floats: ...


@lru_cache(maxsize=8)
def surface_tensor(zoom: int, device: str) -> torch.Tensor:
    """The shipped orography and land share as features, (cells, SURFACE)."""
    static = static_fields(zoom)
    return torch.from_numpy(surface_features(static["orography"], static["land"])).to(device)


def parts_of(fields: int, zoom: int) -> list[slice]:
    """So many fields of `zoom` in parts that are worked on together: powers of two, as blocks of times."""
    step = 1 << (max(1, _CELLS_AT_ONCE // n_cells(zoom)).bit_length() - 1)
    return [slice(i, min(i + step, fields)) for i in range(0, fields, step)]


class GeneralModel:
    """A FieldSpaceAutoencoder on fields normalised one by one: takes any variable at any zoom the card
    allows.

    instant: the fields belong to the very hour of their times (analyses, hourly output), not to a day or
    month, so that the position of the sun says something about them.
    """

    def __init__(
        self, card: ModelCard, network: FieldSpaceAutoencoder, device: str = "cpu", *, half: bool = False
    ) -> None:
        """half: compute inside of blocks in bfloat16."""
        self.card = card
        self.device, self._half = torch.device(device), half
        self.network = network.eval().requires_grad_(False).to(self.device)
        self._runs = FoldedNetwork(self.network, half=half)
        self._normaliser = FieldNormaliser()
        self._surfaces: dict[int, list[FoldedSurface]] = {}

    def _surface(self, zoom: int) -> list[FoldedSurface]:
        """Depends on weights and zoom alone, and costs as much as ten fields: kept for the last three
        zooms, as many as one way of super-resolution passes."""
        if zoom not in self._surfaces:
            if len(self._surfaces) > 2:
                self._surfaces.pop(next(iter(self._surfaces)))
            features = surface_tensor(zoom, str(self.device))
            self._surfaces[zoom] = self._runs.surfaces(Conditions(features))
        return self._surfaces[zoom]

    @cached_property
    def fast(self) -> GeneralModel:
        """The same to a thousandth of a field's spread, and quicker where this machine has the means; else
        itself."""
        if self._half or not half_pays(self.device):
            return self
        return GeneralModel(self.card, self.network, str(self.device), half=True)

    def solar(self, zoom: int, times: Times, instant: bool) -> torch.Tensor | None:
        """Sunlight on the tokens of fields of `zoom`, (time, tokens, SOLAR); None where the hour means
        nothing."""
        if not instant or times is None:
            return None
        features = sunlight(times, self.network.token_zoom(zoom), self.network.config.sunlit)
        return torch.from_numpy(features).to(self.device)

    def _conditions(self, zoom: int, times: Times, instant: bool, part: slice) -> Conditions:
        solar = self.solar(zoom, None if times is None else times[part], instant)
        return Conditions(surface_tensor(zoom, str(self.device)), solar)

    def compress_fields(
        self, x: Floats, *, variable: str, times: Times = None, instant: bool = False
    ) -> CompressedFields:
        """(time, cell) in units -> compressed fields in the same units.

        UserError for a field too coarse.
        """
        zoom = zoom_of(x.shape[-1])
        normal, mean, spread = self._normaliser.normalise(x)
        out = []
        with torch.inference_mode():
            surface = self._surface(zoom)
            for part in parts_of(len(x), zoom):
                fields = torch.from_numpy(normal[part]).to(self.device)
                conditions = self._conditions(zoom, times, instant, part)
                out.append(self._runs.encode(fields, conditions, surface=surface).cpu().numpy())
        values = np.concatenate(out) * spread[:, None] + mean[:, None]
        return CompressedFields(values, mean, spread, zoom, zoom - self.network.config.levels)

    def decompress_fields(
        self, compressed: CompressedFields, *, variable: str, times: Times = None, instant: bool = False
    ) -> Floats:
        """Compressed fields -> (time, cell) in units."""
        mean, spread = compressed.offset[:, None], compressed.scale[:, None]
        normal = ((compressed.values - mean) / spread).astype(np.float32)
        zoom = compressed.zoom + self.network.config.levels
        out = np.empty((len(normal), n_cells(zoom)), np.float32)
        with torch.inference_mode():
            surface = self._surface(zoom)
            for part in parts_of(len(normal), zoom):
                fields = torch.from_numpy(normal[part]).to(self.device)
                conditions = self._conditions(zoom, times, instant, part)
                made = self._runs.decode(fields, conditions, surface=surface).cpu().numpy()
                np.multiply(made, spread[part], out=out[part])
                out[part] += mean[part]
        return out
