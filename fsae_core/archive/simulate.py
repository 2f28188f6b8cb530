"""An AMIP-style run of a simple atmosphere model, as a canonical archive.

The experiment. SPEEDY (JAX-GCM, PyPI `jcm`, extra `simulate`), an atmosphere of eight layers with simplified
physics, above the sea surface temperatures that were observed month by month from 1979 to 2013. CO2 rises
from 336.8 to 396.5 ppm. The stratospheric aerosol of El Chichon (from April 1982, optical depth up to 0.09)
and Pinatubo (from June 1991, up to 0.15) takes 23 W m-2 of the insolation for each unit of optical depth,
everywhere alike; it rises for four months and fades by a factor e in eleven. Soil temperature is prescribed:
a climatology and 1.5 times the 12-month mean of the sea's mean anomaly. `fsae_core.archive.forcing` and
`simulation_surface` hold the numbers. Before the first month the model runs four months to forget that it was
started from rest (after two the stratosphere still shows it; so does the first month of the shipped archive).

What it is not. Neither an observation nor a forecast: its weather never happened, only the sea was real. The
ocean does not answer the atmosphere, and the land hardly does. A run without volcanoes leaves out the dimming
alone: the sea surface still carries the cooling that was observed after the eruptions, so the difference
between two runs is the aerosol's quick effect and misses most of the slow one. There is no heating of the
stratosphere by the aerosol, hence no winter warming after an eruption. Sea level pressure is about 18 hPa too
high in the mean, the surface winds are 0.95 times those of the lowest layer, and `t2m` is the air just above
the surface. At T63 with jcm's step of half an hour the model may blow up in northern winter: the month is
then run again from its first day with a shorter step, which is said and kept in the archive's attribute
`fsae_run_again`.

The same version of jcm on the same kind of processor gives the same numbers for the same seed; another
processor gives other weather of the same climate. Runs that share seed and start share their weather until
their forcing differs.

A run is written month by month. A file beside the archive (`NAME.zarr.restart`) holds the state at the end of
the last whole month; a stopped run goes on from there when it is started again, to the same numbers. One
core takes about 0.7 seconds for a day at T31 (four minutes for a year) and 4 seconds at T63.
"""

from __future__ import annotations

__all__ = ["Atmosphere", "Outcome", "Simulation", "simulate"]

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.simulation_months import Month, months_of, run_days
from fsae_core.archive.simulation_restart import read_restart, remove_restart, restart_path, write_restart
from fsae_core.archive.simulation_store import GrowingArchive
from fsae_core.archive.simulation_surface import FIRST_MONTH, LAST_MONTH
from fsae_core.errors import UserError

Fields = dict[str, NDArray[np.float32]]


class Atmosphere(Protocol):
    """A model that goes a day at a time.

    source: what it is, for the archive's attributes. lat, lon: of its fields, degrees. steps: minutes, the
    usual one first, then shorter ones.
    """

    source: str
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    steps: tuple[int, ...]

    def initial(self, seed: int) -> Any: ...

    def advance(self, state: Any, day: np.datetime64, step: int) -> tuple[Any, Fields]: ...

    def dump(self, state: Any) -> dict[str, NDArray[Any]]: ...

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Any: ...


@dataclass(frozen=True)
class Simulation:
    """What is run.

    start, end: first month and the month after the last, as 1990-01. truncation: of the spectral model, 31
    gives zoom 4 and 63 zoom 5. seed: of the initial state. every: keep each so manieth day (counted from 1
    January 1979). spin_up: days before the start that are not kept. Raises UserError for months that nothing
    is known about.
    """

    start: str
    end: str
    truncation: int = 31
    seed: int = 0
    volcanoes: bool = True
    every: int = 3
    spin_up: int = 120

    def __post_init__(self) -> None:
        first, stop = (_month(text) for text in (self.start, self.end))
        if not FIRST_MONTH <= first < stop <= LAST_MONTH + 1:
            raise UserError(
                f"A run from {self.start} to {self.end} was asked for, expected a start before its end, both "
                f"from {FIRST_MONTH} to {LAST_MONTH + 1}, for which there are sea surface temperatures."
            )
        if self.every < 1 or self.spin_up < 0:
            raise UserError(
                f"Every {self.every} days after {self.spin_up} of spin-up was asked for, expected at least "
                "every day (1) and no spin-up (0)."
            )

    @property
    def months(self) -> list[Month]:
        return months_of(_month(self.start), _month(self.end), self.every)


