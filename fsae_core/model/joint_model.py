"""An archive's weights for several variables together, as a model of fields in their units."""

from __future__ import annotations

__all__ = ["JointModel", "check_together", "pack_fine", "season", "smooth_together"]

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.archive.climatology import annual_phase
from fsae_core.errors import UserError
from fsae_core.model.card import ModelCard
from fsae_core.model.compression import CompressedFields, Floats, Times, surface_tensor
from fsae_core.model.joint_linear import JointLinear, JointLinearConfig
from fsae_core.model.joint_network import PATCH_LEVELS, JointNetwork, JointNetworkConfig
from fsae_core.model.joint_scale import RAIN, JointClimate, mean_of_square, rooted
from fsae_core.model.linear import two_ring
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.pyramid import prolong, restrict
from fsae_core.sphere.tangent import prolong_wind, restrict_wind

_FIELDS_AT_ONCE = 32
WIND = ("u10", "v10")


def check_together(fields: Mapping[str, Floats], known: tuple[str, ...], name: str) -> list[int]:
    """Which of the known variables are there, ascending; UserError for others or unlike shapes."""
    other = [v for v in fields if v not in known]
    if other or not fields:
        raise UserError(
            f"The weights {name} are for {', '.join(known)}, not {', '.join(other) or 'no field at all'}: "
            "choose some of these, or others weights."
        )
    shapes = {np.shape(x) for x in fields.values()}
    if len(shapes) > 1:
        raise UserError(f"Fields of shapes {sorted(shapes)} were given together, expected one shape.")
    return [i for i, v in enumerate(known) if v in fields]


def season(phase: Floats, tokens: int) -> torch.Tensor:
    """Annual phase (time,) -> conditions of every token, (time, tokens, 4)."""
    angles = np.stack([np.cos(phase), np.sin(phase), np.cos(2 * phase), np.sin(2 * phase)], axis=-1)
    return torch.from_numpy(angles.astype(np.float32))[:, None].expand(-1, tokens, -1)


