"""What one visitor looks at, and its form in the address bar.

A page's state says which of its parameters are in the address (`parts`) and how their words are read. Only
what differs from the defaults is written, so that a fresh page has a short address. Reading never fails: what
cannot be understood is left at its default and named, so that the page can say so.
"""

from __future__ import annotations

__all__ = ["FULL_WINDOW", "RATIOS", "MapState", "PageState", "Part", "flag", "number", "one_of", "text"]

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode

import param

from app.projection import PROJECTIONS, Projection

RATIOS = (4, 16, 64, 256)
FULL_WINDOW = (-180.0, 180.0, -90.0, 90.0)


@dataclass(frozen=True)
class Part:
    """One parameter of a state in the address, as ``key=words``.

    parse: words to value; ValueError for nonsense.
    expected: ends "which is not ..." in the sentence about nonsense.
    default: the value that is not written, where it depends on the rest of the state.
    key: its name in the address, where it is another one.
    """

    name: str
    parse: Callable[[str], Any]
    expected: str
    write: Callable[[Any], str] = str
    default: Callable[[Any], Any] | None = None
    key: str = ""

    @property
    def word(self) -> str:
        return self.key or self.name


def text(name: str, expected: str = "a name") -> Part:
    """Any words."""
    return Part(name, str, expected)


def one_of(name: str, options: Iterable[Any], expected: str = "") -> Part:
    """One of some values, by what `str` makes of them."""
    values = {str(option): option for option in options}

    def parse(words: str) -> Any:
        if words not in values:
            raise ValueError(words)
        return values[words]

    return Part(name, parse, expected or f"one of {', '.join(values)}")


def number(name: str, low: float, high: float, expected: str) -> Part:
    """A number from `low` to `high`, written with at most four decimals."""
    return Part(name, lambda words: _bounded(words, low, high), expected, _short)


def flag(name: str) -> Part:
    """Yes or no, as 1 or 0."""

    def parse(words: str) -> bool:
        if words not in ("0", "1"):
            raise ValueError(words)
        return words == "1"

    return Part(name, parse, "0 or 1", lambda value: "1" if value else "0")


def _bounded(words: str, low: float, high: float) -> float:
    value = float(words)
    if not low <= value <= high:  # also catches NaN
        raise ValueError(words)
    return value


def _short(value: float) -> str:
    words = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if words in ("", "-0") else words


def _window(words: str) -> tuple[float, ...]:
    x0, x1, y0, y1 = (_bounded(part, -400.0, 400.0) for part in words.split(","))
    if x1 - x0 < 1e-3 or y1 - y0 < 1e-3:
        raise ValueError(words)
    return (x0, x1, y0, y1)


class PageState(param.Parameterized):
    """The state of one page of one session; a page's own has parameters and `parts`."""

    parts: ClassVar[tuple[Part, ...]] = ()

    def to_query(self) -> str:
        """The address's query, without the question mark; empty for the default page."""
        return urlencode(
            {p.word: self._words(p) for p in self.parts if self._words(p) != p.write(self._default(p))},
            safe=",:",
        )

    def shared(self, keys: Iterable[str]) -> dict[str, str]:
        """What another page is told of `keys` (as in the address), defaults included: its own may differ.

        A visitor's own file is known to its page alone.
        """
        known = {p.word: self._words(p) for p in self.parts}
        if known.get("archive", "").startswith("file:"):
            known = {key: words for key, words in known.items() if key not in ("archive", "variable", "time")}
        usual = {p.word: p.write(self._default(p)) for p in self.parts if p.default is not None}
        return {key: known[key] for key in keys if known.get(key) and known[key] != usual.get(key)}

    def _words(self, part: Part) -> str:
        return part.write(getattr(self, part.name))

    def _default(self, part: Part) -> Any:
        return part.default(self) if part.default else self.param[part.name].default

    def read_query(self, query: str | Mapping[str, str]) -> list[str]:
        """Take over an address's query; returns one sentence for each part that made no sense."""
        if isinstance(query, str):
            query = {k: v[-1] for k, v in parse_qs(query.lstrip("?")).items()}
        problems: list[str] = []
        found: dict[str, Any] = {}
        for part in self.parts:
            if part.word not in query:
                continue
            words = query[part.word]
            try:
                found[part.name] = part.parse(words)
            except ValueError:
                problems.append(
                    f"The address says {part.word}={words[:24]}, which is not {part.expected}: "
                    "the default is shown."
                )
        self.param.update(**found)
        depending = {p.name: p.default(self) for p in self.parts if p.default and p.name not in found}
        self.param.update(**depending)
        return problems


class MapState(PageState):
    """The state of a page with maps: how and where they look."""

    projection: Any = param.Selector(default="plate-carree", objects=list(PROJECTIONS))
    lon0 = param.Number(0.0, bounds=(-180.0, 180.0))
    lat0 = param.Number(20.0, bounds=(-90.0, 90.0))
    window = param.NumericTuple(FULL_WINDOW, doc="(x0, x1, y0, y1) in projection units.")
    fit = param.Boolean(False, doc="Colours follow the window instead of the archive.")

    parts: ClassVar[tuple[Part, ...]] = (
        one_of("projection", PROJECTIONS),
        number("lon0", -180, 180, "a longitude from -180 to 180"),
        number("lat0", -90, 90, "a latitude from -90 to 90"),
        flag("fit"),
        Part(
            "window",
            _window,
            "four numbers x0,x1,y0,y1 with x0 < x1 and y0 < y1",
            write=lambda window: ",".join(_short(v) for v in window),
            default=lambda state: state.full_window(),
            key="view",
        ),
    )

    @property
    def looks(self) -> Projection:
        """The projection of now."""
        globe = self.projection == "globe"
        return Projection(self.projection, self.lon0, self.lat0 if globe else 0.0)

    def full_window(self) -> tuple[float, float, float, float]:
        """The window of the whole map in the present projection."""
        return Projection(self.projection).bounds