@dataclass(frozen=True)
class Outcome:
    """years: simulated in all. zoom, times: of the archive. again: months that needed a shorter step, as
    sentences. days: simulated by this call, spin-up included."""

    years: float
    zoom: int
    times: int
    again: tuple[str, ...]
    days: int


def simulate(
    path: str | Path,
    run: Simulation,
    *,
    monthly: str | Path | None = None,
    atmosphere: Atmosphere | None = None,
    progress: Callable[[Iterable[Month]], Iterable[Month]] = iter,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Run the model and write daily means to `path`, a Zarr v3 directory; a stopped run goes on.

    monthly: another archive for the means over all days of each month, dated by its first day. atmosphere:
    the model, SPEEDY by default. progress: wraps the months that are left, spin-up first. say: gets a
    sentence when a month has to be run again. Raises UserError when the extra is missing, when the target
    holds something else, or when no step keeps the model stable.
    """
    path = Path(path)
    archives = [GrowingArchive(path, run, np.concatenate([month.kept for month in run.months]), "days")]
    if monthly is not None:
        firsts = np.array([month.first for month in run.months]).astype("datetime64[ns]")
        archives.append(GrowingArchive(Path(monthly), run, firsts, "months"))
    for archive in archives:
        archive.check()
    if all(archive.complete for archive in archives):
        remove_restart(path)
        return Outcome(len(run.months) / 12, archives[0].zoom, archives[0].size, archives[0].again, 0)
    model = atmosphere if atmosphere is not None else _speedy(run)
    for archive in archives:
        archive.create(model)
    done, arrays, again = read_restart(path, run)
    _check_in_step(path, archives, run.months, done)
    if arrays is None:
        state, left = model.initial(run.seed), [run.months[0].days_before(run.spin_up), *run.months]
    else:
        state, left = _load(model, arrays, path), run.months[done:]
    days = 0
    for month in progress(left):
        state, means, sentence = run_days(model, state, month, say)
        days += month.days.size
        if sentence:
            again = (*again, sentence)
        if month.spin_up:
            continue
        archives[0].append(month.kept, means.kept, again)
        if monthly is not None:
            archives[1].append(np.array([month.first]), means.mean, again)
        done += 1
        if done < len(run.months):
            write_restart(path, run, done, model.dump(state), again)
    remove_restart(path)
    return Outcome(len(run.months) / 12, archives[0].zoom, archives[0].size, again, days)


def _month(text: str) -> np.datetime64:
    try:
        return np.datetime64(text.strip(), "M")
    except ValueError as error:
        raise UserError(f"{text!r} was given for a month, expected year and month as in 1990-01.") from error


def _speedy(run: Simulation) -> Atmosphere:
    try:
        from fsae_core.archive.simulation_speedy import Speedy
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("fsae_core"):
            raise
        raise UserError(
            f"The Python package {error.name} was not found, which the simulation needs: install the extra "
            "with `pip install 'field-space-explorer[simulate]'`."
        ) from error
    return Speedy(run.truncation, volcanoes=run.volcanoes)


def _load(model: Atmosphere, arrays: Mapping[str, NDArray[Any]], path: Path) -> Any:
    try:
        return model.load(arrays)
    except ValueError as error:
        raise UserError(
            f"{restart_path(path)} does not fit the model ({error}), expected the state that a stopped run "
            f"left: remove it and {path}, then run the command again."
        ) from error


def _check_in_step(path: Path, archives: list[GrowingArchive], months: list[Month], done: int) -> None:
    """The archives hold at least what the restart file says is done."""
    wanted = [sum(month.kept.size for month in months[:done]), done]
    for archive, size in zip(archives, wanted, strict=False):
        if archive.written < size:
            raise UserError(
                f"{archive.path} holds {archive.written} times where {restart_path(path)} says {size}: "
                "remove both and run the command again."
            )
