"""What the general weights learn from: fields of many variables and zooms, drawn at random and turned.

Each field is normalised by its own mean and spread. Two things help few fields to go far: quarter turns
about the pole, which the nested grid allows exactly, turn field, surface and sunlight together; and a part
of the difference of two times of a variable is added to a third. Mirror images, and differences from
another place, were tried: on validation times they made things worse.
"""

from __future__ import annotations

__all__ = ["Draw", "FieldPool", "FieldSet", "is_instant", "load_fields"]

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from fsae_core.archive.canonical import data_names, zoom_of_dataset
from fsae_core.archive.climatology import FieldNormaliser
from fsae_core.archive.timing import is_instant
from fsae_core.model.compression import surface_tensor
from fsae_core.model.conditioning import solar_features
from fsae_core.sphere.healpix import n_cells, rotation_table
from fsae_core.sphere.pyramid import restrict

_SMALL = 5e-5
"""A field whose spread is this share of its mean says nothing."""
_SUNLESS, _OTHER_WEATHER, _REACH = 0.2, 0.5, 0.5


@dataclass(frozen=True)
class FieldSet:
    """One variable of one archive at one zoom.

    values: (time, cell) float16, normalised one by one; times: (time,); instant: whether the hour counts;
    weight: how often it is drawn, beside the others of its zoom.
    """

    variable: str
    zoom: int
    values: Tensor
    times: NDArray[np.datetime64]
    instant: bool
    weight: float


@dataclass(frozen=True)
class Draw:
    """A batch: fields (batch, cell), surface (cell, features), solar (batch, token, 3) or None, turn
    (cell,)."""

    fields: Tensor
    surface: Tensor
    solar: Tensor | None
    turn: Tensor


def load_fields(
    ds: xr.Dataset, keep: NDArray[np.bool_], *, coarser: int = 0, weight: float = 1.0, most: int = 4000
) -> list[FieldSet]:
    """The kept times (time,) of every variable, at the archive's zoom and `coarser` zooms below it.

    Members count as further times. At most `most` fields a variable, evenly spaced.
    """
    sets = []
    zoom = zoom_of_dataset(ds)
    for name in data_names(ds):
        field = ds[name].isel(time=np.flatnonzero(keep)) if "time" in ds[name].dims else ds[name]
        field = field.transpose(..., "cell")
        if field.size == 0:
            continue
        lead = field.shape[:-1]
        times = (
            np.broadcast_to(
                field["time"].values.reshape([-1 if d == "time" else 1 for d in field.dims[:-1]]), lead
            ).ravel()
            if "time" in field.dims
            else np.zeros(int(np.prod(lead)), "datetime64[s]")
        )
        flat = field.values.reshape(-1, field.shape[-1]).astype(np.float32)
        chosen = np.linspace(0, len(flat) - 1, min(len(flat), most)).round().astype(int)
        flat, times = flat[chosen], times[chosen]
        for step in range(coarser + 1):
            values = np.asarray(restrict(flat, step), np.float32)
            normal, mean, spread = FieldNormaliser().normalise(values)
            alive = spread > _SMALL * np.abs(mean)
            if alive.any():
                sets.append(
                    FieldSet(
                        name,
                        zoom - step,
                        torch.from_numpy(normal[alive].astype(np.float16)),
                        times[alive],
                        is_instant(ds, name),
                        weight,
                    )
                )
    return sets


@lru_cache(maxsize=64)
def _turn(zoom: int, quarters: int) -> Tensor:
    return torch.from_numpy(np.array(rotation_table(zoom, quarters)))


class FieldPool:
    """Draws batches from field sets.

    zoom_weights: how often a batch is of each zoom (zooms without fields are left out); cells: how many a
    batch holds at most, so that a batch of a finer zoom has fewer fields.
    """

    def __init__(self, sets: Iterable[FieldSet], zoom_weights: Callable[[int], float], cells: int) -> None:
        self._by_zoom: dict[int, list[FieldSet]] = {}
        for one in sets:
            self._by_zoom.setdefault(one.zoom, []).append(one)
        self._zooms = sorted(z for z in self._by_zoom if zoom_weights(z) > 0)
        odds = np.array([zoom_weights(z) for z in self._zooms])
        self._zoom_odds = odds / odds.sum()
        self._cells = cells

    def __len__(self) -> int:
        return sum(len(one.values) for sets in self._by_zoom.values() for one in sets)

    def draw(self, rng: np.random.Generator, patch_levels: int, device: Any) -> Draw:
        """A batch for tokens `patch_levels` zooms above its cells, on this device.

        One batch in five goes without sunlight, so that the weights can do without.
        """
        zoom = int(rng.choice(self._zooms, p=self._zoom_odds))
        sets = self._by_zoom[zoom]
        odds = np.array([one.weight for one in sets])
        batch = int(np.clip(self._cells // n_cells(zoom), 1, 16))
        sunny = rng.random() >= _SUNLESS
        quarters = int(rng.integers(4))
        turn = _turn(zoom, quarters)
        fields, solar = [], []
        for _ in range(batch):
            one = sets[int(rng.choice(len(sets), p=odds / odds.sum()))]
            i, j, k = rng.integers(len(one.values), size=3)
            x = one.values[i].float()
            if rng.random() < _OTHER_WEATHER:
                weather = one.values[j].float() - one.values[k].float()
                x = x + float(rng.uniform(-_REACH, _REACH)) * weather
            if one.variable != "t2m" and rng.random() < 0.5:
                x = -x
            fields.append(x)
            if sunny and one.instant:
                solar.append(torch.from_numpy(solar_features(one.times[[i]], zoom - patch_levels)[0]))
            else:
                solar.append(torch.zeros(n_cells(zoom - patch_levels), 3))
        x = torch.stack(fields).index_select(1, turn)
        x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True).clamp_min(1e-6)
        sun = torch.stack(solar).index_select(1, _turn(zoom - patch_levels, quarters))
        surface = surface_tensor(zoom, "cpu")
        return Draw(x.to(device), surface.to(device), sun.to(device), turn.to(device))
