"""From fields in their units to compressed fields and back: the network with its normaliser and
conditions."""

from __future__ import annotations

__all__ = ["CompressedFields", "CompressionModel", "GeneralModel", "parts_of", "surface_tensor"]

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.archive.climatology import FieldNormaliser
from fsae_core.archive.statics import static_fields
from fsae_core.model.autoencoder import Conditions, FieldSpaceAutoencoder
from fsae_core.model.card import ModelCard
from fsae_core.model.conditioning import sunlight, surface_features
from fsae_core.model.folded import FoldedNetwork
from fsae_core.model.quick import QuickNetwork, half_pays
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

    def __init__(self, card: ModelCard, network: FieldSpaceAutoencoder, device: str = "cpu") -> None:
        self.card = card
        self.device = torch.device(device)
        self.network = network.eval().requires_grad_(False).to(self.device)
        self._runs: Any = FoldedNetwork(self.network)
        self._normaliser = FieldNormaliser()
        self._surfaces: dict[int, Any] = {}

    def _surface(self, zoom: int) -> Any:
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
        """The same to thousandths of a field's spread, and quicker; itself where it runs on no CPU."""
        return _QuickModel(self) if self.device.type == "cpu" else self

    def solar(self, zoom: int, times: Times, instant: bool) -> torch.Tensor | None:
        """Sunlight on the tokens of fields of `zoom`, (time, tokens, SOLAR); None where the hour means
        nothing."""
        if not instant or times is None:
            return None
        features = sunlight(times, self.network.token_zoom(zoom), self.network.config.sunlit)
        return torch.from_numpy(features).to(self.device)

    def compress_fields(
        self, x: Floats, *, variable: str, times: Times = None, instant: bool = False
    ) -> CompressedFields:
        """(time, cell) in units -> compressed fields in the same units.

        UserError for a field too coarse.
        """
        zoom = zoom_of(x.shape[-1])
        normal, mean, spread = self._normaliser.normalise(x)
        with torch.inference_mode():
            values = self._encode(normal, zoom, times, instant)
        values = values * spread[:, None] + mean[:, None]
        return CompressedFields(values, mean, spread, zoom, zoom - self.network.config.levels)

    def decompress_fields(
        self, compressed: CompressedFields, *, variable: str, times: Times = None, instant: bool = False
    ) -> Floats:
        """Compressed fields -> (time, cell) in units."""
        mean, spread = compressed.offset, compressed.scale
        normal = ((compressed.values - mean[:, None]) / spread[:, None]).astype(np.float32)
        zoom = compressed.zoom + self.network.config.levels
        with torch.inference_mode():
            return self._decode(normal, mean, spread, zoom, times, instant)

    def _encode(self, normal: Floats, zoom: int, times: Times, instant: bool) -> Floats:
        out = []
        for part in parts_of(len(normal), zoom):
            fields = torch.from_numpy(normal[part]).to(self.device)
            conditions = self._conditions(zoom, times, instant, part)
            out.append(self._runs.encode(fields, conditions, surface=self._surface(zoom)).cpu().numpy())
        return np.concatenate(out)

    def _decode(
        self, normal: Floats, mean: Floats, spread: Floats, zoom: int, times: Times, instant: bool
    ) -> Floats:
        out = np.empty((len(normal), n_cells(zoom)), np.float32)
        for part in parts_of(len(normal), zoom):
            fields = torch.from_numpy(normal[part]).to(self.device)
            conditions = self._conditions(zoom, times, instant, part)
            made = self._runs.decode(fields, conditions, surface=self._surface(zoom)).cpu().numpy()
            np.multiply(made, spread[part, None], out=out[part])
            out[part] += mean[part, None]
        return out

    def _conditions(self, zoom: int, times: Times, instant: bool, part: slice) -> Conditions:
        solar = self.solar(zoom, None if times is None else times[part], instant)
        return Conditions(surface_tensor(zoom, str(self.device)), solar)


class _QuickModel(GeneralModel):
    """The model on a CPU, where nothing asks for the same on every machine."""

    def __init__(self, model: GeneralModel) -> None:
        super().__init__(model.card, model.network)
        self._runs = QuickNetwork(self._runs, half=half_pays(self.device))

    @property
    def fast(self) -> GeneralModel:
        """Itself."""
        return self

    def _sun(self, zoom: int, times: Times, instant: bool) -> Floats | None:
        solar = self.solar(zoom, times, instant)
        return None if solar is None else solar.numpy()

    def _encode(self, normal: Floats, zoom: int, times: Times, instant: bool) -> Floats:
        sun = self._sun(zoom, times, instant)
        return np.asarray(self._runs.encode(normal, sun, surface=self._surface(zoom)))

    def _decode(
        self, normal: Floats, mean: Floats, spread: Floats, zoom: int, times: Times, instant: bool
    ) -> Floats:
        sun, surface = self._sun(zoom, times, instant), self._surface(zoom)
        return np.asarray(self._runs.decode(normal, sun, spread, mean, surface=surface))
