"""Compressed fields of cells of different zooms: small ones where a field is hard to tell, large ones where
the decoders know it anyway.

The Field-Space Autoencoder's compressed field is a field, so nothing keeps its cells from being of different
sizes. A tree says which cells are split; each leaf holds about the mean of the field over it. Decoding goes
from coarse to fine: the decoder for 256 times makes a field of what is known at its zoom; its means one zoom
finer are what is known there, but where cells are split what their children say takes their place; of these
the decoder for 64 times makes a field, and so on to the finest leaves. What is decoded still has the means
that the leaves say.

The encoder has the field, so it can choose the tree: it decodes uniform fields of all zooms, sees in each
cell what the squared error would lose by splitting it, and takes the tree of as many leaves as were asked for
that loses most (pruning as in Chou, Lookabaugh & Gray 1989, doi:10.1109/18.32124).
"""

from __future__ import annotations

__all__ = ["AdaptiveFields", "AdaptiveModel", "best_tree", "leaves_within"]

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.climatology import FieldNormaliser
from fsae_core.errors import UserError
from fsae_core.model.adaptive_card import card_of
from fsae_core.model.compression import CompressedFields, Floats, GeneralModel, Times, parts_of
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.leaves import Splits, at_leaves, leaf_zooms, splits_of, spread
from fsae_core.sphere.pyramid import prolong, restrict

_FOR_TREE, _FOR_ANY_TREE = 1 / 32, 2
"""Share of the numbers that is left for the tree, and some in any case: four bytes of it count as a number,
and it takes 1.5 to 3 % of them."""
_HALVINGS = 60


@dataclass(frozen=True)
class AdaptiveFields(CompressedFields):
    """values: (time, leaf), about the means over the leaves, in the field's units; leaves: (time, leaf),
    their zooms in nested order; zoom: -1, since they lie on no single one."""

    leaves: NDArray[np.int8]


