"""Compressed fields in layers, coarse to fine, so that the first ones alone are fields at a coarser ratio.

What the decoder of a coarser layer makes of it is encoded by the finer one, and only the difference is kept:
both sides can do that. On instantaneous fields all four ratios take some 6 % more bytes than the finest
alone, on anomalies, of which a coarser ratio tells less, some 20 %.
"""

from __future__ import annotations

__all__ = ["Layers", "Models", "coarser_layers", "model_of"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.codec.choice import RATIOS, FieldModel, Floats, Times, pick_model
from fsae_core.codec.field_coder import CodedFields, FieldCoder
from fsae_core.errors import UserError

Models = str | Path | FieldModel | Mapping[int, FieldModel]
"""One set of weights, or a model for each ratio."""


@dataclass(frozen=True)
class Layers:
    """The coders of a variable by ratio, coarse to fine; without layers there is only one."""

    coders: tuple[FieldCoder, ...]

    def encode(self, x: Floats, times: Times) -> list[CodedFields]:
        """Fields (n, cells) to what is kept of each layer. UserError as in `FieldCoder.encode`."""
        parts: list[CodedFields] = []
        for coder in self.coders:
            known = self.decode(parts, times) if parts else None
            parts.append(coder.encode(x, times, known))
            first = parts[0]
            if not all(np.array_equal(getattr(parts[-1], s), getattr(first, s)) for s in ("offset", "scale")):
                raise UserError(
                    f"The weights {coder.model.card.name} standardise {coder.variable} otherwise than those "
                    "of a coarser ratio, but layers share one scale: compress without layers."
                )
        return parts

    def decode(self, parts: list[CodedFields], times: Times) -> Floats:
        """Fields (n, cells) from the first layers, as many as are given."""
        known: Floats | None = None
        for coder, part in zip(self.coders, parts, strict=False):
            known = coder.decode(part, times, known)
        assert known is not None, "no layer"
        return known


def model_of(model: Models | None, ratio: int) -> Any:
    """The model for a ratio where there is one for each, else the model."""
    if not isinstance(model, Mapping):
        return model
    if ratio not in model:
        raise UserError(f"No model for {ratio} times was given, only for {', '.join(map(str, model))}.")
    return model[ratio]


def coarser_layers(ds: xr.Dataset, ratio: int, model: Models, device: str) -> list[FieldModel]:
    """The models of all coarser ratios that fit every field, coarse to fine. UserError when there is none."""
    found = []
    for coarser in RATIOS[: RATIOS.index(ratio) : -1]:
        try:
            found.append(pick_model(ds, coarser, model_of(model, coarser), device))
        except UserError:
            continue
    if not found:
        raise UserError(
            f"Layers up to {ratio} times were asked for, but no weights of a coarser ratio fit these fields: "
            "choose a smaller ratio, other weights, or no layers."
        )
    return found
