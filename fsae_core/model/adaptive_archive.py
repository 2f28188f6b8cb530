"""An archive's compressed fields of all ratios as one pyramid, of which each field keeps what tells it best.

What the linear maps of the archive's own weights make of the compressed fields of 256, 64, 16 and 4 times is
added up; for the finest zoom there are the field's own cells, as sharp as its degrees allow. That is more
numbers than a field has cells, by a third, and there are many ways to tell a field by them: the encoder seeks
one with few (`pursuit`). So it is an approximation by few patterns of many (Mallat and Zhang 1993,
doi:10.1109/78.258082), where the patterns are what each cell of each compressed field stands for at that time
of the year. Networks are left out: they learned what misses when every cell of one compressed field is known.
"""

from __future__ import annotations

__all__ = ["AdaptiveArchiveModel"]

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from fsae_core.errors import UserError
from fsae_core.model.adaptive import AdaptiveFields
from fsae_core.model.adaptive_card import card_of
from fsae_core.model.archive_model import ArchiveModel
from fsae_core.model.compression import Floats, Times
from fsae_core.model.linear import LinearFieldCodec, two_ring
from fsae_core.model.pursuit import pursue
from fsae_core.model.room import room_taken
from fsae_core.sphere.healpix import cell_vectors, n_cells, zoom_of
from fsae_core.sphere.kept import Kept, check_places, kept_at, places_of

_FIELDS_AT_ONCE = 32
_UNIT = 2.0**-4
"""What turns amounts of patterns of norm 1 into numbers: those of zoom 0 are then about the anomaly of their
cell where the field is of zoom 4."""


class AdaptiveArchiveModel:
    """An archive's weights of all ratios as one model; the climatology and times are needed, as by each.

    As many numbers as cells / ratio, in which what says their places is counted.
    """

    def __init__(self, ratio: int, models: Mapping[int, ArchiveModel]) -> None:
        """models: by ratio."""
        self.models = models
        self.climatologies = models[ratio].climatologies
        self.device = models[ratio].device
        self.card = card_of({key: model.card for key, model in models.items()}, ratio)

    def compress_fields(
        self, x: Floats, *, variable: str, times: Times = None, instant: bool = False
    ) -> AdaptiveFields:
        """(time, cell) in units -> numbers in the same units with their places. UserError as from
        `ArchiveModel`."""
        finest = zoom_of(x.shape[-1])
        phase, mean = self.phase_and_climatology(finest, times)
        room = x.shape[-1] // self.card.ratio
        values = np.zeros((len(x), room), np.float32)
        places = np.full((len(x), room), x.shape[-1], np.int32)
        anomaly = torch.from_numpy(np.asarray(x - mean, np.float32)).to(self.device)
        for start in range(0, len(x), _FIELDS_AT_ONCE):
            part = slice(start, start + _FIELDS_AT_ONCE)
            maps = _Maps(self._codecs(finest), phase[part], finest)
            with torch.no_grad():
                amounts = pursue(maps, anomaly[part], maps.room_taken, room)
            chosen = amounts != 0
            places[part] = places_of(maps.kept(chosen), len(amounts), room)
            values[part][places[part] != x.shape[-1]] = (amounts[chosen] * _UNIT).cpu().numpy()
        none, one = np.zeros(len(x), np.float32), np.ones(len(x), np.float32)
        return AdaptiveFields(values, none, one, finest, -1, places)

    def decompress_fields(
        self, compressed: Any, *, variable: str, times: Times = None, instant: bool = False
    ) -> Floats:
        """Numbers with their places -> (time, cell) in units. UserError for places that cannot be."""
        finest = int(compressed.zoom_in)
        phase, mean = self.phase_and_climatology(finest, times)
        places = np.asarray(compressed.places)
        check_places(places, finest)
        values = np.asarray(compressed.values, np.float32) / np.float32(_UNIT)
        out = np.empty((len(values), n_cells(finest)), np.float32)
        for start in range(0, len(values), _FIELDS_AT_ONCE):
            part = slice(start, start + _FIELDS_AT_ONCE)
            maps = _Maps(self._codecs(finest), phase[part], finest)
            there = places[part] != out.shape[1]
            amounts = maps.amounts(kept_at(places[part], finest), values[part][there])
            with torch.no_grad():
                out[part] = maps.together(amounts.to(self.device)).cpu().numpy()
        return (out + mean).astype(np.float32)

    def phase_and_climatology(self, zoom: int, times: Times) -> tuple[Tensor, Floats]:
        """As `ArchiveModel.phase_and_climatology`."""
        return self.models[self.card.ratio].phase_and_climatology(zoom, times)

    def _codecs(self, finest: int) -> list[LinearFieldCodec]:
        """Those that there are for fields of this zoom, the coarsest bottleneck first."""
        found = [model.networks[finest].linear for model in self.models.values() if finest in model.networks]
        return sorted(found, key=lambda codec: codec.config.bottleneck_zoom)


