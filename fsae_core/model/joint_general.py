"""General weights for several variables together: each field compressed as the general weights do, all
decoded fields refined by a network that sees them together.

So the compressed fields are those of the variables alone, and any subset of variables can be decoded: a
variable that is not there stands as a field of its mean and is marked as absent.
"""

from __future__ import annotations

__all__ = ["JointGeneralModel", "told_conditions"]

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.errors import UserError
from fsae_core.model.card import ModelCard
from fsae_core.model.compression import CompressedFields, Floats, GeneralModel, Times, surface_tensor
from fsae_core.model.conditioning import SOLAR, sunlight
from fsae_core.model.joint_model import check_together
from fsae_core.model.joint_network import PATCH_LEVELS, JointNetwork, JointNetworkConfig
from fsae_core.model.joint_scale import RAIN
from fsae_core.sphere.healpix import cell_centres, n_cells, zoom_of

CONDITIONS = SOLAR + 1


def told_conditions(times: Times, instant: bool, zoom: int, rows: int, sunlit: tuple[float, float]) -> Any:
    """Sunlight (zeros where it is not known) and the sine of latitude on the tokens of fields of `zoom`,
    (rows, tokens, CONDITIONS)."""
    token_zoom = zoom - PATCH_LEVELS
    sine = np.sin(np.radians(cell_centres(token_zoom)[1])).astype(np.float32)
    told = np.zeros((rows, n_cells(token_zoom), CONDITIONS), np.float32)
    told[..., -1] = sine
    if instant and times is not None:
        told[..., :SOLAR] = sunlight(times, token_zoom, sunlit)
    return torch.from_numpy(told)


class JointGeneralModel:
    """base: the general weights of the same ratio; kept: which variables the network helps, (variables,)."""

    def __init__(
        self,
        card: ModelCard,
        base: GeneralModel,
        network: JointNetwork,
        kept: NDArray[np.bool_],
        device: str = "cpu",
    ) -> None:
        self.card, self.base, self.kept = card, base, kept
        self.device = torch.device(device)
        self.network = network.eval().requires_grad_(False).to(self.device)
        self.variables = network.config.variables

    @classmethod
    def from_tensors(
        cls, card: ModelCard, tensors: Mapping[str, NDArray[Any]], base: GeneralModel, device: str
    ) -> JointGeneralModel:
        """From a weights file; KeyError, TypeError or RuntimeError where it contradicts itself. UserError
        where the general weights are not those it was trained on."""
        told = card.config
        if base.card.sha256 != told["base_sha256"]:
            raise UserError(
                f"The weights {card.name} refine what {told['base']} of checksum {told['base_sha256'][:12]} "
                f"decodes, but those here have {base.card.sha256[:12]}: train them anew."
            )
        variables = tuple(told["variables"])
        network = JointNetwork(JointNetworkConfig(**{**told["network"], "variables": variables}))
        network.load_state_dict({k: torch.from_numpy(np.asarray(v, np.float32)) for k, v in tensors.items()})
        return cls(card, base, network, np.array([v in told["helped"] for v in variables]), device)

    def compress_joint(
        self, fields: Mapping[str, Floats], *, times: Times = None, instant: bool = False
    ) -> dict[str, CompressedFields]:
        """Any of the variables, each (time, cells) in units -> compressed fields in the same units."""
        check_together(fields, self.variables, self.card.name)
        return {
            name: self.base.compress_fields(x, variable=name, times=times, instant=instant)
            for name, x in fields.items()
        }

    def decompress_joint(
        self, parts: Mapping[str, CompressedFields], *, times: Times = None, instant: bool = False
    ) -> dict[str, Floats]:
        """Compressed fields -> those variables, (time, cells) in units."""
        there = check_together({k: p.values for k, p in parts.items()}, self.variables, self.card.name)
        plain = {
            name: self.base.decompress_fields(part, variable=name, times=times, instant=instant)
            for name, part in parts.items()
        }
        first = next(iter(plain.values()))
        zoom, rows = zoom_of(first.shape[-1]), len(first)
        normal = np.zeros((rows, len(self.variables), first.shape[-1]), np.float32)
        sides = {}
        for v in there:
            part = parts[self.variables[v]]
            sides[v] = [np.asarray(s, np.float32)[:, None] for s in (part.offset, part.scale)]
            normal[:, v] = (plain[self.variables[v]] - sides[v][0]) / sides[v][1]
        known = torch.zeros(len(self.variables), dtype=torch.bool, device=self.device)
        known[there] = True
        told = told_conditions(times, instant, zoom, rows, self.base.network.config.sunlit)
        surface = surface_tensor(zoom, str(self.device))
        out = {}
        with torch.inference_mode():
            better = np.concatenate(
                [
                    self.network(
                        torch.from_numpy(normal[i : i + 1]).to(self.device),
                        known,
                        told[i : i + 1].to(self.device),
                        surface,
                    )
                    .cpu()
                    .numpy()
                    for i in range(rows)
                ]
            )
        for v in there:
            name, (mean, spread) = self.variables[v], sides[v]
            field = better[:, v] * spread + mean if self.kept[v] else plain[name]
            out[name] = np.maximum(field, 0) if name in RAIN else field
        return out

    def masked(
        self, fields: Mapping[str, Floats], *, times: Times = None, instant: bool = False
    ) -> dict[str, Floats]:
        """The variables that are there, refined without the others: each has its own numbers in any case."""
        packed = self.compress_joint(fields, times=times, instant=instant)
        return self.decompress_joint(packed, times=times, instant=instant)

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