class JointModel:
    """One ratio of a weights file. A fine field is restricted to the coarse zoom, compressed there, and
    brought to the fine one by smooth prolongation (winds as vectors) and a regression.

    climates: by zoom; maps, networks (None: the linear maps alone), fine_weights (variables, cells, children,
    9) and left (zoom, bottleneck) -> (cells,): what is left of the root of rain.
    """

    def __init__(
        self,
        card: ModelCard,
        climates: Mapping[int, JointClimate],
        maps: Mapping[int, JointLinear],
        networks: Mapping[int, JointNetwork],
        kept: Mapping[int, NDArray[np.bool_]],
        fine_weights: Mapping[int, Floats],
        left: Mapping[tuple[int, int], Floats],
        device: str = "cpu",
    ) -> None:
        self.card, self.device = card, torch.device(device)
        self.climates, self.maps, self.kept = climates, maps, kept
        self.networks = {z: n.eval().requires_grad_(False).to(self.device) for z, n in networks.items()}
        self.fine_weights, self.left = fine_weights, left
        self.levels = round(np.log2(card.ratio) / 2)
        self.coarse_zoom = min(climates)
        self.variables = next(iter(maps.values())).config.variables
        self.spread = next(iter(maps.values())).spread.astype(np.float32)

    @classmethod
    def from_tensors(cls, card: ModelCard, tensors: Mapping[str, NDArray[Any]], device: str) -> JointModel:
        """From a weights file; KeyError, TypeError or RuntimeError where it contradicts itself."""
        told, known = card.config, dict(tensors)
        variables, zooms = tuple(told["variables"]), [int(z) for z in told["zooms"]]
        maps, networks, kept, fine, left = {}, {}, {}, {}, {}
        for key, settings in told["bottlenecks"].items():
            z = int(key)
            config = JointLinearConfig(variables, min(zooms), z, int(settings["patch_zoom"]))
            maps[z] = JointLinear.from_tensors(config, known, f"maps.{config.patch_zoom}")
            if settings.get("network"):
                fields = {**settings["network"], "variables": variables}
                network = JointNetwork(JointNetworkConfig(**fields))
                state = {
                    k.removeprefix(f"z{z}."): torch.from_numpy(np.asarray(v, np.float32))
                    for k, v in known.items()
                    if k.startswith(f"z{z}.")
                }
                network.load_state_dict(state)
                networks[z] = network
                kept[z] = np.array([v in settings["helped"] for v in variables])
            if f"fine.{z}" in known:
                fine[z] = known[f"fine.{z}"] * known[f"fine_scale.{z}"].astype(np.float32)[..., None, None]
            for zoom in zooms:
                if f"left.{zoom}.{z}" in known:
                    left[zoom, z] = known[f"left.{zoom}.{z}"].astype(np.float32)
        spread = next(iter(maps.values())).spread.astype(np.float32)
        climates = {zoom: JointClimate.from_tensors(known, zoom, spread) for zoom in zooms}
        return cls(card, climates, maps, networks, kept, fine, left, device)

    def anomalies(self, fields: Mapping[str, Floats], times: Times) -> Floats:
        """Fields in units -> (time, variables there, cells) as they are compressed, at the coarse zoom."""
        zoom = zoom_of(next(iter(fields.values())).shape[-1])
        climate = self._climate(zoom, times)
        assert times is not None
        parts = {}
        for name, x in fields.items():
            i = self.variables.index(name)
            parts[name] = rooted(name, np.asarray(x, np.float32)) - climate.at(i, times)
        levels = zoom - self.coarse_zoom
        if levels and set(WIND) <= set(parts):
            parts["u10"], parts["v10"] = restrict_wind(parts["u10"], parts["v10"], levels)
        plain = [v for v in parts if levels and not (v in WIND and set(WIND) <= set(parts))]
        parts |= {v: restrict(parts[v], levels) for v in plain}
        order = [v for v in self.variables if v in parts]
        return np.stack([parts[v] for v in order], axis=1).astype(np.float32)

    def compress_joint(
        self, fields: Mapping[str, Floats], *, times: Times = None, instant: bool = False
    ) -> dict[str, CompressedFields]:
        """Any of the variables, each (time, cells) in units -> as many coarse fields that belong
        together."""
        there = check_together(fields, self.variables, self.card.name)
        zoom = zoom_of(next(iter(fields.values())).shape[-1])
        latents = self._maps(zoom).encode(self.anomalies(fields, times), there)
        none = np.zeros(len(latents), np.float32)
        return {
            self.variables[v]: CompressedFields(
                latents[:, i], none, none + self.spread[v], zoom, zoom - self.levels
            )
            for i, v in enumerate(there)
        }

    def decompress_joint(
        self, parts: Mapping[str, CompressedFields], *, times: Times = None, instant: bool = False
    ) -> dict[str, Floats]:
        """What belongs together -> all variables (time, cells) in units; of those that were not there what
        is to be expected given the others."""
        shaped = {name: np.asarray(part.values, np.float32) for name, part in parts.items()}
        there = check_together(shaped, self.variables, self.card.name)
        zoom = next(iter(parts.values())).zoom_in
        latents = np.stack([shaped[self.variables[v]] for v in there], axis=1)
        return self.restore(self.decoded(latents, there, zoom, times), zoom, times)

    def masked(
        self, fields: Mapping[str, Floats], *, times: Times = None, instant: bool = False
    ) -> dict[str, Floats]:
        """All variables from those that are there, by way of as many numbers as all of them would take."""
        there = check_together(fields, self.variables, self.card.name)
        zoom, floats = zoom_of(next(iter(fields.values())).shape[-1]), len(self.variables)
        latents = self._maps(zoom).encode(self.anomalies(fields, times), there, floats)
        return self.restore(self.decoded(latents, there, zoom, times, floats), zoom, times)

    def decoded(
        self, latents: Floats, there: list[int], zoom: int, times: Times, floats: int | None = None
    ) -> Floats:
        """(time, channels, coarse cells) -> anomalies (time, variables, cells) at the coarse zoom."""
        bottleneck = zoom - self.levels
        y = self._maps(zoom).decode(latents, there, floats)
        network = self.networks.get(bottleneck)
        if network is None:
            return y
        assert times is not None
        phase = annual_phase(times).astype(np.float32)
        known = torch.zeros(len(self.variables), dtype=torch.bool)
        known[there] = True
        surface = surface_tensor(self.coarse_zoom, str(self.device))
        tokens = n_cells(max(0, self.coarse_zoom - PATCH_LEVELS))
        helped = self.kept[bottleneck]
        with torch.inference_mode():
            for i in range(0, len(y), _FIELDS_AT_ONCE):
                part = slice(i, i + _FIELDS_AT_ONCE)
                x = torch.from_numpy(y[part] / self.spread[:, None]).to(self.device)
                told = season(phase[part], tokens).to(self.device)
                better = network(x, known.to(self.device), told, surface).cpu().numpy()
                y[part, helped] = better[:, helped] * self.spread[helped, None]
        return y

    def restore(self, y: Floats, zoom: int, times: Times) -> dict[str, Floats]:
        """Anomalies (time, variables, cells) of the coarse zoom -> fields of `zoom` in units."""
        climate = self._climate(zoom, times)
        assert times is not None
        bottleneck = zoom - self.levels
        fine = self.refine(y, bottleneck, zoom) if zoom != self.coarse_zoom else y
        out = {}
        for i, name in enumerate(self.variables):
            whole = fine[:, i] + climate.at(i, times)
            left = self.left.get((zoom, bottleneck))
            if name in RAIN and left is not None:
                whole = mean_of_square(whole, left)
            out[name] = np.asarray(whole, np.float32)
        return out

    def refine(self, y: Floats, bottleneck: int, zoom: int) -> Floats:
        """Anomalies (time, variables, cells) of the coarse zoom -> of the fine one."""
        levels = zoom - self.coarse_zoom
        smooth = smooth_together(y, self.variables, levels)
        index, _ = two_ring(self.coarse_zoom, 9)
        weights = self.fine_weights[bottleneck]
        for v in range(len(self.variables)):
            detail = np.einsum("npm,pcm->npc", y[:, v][:, index], weights[v], optimize=True)
            smooth[:, v] += (detail - detail.mean(-1, keepdims=True)).reshape(len(y), -1)
        return smooth

    def compress_fields(
        self, x: Floats, *, variable: str, times: Times = None, instant: bool = False
    ) -> CompressedFields:
        """One variable alone."""
        return self.compress_joint({variable: x}, times=times, instant=instant)[variable]

    def decompress_fields(
        self, compressed: CompressedFields, *, variable: str, times: Times = None, instant: bool = False
    ) -> Floats:
        """One variable alone."""
        return self.decompress_joint({variable: compressed}, times=times, instant=instant)[variable]

    def _maps(self, zoom: int) -> JointLinear:
        if zoom not in self.climates or zoom - self.levels not in self.maps:
            known = ", ".join(str(z) for z in self.climates if z - self.levels in self.maps)
            raise UserError(
                f"A field of zoom {zoom} was found, the weights {self.card.name} take zoom {known}: choose "
                "the general weights."
            )
        return self.maps[zoom - self.levels]

    def _climate(self, zoom: int, times: Times) -> JointClimate:
        self._maps(zoom)
        if times is None:
            raise UserError(
                f"The weights {self.card.name} work on anomalies from a climatology and need the times of "
                "the fields, but there are none: choose the general weights."
            )
        return self.climates[zoom]


def pack_fine(weights: Floats, bottleneck: int) -> dict[str, NDArray[Any]]:
    """Weights (variables, cells, children, 9) of the step to finer cells in 8 bits, a scale a cell."""
    scale = np.maximum(np.abs(weights).max(axis=(2, 3)), 1e-6) / 127
    whole = np.round(weights / scale[..., None, None]).astype(np.int8)
    return {f"fine.{bottleneck}": whole, f"fine_scale.{bottleneck}": scale.astype(np.float32)}


def smooth_together(y: Floats, variables: tuple[str, ...], levels: int) -> Floats:
    """(time, variables, cells) -> smoothly refined, winds as vectors where both are there."""
    smooth = np.asarray(prolong(y, levels), np.float32)
    if set(WIND) <= set(variables):
        u, v = (variables.index(name) for name in WIND)
        smooth[:, u], smooth[:, v] = prolong_wind(y[:, u], y[:, v], levels)
    return smooth
