"""What is drawn over the points of the map of times: groups, eruptions, the path to now, neighbours."""

from __future__ import annotations

__all__ = ["GROUP_SERIES", "Marks", "eruption_colours", "eruption_kinds"]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import CategoricalColorMapper, ColumnDataSource
from bokeh.plotting import figure as Figure

from app import charts
from app.bridge import Bridge

GROUP_SERIES = {"a": charts.SERIES[3], "b": charts.SERIES[4]}
_ERUPTIONS = tuple(charts.SERIES[i] for i in (6, 2, 5, 1, 0, 7))
_INK = ("#17211f", "#e8eef0")
_PAPER = ("#ffffff", "#12181b")
_TEXT: dict[str, Any] = {"text_font": value("system-ui, sans-serif"), "text_align": "center"}


def eruption_colours(bridge: Bridge) -> Any:
    """Colours of a column of `eruption_kinds`."""
    light, dark = (list(colours) for colours in zip(*_ERUPTIONS, strict=True))
    mapper = CategoricalColorMapper(factors=eruption_kinds(len(_ERUPTIONS)), palette=light)
    bridge.colour(mapper, light, dark, "palette")
    return {"field": "which", "transform": mapper}


def eruption_kinds(count: int) -> list[str]:
    """One kind for each of so many eruptions; with very many they come again."""
    return [str(i % len(_ERUPTIONS)) for i in range(count)]


class Marks:
    """Sources and glyphs; places are (n, 2) on the map."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self.rings = ColumnDataSource({"x": [], "y": [], "which": [], "size": [], "width": []})
        self.names = ColumnDataSource({"x": [], "y": [], "text": [], "which": []})
        self.chosen = {
            group: ColumnDataSource({"x": [], "y": [], "size": [], "width": []}) for group in GROUP_SERIES
        }
        self.path, self.head, self.under, self.guests = (
            ColumnDataSource({"x": [], "y": []}) for _ in range(4)
        )
        self.near = ColumnDataSource({"x": [], "y": [], "text": []})

    def add_path(self, fig: Figure) -> None:
        """The path lies under the points."""
        path = fig.line("x", "y", source=self.path, line_width=1.3, line_alpha=0.6)
        self.bridge.colour(path.glyph, *_INK, "line_color")

    def add(self, fig: Figure) -> None:
        """All that lies over the points."""
        colour = self.bridge.colour
        for group, colours in GROUP_SERIES.items():
            drawn = fig.scatter(
                "x", "y", source=self.chosen[group], size="size", fill_color=None, line_width="width"
            )
            colour(drawn.glyph, *colours, "line_color")
        self._eruptions(fig)
        guests = fig.scatter("x", "y", source=self.guests, size=13, marker="diamond", line_width=1.4)
        colour(guests.glyph, *charts.SERIES[0], "fill_color")
        near = fig.scatter("x", "y", source=self.near, size=15, marker="circle", line_width=1.2)
        number = fig.text(
            "x", "y", "text", source=self.near, text_font_size="10px", text_baseline="middle", **_TEXT
        )
        under = fig.scatter("x", "y", source=self.under, size=16, fill_color=None, line_width=2)
        head = fig.scatter("x", "y", source=self.head, size=18, marker="star", line_width=1.2)
        colour(near.glyph, *_PAPER, "fill_color")
        for ring in (near, under):
            colour(ring.glyph, *_INK, "line_color")
        colour(number.glyph, *_INK, "text_color")
        colour(head.glyph, *_INK, "fill_color")
        for edged in (guests, head):
            colour(edged.glyph, *_PAPER, "line_color")

    def _eruptions(self, fig: Figure) -> None:
        mapper = eruption_colours(self.bridge)
        fig.scatter(
            "x",
            "y",
            source=self.rings,
            size="size",
            marker="square",
            fill_color=None,
            line_width="width",
            line_color=mapper,
        )
        fig.text(
            "x",
            "y",
            "text",
            source=self.names,
            text_color=mapper,
            text_font_size="12px",
            text_font_style="bold",
            text_baseline="bottom",
            y_offset=-8,
            **_TEXT,
        )

    # -- what is shown ---------------------------------------------------------------------------

    def outline(self, windows: Sequence[tuple[str, np.ndarray]]) -> None:
        """Square rings around the times of eruptions, (name, places), with their names over one of them."""
        kinds = eruption_kinds(len(windows))
        places = [place for _, place in windows]
        tops = _apart(places)
        both = np.concatenate(places) if places else np.empty((0, 2))
        which = [kind for kind, place in zip(kinds, places, strict=True) for _ in place]
        sized = [_size(11, len(place)) for place in places]
        size = [one for one, place in zip(sized, places, strict=True) for _ in place]
        width = [one / 5.5 for one in size]
        self.rings.data = {**_xy(both), "which": which, "size": size, "width": width}
        self.names.data = {
            "x": [top[0] for top in tops],
            "y": [top[1] for top in tops],
            "text": [name for name, _ in windows],
            "which": kinds,
        }

    def choose(self, groups: Mapping[str, np.ndarray]) -> None:
        """Rings around the times of groups "a" and "b"."""
        for group, places in groups.items():
            size = _size(12 if group == "a" else 15, len(places))
            many = np.full(len(places), size)
            self.chosen[group].data = {**_xy(places), "size": many, "width": many / 7}

    def walk(self, path: np.ndarray) -> None:
        """A path whose last place is the time that is looked at."""
        self.path.data, self.head.data = _xy(path), _xy(path[-1:])

    def number(self, places: np.ndarray) -> None:
        """Neighbours, the nearest first."""
        self.near.data = {**_xy(places), "text": [str(i + 1) for i in range(len(places))]}

    def point_at(self, place: np.ndarray) -> None:
        """The ring under the pointer; an empty (0, 2) takes it away."""
        self.under.data = _xy(place)

    def receive(self, places: np.ndarray) -> None:
        """Times of a visitor's file."""
        self.guests.data = _xy(places)


def _size(most: float, points: int) -> float:
    """Of a ring: smaller where there are so many that they would hide what they stand around."""
    return float(np.clip(most * np.sqrt(60 / max(points, 1)), 3.5, most))


def _apart(groups: Sequence[np.ndarray]) -> list[np.ndarray]:
    """A place of each group where a name fits: the topmost of the first, then the furthest from those
    before."""
    out: list[np.ndarray] = []
    for places in groups:
        if out:
            distance = np.min([np.square(places - other).sum(axis=1) for other in out], axis=0)
            out.append(places[distance.argmax()])
        else:
            out.append(places[places[:, 1].argmax()])
    return out


def _xy(places: np.ndarray) -> dict[str, np.ndarray]:
    return {"x": places[:, 0], "y": places[:, 1]}
