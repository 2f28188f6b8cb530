"""Ensembles of fields of a month that was, or that could have been."""

from __future__ import annotations

__all__ = ["EnsembleRequest", "as_dataset", "frame_times", "iter_members", "sample_ensemble"]

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from fsae_core import __version__
from fsae_core.archive.canonical import canonical_dataset
from fsae_core.archive.entries import SIMULATED
from fsae_core.diffusion.emulator import ClimateEmulator, load_emulator
from fsae_core.errors import UserError
from fsae_core.model.climate import CONDITIONS, Climate, climate_at

Floats = NDArray[np.float32]
Progress = Callable[[Iterable[Any]], Iterable[Any]]

_FIRST_FRAME = np.datetime64("1979-01-01T12", "h")
MOST_DAYS = 60


@dataclass(frozen=True)
class EnsembleRequest:
    """What to draw.

    month: "1991-12"; days: None for the month's mean, else so many frames from its beginning, as many days
    apart as the archive's; volcanoes: False for a world without them; co2 in ppm and nino34 in K instead of
    those of the month, NaN for unknown; fine: the class of the draws; zoom: of the fields, None for that of
    the class; steps: evaluations; guidance: 1 is the law that was learned.
    """

    month: str
    days: int | None = None
    seed: int = 0
    steps: int = 16
    sampler: str = "heun"
    volcanoes: bool = True
    co2: float | None = None
    nino34: float | None = None
    fine: bool = True
    zoom: int | None = None
    guidance: float = 1.0
    _month: np.datetime64 = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            month = np.datetime64(self.month, "M")
            if len(str(self.month)) != 7 or np.isnat(month):
                raise ValueError
        except ValueError as error:
            raise UserError(f"The month {self.month!r} is no month: write it as 1991-12.") from error
        if self.days is not None and not 1 <= self.days <= MOST_DAYS:
            raise UserError(f"{self.days} days were asked for, 1 to {MOST_DAYS} are possible.")
        if self.co2 is not None and not (np.isnan(self.co2) or 200 <= self.co2 <= 800):
            raise UserError(f"{self.co2:g} ppm of CO2 was asked for, 200 to 800 is possible.")
        object.__setattr__(self, "_month", month)

    def climate(self, times: NDArray[np.datetime64]) -> Climate:
        """Conditions of frames at these times."""
        climate = climate_at(times, fine=self.fine, volcanoes=self.volcanoes)
        given = {"co2": self.co2, "nino34": self.nino34}
        return climate.having(**{name: value for name, value in given.items() if value is not None})


def frame_times(month: str, days: int | None, step_days: int = 3) -> NDArray[np.datetime64]:
    """Times of the archive's frames: those of a month, or so many from its beginning."""
    start = np.datetime64(month, "M")
    step = np.timedelta64(24 * step_days, "h")
    skipped = -((_FIRST_FRAME - start.astype("datetime64[h]")) // step)
    first = _FIRST_FRAME + skipped * step
    if first < start.astype("datetime64[h]"):
        first = first + step
    if days is None:
        return np.arange(first, (start + 1).astype("datetime64[h]"), step).astype("datetime64[ns]")
    return (first + np.arange(days) * step).astype("datetime64[ns]")


def _generator(request: EnsembleRequest, member: int) -> torch.Generator:
    """Member k of a month has its own stream: it is the same whoever else is drawn, and in every world that
    the month could have been in; other months have other weather."""
    month = int(request._month.astype(np.int64)) & (2**63 - 1)
    entropy = [request.seed & (2**63 - 1), member, month]
    state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def iter_members(
    request: EnsembleRequest,
    members: Iterable[int],
    emulator: ClimateEmulator,
    stop: Callable[[], bool] | None = None,
) -> Iterator[tuple[int, Floats]]:
    """Members one by one: (number, (time, cell) in K). `Stopped` is raised when `stop` says so."""
    times = frame_times(request.month, request.days, emulator.step_days)
    climate = request.climate(times)
    low, high = emulator.card.zooms
    zoom = request.zoom if request.zoom is not None else high if request.fine else low
    for k in members:
        latents = emulator.draw(
            climate,
            _generator(request, k),
            steps=request.steps,
            sampler=request.sampler,
            guidance=request.guidance,
            stop=stop,
        )
        fields = emulator.decode(latents, times, zoom)
        if request.days is None:
            fields = fields.mean(axis=0, keepdims=True)
        yield k, fields


def sample_ensemble(
    members: int = 16,
    month: str = "1991-12",
    *,
    weights: str | Path = "diffusion-amip-16x",
    device: str = "auto",
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    **request: Any,
) -> xr.Dataset:
    """Draw an ensemble of t2m: dims (time, member, cell), reproducible by seed, member by member.

    request: the other fields of `EnsembleRequest` (days, seed, steps, volcanoes, co2, nino34, fine, ...).
    Raises UserError for what cannot be drawn, `Stopped` when `stop` says so.
    """
    if members < 1:
        raise UserError(f"{members} members were asked for, at least one is needed.")
    wanted = EnsembleRequest(month, **request)
    emulator = load_emulator(weights, device)
    numbers = range(members)
    drawn = [
        values
        for _, values in iter_members(wanted, progress(numbers) if progress else numbers, emulator, stop)
    ]
    return as_dataset(np.stack(drawn, axis=1), wanted, emulator)


def as_dataset(values: Floats, request: EnsembleRequest, emulator: ClimateEmulator) -> xr.Dataset:
    """Values (time, member, cell) as a canonical dataset that says how they were made."""
    times = frame_times(request.month, request.days, emulator.step_days)
    climate = request.climate(times)
    told = {
        name: float(mean) if np.isfinite(mean) else "unknown"
        for name, mean in zip(CONDITIONS, climate.values.mean(axis=0), strict=True)
    }
    told |= {"volcanoes": int(request.volcanoes), "resolution": "fine" if request.fine else "coarse"}
    stamp = times if request.days is not None else np.array([request._month], "datetime64[ns]")
    what = "mean of a month" if request.days is None else f"{len(times)} days, every third"
    attrs = {
        "title": f"Ensemble of t2m, {what}, drawn by Compressed Field Diffusion: no simulation of any day",
        "source": f"{emulator.card.name}, trained on an archive {SIMULATED}",
        "institution": "drawn with Field-Space Explorer",
        "licence": "CC-BY 4.0",
        "references": "Meuer et al., arXiv 2601.15102",
        "comment": "Statistical emulation of one simulated climate; not for forecasts, attribution or risk.",
    }
    array = xr.DataArray(
        values,
        dims=("time", "member", "cell"),
        coords={"time": stamp, "member": np.arange(values.shape[1])},
        attrs={"units": "K"},
    )
    ds = canonical_dataset({"t2m": array}, attrs, [f"fsae sample {__version__}"])
    ds.attrs |= {
        "month": str(request.month),
        "seed": request.seed,
        "steps": request.steps,
        "sampler": request.sampler,
        "guidance": request.guidance,
        "weights": emulator.card.name,
        "weights_sha256": emulator.card.sha256,
        "fsae_simulated": 1,
        **{f"condition_{name}": value for name, value in told.items()},
    }
    ds.attrs["conditions"] = ", ".join(f"{name}={value}" for name, value in told.items())
    return ds
