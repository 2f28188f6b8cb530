"""Many small maps in one figure: every member as a tile, in the window that the large maps show.

A tile is a picture of bytes with its coastline burnt in, so that many of them are sent in one message of some
hundred kilobytes; a click chooses one, which is shown large elsewhere.
"""

from __future__ import annotations

__all__ = ["MemberMosaic", "tiling"]

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.core.property.vectorization import value
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, Image, LinearColorMapper, Range1d, Rect, Text
from bokeh.models.annotations import ColorBar
from bokeh.plotting import figure as Figure

from app.bridge import Bridge
from app.charts import chart
from app.colours import Scale, palette
from app.late_figure import LateFigure
from app.map_set import MapSet, inner
from app.projection import break_at_jumps
from app.sphere_view import Field, Window, render
from app.still import along
from fsae_core.archive.coastlines import coastline

SHAPE = 2.4
_WIDTH = 1000  # pixels of the frame, until the browser has said
_NOTHING, _COAST, _COLOURS = 0, 255, 253
_GAP = 0.03


def tiling(count: int, shape: float = SHAPE) -> tuple[int, int]:
    """(columns, rows) in which so many tiles, twice as wide as high, are largest in a frame of that shape."""
    best = max(range(1, count + 1), key=lambda c: min(shape / c, 2 / math.ceil(count / c)))
    return best, math.ceil(count / best)


