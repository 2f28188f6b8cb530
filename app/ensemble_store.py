"""Members of ensembles, drawn once a process and kept while they are wanted.

Nothing here knows of the user interface; every function may be called from any thread.
"""

from __future__ import annotations

__all__ = [
    "Member",
    "Wish",
    "at_hand",
    "attribution",
    "climatology",
    "codec",
    "draw",
    "emulator",
    "mean_power",
    "monthly_power",
    "warnings",
]

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

import numpy as np

from fsae_core.archive.entries import SIMULATED
from fsae_core.assets import asset_path
from fsae_core.diffusion.emulator import ClimateEmulator, load_emulator
from fsae_core.diffusion.ensembles import EnsembleRequest, frame_times, iter_members
from fsae_core.model.archive_model import ArchiveModel
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.spectrum import power_per_degree, power_per_zoom

_KEPT_BYTES = 192 * 2**20
_SPECTRA = 4
"""Of how many frames of a member: more tell little and take long."""


@dataclass(frozen=True)
class Wish:
    """Which worlds are drawn. days: 0 for the month's mean; co2 in ppm and nino in K as words, "" for that
    month's; versus: the other world, "nothing" for none."""

    month: str
    days: int
    volcanoes: bool
    co2: str
    nino: str
    resolution: str
    members: int
    steps: int
    seed: int
    versus: str
    other_co2: int

    @property
    def zoom(self) -> int:
        return 5 if self.resolution == "hr" else 4

    @property
    def times(self) -> np.ndarray:
        """Of the frames: those of the month, or of the window."""
        return frame_times(self.month, self.days or None)

    @property
    def request(self) -> EnsembleRequest:
        """The world that is drawn. UserError for what cannot be."""
        return EnsembleRequest(
            self.month,
            days=self.days or None,
            seed=self.seed,
            steps=self.steps,
            volcanoes=self.volcanoes,
            co2=float(self.co2) if self.co2 else None,
            nino34=None if not self.nino else math.nan if self.nino == "unknown" else float(self.nino),
            fine=self.resolution == "hr",
        )

    @property
    def other(self) -> EnsembleRequest | None:
        """The same weather in another world."""
        if self.versus == "volcanoes":
            return replace(self.request, volcanoes=False)
        if self.versus == "co2":
            return replace(self.request, co2=float(self.other_co2))
        return None

    @property
    def as_it_was(self) -> bool:
        """Whether the archive has this world: its forcing is that of the month, as far as it is told."""
        return self.volcanoes and not self.co2 and self.nino in ("", "unknown")


@dataclass(frozen=True)
class Member:
    """One draw. number: from 0; fields (time, cell) in K; power (degree,) and by_zoom: of anomalies, K2."""

    number: int
    fields: np.ndarray
    power: np.ndarray
    by_zoom: dict[int, float]


_kept: OrderedDict[tuple, Member] = OrderedDict()
_lock = threading.Lock()


def _key(request: EnsembleRequest, number: int) -> tuple:
    return (*(str(value) for value in asdict(request).values()), number)


def at_hand(request: EnsembleRequest, number: int) -> Member | None:
    """A member that has been drawn already."""
    with _lock:
        return _kept.get(_key(request, number))


def draw(request: EnsembleRequest, number: int, stop: Callable[[], bool]) -> Member:
    """Member k, from memory where it has been drawn; `samplers.Stopped` when `stop` says so."""
    found = at_hand(request, number)
    if found is not None:
        return found
    # A month is drawn as its days, which are the days of a window as long: their power is of interest.
    count = len(frame_times(request.month, request.days))
    ((_, days),) = iter_members(replace(request, days=count), [number], _emulator(), stop)
    fields = days if request.days else days.mean(axis=0, keepdims=True)
    zoom = zoom_of(fields.shape[-1])
    if monthly_power(request.days or 0, zoom):
        anomalies = fields - climatology(request.month, 0, zoom)
    else:
        chosen = np.unique(np.linspace(0, count - 1, min(_SPECTRA, count)).astype(int))
        anomalies = (days - climatology(request.month, count, zoom))[chosen]
    made = Member(number, fields, *mean_power(anomalies))
    with _lock:
        _kept[_key(request, number)] = made
        while sum(one.fields.nbytes for one in _kept.values()) > _KEPT_BYTES:
            _kept.popitem(last=False)
    return made


def monthly_power(days: int, zoom: int) -> bool:
    """Whether spectra are of monthly means: of the coarse class the archive has no days."""
    return zoom == 4 and not days


def mean_power(fields: np.ndarray) -> tuple[np.ndarray, dict[int, float]]:
    """Mean power of fields (time, cell) by degree and by zoom."""
    by_zoom = {zoom: float(power.mean()) for zoom, power in power_per_zoom(fields).items()}
    return power_per_degree(fields)[1].mean(axis=0), by_zoom


@lru_cache(maxsize=1)
def _emulator() -> ClimateEmulator:
    return load_emulator(device="cpu")


def emulator() -> ClimateEmulator:
    """The shipped emulator."""
    return _emulator()


@lru_cache(maxsize=2)
def codec(zoom: int) -> ArchiveModel:
    """The autoencoder whose compressed fields are drawn: what it loses, draws lack as well."""
    model = load_model(_emulator().card.config["autoencoders"][str(zoom)], device="cpu")
    assert isinstance(model, ArchiveModel)  # these weights are an archive's
    return model


@lru_cache(maxsize=64)
def climatology(month: str, days: int, zoom: int) -> np.ndarray:
    """The archive's climatology (time, cell) in K at the frames of a month (their mean) or of a window."""
    found = codec(zoom).climatologies[zoom].mean_at(frame_times(month, days or None))
    return np.asarray(found if days else found.mean(axis=0, keepdims=True), np.float32)


def attribution() -> str:
    """Where the fields come from."""
    return f"Drawn with {emulator().card.name}, trained on an archive {SIMULATED}. CC-BY 4.0."


@lru_cache(maxsize=1)
def warnings() -> str:
    """What the ensembles must not be used for: the paragraph that comes with the weights."""
    text = asset_path("weights", "README.md").read_text(encoding="utf-8")
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return next(part for part in paragraphs if part.startswith("What the ensembles must not be used for"))
