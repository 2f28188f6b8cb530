"""What ensembles are compared with: the archive's truth, its years at a place, its spectra.

Nothing here knows of the user interface; every function may be called from any thread.
"""

from __future__ import annotations

__all__ = ["Reference", "Truth", "reference", "years_at"]

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from app.ensemble_store import codec, emulator, mean_power, monthly_power
from app.store import named_archive
from fsae_core.archive.climatology import annual_phase
from fsae_core.diffusion.ensembles import frame_times
from fsae_core.evaluate.ensemble import crps
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import restrict


@dataclass(frozen=True)
class Truth:
    """What the archive has of a month or a window: fields (time, cell) in K, its name, whether learned."""

    fields: np.ndarray
    name: str
    learned: bool

    @property
    def zoom(self) -> int:
        return zoom_of(self.fields.shape[-1])


@dataclass(frozen=True)
class Reference:
    """What an ensemble is compared with.

    truth: the archive's fields of that time, where it has them; power, reconstructed: (degree,) of anomalies
    of the archive at that time of the year, and of what the autoencoder leaves of them, this by_zoom, too;
    what: says which; guess: CRPS in K of the archive's other years of that month, where there is a truth.
    """

    truth: Truth | None
    power: np.ndarray
    reconstructed: np.ndarray
    by_zoom: dict[int, float]
    what: str
    guess: float | None


@lru_cache(maxsize=64)
def reference(month: str, days: int, zoom: int) -> Reference:
    """Truth and spectra for the world that was."""
    times, fields, what = _season(month, days, zoom)
    model = codec(zoom)
    packed = model.compress_fields(fields, variable="t2m", times=times)
    back = model.decompress_fields(packed, variable="t2m", times=times)
    means = model.climatologies[zoom].mean_at(times)
    some = slice(None) if monthly_power(days, zoom) else slice(None, None, 2)
    raw, left = (mean_power((x - means)[some]) for x in (fields, back))
    truth = _truth(month, days, zoom)
    return Reference(truth, raw[0], *left, what, _guess(month, truth))


def _guess(month: str, truth: Truth | None) -> float | None:
    """CRPS of the other years of the monthly archive for a truth of it."""
    if truth is None or truth.name != "amip":
        return None
    archive = named_archive("amip")
    this = archive.index_of(month)
    others = [i for i in _years(month) if i != this]
    members = np.stack([archive.values("t2m", i) for i in others])
    return float(crps(members, truth.fields[0]).mean())


def _years(month: str) -> list[int]:
    """Places of a calendar month in the monthly archive."""
    times = named_archive("amip").times.astype("datetime64[M]").astype(int)
    return [int(i) for i in np.flatnonzero(times % 12 == np.datetime64(month, "M").astype(int) % 12)]


def _season(month: str, days: int, zoom: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Times, fields (time, cell) at this zoom and their name, of the archive about that time of the year."""
    if monthly_power(days, zoom):
        archive = named_archive("amip")
        same = _years(month)
        values = np.stack([archive.values("t2m", i) for i in same])
        middle = archive.times[same] + np.timedelta64(15, "D")
        return middle, values, f"months of {len(middle)} years"
    archive = named_archive("amip-hr")
    near = _near(archive.times, np.datetime64(month, "D") + 15, 31)
    values = np.stack([archive.values("t2m", int(i)) for i in near])
    what = "days of the fine archive, 2008"
    return archive.times[near], restrict(values, 5 - zoom) if zoom < 5 else values, what


def _near(times: np.ndarray, day: np.datetime64, reach: int) -> np.ndarray:
    """Indices of times within so many days of a day of the year."""
    apart = annual_phase(times) - annual_phase(np.array([day]))
    apart = np.abs((apart + np.pi) % (2 * np.pi) - np.pi)
    return np.flatnonzero(apart <= 2 * np.pi * reach / 365.2425)


def _truth(month: str, days: int, zoom: int) -> Truth | None:
    fine, times = named_archive("amip-hr"), frame_times(month, days or None)
    place = {time: i for i, time in enumerate(fine.times.tolist())}
    found = [place.get(time) for time in times.astype(fine.times.dtype).tolist()]
    if (days or zoom == 5) and None not in found:
        fields = np.stack([fine.values("t2m", int(i)) for i in found if i is not None])
        fields = fields if days else fields.mean(axis=0, keepdims=True)
        return Truth(np.asarray(restrict(fields, 5 - zoom) if zoom < 5 else fields), "amip-hr", False)
    if days:
        return None
    coarse = named_archive("amip")
    index = coarse.index_of(month)
    if index is None:
        return None
    split: Mapping[str, Any] = emulator().card.split["amip"]
    learned = split["train"][0] <= f"{month}-01" <= split["train"][1]
    return Truth(coarse.values("t2m", index)[None], "amip", learned)


def years_at(month: str, days: int, day: np.datetime64, cell: int) -> tuple[np.ndarray, str]:
    """The archive's values in K of a cell at zoom 4 at that time of the year, and what they are."""
    if days:
        archive = named_archive("amip-hr")
        near = _near(archive.times, day, 24)
        values = np.array([archive.values("t2m", int(i))[4 * cell : 4 * cell + 4].mean() for i in near])
        return values, f"archive, {len(near)} days of 2008"
    archive = named_archive("amip")
    values = np.array([archive.values("t2m", i)[cell] for i in _years(month)])
    return values, f"archive, {len(values)} years"
