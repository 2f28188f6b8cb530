"""One month of a simulation: its days, which are kept, and what to do when the model blows up."""

from __future__ import annotations

__all__ = ["Means", "Month", "months_of", "run_days"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.variables import CANONICAL
from fsae_core.errors import UserError

if TYPE_CHECKING:
    from fsae_core.archive.simulate import Atmosphere, Fields

_PHASE = np.datetime64("1979-01-01", "D")


@dataclass(frozen=True)
class Month:
    """Days that are run together.

    first, stop: first day and the day after the last. kept: noons (n,) of the days that are written. spin_up:
    nothing is written, and fields need only be finite: one that starts from rest may look odd.
    """

    first: np.datetime64
    stop: np.datetime64
    kept: NDArray[np.datetime64]
    spin_up: bool = False

    @property
    def days(self) -> NDArray[np.datetime64]:
        return np.arange(self.first, self.stop)

    def days_before(self, count: int) -> Month:
        """That many days before this month, of which none is kept."""
        return Month(self.first - count, self.first, self.kept[:0], spin_up=True)

    def __str__(self) -> str:
        if self.spin_up:
            return f"the spin-up from {self.first}"
        return str(self.first.astype("datetime64[M]"))


@dataclass(frozen=True)
class Means:
    """kept: daily means (n, lat, lon) of the kept days. mean: over all days, (1, lat, lon)."""

    kept: Fields
    mean: Fields


class _BlowUpError(Exception):
    """The model's fields are no weather any more."""

    def __init__(self, day: np.datetime64, what: str) -> None:
        super().__init__(f"{what} on {day}")


def months_of(first: np.datetime64, stop: np.datetime64, every: int) -> list[Month]:
    """Calendar months; a day is kept when its number since 1 January 1979 is a multiple of `every`."""
    months = []
    for month in np.arange(first, stop):
        begin, end = month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]")
        days = np.arange(begin, end)
        numbers = days.astype(np.int64) - _PHASE.astype(np.int64)
        kept = days[numbers % every == 0]
        noons = (kept.astype("datetime64[h]") + 12).astype("datetime64[ns]")
        months.append(Month(begin, end, noons))
    return months


def run_days(
    model: Atmosphere, state: Any, month: Month, say: Callable[[str], None]
) -> tuple[Any, Means, str | None]:
    """Run a month -> the state at its end, its means, and a sentence if it needed a shorter step.

    Raises UserError when the model blows up with each of its steps.
    """
    sentence = None
    for step, shorter in zip(model.steps, (*model.steps[1:], None), strict=True):
        try:
            end, means = _with_step(model, state, month, step)
        except _BlowUpError as error:
            blow_up = f"{month} blew up with a step of {step} minutes ({error})"
            if shorter is None:
                break
            sentence = f"{blow_up} and was run again from its first day with one of {shorter}."
            say(sentence)
            continue
        return end, means, sentence
    raise UserError(
        f"The model blew up with each step down to {model.steps[-1]} minutes: {blow_up}; "
        "try another seed or start."
    )


def _with_step(model: Atmosphere, state: Any, month: Month, step: int) -> tuple[Any, Means]:
    kept: list[Fields] = []
    sums: dict[str, NDArray[np.float64]] = {}
    wanted = set(month.kept.astype("datetime64[D]").tolist())
    for day in month.days:
        state, fields = model.advance(state, day, step)
        for name, field in fields.items():
            _check(name, field, day, strict=not month.spin_up)
            sums[name] = sums.get(name, 0.0) + field.astype(np.float64)
        if day.tolist() in wanted:
            kept.append(fields)
    mean = {name: (total / month.days.size).astype(np.float32)[None] for name, total in sums.items()}
    stack = {name: np.stack([fields[name] for fields in kept]) for name in (sums if kept else ())}
    return state, Means(stack, mean)


def _check(name: str, field: NDArray[np.float32], day: np.datetime64, *, strict: bool) -> None:
    if not np.isfinite(field).all():
        raise _BlowUpError(day, f"{name} is no number")
    low, high = CANONICAL[name].plausible
    if strict and (field.min() < low or field.max() > high):
        raise _BlowUpError(day, f"{name} from {field.min():.4g} to {field.max():.4g}")