def leaves_within(floats: int) -> int:
    """How many leaves a field has that may take so many numbers, its tree included."""
    return 12 + 3 * max(0, int((floats * (1 - _FOR_TREE) - _FOR_ANY_TREE - 12) // 3))


def best_tree(gains: list[NDArray[np.float64]], leaves: int) -> Splits:
    """The tree of so many leaves that gains most.

    gains: by zoom from 0 up, (field, cells of that zoom), what is won by splitting each cell into four. The
    number of leaves must be 12 and a multiple of three more; ValueError where no tree has so many.
    """
    fields = len(gains[0])
    if leaves < 12 or (leaves - 12) % 3 or leaves > 12 * 4 ** len(gains):
        raise ValueError(f"{leaves} leaves, expected 12 to {12 * 4 ** len(gains)} in steps of 3")
    wanted = (leaves - 12) // 3
    low = np.zeros(fields)
    high = np.sum([np.maximum(gain, 0).sum(axis=1) for gain in gains], axis=0) + 1.0
    for _ in range(_HALVINGS):
        price = (low + high) / 2
        many = _count(_pruned(gains, price)) > wanted
        low, high = np.where(many, price, low), np.where(many, high, price)
    splits = _pruned(gains, high)
    for field, missing in enumerate(wanted - _count(splits)):
        _grow(splits, gains, field, int(missing))
    return splits


def _count(splits: Splits) -> NDArray[np.int64]:
    return np.sum([split.sum(axis=1) for split in splits], axis=0)


def _pruned(gains: list[NDArray[np.float64]], price: NDArray[np.float64]) -> Splits:
    """The best tree where each split costs so much (field,)."""
    worth: list[NDArray[np.float64]] = []
    below: NDArray[np.float64] | None = None
    for gain in reversed(gains):
        here = gain - price[:, None]
        if below is not None:
            here = here + below.reshape(len(gain), -1, 4).sum(axis=-1)
        below = np.maximum(here, 0)
        worth.insert(0, below)
    splits: Splits = []
    for here in worth:
        split = here > 0
        splits.append(split & np.repeat(splits[-1], 4, axis=1) if splits else split)
    return splits


def _grow(splits: Splits, gains: list[NDArray[np.float64]], field: int, missing: int) -> None:
    """Split so many leaves more of one field, each time the one that gains most at once."""
    import heapq

    if missing <= 0:
        return
    heap: list[tuple[float, int, int]] = []

    def offer(zoom: int, cells: Any) -> None:
        for cell in cells:
            heapq.heappush(heap, (-float(gains[zoom][field, cell]), zoom, int(cell)))

    for zoom, split in enumerate(splits):
        free = ~split[field]
        offer(zoom, np.flatnonzero(free & np.repeat(splits[zoom - 1][field], 4) if zoom else free))
    for _ in range(missing):
        _, zoom, cell = heapq.heappop(heap)
        splits[zoom][field, cell] = True
        if zoom + 1 < len(splits):
            offer(zoom + 1, range(4 * cell, 4 * cell + 4))


class AdaptiveModel:
    """The general weights of all ratios as one model for compressed fields with leaves of their own.

    As many numbers as cells / ratio, in which the tree is counted. Fields of the zooms that all of the
    weights take.
    """

    def __init__(self, ratio: int, models: Mapping[int, GeneralModel]) -> None:
        """models: by ratio, those for 4, 16, 64 and 256 times."""
        self.models = {model.network.config.levels: model for model in models.values()}
        self._normaliser = FieldNormaliser()
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
        """(time, cell) in units -> means over leaves. UserError for a field too coarse."""
        finest = zoom_of(x.shape[-1])
        leaves = leaves_within(x.shape[-1] // self.card.ratio)
        if finest < self.card.zooms[0]:
            raise UserError(
                f"A field of zoom {finest} was found, zoom {self.card.zooms[0]} or finer was expected for "
                "cells of different zooms: choose other weights or a finer field."
            )
        normal, mean, scale = self._normaliser.normalise(x)
        values = np.empty((len(x), leaves), np.float32)
        zooms = np.empty((len(x), leaves), np.int8)
        for part in parts_of(len(x), finest):
            stamps = None if times is None else times[part]
            fields = np.asarray(normal[part], np.float32)
            told = self._told(fields, stamps, instant)
            zooms[part] = self._leaves(fields, told, leaves, stamps, instant)
            values[part] = at_leaves(told, zooms[part])
        values = values * scale[:, None] + mean[:, None]
        return AdaptiveFields(values, mean, scale, finest, -1, zooms)

    def decompress_fields(
        self, compressed: Any, *, variable: str, times: Times = None, instant: bool = False
    ) -> Floats:
        """Means over leaves -> (time, cell) in units."""
        mean, scale = compressed.offset[:, None], compressed.scale[:, None]
        finest = int(compressed.zoom_in)
        normal = ((compressed.values - mean) / scale).astype(np.float32)
        out = np.empty((len(normal), n_cells(finest)), np.float32)
        for part in parts_of(len(normal), finest):
            stamps = None if times is None else times[part]
            out[part] = self._chain(normal[part], compressed.leaves[part], finest, stamps, instant)
        return out * scale + mean

    def _chain(
        self, values: Floats, zooms: NDArray[np.int8], finest: int, times: Times, instant: bool
    ) -> Floats:
        dense = spread(values, zooms, finest)
        known: Floats = np.asarray(restrict(dense, finest))
        for zoom, split in enumerate(splits_of(zooms, finest)):
            # Also where nothing is split any more: a finer decoder still mends a little (0.5 % at 256 times).
            if zoom < finest - max(self.models):
                foreseen: Floats = prolong(known)
            else:
                foreseen = restrict(self._decoded(known, finest, times, instant), finest - zoom - 1)
            # The mean of what is foreseen in a cell is its own already.
            true = restrict(dense, finest - zoom - 1)
            known = np.where(np.repeat(split, 4, axis=1), true, foreseen)
        return known.astype(np.float32, copy=False)

    def _decoded(self, known: Floats, finest: int, times: Times, instant: bool) -> Floats:
        """Standardised fields (time, cells of ``finest``) from their means over any coarser cells."""
        levels = finest - zoom_of(known.shape[-1])
        most = max(self.models)
        while levels > most:
            known, levels = np.asarray(prolong(known), np.float32), levels - 1
        if not levels:
            return known
        plain = CompressedFields(
            known,
            np.zeros(len(known), np.float32),
            np.ones(len(known), np.float32),
            finest,
            finest - levels,
        )
        return self.models[levels].decompress_fields(plain, variable="", times=times, instant=instant)

    def _told(self, normal: Floats, times: Times, instant: bool) -> list[Floats]:
        """By zoom, (time, cells of that zoom): what a leaf says of a standardised field.

        It is the mean, but where cells are largest what the encoder gives: on fields of training times its
        values were worth 3 % there, and nothing in smaller cells, of which most stand beside others.
        """
        finest, most = zoom_of(normal.shape[-1]), max(self.models)
        told = [np.asarray(restrict(normal, finest - zoom), np.float32) for zoom in range(finest + 1)]
        model = self.models[most]
        got = model.compress_fields(normal, variable="", times=times, instant=instant)
        told[finest - most] = np.asarray(got.values, np.float32)
        return told

    def _leaves(
        self, normal: Floats, told: list[Floats], leaves: int, times: Times, instant: bool
    ) -> NDArray[np.int8]:
        """Zooms of the leaves of the best tree (time, leaf).

        Errors of uniform fields choose a first one; what it really leaves in its leaves, between others of
        other sizes, then takes their place, and the tree is chosen again (0.3 to 1 % of the error). Each
        field keeps the better of the two.
        """
        finest, fields = zoom_of(normal.shape[-1]), len(normal)
        errors = [
            self._errors(self._decoded(known, finest, times, instant), normal, zoom)
            for zoom, known in enumerate(told)
        ]
        zooms = leaf_zooms(best_tree(_gains(errors), leaves), fields)
        made = self._chain(at_leaves(told, zooms), zooms, finest, times, instant)
        above = np.ones((fields, 12), bool)
        for zoom, split in enumerate(splits_of(zooms, finest)):
            errors[zoom] = np.where(above & ~split, self._errors(made, normal, zoom), errors[zoom])
            above = np.repeat(split, 4, axis=1)
        again = leaf_zooms(best_tree(_gains(errors), leaves), fields)
        made_again = self._chain(at_leaves(told, again), again, finest, times, instant)
        better = self._errors(made_again, normal, 0).sum(axis=1) < self._errors(made, normal, 0).sum(axis=1)
        return np.where(better[:, None], again, zooms)

    @staticmethod
    def _errors(made: Floats, normal: Floats, zoom: int) -> NDArray[np.float64]:
        """Sums of squared errors over the cells of a zoom, (time, cells)."""
        return ((made.astype(np.float64) - normal) ** 2).reshape(len(made), n_cells(zoom), -1).sum(axis=-1)


def _gains(errors: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """By zoom, what goes of the error where a cell is split."""
    return [here - finer.reshape(*here.shape, 4).sum(axis=-1) for here, finer in pairwise(errors)]
