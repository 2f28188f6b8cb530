"""Compressed fields whose numbers are where they are needed: many where a field is hard to tell, none where
the decoders know it anyway.

The Field-Space Autoencoder's compressed field is a field, so it need not be known equally well everywhere. It
begins as twelve means. From there on, zoom by zoom, what is known is decoded, and what the decoder makes of
it, averaged one zoom finer, is what is known next, but for some details (differences of four children from
their mean): there the truth is kept, as a correction of what was foreseen. At first the foreseen is a smooth
prolongation; from where there are weights, the decoders for 1024, 256, 64, 16 and 4 times say it. Means are
kept throughout.

Which details are kept is for the encoder to choose, which has the field and does what the decoder does: those
whose correction would spare most of the squared error, more for coarse ones, on which others build. So it is
a wavelet transform with the network's expectation for a predictor, of which the largest terms are kept
(nonlinear approximation: DeVore 1998, doi:10.1017/S0962492900002816). Then all are fitted together to the
field that is decoded in the end (`adaptive_fit`), so that they need not be the truth's details any more.
"""

from __future__ import annotations

__all__ = ["AdaptiveFields", "AdaptiveModel"]

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.climatology import FieldNormaliser
from fsae_core.errors import UserError
from fsae_core.model.adaptive_card import card_of
from fsae_core.model.adaptive_fit import Decoders, fitted
from fsae_core.model.compression import CompressedFields, Floats, GeneralModel, Times, parts_of
from fsae_core.model.room import room_taken
from fsae_core.sphere.details import MEANS, children, details
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.kept import Kept, check_places, kept_at, places_of, zoom_of_places
from fsae_core.sphere.pyramid import prolong, restrict

_BUILT_ON = 0.5
"""How much more a detail is worth for each zoom that builds on it: chosen on times that the weights learned
from (0, 0.5, 1, 2: .845, .844, .848, .855 of the error of whole quads at 16 times)."""
_ENCODED = 4
"""Levels of the decoder whose cells may be told by its encoder."""
_USUAL_ZOOM = 6
_TRIALS = 10
_BEYOND = 2
"""Zooms finer than the compressed field with equal cells whose details are fitted."""
_LEAST, _MOST = 1e-7, 1e7


@dataclass(frozen=True)
class AdaptiveFields(CompressedFields):
    """values: (time, number), in the field's units plus the offset: means of zoom 0, then corrections of
    details, weighted so that an error of any counts alike; places: (time, number), where they stand
    (`sphere.details`), after the last of a field the number of its cells; zoom: -1, since they lie on no
    single one."""

    places: NDArray[np.int32]


@dataclass(frozen=True)
class _Chosen:
    """What a pass through all zooms kept: means (time, 12), flags and corrections (time, cells, 3) of all
    details."""

    means: Floats
    kept: Kept
    missed: list[Floats]


