"""The numbers of adaptive compressed fields, fitted to what they do to the whole field in the end.

Chosen zoom by zoom, a number does what is best for its own cell. But all finer zooms build on it, and the
decoders say by gradients how: from these all numbers are fitted together, and some that matter little are
given up for others that matter more. The decoders are nearly linear in so small changes, so a few conjugate
gradients do (Polak and Ribiere 1969, as in Nocedal and Wright 2006, doi:10.1007/978-0-387-40065-5, section
5.2), each with a step found from one more decoding.
"""

from __future__ import annotations

__all__ = ["Decoders", "fitted"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fsae_core.model.autoencoder import Conditions, Surface
from fsae_core.model.compression import Floats, GeneralModel, Times, surface_tensor
from fsae_core.model.pursuit import largest
from fsae_core.model.room import room_taken
from fsae_core.sphere.details import BASIS, MEANS
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.kept import Kept
from fsae_core.sphere.pyramid import prolong

_EXCHANGES = (0.2, 0.08)
"""What share of the numbers is given up and chosen again, one time after the other."""
_STEPS = 3
_TRIAL, _LONGEST = 0.7, 3.0
"""Length of a step that is tried, and of the longest that is taken."""


@dataclass(frozen=True)
class Decoders:
    """models: by levels; surfaces: what they know of the surface, by levels, for fields of zoom ``finest``;
    last: the zoom whose details are the last that are fitted."""

    models: Mapping[int, GeneralModel]
    surfaces: Mapping[int, Surface]
    finest: int
    last: int

    @classmethod
    def of(cls, models: Mapping[int, GeneralModel], finest: int, last: int) -> Decoders:
        """With their surfaces, which take as long as some fields."""
        surfaces = {}
        for levels, model in models.items():
            if finest - last <= levels <= finest:
                features = surface_tensor(finest, str(model.device))
                surfaces[levels] = model.network.surfaces(Conditions(features))
        return cls(models, surfaces, finest, last)

    @property
    def sizes(self) -> list[int]:
        """How many means and details there are up to the last zoom."""
        return [MEANS, *(3 * n_cells(zoom) for zoom in range(self.last + 1))]

    def units(self, like: Tensor) -> Tensor:
        """What turns means and details into numbers whose squares add up to about the field's, (number,)."""
        zooms = [0, *range(self.last + 1)]
        parts = [
            like.new_full((size,), 2.0 ** (self.finest - z))
            for size, z in zip(self.sizes, zooms, strict=True)
        ]
        return torch.cat(parts)

    def field(self, numbers: Tensor, solar: Mapping[int, Tensor | None]) -> Tensor:
        """Numbers (field, number) -> fields (field, cells), by the decoder of the last zoom; where there is
        none, by the smooth prolongation."""
        known, *corrections = (numbers / self.units(numbers)).split(self.sizes, dim=1)
        basis = torch.from_numpy(BASIS).to(numbers)
        for zoom, part in enumerate(corrections):
            moved, levels = part.unflatten(1, (-1, 3)) @ basis, self.finest - zoom
            if levels not in self.models:
                foreseen = prolong(known)
            else:
                network = self.models[levels].network
                conditions = Conditions(numbers, solar[levels])
                foreseen = network.decode(known, conditions, surface=self.surfaces[levels])
                if zoom == self.last:
                    return (foreseen.unflatten(1, (*moved.shape[1:], -1)) + moved[..., None]).flatten(1)
                foreseen = foreseen.unflatten(1, (n_cells(zoom + 1), -1)).mean(-1)
            quads = foreseen.unflatten(1, (-1, 4))
            known = (known[..., None] + quads - quads.mean(-1, keepdim=True) + moved).flatten(1)
        return prolong(known, self.finest - self.last - 1)

    def solar(self, times: Times, instant: bool) -> dict[int, Tensor | None]:
        """Sunlight for each."""
        return {levels: self.models[levels].solar(self.finest, times, instant) for levels in self.surfaces}


class _Search:
    """Numbers of fields, and the squared error that they leave of each."""

    def __init__(self, decoders: Decoders, truth: Tensor, times: Times, instant: bool) -> None:
        self._decoders, self._truth = decoders, truth
        self._solar = decoders.solar(times, instant)

    def error(self, numbers: Tensor) -> Tensor:
        """(field, number) -> (field, 1)."""
        missed = self._decoders.field(numbers, self._solar) - self._truth
        return missed.square().sum(1, keepdim=True)

    def downhill(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """The error (field, 1), and half of how it falls with each number (field, number)."""
        with torch.enable_grad():
            start = numbers.clone().requires_grad_(True)
            error = self.error(start)
            (slope,) = torch.autograd.grad(error.sum(), start)
        return error.detach(), -slope / 2

    def relaxed(self, numbers: Tensor, kept: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """Numbers (field, number) where they are kept after some conjugate gradients, and their error."""
        error, slope = self.downhill(numbers)
        slope = slope * kept
        direction, trial = slope, torch.full_like(error, _TRIAL)
        for step in range(steps):
            falls = (direction * slope).sum(1, keepdim=True)
            bend = (self.error(numbers + trial * direction) - error + 2 * trial * falls) / trial.square()
            length = torch.where(bend > 0, falls / bend.clamp_min(torch.finfo(bend.dtype).tiny), trial)
            moved = numbers + length.clamp(0, _LONGEST) * direction
            last = step == steps - 1
            found, other = (self.error(moved), slope) if last else self.downhill(moved)
            better = found < error
            numbers, error = torch.where(better, moved, numbers), torch.where(better, found, error)
            other = torch.where(better, other * kept, slope)
            turned = (other * (other - slope)).sum(1, keepdim=True)
            share = turned / slope.square().sum(1, keepdim=True).clamp_min(torch.finfo(bend.dtype).tiny)
            direction = other + torch.where(better, share.clamp_min(0), 0) * direction
            trial = torch.where(better, trial, trial / 4)
            slope = other
        return numbers, error


def fitted(
    decoders: Decoders,
    normal: Floats,
    means: Floats,
    kept: Kept,
    missed: list[Floats],
    *,
    times: Times,
    instant: bool,
    room: int,
) -> tuple[Floats, Kept, list[Floats]]:
    """Means (field, 12), flags and corrections (field, cells, 3) of the details up to the last zoom, better
    for the fields (field, cells); those of finer zooms are kept as they are, and so is their room."""
    fields, count, end = len(normal), len(kept), decoders.last + 1
    device = next((model.device for model in decoders.models.values()), torch.device("cpu"))

    def together(first: NDArray, parts: list[NDArray]) -> Tensor:
        flat = [first, *(part.reshape(fields, -1) for part in parts[:end])]
        return torch.from_numpy(np.concatenate(flat, axis=1)).to(device)

    def flags(chosen: Tensor) -> Kept:
        parts = chosen.cpu().numpy()[:, MEANS:]
        bounds = np.cumsum(decoders.sizes[1:])[:-1]
        own = [part.reshape(fields, -1, 3) for part in np.split(parts, bounds, axis=1)]
        return [*own, *kept[end:count]]

    with torch.no_grad():
        search = _Search(decoders, torch.from_numpy(normal).to(device), times, instant)
        chosen = together(np.ones((fields, MEANS), bool), kept)
        numbers = together(means, missed) * chosen
        numbers = numbers * decoders.units(numbers)
        numbers, error = search.relaxed(numbers, chosen, _STEPS)
        for share in _EXCHANGES:
            count_of = chosen.sum(1)
            fewer = largest(_worth(numbers, chosen), ((1 - share) * count_of).ceil().clamp_min(MEANS))
            _, slope = search.downhill(numbers * fewer)
            more = largest(slope.abs().masked_fill(fewer, 0), count_of - fewer.sum(1))
            worth, other = _worth(torch.where(fewer, numbers, slope), fewer | more), fewer | more
            while bool((over := _over(flags(other), room).to(device)).any()):
                # Where means alone take more than there is, no detail is left to give up.
                fits = (other.sum(1) - over).clamp_min(MEANS)
                if bool((fits == other.sum(1)).all()):
                    break
                other = largest(worth, fits)
            moved, found = search.relaxed(numbers * fewer, other, _STEPS)
            better = found < error
            numbers, error = torch.where(better, moved, numbers), torch.where(better, found, error)
            chosen = torch.where(better, other, chosen)
        first, *parts = (numbers / decoders.units(numbers)).split(decoders.sizes, dim=1)
    own = [part.unflatten(1, (-1, 3)).cpu().numpy() for part in parts]
    return first.cpu().numpy(), flags(chosen), [*own, *missed[end:]]


def _worth(numbers: Tensor, chosen: Tensor) -> Tensor:
    """By how much each (field, number) is to be kept; means always are."""
    worth = numbers.abs().masked_fill(~chosen, 0)
    worth[:, :MEANS] = torch.inf
    return worth


def _over(kept: Kept, room: int) -> Tensor:
    """By how many numbers what is kept takes too much room, (field,)."""
    return torch.from_numpy(np.ceil(room_taken(kept, MEANS) - room).clip(0))
