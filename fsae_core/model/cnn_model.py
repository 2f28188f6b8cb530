"""The convolutional baseline as a model of fields in their units: normalised one by one, or anomalies from an
archive's climatology."""

from __future__ import annotations

__all__ = ["CnnModel"]

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.archive.climatology import FieldNormaliser, HarmonicClimatology, harmonic_basis
from fsae_core.errors import UserError
from fsae_core.model.card import ModelCard
from fsae_core.model.cnn_vae import CnnConditions, CnnVae, CnnVaeConfig
from fsae_core.model.compression import CompressedFields, Floats, Times, parts_of, surface_tensor
from fsae_core.model.conditioning import sunlight
from fsae_core.sphere.healpix import zoom_of

NOT_ON_THE_SPHERE = -1
"""The `zoom` of compressed fields that are latents."""

SUN_LEVELS = 2
"""Sunlight is given this many zooms above the field's."""


class CnnModel:
    """A CnnVae: one for all zooms where fields are normalised one by one, one a zoom where there are
    climatologies.

    What it gives as compressed values are latents (time, cells / ratio), times scale plus offset, so that
    they have the field's size; offset and scale are its mean and spread, or 0 and that of all
    anomalies.
    """

    def __init__(
        self,
        card: ModelCard,
        networks: Mapping[int, CnnVae],
        climatologies: Mapping[int, HarmonicClimatology],
        device: str = "cpu",
    ) -> None:
        self.card = card
        self.device = torch.device(device)
        self.networks = {z: n.eval().requires_grad_(False).to(self.device) for z, n in networks.items()}
        self.climatologies = climatologies
        self._normaliser = FieldNormaliser()
        self._places: dict[int, Any] = {}

    @classmethod
    def from_tensors(cls, card: ModelCard, tensors: Mapping[str, NDArray[Any]], device: str) -> CnnModel:
        """From a weights file: config["networks"] has a CnnVaeConfig by zoom ("any" for all), which prefixes
        its tensors.

        Raises KeyError, TypeError or RuntimeError where tensors and configuration disagree.
        """
        networks: dict[int, CnnVae] = {}
        for name, settings in card.config["networks"].items():
            network = CnnVae(CnnVaeConfig(**{**settings, "widths": tuple(settings["widths"])}))
            prefix = f"{name}."
            state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            network.load_state_dict(
                {k: torch.from_numpy(np.asarray(v, np.float32)) for k, v in state.items()}
            )
            zooms = range(card.zooms[0], card.zooms[1] + 1) if name == "any" else (int(name),)
            networks |= {zoom: network for zoom in zooms}
        climatologies = HarmonicClimatology.from_tensors(tensors, card.config["climatologies"])
        return cls(card, networks, climatologies, device)

    def _network(self, zoom: int) -> CnnVae:
        if zoom not in self.networks:
            raise UserError(
                f"A field of zoom {zoom} was found, the weights {self.card.name} take zoom "
                f"{', '.join(map(str, self.networks))}: regrid it or choose other weights."
            )
        return self.networks[zoom]

    def _place(self, zoom: int) -> Any:
        """Depends on weights and zoom alone: kept for the last two zooms."""
        if zoom not in self._places:
            if len(self._places) > 1:
                self._places.pop(next(iter(self._places)))
            conditions = CnnConditions(surface_tensor(zoom, str(self.device)))
            self._places[zoom] = self.networks[zoom].places(conditions)
        return self._places[zoom]

    def _conditions(self, zoom: int, times: Times, instant: bool, part: slice) -> CnnConditions:
        surface = surface_tensor(zoom, str(self.device))
        if self.climatologies:
            known = harmonic_basis(self._needed(times)[part])[:, 1:].astype(np.float32)
            return CnnConditions(surface, torch.from_numpy(known).to(self.device))
        if not instant or times is None:
            return CnnConditions(surface)
        sun = sunlight(times[part], zoom - SUN_LEVELS, self.networks[zoom].config.sunlit)
        return CnnConditions(surface, torch.from_numpy(sun).to(self.device))

    def _needed(self, times: Times) -> NDArray[np.datetime64]:
        if times is None:
            raise UserError(
                f"The weights {self.card.name} work on anomalies from a climatology and need the times of "
                "the fields, but there are none: choose the general ones (cnn-vae-general)."
            )
        return times

    def compress_fields(
        self, x: Floats, *, variable: str, times: Times = None, instant: bool = False
    ) -> CompressedFields:
        """(time, cell) in units -> latents (time, cells / ratio); UserError for a field too coarse or
        another zoom."""
        zoom = zoom_of(x.shape[-1])
        network = self._network(zoom)
        if self.climatologies:
            scale = np.full(len(x), self.card.config["scale"], np.float32)
            offset = np.zeros(len(x), np.float32)
            normal = ((x - self.climatologies[zoom].mean_at(self._needed(times))) / scale[:, None]).astype(
                np.float32
            )
        else:
            normal, offset, scale = self._normaliser.normalise(x)
        out = []
        with torch.inference_mode():
            places = self._place(zoom)
            for part in parts_of(len(x), zoom):
                fields = torch.from_numpy(normal[part]).to(self.device)
                conditions = self._conditions(zoom, times, instant, part)
                out.append(network.encode(fields, conditions, places=places)[0].cpu().numpy())
        values = np.concatenate(out) * scale[:, None] + offset[:, None]
        return CompressedFields(values, offset, scale, zoom, NOT_ON_THE_SPHERE)

    def decompress_fields(
        self, compressed: CompressedFields, *, variable: str, times: Times = None, instant: bool = False
    ) -> Floats:
        """Latents -> (time, cell) in units."""
        zoom = compressed.zoom_in
        network = self._network(zoom)
        offset, scale = compressed.offset[:, None], compressed.scale[:, None]
        values = ((compressed.values - offset) / scale).astype(np.float32)
        out = []
        with torch.inference_mode():
            places = self._place(zoom)
            for part in parts_of(len(values), zoom):
                latents = torch.from_numpy(values[part]).to(self.device)
                conditions = self._conditions(zoom, times, instant, part)
                out.append(network.decode(latents, conditions, places=places).cpu().numpy())
        y = np.concatenate(out) * scale + offset
        if self.climatologies:
            y = y + self.climatologies[zoom].mean_at(self._needed(times))
        return y.astype(np.float32)
