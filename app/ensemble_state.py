"""The Ensemble page's state: which world is drawn, how, and what is looked at."""

from __future__ import annotations

__all__ = ["COMPUTED", "MEMBERS", "MOST_FIELDS", "SHOWN", "VERSUS", "WINDOWS", "EnsembleState", "months"]

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs

import param

from app.state import MapState, Part, flag, number, one_of

FIRST_YEAR, LAST_YEAR = 1979, 2013
MEMBERS = (4, 8, 16, 32, 64)
STEPS = (8, 16, 24, 48, 96)
WINDOWS = (0, 8, 10, 16, 30)
MOST_FIELDS = 512
"""Members times days: what a visit may keep."""
SHOWN = {"anomaly": "Anomaly", "temperature": "Temperature"}
RESOLUTIONS = {"hr": "Fine", "lr": "Coarse"}
VERSUS = {"volcanoes": "No volcanoes", "co2": "Other CO₂", "nothing": "Nothing"}
TESTS = {"weather": "Weather", "pairs": "Pairs"}
_ARCHIVES = ("amip", "amip-hr")
_THRESHOLDS = {"anomaly": 1.0, "temperature": 273.0}
COMPUTED = (
    *("month", "days", "volcanoes", "co2", "nino", "resolution"),
    *("members", "steps", "seed", "versus", "other_co2"),
)
"""What of the state decides which fields are drawn."""


def months() -> list[str]:
    """Every month whose forcing is known."""
    return [f"{y}-{m:02d}" for y in range(FIRST_YEAR, LAST_YEAR + 1) for m in range(1, 13)]


def _month(words: str) -> str:
    found = re.match(r"\d{4}-\d{2}(?!\d)", words)
    if found is None or found[0] not in months():
        raise ValueError(words)
    return found[0]


def _value(low: float, high: float, *others: str) -> Callable[[str], str]:
    """Reads a number in words, or one of some words; "" stays."""

    def parse(words: str) -> str:
        if words in ("", *others):
            return words
        value = float(words)
        if not low <= value <= high:
            raise ValueError(words)
        return f"{value:g}"

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(words: str) -> int:
        value = int(words)
        if not low <= value <= high:
            raise ValueError(words)
        return value

    return parse


def _point(words: str) -> tuple[float, ...]:
    lon, lat = (float(part) for part in words.split(","))
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError(words)
    return (lon, lat)


class EnsembleState(MapState):
    """The Ensemble page of one session."""

    archive: Any = param.Selector(default="amip", objects=list(_ARCHIVES), doc="For links to other pages.")
    variable: Any = param.Selector(default="t2m", objects=["t2m"])
    month = param.String("1991-12")
    days: Any = param.Selector(default=0, objects=list(WINDOWS), doc="0 is the month's mean.")
    volcanoes = param.Boolean(True)
    co2 = param.String("", doc="ppm; empty is that month's.")
    nino = param.String("", doc="K, or unknown; empty is that month's.")
    resolution: Any = param.Selector(default="hr", objects=list(RESOLUTIONS))
    members: Any = param.Selector(default=16, objects=list(MEMBERS))
    steps: Any = param.Selector(default=16, objects=list(STEPS))
    seed = param.Integer(0, bounds=(0, 9999))
    versus: Any = param.Selector(default="volcanoes", objects=list(VERSUS), doc="The world to compare with.")
    other_co2 = param.Integer(340, bounds=(280, 560), doc="ppm in that world.")
    test: Any = param.Selector(default="weather", objects=list(TESTS), doc="Which change is stippled.")
    shown: Any = param.Selector(default="anomaly", objects=list(SHOWN))
    above = param.Boolean(True)
    threshold = param.Number(_THRESHOLDS["anomaly"], doc="K, of what is shown.")
    point = param.NumericTuple((37.6, 55.8), doc="(longitude, latitude) in degrees.")
    member = param.Integer(1, bounds=(0, max(MEMBERS)), doc="The one that is shown large; 0 is the archive.")
    day = param.Integer(1, bounds=(1, max(WINDOWS)), doc="The day of a window that is shown.")

    parts: ClassVar[tuple[Part, ...]] = (
        one_of("archive", _ARCHIVES),
        one_of("variable", ("t2m",)),
        Part("month", _month, f"a month from {FIRST_YEAR}-01 to {LAST_YEAR}-12", key="time"),
        one_of("days", WINDOWS),
        flag("volcanoes"),
        Part("co2", _value(200, 800), "a number of ppm from 200 to 800"),
        Part("nino", _value(-4, 4, "unknown"), "a number of K from -4 to 4, or unknown"),
        Part("resolution", one_of("resolution", RESOLUTIONS).parse, "hr or lr", key="class"),
        one_of("members", MEMBERS),
        one_of("steps", STEPS),
        Part("seed", _whole(0, 9999), "a whole number from 0 to 9999"),
        one_of("versus", VERSUS),
        Part("other_co2", _whole(280, 560), "a whole number of ppm from 280 to 560", key="versus_co2"),
        Part("test", one_of("test", TESTS).parse, f"one of {', '.join(TESTS)}", key="stipple"),
        Part("shown", one_of("shown", SHOWN).parse, f"one of {', '.join(SHOWN)}", key="show"),
        flag("above"),
        Part(
            "threshold",
            number("threshold", -60, 340, "").parse,
            "a temperature in K",
            number("threshold", -60, 340, "").write,
            default=lambda state: _THRESHOLDS[state.shown],
        ),
        Part("point", _point, "a longitude and a latitude", lambda p: f"{p[0]:.2f},{p[1]:.2f}"),
        Part("member", _whole(0, max(MEMBERS)), "the number of a member"),
        Part("day", _whole(1, max(WINDOWS)), "the number of a day of the window"),
        *MapState.parts,
    )

    def read_query(self, query: str | Mapping[str, str]) -> list[str]:
        """As of any page; of the field of a page that shows another archive nothing is taken."""
        if isinstance(query, str):
            query = {k: v[-1] for k, v in parse_qs(query.lstrip("?")).items()}
        if query.get("archive", "amip") not in _ARCHIVES or query.get("variable", "t2m") != "t2m":
            foreign = query.get("archive", "amip") not in _ARCHIVES
            left_out = {"archive", "variable", "time"} if foreign else {"variable"}
            query = {key: words for key, words in query.items() if key not in left_out}
        problems = super().read_query(query)
        if self.members * max(self.days, 1) > MOST_FIELDS:
            most = max(m for m in MEMBERS if m * self.days <= MOST_FIELDS)
            problems.append(f"{self.members} members of {self.days} days are too many: {most} are drawn.")
            self.members = most
        return problems

    def usual_threshold(self) -> float:
        """Where the threshold starts for what is shown."""
        return _THRESHOLDS[self.shown]