class MemberMosaic(LateFigure):
    """The tiles of one session. chosen: called with the place of a tile that was clicked."""

    def __init__(self, bridge: Bridge, maps: MapSet, chosen: Callable[[int], None]) -> None:
        self._bridge, self._maps, self._chosen = bridge, maps, chosen
        self.tiles = ColumnDataSource({"image": [], "x": [], "y": [], "dw": [], "dh": []})
        self.names = ColumnDataSource({"x": [], "y": [], "name": []})
        self.frame = ColumnDataSource({"x": [], "y": [], "w": [], "h": []})
        self.mapper = LinearColorMapper(palette=palette("balance"), low=0.0, high=1.0)
        self._bytes = LinearColorMapper(palette=palette("balance", _COLOURS), low=1, high=_COLOURS)
        self._bytes.update(low_color="rgba(0, 0, 0, 0)", high_color="#3d4a50")
        self.x_range, self.y_range = Range1d(start=0.0, end=SHAPE), Range1d(start=-1.0, end=0.0)
        self._grid: tuple[int, int] = (1, 1)
        self._shape, self._count = SHAPE, 1
        self._framed: int | None = None
        self._fields: list[Field] = []
        self._words: list[str] = []
        self._scale = Scale("balance", -1.0, 1.0)
        self._drawn_for: tuple = ()
        self._title = " "

    # -- figure ----------------------------------------------------------------------------------

    def _figure(self) -> Figure:
        fig = chart(self._bridge, "members", x_range=self.x_range, y_range=self.y_range)
        fig.axis.visible = fig.grid.visible = False
        image = Image(image="image", x="x", y="y", dw="dw", dh="dh", color_mapper=self._bytes)
        fig.add_glyph(self.tiles, image, level="image")
        text = Text(x="x", y="y", text="name", text_baseline="bottom", x_offset=1, y_offset=-1)
        text.update(text_font=value("system-ui, sans-serif"), text_font_size=value("10px"))
        text.update(padding=2, background_fill_alpha=0.8)
        fig.add_glyph(self.names, text)
        self._bridge.colour(text, "#17211f", "#e8eef0", "text_color")
        self._bridge.colour(text, "#f7f8f8", "#12181b", "background_fill_color")
        edge = Rect(x="x", y="y", width="w", height="h", fill_color=None, line_width=2.5)
        fig.add_glyph(self.frame, edge)
        self._bridge.colour(edge, "#0b6b75", "#5cc3cd", "line_color")
        self.bar = ColorBar(
            title=self._title, color_mapper=self.mapper, height=9, padding=4, margin=6, title_standoff=4,
            major_tick_line_color=None, bar_line_color=None, background_fill_color=None,
            title_text_font="system-ui, sans-serif", title_text_font_size="11px",
            title_text_font_style="normal", major_label_text_font="system-ui, sans-serif",
            major_label_text_font_size="11px",
        )  # fmt: skip
        self._bridge.colour(self.bar, "#47545b", "#b4c0c6", "title_text_color", "major_label_text_color")
        fig.add_layout(self.bar, "below")
        fig.on_event(Tap, self.tapped)
        fig.on_change("inner_width", self._resized)
        fig.on_change("inner_height", self._resized)
        return fig

    def _resized(self, attr: str, old: Any, new: Any) -> None:
        wide, high = (inner(self._made, f"inner_{side}") for side in ("width", "height"))
        if wide and high and abs(wide / high / self._shape - 1) > 0.05:  # a phone's is higher than wide
            self._shape = wide / high
            self.x_range.end = self._shape
            self._grid = tiling(self._count, self._shape)
        if self._fields and self._places() != self._drawn_for[:4]:
            self._draw_all()
            self.choose(self._framed)

    def tapped(self, event: Any) -> None:
        """A click: which tile it hit."""
        columns, rows = self._grid
        wide, high = self._size
        column, row = int(event.x // wide), int(-event.y // high)
        place = row * columns + column
        if 0 <= column < columns and 0 <= row < rows and place < len(self._fields):
            self._chosen(place)

    # -- tiles -----------------------------------------------------------------------------------

    @property
    def _size(self) -> tuple[float, float]:
        """Of a tile in units of the frame's height, gap and name included."""
        columns, rows = self._grid
        wide = min(self._shape / columns, 2.0 / rows)
        return wide, wide / 2

    def _pixels(self) -> tuple[int, int]:
        width = inner(self._made, "inner_width") if self._made is not None else 0
        wide = max(32, min(360, round((width or _WIDTH) * self._size[0] / self._shape)))
        return wide, wide // 2

    def _places(self) -> tuple[int, int, tuple[int, int], float]:
        """What pixels and places of the tiles follow from: with the frame's shape the places move alone."""
        return (*self._pixels(), self._grid, self._shape)

    def begin(self, count: int) -> None:
        """Places for so many tiles, all empty."""
        self._count = count
        self._grid, self._fields, self._words = tiling(count, self._shape), [], []
        self.tiles.data = {"image": [], "x": [], "y": [], "dw": [], "dh": []}
        self.names.data = {"x": [], "y": [], "name": []}
        self.frame.data = {"x": [], "y": [], "w": [], "h": []}

    def scale(self, scale: Scale, title: str) -> bool:
        """Colours of all tiles and the words on the bar; True when tiles have to be drawn again."""
        self._title = title
        if self._made is not None and self.bar.title != title:
            self.bar.title = title
        if scale == self._scale:
            return False
        self._scale = scale
        self.mapper.update(palette=palette(scale.palette), low=scale.low, high=scale.high)
        self._bytes.palette = palette(scale.palette, _COLOURS)
        return True

    def show(self, fields: list[Field], names: list[str], *, afresh: bool) -> None:
        """Tiles of these fields. afresh: all are drawn; otherwise only those that are new at the end."""
        have = len(self._fields)
        seen = (*self._places(), self._maps.bounds, self._maps.projection)
        self._fields, self._words = fields, names
        if afresh or seen != self._drawn_for or have > len(fields):
            self._draw_all()
        elif have < len(fields):
            new = list(range(have, len(fields)))
            self.tiles.stream(self._columns(new))
            self.names.stream(self._labels(new))

    def choose(self, place: int | None) -> None:
        """Put the frame round a tile."""
        self._framed = place
        if place is None or not 0 <= place < len(self._fields):
            self.frame.data = {"x": [], "y": [], "w": [], "h": []}
            return
        x, y, dw, dh = self._box(place)
        self.frame.data = {"x": [x + dw / 2], "y": [y + dh / 2], "w": [dw], "h": [dh]}

    def _draw_all(self) -> None:
        self._drawn_for = (*self._places(), self._maps.bounds, self._maps.projection)
        places = list(range(len(self._fields)))
        self.tiles.data = self._columns(places)
        self.names.data = self._labels(places)

    def _box(self, place: int) -> tuple[float, float, float, float]:
        """Left, bottom, width, height of a tile's picture."""
        columns, _ = self._grid
        wide, high = self._size
        row, column = divmod(place, columns)
        air = _GAP * wide
        return column * wide, air / 2 - (row + 1) * high, wide - air, high - air / 2

    def _columns(self, places: list[int]) -> dict[str, Any]:
        x0, x1, y0, y1 = self._maps.bounds
        width, height = self._pixels()
        window, projection = Window(x0, x1, y0, y1, width, height), self._maps.projection
        lines = self._coast(window)
        out: dict[str, Any] = {"image": [], "x": [], "y": [], "dw": [], "dh": []}
        for place in places:
            picture = render(self._fields[place], projection, window)
            image = _as_bytes(picture, self._scale)
            image[lines[1], lines[0]] = _COAST
            box = self._box(place)
            for name, part in zip(("image", "x", "y", "dw", "dh"), (image, *box), strict=True):
                out[name].append(part)
        return out

    def _coast(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (x, y) of the coastline."""
        lon, lat = coastline("110m").T
        x, y = break_at_jumps(*self._maps.projection.forward(lon, lat))
        width, height = window.sized()
        x = (x - window.x0) * (width / (window.x1 - window.x0))
        y = (y - window.y0) * (height / (window.y1 - window.y0))
        x, y = along(x, y)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        return x[inside].astype(int), y[inside].astype(int)

    def _labels(self, places: list[int]) -> dict[str, Any]:
        boxes = [self._box(place) for place in places]
        return {
            "x": [box[0] for box in boxes],
            "y": [box[1] for box in boxes],
            "name": [self._words[place] for place in places],
        }


def _as_bytes(picture: np.ndarray, scale: Scale) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        place = (picture - scale.low) * (_COLOURS / max(scale.high - scale.low, 1e-30))
        step = np.clip(np.nan_to_num(place), 0, _COLOURS - 1).astype(np.uint8) + 1
    return np.where(np.isfinite(picture), step, _NOTHING).astype(np.uint8)