class _Maps:
    """What the numbers of all zooms make of fields at these phases (field,), as `pursuit.Patterns`.

    Amounts are in the order of the zooms, and of patterns of norm 1 at the coarse zoom; the fine one's are a
    little longer.
    """

    def __init__(self, codecs: list[LinearFieldCodec], phase: Tensor, finest: int) -> None:
        turning = [codec for codec in codecs if codec.config.seasons > 1]
        self._fixed = next(c for c in codecs if c.config.seasons == 1 and not c.config.by_patch)
        self._patched = next((codec for codec in codecs if codec.config.by_patch), None)
        self._finest, self._coarse = finest, self._fixed.config.coarse_zoom
        self._zooms = [*(codec.config.bottleneck_zoom for codec in codecs), finest]
        self._sizes = [n_cells(zoom) for zoom in self._zooms]
        self._starts = np.cumsum([0, *self._sizes[:-1]]).tolist()
        self._first = len(turning)
        self._turned = self._starts[self._first]
        patterns = [codec.patterns(phase) for codec in turning]
        inner = self._fixed.basis.shape[1]
        self._patterns = torch.cat([phase.new_zeros(len(phase), inner, 0), *patterns], dim=-1)
        self._own = _own_patterns(finest, str(phase.device))
        # Linear, so its gradient at any amounts is its adjoint.
        self._any = phase.new_zeros(len(phase), sum(self._sizes[:-1]), requires_grad=True)
        with torch.enable_grad():
            self._made = self._mapped(self._any)

    def together(self, amounts: Tensor) -> Tensor:
        """Amounts (field, n) -> anomalies (field, cells)."""
        mapped, own = amounts.split([self._any.shape[1], self._sizes[-1]], dim=1)
        return self._mapped(mapped) + self._own.together(own)

    def _mapped(self, amounts: Tensor) -> Tensor:
        turned, rest = amounts.split([self._turned, self._any.shape[1] - self._turned], dim=1)
        fixed, *patched = rest.split(self._sizes[self._first : -1], dim=1)
        inner = (self._patterns @ turned[..., None])[..., 0] + fixed
        coarse = inner @ self._fixed.basis.T
        if self._finest == self._coarse:
            return coarse
        made = self._fixed.refine(coarse * 2.0 ** (self._coarse - self._finest))
        for values in patched:
            assert self._patched is not None
            made = made + self._patched.decode(values * self._patched.scale, amounts[:, 0], self._finest)
        return made

    def along(self, fields: Tensor) -> Tensor:
        """Anomalies (field, cells) -> (field, n)."""
        mapped = torch.autograd.grad(self._made, self._any, fields, retain_graph=True)[0]
        return torch.cat([mapped, self._own.along(fields)], dim=1)

    def kept(self, chosen: Tensor) -> Kept:
        """Flags (field, n) of amounts, by zoom."""
        flags = chosen.cpu().numpy()
        kept = [np.zeros((len(flags), n_cells(zoom), 1), bool) for zoom in range(self._finest + 1)]
        for zoom, start in zip(self._zooms, self._starts, strict=True):
            kept[zoom] = flags[:, start : start + n_cells(zoom), None]
        return kept

    def amounts(self, kept: Kept, values: Floats) -> Tensor:
        """Amounts (field, n) of what is kept, with its values one after the other. UserError where cells are
        kept of a zoom that there are no maps for."""
        known = [kept[zoom][..., 0] for zoom in self._zooms]
        flags = np.concatenate(known, axis=1)
        if flags.sum() != sum(one.sum() for one in kept):
            raise UserError(
                f"Numbers of zoom {', '.join(map(str, self._zooms))} were expected, and others were found: "
                "use the weights that compressed them."
            )
        out = np.zeros(flags.shape, np.float32)
        out[flags] = values
        return torch.from_numpy(out)

    def room_taken(self, chosen: Tensor) -> Tensor:
        """By flags (field, n), (field,)."""
        return torch.from_numpy(room_taken(self.kept(chosen))).to(self._any)


@dataclass(frozen=True)
class _OwnPatterns:
    """What a field's own cells stand for: waves of all degrees that its zoom resolves, to two cells away."""

    weights: Tensor
    length: Tensor

    def together(self, amounts: Tensor) -> Tensor:
        """(field, cells) -> (field, cells)."""
        return self._around(amounts / self.length)

    def along(self, fields: Tensor) -> Tensor:
        """The adjoint: two cells weigh each other alike."""
        return self._around(fields) / self.length

    def _around(self, fields: Tensor) -> Tensor:
        return (self.weights @ fields.T).T


@lru_cache(maxsize=4)
def _own_patterns(zoom: int, device: str) -> _OwnPatterns:
    """Patterns of norm 1. Degrees to 2 N_side - 1 are resolved (Gorski et al. 2005, doi:10.1086/427976)."""
    index, real = two_ring(zoom, 25)
    places = cell_vectors(zoom)
    cosine = np.clip(np.einsum("cd,cnd->cn", places, places[index]), -1, 1)
    before, now, total = np.ones_like(cosine), cosine, 1 + 3 * cosine
    for degree in range(2, 2 * 2**zoom):
        before, now = now, ((2 * degree - 1) * cosine * now - (degree - 1) * before) / degree
        total += (2 * degree + 1) * now
    weights = np.where(real, total / n_cells(zoom), 0)
    rows = np.repeat(np.arange(n_cells(zoom)), real.sum(axis=1))
    matrix = sparse.csr_array((weights[real].astype(np.float32), (rows, index[real])))
    length = np.sqrt(np.square(weights).sum(axis=1)).astype(np.float32)
    starts, columns, data = (torch.from_numpy(a) for a in (matrix.indptr, matrix.indices, matrix.data))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        around = torch.sparse_csr_tensor(starts, columns, data, matrix.shape, check_invariants=True)
    return _OwnPatterns(around.to(device), torch.from_numpy(length).to(device))