class AdaptiveModel:
    """The general weights of all ratios as one model for compressed fields whose numbers are where they are
    needed.

    As many as cells / ratio, in which what says their places is counted. Fields of the zooms that all of the
    weights take.
    """

    def __init__(self, ratio: int, models: Mapping[int, GeneralModel]) -> None:
        """models: by ratio, those for 4, 16, 64 and 256 times, and coarser ones where there are any."""
        self.models = {model.network.config.levels: model for model in models.values()}
        self._normaliser = FieldNormaliser()
        self._decoders: dict[int, Decoders] = {}
        self.card = card_of({key: model.card for key, model in models.items()}, ratio)

    @cached_property
    def fast(self) -> AdaptiveModel:
        """As `GeneralModel.fast`."""
        quick = {4**levels: model.fast for levels, model in self.models.items()}
        if all(quick[4**levels] is model for levels, model in self.models.items()):
            return self
        return AdaptiveModel(self.card.ratio, quick)

    def compress_fields(
        self, x: Floats, *, variable: str, times: Times = None, instant: bool = False
    ) -> AdaptiveFields:
        """(time, cell) in units -> means and corrections. UserError for a field too coarse."""
        finest = zoom_of(x.shape[-1])
        if finest < self.card.zooms[0]:
            raise UserError(
                f"A field of zoom {finest} was found, zoom {self.card.zooms[0]} or finer was expected for "
                "adaptive compressed fields: choose other weights or a finer field."
            )
        room = max(MEANS, x.shape[-1] // self.card.ratio)
        normal, mean, scale = self._normaliser.normalise(x)
        values = np.zeros((len(x), room), np.float32)
        places = np.empty((len(x), room), np.int32)
        for part in parts_of(len(x), finest):
            stamps = None if times is None else times[part]
            fields = np.asarray(normal[part], np.float32)
            chosen = self._fitted(self._choose(fields, room, stamps, instant), fields, room, stamps, instant)
            places[part] = places_of(chosen.kept, len(fields), room)
            values[part][places[part] != x.shape[-1]] = _numbers(chosen)
        return AdaptiveFields(values * scale[:, None] + mean[:, None], mean, scale, finest, -1, places)

    def decompress_fields(
        self, compressed: Any, *, variable: str, times: Times = None, instant: bool = False
    ) -> Floats:
        """Means and corrections -> (time, cell) in units. UserError for places that cannot be."""
        mean, scale = compressed.offset[:, None], compressed.scale[:, None]
        finest = int(compressed.zoom_in)
        check_places(compressed.places, finest)
        normal = ((compressed.values - mean) / scale).astype(np.float32)
        out = np.empty((len(normal), n_cells(finest)), np.float32)
        for part in parts_of(len(normal), finest):
            stamps = None if times is None else times[part]
            out[part] = self._decode(normal[part], compressed.places[part], finest, stamps, instant)
        return out * scale + mean

    def _decode(
        self, numbers: Floats, places: NDArray[Any], finest: int, times: Times, instant: bool
    ) -> Floats:
        zooms = zoom_of_places(places, finest)
        corrections = numbers / _weight(np.maximum(zooms, 0), finest)
        known = np.ascontiguousarray(corrections[:, :MEANS])
        for zoom, kept in enumerate(kept_at(places, finest)):
            parts = np.zeros(kept.shape, np.float32)
            parts[kept] = corrections[zooms == zoom]
            foreseen = self._foreseen(known, finest, times, instant)
            known = children(known, details(foreseen) + parts)
        return known

    def _foreseen(self, known: Floats, finest: int, times: Times, instant: bool) -> Floats:
        """What follows from fields (time, cells) one zoom finer; their means stay what they are."""
        zoom = zoom_of(known.shape[-1])
        levels = finest - zoom
        if levels not in self.models:
            return np.asarray(prolong(known), np.float32)
        none, one = np.zeros(len(known), np.float32), np.ones(len(known), np.float32)
        plain = CompressedFields(known, none, one, finest, zoom)
        made = self.models[levels].decompress_fields(plain, variable="", times=times, instant=instant)
        return np.asarray(restrict(made, levels - 1), np.float32)

    def _choose(self, normal: Floats, room: int, times: Times, instant: bool) -> _Chosen:
        """As many details of each field as there is room for, with what says their places: by a threshold
        for each field, which is sought."""
        fields, true = len(normal), self._targets(normal, times, instant)
        low, high = np.full(fields, _LEAST), np.full(fields, _MOST)  # too many pass, few enough
        many, few = np.full(fields, float(normal.shape[1])), np.full(fields, float(MEANS))
        threshold = np.ones(fields)
        for trial in range(_TRIALS):
            taken = room_taken(self._pass(true, threshold, times, instant).kept, MEANS)
            over = taken > room
            low, many = np.where(over, threshold, low), np.where(over, taken, many)
            high, few = np.where(over, high, threshold), np.where(over, few, taken)
            # Numbers fall with the threshold about as a power of it.
            share = np.log(many / room) / np.maximum(np.log(many / few), 1e-9)
            least = 0.05 if trial < _TRIALS // 2 else 0.25
            share = np.clip(share, least, 1 - least)
            threshold = np.exp(np.log(low) + share * (np.log(high) - np.log(low)))
        return self._pass(true, high, times, instant)

    def _fitted(self, chosen: _Chosen, normal: Floats, room: int, times: Times, instant: bool) -> _Chosen:
        """What does best in the end, see `adaptive_fit`; finer details than it fits miss something else
        then."""
        finest = zoom_of(normal.shape[-1])
        last = min(finest - 1, finest - round(np.log2(self.card.ratio) / 2) + _BEYOND)
        if finest not in self._decoders:
            self._decoders = {finest: Decoders.of(self.models, finest, last)}
        means, kept, missed = fitted(
            self._decoders[finest],
            normal,
            chosen.means,
            chosen.kept,
            [np.where(k, m, 0) for k, m in zip(chosen.kept, chosen.missed, strict=True)],
            times=times,
            instant=instant,
            room=room,
        )
        known = means
        for zoom in range(finest):
            foreseen = details(self._foreseen(known, finest, times, instant))
            if zoom > last:
                true = details(np.asarray(restrict(normal, finest - zoom - 1), np.float32))
                missed[zoom] = np.where(kept[zoom], true - foreseen, 0)
            known = children(known, foreseen + missed[zoom])
        return _Chosen(means, kept, missed)

    def _targets(self, normal: Floats, times: Times, instant: bool) -> list[Floats]:
        """What fields (time, cells) are to be at each zoom: their means.

        But at 256 times, where nearly all numbers belong to cells that its decoder reads, what its encoder
        gives is worth more than the means (3 %, on times that the weights learned from; at 64 times it costs
        1 to 3 %).
        """
        finest, most = zoom_of(normal.shape[-1]), _ENCODED
        true = [np.asarray(restrict(normal, finest - zoom), np.float32) for zoom in range(finest + 1)]
        if self.card.ratio == 4**most:
            got = self.models[most].compress_fields(normal, variable="", times=times, instant=instant)
            told = np.asarray(got.values, np.float32)
            for zoom in range(finest - most + 1):
                true[zoom] = np.asarray(restrict(told, finest - most - zoom), np.float32)
        return true

    def _pass(
        self, true: list[Floats], threshold: NDArray[np.float64], times: Times, instant: bool
    ) -> _Chosen:
        """Through all zooms, keeping the details that are worth more than the threshold (time,)."""
        finest, known = len(true) - 1, true[0]
        flags: Kept = []
        missed: list[Floats] = []
        for zoom in range(finest):
            foreseen = details(self._foreseen(known, finest, times, instant))
            wrong = details(true[zoom + 1]) - foreseen
            worth = wrong.astype(np.float64) ** 2
            worth *= 4.0 ** (finest - zoom) * (1 + _BUILT_ON * (finest - zoom - 1))
            flags.append(worth > threshold[:, None, None])
            missed.append(wrong)
            known = children(known, foreseen + np.where(flags[-1], wrong, 0))
        return _Chosen(true[0], flags, missed)


def _weight(zooms: NDArray[Any], finest: int) -> Floats:
    """What a detail of these zooms is multiplied by to be a number, so that an error of any number adds as
    much to the squared error of a field, and as many numbers in a finer field add as little."""
    return np.exp2(finest - _USUAL_ZOOM - np.asarray(zooms, np.float64)).astype(np.float32)


def _numbers(chosen: _Chosen) -> Floats:
    """What is kept of all fields, one after the other."""
    fields = len(chosen.means)
    finest = len(chosen.kept)
    parts = [chosen.means * _weight(np.zeros(1), finest)]
    flags = [np.ones((fields, MEANS), bool)]
    for zoom, (kept, wrong) in enumerate(zip(chosen.kept, chosen.missed, strict=True)):
        parts.append((wrong * _weight(np.full(1, zoom), finest)).reshape(fields, -1))
        flags.append(kept.reshape(fields, -1))
    return np.asarray(np.concatenate(parts, axis=1)[np.concatenate(flags, axis=1)])
