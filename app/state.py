"""What one visitor looks at, and its form in the address bar.

Only what differs from the defaults is written, so that a fresh page has a short address. Reading never fails:
what cannot be understood is left at its default and named, so that the page can say so.
"""

from __future__ import annotations

__all__ = ["FULL_WINDOW", "METHODS", "RATIOS", "PageState"]

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

import param

from app.projection import PROJECTIONS, Projection

RATIOS = (4, 16, 64, 256)
METHODS = {
    "general": "General weights",
    "amip": "AMIP weights",
    "block-mean": "Block mean + smooth (no network)",
}
FULL_WINDOW = (-180.0, 180.0, -90.0, 90.0)


def _number(text: str, low: float, high: float) -> float:
    value = float(text)
    if not low <= value <= high:  # also catches NaN
        raise ValueError(text)
    return value


def _window(text: str) -> tuple[float, ...]:
    x0, x1, y0, y1 = (_number(part, -400.0, 400.0) for part in text.split(","))
    if x1 - x0 < 1e-3 or y1 - y0 < 1e-3:
        raise ValueError(text)
    return (x0, x1, y0, y1)


def _short(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"


class PageState(param.Parameterized):
    """The Compress page of one session."""

    archive = param.String("era5-week", doc="Catalogue name, or the name of an uploaded file.")
    variable = param.String("t2m")
    time = param.String("", doc="ISO time in minutes, UTC; empty is the archive's first.")
    method: Any = param.Selector(default="general", objects=list(METHODS))
    ratio: Any = param.Selector(default=64, objects=list(RATIOS))
    projection: Any = param.Selector(default="plate-carree", objects=list(PROJECTIONS))
    lon0 = param.Number(0.0, bounds=(-180.0, 180.0))
    lat0 = param.Number(20.0, bounds=(-90.0, 90.0))
    window = param.NumericTuple(FULL_WINDOW, doc="(x0, x1, y0, y1) in projection units.")
    swipe = param.Number(0.5, bounds=(0.0, 1.0), doc="Where the divider stands, as a share of the window.")
    fit = param.Boolean(False, doc="Colours follow the window instead of the archive.")

    def to_query(self) -> str:
        """The address's query, without the question mark; empty for the default page."""
        out: dict[str, str] = {}
        for name in ("archive", "variable", "time", "method", "ratio", "projection"):
            value = getattr(self, name)
            if value != self.param[name].default:
                out[name] = str(value)
        for name in ("lon0", "lat0", "swipe"):
            value = getattr(self, name)
            if _short(value) != _short(self.param[name].default):
                out[name] = _short(value)
        if self.fit:
            out["fit"] = "1"
        if any(abs(a - b) > 1e-3 for a, b in zip(self.window, self.full_window(), strict=True)):
            out["view"] = ",".join(_short(v) for v in self.window)
        return urlencode(out, safe=",:")

    def full_window(self) -> tuple[float, float, float, float]:
        """The window of the whole map in the present projection."""
        return Projection(self.projection).bounds

    def read_query(self, query: str | Mapping[str, str]) -> list[str]:
        """Take over an address's query; returns one sentence for each part that made no sense."""
        if isinstance(query, str):
            query = {k: v[-1] for k, v in parse_qs(query.lstrip("?")).items()}
        problems: list[str] = []
        found: dict[str, object] = {}

        def take(key: str, name: str, parse: Callable[[str], object], expected: str) -> None:
            if key not in query:
                return
            try:
                found[name] = parse(query[key])
            except ValueError:
                said = f"{key}={query[key][:24]}"
                problems.append(f"The address says {said}, which is not {expected}: the default is shown.")

        def one_of(options: Iterable[str]) -> Callable[[str], str]:
            def parse(text: str) -> str:
                if text not in options:
                    raise ValueError(text)
                return text

            return parse

        take("archive", "archive", str, "a name")
        take("variable", "variable", str, "a name")
        take("time", "time", str, "a time")
        take("method", "method", one_of(METHODS), f"one of {', '.join(METHODS)}")
        take("ratio", "ratio", lambda t: int(one_of([str(r) for r in RATIOS])(t)), "4, 16, 64 or 256")
        take("projection", "projection", one_of(PROJECTIONS), f"one of {', '.join(PROJECTIONS)}")
        take("lon0", "lon0", lambda t: _number(t, -180, 180), "a longitude from -180 to 180")
        take("lat0", "lat0", lambda t: _number(t, -90, 90), "a latitude from -90 to 90")
        take("swipe", "swipe", lambda t: _number(t, 0, 1), "a share from 0 to 1")
        take("fit", "fit", lambda t: one_of(["0", "1"])(t) == "1", "0 or 1")
        take("view", "window", _window, "four numbers x0,x1,y0,y1 with x0 < x1 and y0 < y1")
        if "window" not in found and "projection" in found:
            found["window"] = Projection(str(found["projection"])).bounds
        self.param.update(**found)
        return problems
