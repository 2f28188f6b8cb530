"""Steps that make a field finer or coarser, each for the whole sphere or for the cells of a view.

A low-resolution field is the compressed field of the finer one that is sought: its residuals are masked, so
the decoder alone says what they are likely to be. All steps leave the means over the coarse cells as they
were given (negative ones `NonNegative` raises to 0).
"""

from __future__ import annotations

__all__ = [
    "ArchiveStep",
    "DecodeStep",
    "Frame",
    "NonNegative",
    "ProlongStep",
    "RestrictStep",
    "Step",
    "runs_like_the_fine",
]

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.model.archive_model import ArchiveModel
from fsae_core.model.compression import CompressedFields, Floats, GeneralModel, Times
from fsae_core.model.part import Index, PartProlongation, positions
from fsae_core.model.region import RegionDecoder
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.pyramid import prolong, restrict

_CELLS_AT_ONCE = 2**19
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Frame:
    """What a step must know of the fields: offset and scale (time,) that normalise the low-resolution field
    (and hence all of them), times (time,) or None, and whether they belong to the very hour of these."""

    offset: Floats
    scale: Floats
    times: Times
    instant: bool

    def part(self, part: slice) -> Frame:
        """The same for some of the fields."""
        times = None if self.times is None else self.times[part]
        return Frame(self.offset[part], self.scale[part], times, self.instant)


class Step(Protocol):
    """One step. `plan`: for ascending cells of `zoom_out`; `needs`: which cells of `zoom_in` a plan reads."""

    zoom_in: int
    zoom_out: int

    def sphere(self, x: Floats, frame: Frame) -> Floats: ...

    def plan(self, cells: Index) -> Any: ...

    def needs(self, plan: Any) -> Index: ...

    def part(self, x: Floats, plan: Any, frame: Frame) -> Floats:
        """(time, cells of zoom_in), of which those that the plan needs are there -> (time, its cells)."""


@lru_cache(maxsize=8)
def _region_decoder(model: GeneralModel, zoom: int) -> RegionDecoder:
    return RegionDecoder(model.network, zoom, model.device)


