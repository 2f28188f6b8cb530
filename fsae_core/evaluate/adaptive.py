"""The Field-Space Autoencoder with numbers where they are needed, as a transform."""

from __future__ import annotations

__all__ = ["Adaptive"]

import numpy as np
import xarray as xr

from fsae_core.codec.choice import ADAPTIVE
from fsae_core.evaluate.coded import Floats, Times
from fsae_core.evaluate.latents import Latents
from fsae_core.evaluate.learned import Learned
from fsae_core.model.adaptive import AdaptiveFields
from fsae_core.sphere.healpix import zoom_of


class Adaptive(Learned):
    """The weights of all ratios together, see `fsae_core.model.adaptive` and, for an archive's own,
    `fsae_core.model.adaptive_archive`.

    Always sent at once. The numbers of a field are its values and, for each four bytes of what says their
    places, one.
    """

    def __init__(self, name: str, ds: xr.Dataset, variable: str, device: str = "auto") -> None:
        super().__init__(name, ds, variable, ADAPTIVE, device)

    def ratios(self, cells: int) -> tuple[int, ...]:
        return tuple(self.models) if cells == self.cells else ()

    def encode(self, x: Floats, times: Times, ratio: int) -> Latents:
        got = self._compressed(x, times, ratio)
        values, offset, scale = (np.asarray(v, np.float32) for v in (got.values, got.offset, got.scale))
        return Latents(values, offset, scale, places=got.places, finest=zoom_of(x.shape[-1]))

    def decode(self, latents: Latents, cells: int, times: Times, ratio: int) -> Floats:
        assert latents.places is not None
        fields = AdaptiveFields(
            latents.values, latents.offset, latents.scale, zoom_of(cells), -1, latents.places
        )
        back = self._model(ratio).decompress_fields(
            fields, variable=self.variable, times=times, instant=self.instant
        )
        return np.asarray(back, np.float32)

    def layers(self, cells: int, ratio: int) -> tuple[tuple[int, ...], ...]:
        return ((ratio,),)
