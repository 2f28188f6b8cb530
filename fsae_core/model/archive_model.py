"""An archive's own weights as a model of fields in their units: climatology, linear maps, network."""

from __future__ import annotations

__all__ = ["ArchiveModel"]

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.archive.climatology import HarmonicClimatology, annual_phase
from fsae_core.errors import UserError
from fsae_core.model.archive_autoencoder import ArchiveAutoencoder, ArchiveConfig
from fsae_core.model.card import ModelCard
from fsae_core.model.compression import CompressedFields, Floats, Times, surface_tensor
from fsae_core.model.linear import LinearCodecConfig, LinearFieldCodec
from fsae_core.model.part import Index, PartProlongation, positions
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import prolong, restrict

_FIELDS_AT_ONCE = 128


class ArchiveModel:
    """Works on anomalies from the archive's harmonic climatology, so it needs the times of its fields.

    One ratio at every zoom of the archive: the bottleneck is as many zooms coarser than the field as the
    ratio asks for, so a fine field at 16x and a coarse one at 4x share their weights and nearly their
    compressed field.
    """

    def __init__(
        self,
        card: ModelCard,
        networks: Mapping[int, ArchiveAutoencoder],
        climatologies: Mapping[int, HarmonicClimatology],
        device: str = "cpu",
    ) -> None:
        self.card = card
        self.device = torch.device(device)
        self.networks = {z: n.eval().requires_grad_(False).to(self.device) for z, n in networks.items()}
        self.climatologies = climatologies
        self.levels = round(np.log2(card.ratio) / 2)

    @classmethod
    def from_tensors(cls, card: ModelCard, tensors: Mapping[str, NDArray[Any]], device: str) -> ArchiveModel:
        """From a weights file that holds every bottleneck: config["bottlenecks"] has one ArchiveConfig each.

        Raises KeyError, TypeError or RuntimeError where tensors and configuration disagree.
        """
        levels = round(np.log2(card.ratio) / 2)
        climatologies = HarmonicClimatology.from_tensors(tensors, card.config["climatologies"])
        networks = {}
        for zoom in climatologies:
            name = str(zoom - levels)
            if name not in card.config["bottlenecks"]:
                continue
            settings = dict(card.config["bottlenecks"][name])
            config = ArchiveConfig(linear=LinearCodecConfig(**settings.pop("linear")), **settings)
            network = ArchiveAutoencoder(config)
            prefix = f"z{name}."
            state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            if "linear.basis" in network.state_dict() and "linear.basis" not in state:
                state["linear.basis"] = tensors["basis"]
            network.load_state_dict(
                {k: torch.from_numpy(np.asarray(v, np.float32)) for k, v in state.items()}
            )
            networks[zoom] = network
        return cls(card, networks, climatologies, device)

    def _of(self, zoom: int, times: Times) -> tuple[ArchiveAutoencoder, torch.Tensor, Floats]:
        """The network for this zoom, the phases (time,) and the climatology (time, cell)."""
        phase, mean = self.phase_and_climatology(zoom, times)
        return self.networks[zoom], phase, mean

    def phase_and_climatology(self, zoom: int, times: Times) -> tuple[torch.Tensor, Floats]:
        """Annual phases (time,) and climatology (time, cell) of fields of this zoom. UserError for another
        zoom or without times."""
        if zoom not in self.networks:
            known = ", ".join(map(str, self.networks))
            raise UserError(
                f"A field of zoom {zoom} was found, the weights {self.card.name} take zoom {known}: choose "
                "the general weights."
            )
        if times is None:
            raise UserError(
                f"The weights {self.card.name} work on anomalies from a climatology and need the times of "
                "the fields, but there are none: choose the general weights."
            )
        phase = torch.from_numpy(annual_phase(times).astype(np.float32)).to(self.device)
        return phase, self.climatologies[zoom].mean_at(times)

    def compress_fields(
        self, x: Floats, *, variable: str, times: Times = None, instant: bool = False
    ) -> CompressedFields:
        """(time, cell) in units -> compressed anomalies in the same units."""
        zoom = zoom_of(x.shape[-1])
        network, phase, mean = self._of(zoom, times)
        anomaly = (x - mean).astype(np.float32)
        with torch.inference_mode():
            parts = [
                network.encode(torch.from_numpy(anomaly[part]).to(self.device), phase[part]).cpu().numpy()
                for part in _parts(len(x))
            ]
        values = np.concatenate(parts)
        none, one = np.zeros(len(x), np.float32), np.ones(len(x), np.float32)
        return CompressedFields(values, none, one, zoom, zoom - self.levels)

    def decompress_fields(
        self, compressed: CompressedFields, *, variable: str, times: Times = None, instant: bool = False
    ) -> Floats:
        """Compressed anomalies -> (time, cell) in units."""
        zoom = compressed.zoom_in
        network, phase, mean = self._of(zoom, times)
        surface = surface_tensor(network.config.linear.coarse_zoom, str(self.device))
        values = np.asarray(compressed.values, np.float32)
        with torch.inference_mode():
            parts = [
                network.decode(torch.from_numpy(values[part]).to(self.device), phase[part], zoom, surface)
                .cpu()
                .numpy()
                for part in _parts(len(values))
            ]
        return (np.concatenate(parts) + mean).astype(np.float32)

    @property
    def finest(self) -> int:
        """Finest zoom of the archive."""
        return max(self.networks)

    @property
    def coarse_zoom(self) -> int:
        """Zoom of the abundant coarse fields that the maps were fitted to."""
        return self.networks[self.finest].config.linear.coarse_zoom

    @property
    def refines(self) -> tuple[tuple[int, int], ...]:
        """Zooms (given, sought) that `refine` leads between."""
        given = self.finest - self.levels
        return tuple((given, zoom) for zoom in {self.coarse_zoom, self.finest} if zoom > given)

    def refine(
        self,
        x: Floats,
        times: Times,
        zoom: int,
        *,
        of_fine_run: bool = False,
        cells: Index | None = None,
    ) -> Floats:
        """Fields (time, cells) in units at the zoom of the finest fields' bottleneck -> (time, finer cells).

        `zoom`: the archive's coarse or fine one; `cells`: only these of it. of_fine_run: the fields are block
        means of the fine archive, whose climate differs from the coarse one's. Block means are kept, so
        nothing is corrected towards either. Raises UserError for another zoom or without times.
        """
        network, phase, fine_mean = self._of(self.finest, times)
        low = network.config.linear.coarse_zoom
        assert times is not None
        given = zoom_of(x.shape[-1])
        if (given, zoom) not in self.refines:
            raise UserError(
                f"Zoom {given} to {zoom} was asked for, but the weights {self.card.name} refine zoom "
                f"{self.finest - self.levels} to {self.finest}: choose others."
            )
        fine_low = np.asarray(restrict(fine_mean, self.finest - low), np.float32)
        base = fine_low if of_fine_run else self.climatologies[low].mean_at(times)
        anomaly = (x - restrict(base, low - given)).astype(np.float32)
        surface = surface_tensor(low, str(self.device))
        out = []
        with torch.inference_mode():
            for part in _parts(len(x)):
                coarse = torch.from_numpy(anomaly[part]).to(self.device)
                if given < low:
                    found = network.decode(coarse, phase[part], low, surface)
                    coarse = found + prolong(coarse - restrict(found, low - given), low - given)
                if zoom == low:
                    whole = coarse.cpu().numpy() + base[part]
                    out.append(whole if cells is None else whole[:, cells])
                    continue
                shift = torch.from_numpy(base[part] - fine_low[part]).to(self.device)
                fine = self._to_fine(network.linear, coarse, coarse + shift, cells).cpu().numpy()
                out.append(fine + (fine_mean[part] if cells is None else fine_mean[part][:, cells]))
        return np.concatenate(out).astype(np.float32)

    def _to_fine(
        self, linear: LinearFieldCodec, anomaly: torch.Tensor, smooth: torch.Tensor, cells: Index | None
    ) -> torch.Tensor:
        """Smooth prolongation of `smooth` and the regression's detail from `anomaly`, both (batch, coarse
        cells)."""
        low = linear.config.coarse_zoom
        levels = self.finest - low
        parents = None if cells is None else np.unique(cells // 4**levels)
        chosen = None if parents is None else torch.from_numpy(parents).to(self.device)
        detail = linear.detail(anomaly, chosen)
        detail = detail - detail.mean(-1, keepdim=True)  # weights kept in half precision leave a thousandth
        if cells is None or parents is None:
            return prolong(smooth, levels) + detail.flatten(-2)
        tiles = PartProlongation(low, parents, levels, self.device)(smooth) + detail
        place = positions(cells // 4**levels, parents) * 4**levels + cells % 4**levels
        return tiles.flatten(-2).index_select(-1, torch.from_numpy(place).to(self.device))


def _parts(fields: int) -> list[slice]:
    return [slice(i, min(i + _FIELDS_AT_ONCE, fields)) for i in range(0, fields, _FIELDS_AT_ONCE)]
