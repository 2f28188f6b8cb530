"""Atlases and the archives that they were made of, opened once a process.

Shipped ones, and those in the folder that FSAE_ATLASES names: NAME.parquet, made by `fsae atlas`, beside its
archive NAME.zarr, NAME.zarr.zip or NAME.nc. Nothing here knows of the user interface; every function may be
called from any thread.
"""

from __future__ import annotations

__all__ = ["OpenAtlas", "named_atlas", "offered_atlases"]

import os
import threading
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from app.colours import Scale, error_scale
from app.store import Archive, named_archive
from fsae_core.assets import asset_path
from fsae_core.atlas.atlas import Atlas
from fsae_core.atlas.composites import Departures
from fsae_core.atlas.eruptions import Eruption, aftermath, eruptions_between
from fsae_core.atlas.file import read_atlas, shipped_atlas
from fsae_core.atlas.records import open_complete
from fsae_core.atlas.seasons import SeasonalCycle
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import restrict

_FOLDER = "FSAE_ATLASES"
_SUFFIXES = (".zarr", ".zarr.zip", ".nc")
_ANOMALY_BYTES = 512 * 2**20
_BLOCK = 512
_SHARE = 0.2


@dataclass(eq=False)
class OpenAtlas:
    """An atlas with its fields. Raises UserError where the archive lacks times of the atlas."""

    name: str
    atlas: Atlas
    archive: Archive
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.times = self.atlas.times
        self.variable = str(self.atlas.about["variable"])
        order = np.argsort(self.archive.times, kind="stable")
        place = np.searchsorted(self.archive.times[order], self.times)
        self._rows = order[np.minimum(place, len(order) - 1)]
        if (
            self.variable not in self.archive.variables
            or (self.archive.times[self._rows] != self.times).any()
        ):
            raise UserError(
                f"The archive beside the atlas {self.name} has other times or variables than the atlas: make "
                "the atlas again with `fsae atlas`."
            )
        self.labels = tuple(self.archive.labels[row] for row in self._rows)
        self._label_rows = {label: row for row, label in enumerate(self.labels)}

    def __len__(self) -> int:
        return len(self.times)

    @property
    def unit(self) -> str:
        return self.archive.unit(self.variable)

    def row_of(self, label: str) -> int | None:
        """Which time a label means; None when the atlas has no such time."""
        return self._label_rows.get(label)

    def values(self, row: int) -> np.ndarray:
        """One field, float32 (cells,)."""
        return self.archive.values(self.variable, int(self._rows[row]))

    def places(self, which: str) -> np.ndarray:
        """(time, 2) on the map "raw" or "deseasonalised"."""
        return self._places[which]

    @cached_property
    def _places(self) -> dict[str, np.ndarray]:
        columns = {"raw": ["x", "y"], "deseasonalised": ["x_deseasonalised", "y_deseasonalised"]}
        return {which: self.atlas.table[names].to_numpy(np.float64) for which, names in columns.items()}

    @property
    def displaced(self) -> bool:
        """Whether the atlas tells years."""
        return bool(self.atlas.table["displacement"].notna().any())

    @cached_property
    def windows(self) -> tuple[tuple[Eruption, np.ndarray], ...]:
        """Eruptions of the record and the positions of the 24 months from three months after each."""
        found = [(e, np.flatnonzero(aftermath(e, self.times))) for e in eruptions_between(self.times)]
        return tuple((eruption, rows) for eruption, rows in found if rows.size)

    def kept(self, rows: np.ndarray) -> dict[str, Any] | None:
        """What the atlas' file says of an eruption whose window these times are; None for others."""
        said = {row["name"]: row for row in self.atlas.about["eruptions"]}
        own = [eruption.name for eruption, window in self.windows if np.array_equal(window, rows)]
        return said.get(own[0]) if own else None

    @cached_property
    def examples(self) -> dict[str, tuple[str, np.ndarray]]:
        """What stands for a group that is not chosen: (words, positions) of the two greatest eruptions, or of
        the last and the first fifth of the record."""
        great = sorted(self.windows, key=lambda pair: -pair[0].peak_aod)
        if len(great) >= 2:
            return {
                group: (f"24 months after {eruption.name}", rows)
                for group, (eruption, rows) in zip("ab", great, strict=False)
            }
        many = max(1, round(_SHARE * len(self)))
        rows = np.arange(len(self))
        return {"a": ("the last fifth of the record", rows[-many:]), "b": ("the first fifth", rows[:many])}

    @cached_property
    def remarkable(self) -> int:
        """The time that is shown first: the one that looks earliest for its year, else the most novel."""
        frame = self.atlas.table
        shift = frame["displacement"].to_numpy(np.float64)
        value = -shift if np.isfinite(shift).any() else frame["novelty"].to_numpy(np.float64)
        return int(np.nanargmax(value)) if np.isfinite(value).any() else 0

    @cached_property
    def anomaly_scale(self) -> Scale:
        """Colours of anomalies, the same for all times."""
        return error_scale(self.anomalies[:: max(1, len(self) // 200)])

    @property
    def season(self) -> SeasonalCycle:
        """Of the fields, at the zoom of `anomalies`."""
        return self._without_season[0]

    @property
    def anomalies(self) -> np.ndarray:
        """(time, cell) float32: fields less their season; of a very long archive at a coarser zoom."""
        return self._without_season[1]

    @cached_property
    def departures(self) -> Departures:
        """What composites of these anomalies need."""
        with self._lock:
            return Departures.of(self.anomalies)

    @property
    def _without_season(self) -> tuple[SeasonalCycle, np.ndarray]:
        with self._lock:  # two visitors must not make it twice
            return self._made

    @cached_property
    def _made(self) -> tuple[SeasonalCycle, np.ndarray]:
        zoom, levels = self.archive.zoom, 0
        while levels < zoom and 4 * len(self) * n_cells(zoom - levels) > _ANOMALY_BYTES:
            levels += 1
        x = np.empty((len(self), n_cells(zoom - levels)), np.float32)
        source: Any = self.archive.dataset[self.variable]
        for first in range(0, len(self), _BLOCK):
            part = slice(first, first + _BLOCK)
            block = np.asarray(source[self._rows[part]].values, np.float32)
            x[part] = restrict(block, levels) if levels else block
        season = SeasonalCycle.fit(x, self.times)
        for first in range(0, len(self), _BLOCK):
            part = slice(first, first + _BLOCK)
            x[part] -= season.mean_at(self.times[part]).astype(np.float32)
        return season, x


def offered_atlases() -> dict[str, str]:
    """Names and titles, shipped ones first."""
    found = {name: named_archive(name).title for name in _shipped()}
    own = os.environ.get(_FOLDER)
    if own:
        found |= {p.stem: p.stem for p in sorted(Path(own).glob("*.parquet")) if p.stem not in found}
    return found


def _shipped() -> list[str]:
    return sorted(path.stem for path in asset_path("atlas").glob("*.parquet"))


@lru_cache(maxsize=4)
def named_atlas(name: str) -> OpenAtlas:
    """UserError when there is none of that name, or its archive is not beside it."""
    offered = offered_atlases()
    if name not in offered:  # also keeps names that are paths away from the disk
        raise UserError(f"There is no atlas named {name[:60]!r}: choose one of {', '.join(offered)}.")
    if name in _shipped():
        return OpenAtlas(name, shipped_atlas(name), named_archive(name))
    own = Path(os.environ[_FOLDER])
    atlas = read_atlas(own / f"{name}.parquet")
    paths = [own / f"{name}{suffix}" for suffix in _SUFFIXES]
    path = next((p for p in paths if p.exists()), None)
    if path is None:
        raise UserError(
            f"The atlas {name} has no archive beside it: put {name}.zarr, {name}.zarr.zip or {name}.nc there."
        )
    about, times = atlas.about, atlas.times
    first, last = (str(t.astype("M8[s]")) for t in times[[0, -1]])
    dataset = open_complete(path, about["variable"], zoom=about["zoom_in"], start=first, end=last)
    archive = Archive(
        name,
        about.get("title") or name,
        dataset,
        attribution=str(dataset.attrs.get("source", "")),
        simulated=bool(about.get("simulated")),
    )
    return OpenAtlas(name, atlas, archive)