class DecodeStep:
    """The general weights' decoder, with the field as its compressed field."""

    def __init__(self, model: GeneralModel, zoom_in: int) -> None:
        self.model, self.zoom_in = model, zoom_in
        self.zoom_out = zoom_in + model.network.config.levels

    def sphere(self, x: Floats, frame: Frame) -> Floats:
        """(time, cells) -> (time, finer cells)."""
        compressed = CompressedFields(x, frame.offset, frame.scale, self.zoom_out, self.zoom_in)
        return self.model.decompress_fields(
            compressed, variable="", times=frame.times, instant=frame.instant
        ).astype(np.float32)

    def plan(self, cells: Index) -> Any:
        """See `RegionDecoder.plan`."""
        with torch.inference_mode():
            return _region_decoder(self.model, self.zoom_out).plan(cells)

    def needs(self, plan: Any) -> Index:
        """Cells of zoom_in that are read."""
        return np.asarray(plan.needs)

    def part(self, x: Floats, plan: Any, frame: Frame) -> Floats:
        """See `Step.part`."""
        decoder = _region_decoder(self.model, self.zoom_out)
        offset, scale = frame.offset[:, None], frame.scale[:, None]
        normal = ((x - offset) / scale).astype(np.float32)
        sun = self.model.solar(self.zoom_out, frame.times, frame.instant)
        work = 4 ** (self.zoom_out - decoder.token_zoom) * len(plan.layers[0].tokens)
        step = max(1, _CELLS_AT_ONCE // work)
        out = []
        with torch.inference_mode():
            for i in range(0, len(normal), step):
                b = torch.from_numpy(normal[i : i + step]).to(self.model.device)
                solar = None if sun is None else sun[i : i + step]
                out.append(decoder.decode(b, plan, solar).cpu().numpy())
        return (np.concatenate(out) * scale + offset).astype(np.float32)


class ArchiveStep:
    """An archive's own weights, from the zoom of their bottleneck to the coarse or the fine zoom.

    of_fine_run: the fields are block means of the fine archive (their climate is that archive's), not fields
    of the coarse one.
    """

    def __init__(self, model: ArchiveModel, zoom_out: int, *, of_fine_run: bool = False) -> None:
        self.model, self.zoom_out, self.of_fine_run = model, zoom_out, of_fine_run
        self.zoom_in = model.finest - model.levels

    def sphere(self, x: Floats, frame: Frame) -> Floats:
        """(time, cells) -> (time, finer cells)."""
        return self.model.refine(x, frame.times, self.zoom_out, of_fine_run=self.of_fine_run)

    def plan(self, cells: Index) -> Index:
        """The cells themselves: the maps are cheap beside their own bookkeeping."""
        return cells

    def needs(self, plan: Index) -> Index:
        """All: the bases reach over the whole sphere."""
        return np.arange(n_cells(self.zoom_in))

    def part(self, x: Floats, plan: Index, frame: Frame) -> Floats:
        """See `Step.part`."""
        return self.model.refine(x, frame.times, self.zoom_out, of_fine_run=self.of_fine_run, cells=plan)


class RestrictStep:
    """Block means, one or more zooms coarser."""

    def __init__(self, zoom_in: int, zoom_out: int) -> None:
        self.zoom_in, self.zoom_out = zoom_in, zoom_out

    def sphere(self, x: Floats, frame: Frame) -> Floats:
        """(time, cells) -> (time, coarser cells)."""
        return np.asarray(restrict(x, self.zoom_in - self.zoom_out), np.float32)

    def plan(self, cells: Index) -> Index:
        """All descendants, (cells, children)."""
        size = 4 ** (self.zoom_in - self.zoom_out)
        return cells[:, None] * size + np.arange(size)

    def needs(self, plan: Index) -> Index:
        """Cells of zoom_in that are read."""
        return np.asarray(plan.ravel())

    def part(self, x: Floats, plan: Index, frame: Frame) -> Floats:
        """See `Step.part`."""
        return np.asarray(x[:, plan].mean(-1), np.float32)


class ProlongStep:
    """Smooth prolongation by one zoom: no weights."""

    def __init__(self, zoom_in: int) -> None:
        self.zoom_in, self.zoom_out = zoom_in, zoom_in + 1

    def sphere(self, x: Floats, frame: Frame) -> Floats:
        """(time, cells) -> (time, finer cells)."""
        return np.asarray(prolong(x), np.float32)

    def plan(self, cells: Index) -> tuple[PartProlongation, Index]:
        """Prolongation of the cells' parents, and where the cells stand among all children of these."""
        parents = np.unique(cells // 4)
        return PartProlongation(self.zoom_in, parents, 1, _CPU), positions(
            cells // 4, parents
        ) * 4 + cells % 4

    def needs(self, plan: tuple[PartProlongation, Index]) -> Index:
        """Cells of zoom_in that are read."""
        return plan[0].needs

    def part(self, x: Floats, plan: tuple[PartProlongation, Index], frame: Frame) -> Floats:
        """See `Step.part`."""
        smooth, place = plan
        fine = smooth(torch.from_numpy(np.ascontiguousarray(x))).flatten(-2)
        return fine.numpy()[:, place]


class NonNegative:
    """Nothing below zero, as for rain: each coarse cell keeps its mean, by a factor for its descendants."""

    def __init__(self, zoom: int, coarse_zoom: int) -> None:
        self.zoom_in = self.zoom_out = zoom
        self.size = 4 ** (zoom - coarse_zoom)

    def sphere(self, x: Floats, frame: Frame | None = None) -> Floats:
        """(time, cells) -> the same shape."""
        return self._scaled(x.reshape(len(x), -1, self.size)).reshape(x.shape)

    def _scaled(self, blocks: Floats) -> Floats:
        kept = np.maximum(blocks, 0.0)
        wanted = np.maximum(blocks.mean(-1, keepdims=True), 0.0)
        mean = kept.mean(-1, keepdims=True)
        return np.asarray(kept * (wanted / np.where(mean > 0, mean, 1.0)), np.float32)

    def plan(self, cells: Index) -> tuple[Index, Index]:
        """All cells of the blocks, (blocks, cells of one), and where the wanted ones stand in them."""
        blocks = np.unique(cells // self.size)
        place = positions(cells // self.size, blocks) * self.size + cells % self.size
        return blocks[:, None] * self.size + np.arange(self.size), place

    def needs(self, plan: tuple[Index, Index]) -> Index:
        """Cells of zoom_in that are read."""
        return np.asarray(plan[0].ravel())

    def part(self, x: Floats, plan: tuple[Index, Index], frame: Frame) -> Floats:
        """See `Step.part`."""
        blocks, place = plan
        return self._scaled(x[:, blocks]).reshape(len(x), -1)[:, place]


def runs_like_the_fine(model: ArchiveModel, x: Floats, times: NDArray[np.datetime64]) -> bool:
    """Whether fields (time, cells) have the climate of the fine archive rather than that of the coarse one.

    Judged by all fields together: the share of the two climatologies' difference that is in their anomalies.
    """
    if len(model.climatologies) < 2:
        return False
    low, high = min(model.climatologies), max(model.climatologies)
    fine = restrict(model.climatologies[high].mean_at(times), high - zoom_of(x.shape[-1]))
    coarse = restrict(model.climatologies[low].mean_at(times), low - zoom_of(x.shape[-1]))
    gap = (coarse - fine).astype(np.float64)
    share = ((x - fine) * gap).sum() / max(float((gap * gap).sum()), 1e-12)
    return bool(share < 0.5)
