"""What a whole archive's compression is, decided before its first part, in words that a file can hold.

An archive is cut into parts: the times of one chunk of the store (of the largest, where chunks differ), of
one variable and one member. What becomes of a part depends on the plan and the source alone, so that it does
not matter which process makes it, when, or how often.
"""

from __future__ import annotations

__all__ = ["Part", "Plan", "Recipe", "parts_of_variable"]

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import xarray as xr

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.source import Source
from fsae_core.codec.choice import FieldModel, load
from fsae_core.codec.field_coder import FieldCoder
from fsae_core.codec.layers import Layers
from fsae_core.errors import UserError


@dataclass(frozen=True)
class Recipe:
    """How a variable is coded: whether its fields are instants, the step of each layer, rows of a part."""

    variable: str
    instant: bool
    steps: tuple[float, ...]
    rows: int


@dataclass(frozen=True)
class Plan:
    """source: what is read; weights: name or file, ratio and checksum of each layer, coarse to fine;
    recipes: one a variable; signature: what tells this run from others; check: whether parts are decoded
    again."""

    source: Source
    weights: tuple[tuple[str, int, str], ...]
    recipes: tuple[Recipe, ...]
    max_error: float | None
    device: str
    signature: dict[str, Any]
    check: bool = True

    def to_json(self) -> str:
        """For a file or another process."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """What `to_json` gave; ValueError, TypeError or KeyError for anything else."""
        told = json.loads(text)
        source = told.pop("source")
        variables = source.pop("variables")
        return cls(
            source=Source(**source, variables=None if variables is None else tuple(variables)),
            weights=tuple((str(n), int(r), str(s)) for n, r, s in told.pop("weights")),
            recipes=tuple(Recipe(**{**r, "steps": tuple(r["steps"])}) for r in told.pop("recipes")),
            **told,
        )

    @cached_property
    def models(self) -> list[FieldModel]:
        """The models of all layers. UserError where weights are not here or have changed."""
        found = []
        for name, ratio, sha256 in self.weights:
            model = load(name, self.device, ratio=ratio)
            if model.card.sha256 != sha256:
                raise UserError(
                    f"The weights {name} have checksum {model.card.sha256[:12]}, but this run began with "
                    f"{sha256[:12]}: put those back, or remove what was begun."
                )
            found.append(model)
        return found

    def coders(self, ds: xr.Dataset, models: list[FieldModel]) -> dict[str, Layers]:
        """The coders of each variable of the archive."""
        zoom_in = zoom_of_dataset(ds)
        exact = len(models) > 1 or self.max_error is not None
        out = {}
        for recipe in self.recipes:
            coders = []
            for i, (model, step) in enumerate(zip(models, recipe.steps, strict=True)):
                bound = self.max_error if i == len(models) - 1 else None
                levels = (model.card.ratio.bit_length() - 1) // 2
                coders.append(
                    FieldCoder(
                        model, recipe.variable, recipe.instant, zoom_in, zoom_in - levels, step, bound, exact
                    )
                )
            out[recipe.variable] = Layers(tuple(coders))
        return out


@dataclass(frozen=True)
class Part:
    """Rows start to stop of the first dimension of a variable, of one member; None where there are none."""

    index: int
    variable: str
    start: int
    stop: int
    member: int | None

    def of(self, array: xr.DataArray) -> xr.DataArray:
        """The fields (rows, cell) of the part, or (cell) where the variable is a single field."""
        if array.ndim == 1:
            return array
        part = array.isel({array.dims[0]: slice(self.start, self.stop)})
        return part if self.member is None else part.isel({array.dims[1]: self.member})


def parts_of_variable(array: xr.DataArray, rows: int, first: int) -> list[Part]:
    """All parts of a variable (time[, member], cell), of so many rows each, numbered from ``first``."""
    total = array.shape[0] if array.ndim > 1 else 1
    members: list[int | None] = list(range(array.shape[1])) if array.ndim > 2 else [None]
    cut = [(start, min(start + rows, total), m) for start in range(0, total, rows) for m in members]
    name = str(array.name)
    return [Part(first + i, name, start, stop, member) for i, (start, stop, member) in enumerate(cut)]
