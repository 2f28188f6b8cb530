"""The map of times: one point a compressed field, coloured by what is known of it.

Few points are drawn one by one, very many as one picture; what is chosen is always drawn. The pointer and
drags are told to the server, which finds the time: the browser holds no table of fifty thousand points, and
plain Bokeh needs none of the selections that overlays lose (holoviews#3533).
"""

from __future__ import annotations

__all__ = ["LatentMap", "Reach"]

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.events import MouseLeave, MouseMove, Reset, Tap
from bokeh.models import (
    BasicTicker,
    BoxSelectTool,
    ColumnDataSource,
    CustomJS,
    FixedTicker,
    Image,
    LassoSelectTool,
    LinearColorMapper,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    TapTool,
    WheelZoomTool,
)
from bokeh.models.annotations import ColorBar
from bokeh.plotting import figure as Figure

from app import charts
from app.bridge import Bridge
from app.colours import palette
from app.latent_marks import Marks
from app.point_cloud import MANY, cloud
from app.quantities import MONTHS, Coloured
from fsae_core.assets import asset_path

SHAPE = 0.8
_GREY = ("#c3cacd", "#46525a")
_GUESS = (480, 600)
_BLANK = np.full((2, 2), np.nan, np.float32)
Window = tuple[float, float, float, float]
Reach = tuple[float, float]


class LatentMap:
    """The figure and its sources.

    on_tap: (x, y, reach) of a click; on_drag: geometry of a lasso or box; on_look: the window has changed;
    on_hover: (x, y, reach) or None; reach: (x, y) that a few pixels are.
    """

    def __init__(
        self,
        bridge: Bridge,
        on_tap: Callable[[float, float, Reach], None],
        on_drag: Callable[[dict[str, Any]], None],
        on_look: Callable[[], None],
        on_hover: Callable[[tuple[float, float, Reach] | None], None],
    ) -> None:
        self.bridge = bridge
        self._on_tap, self._on_drag, self._on_look, self._on_hover = on_tap, on_drag, on_look, on_hover
        self.x_range, self.y_range = Range1d(start=0, end=1), Range1d(start=0, end=1)
        self.mapper = LinearColorMapper(palette=palette("phase"), low=0.5, high=12.5)
        self.points = ColumnDataSource({"x": [], "y": [], "value": []})
        self.rest = ColumnDataSource({"x": [], "y": []})
        self.picture = ColumnDataSource(_picture(_BLANK, (0, 1, 0, 1)))
        self.grey_picture = ColumnDataSource(_picture(_BLANK, (0, 1, 0, 1)))
        self.marks = Marks(bridge)
        self.asked = ColumnDataSource({"x": [], "y": [], "rx": [], "ry": []})
        self.told = ColumnDataSource({"label": [], "note": [], "picture": []})
        self.figure = self._figure()
        for edges in (self.x_range, self.y_range):
            for edge in ("start", "end"):
                edges.on_change(edge, self._moved)
        for name in ("inner_width", "inner_height"):
            self.figure.on_change(name, self._moved)

    # -- the figure ------------------------------------------------------------------------------

    def _figure(self) -> Figure:
        bridge = self.bridge
        fig = charts.chart(
            bridge,
            "map",
            x_range=self.x_range,
            y_range=self.y_range,
            min_border_left=18,
            min_border_right=4,
            min_border_bottom=4,
            lod_threshold=None,
        )
        fig.axis.visible = False
        fig.grid.visible = False
        bridge.colour(fig, "#eef1f2", "#20282d", "background_fill_color")
        grey = LinearColorMapper(palette=[_GREY[0]], low=0, high=1, nan_color="rgba(0, 0, 0, 0)")
        bridge.colour(grey, [_GREY[0]], [_GREY[1]], "palette")
        self.mapper.nan_color = "rgba(0, 0, 0, 0)"
        for source, mapper in ((self.grey_picture, grey), (self.picture, self.mapper)):
            fig.add_glyph(source, Image(image="image", x="x", y="y", dw="dw", dh="dh", color_mapper=mapper))
        self.marks.add_path(fig)
        rest = fig.scatter("x", "y", source=self.rest, size=6, line_color=None)
        bridge.colour(rest.glyph, *_GREY, "fill_color")
        value: Any = {"field": "value", "transform": self.mapper}
        points = fig.scatter("x", "y", source=self.points, size=8, fill_color=value, line_width=0.6)
        bridge.colour(points.glyph, "#ffffff", "#12181b", "line_color")
        self.marks.add(fig)
        self._tools(fig)
        self.bar = ColorBar(
            color_mapper=self.mapper,
            title="\u00a0",
            height=9,
            padding=4,
            margin=6,
            title_standoff=4,
            major_tick_line_color=None,
            bar_line_color=None,
            background_fill_color=None,
            title_text_font="system-ui, sans-serif",
            major_label_text_font="system-ui, sans-serif",
            title_text_font_size="11px",
            title_text_font_style="normal",
            major_label_text_font_size="11px",
        )
        bridge.colour(self.bar, "#47545b", "#b4c0c6", "title_text_color", "major_label_text_color")
        fig.add_layout(self.bar, "below")
        return fig

    def _tools(self, fig: Figure) -> None:
        wheel = WheelZoomTool(maintain_focus=False)
        self.drags: dict[str, Any] = {
            "lasso": LassoSelectTool(renderers=[], continuous=False, persistent=False),
            "box": BoxSelectTool(renderers=[], continuous=False, persistent=False),
            "pan": PanTool(),
        }
        fig.add_tools(
            *self.drags.values(), wheel, TapTool(renderers=[]), ResetTool(), SaveTool(filename="latent-map")
        )
        # Beside the frame: over it, points at the right edge could not be reached.
        fig.toolbar_location, fig.toolbar_inner, fig.toolbar.logo = "right", False, None
        fig.toolbar.active_scroll = wheel
        fig.on_event(Tap, lambda event: self._on_tap(event.x, event.y, self.reach))
        fig.on_event("selectiongeometry", self._dragged)
        fig.on_event(Reset, lambda _: self.look_at(self.whole))
        code = asset_path("style", "hover.js").read_text(encoding="utf-8")
        args = {
            "asked": self.asked,
            "told": self.told,
            "figure": fig,
            "xs": self.x_range,
            "ys": self.y_range,
        }
        script = CustomJS(args=args, code=code)
        fig.js_on_event(MouseMove, script)
        fig.js_on_event(MouseLeave, script)
        self.told.js_on_change("data", script)
        self.asked.on_change("data", self._hovered)

    def _moved(self, attr: str, old: Any, new: Any) -> None:
        self._on_look()

    def _dragged(self, event: Any) -> None:
        # A click is told as the geometry "point", too.
        if event.final and event.geometry is not None and event.geometry["type"] in ("poly", "rect"):
            self._on_drag(dict(event.geometry))

    def _hovered(self, attr: str, old: Any, new: Any) -> None:
        if len(new["x"]) == 0:
            self._on_hover(None)
        else:
            x, y, rx, ry = (float(new[key][0]) for key in ("x", "y", "rx", "ry"))
            self._on_hover((x, y, (rx, ry)))

    def drag_is(self, drag: str) -> None:
        """What dragging does: "lasso", "box" or "pan"."""
        self.figure.toolbar.active_drag = self.drags[drag]

    def tell(self, label: str, note: str, picture: str) -> None:
        """What lies under the pointer; an empty label: nothing."""
        self.told.data = {"label": [label], "note": [note], "picture": [picture]}

    # -- windows ---------------------------------------------------------------------------------

    whole: Window = (0.0, 1.0, 0.0, 1.0)

    def fit(self, places: np.ndarray) -> None:
        """The whole map is the window that holds these points, (n, 2)."""
        low, high = places.min(axis=0), places.max(axis=0)
        middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-6) * 1.07
        half[1] = max(half[1], half[0] / SHAPE)  # so that distances are alike in both directions
        half[0] = max(half[0], half[1] * SHAPE)
        x0, y0 = middle - half
        x1, y1 = middle + half
        self.whole = (float(x0), float(x1), float(y0), float(y1))
        self.x_range.update(reset_start=x0, reset_end=x1)
        self.y_range.update(reset_start=y0, reset_end=y1)

    def look_at(self, window: Window) -> None:
        """Move to (x0, x1, y0, y1)."""
        self.x_range.update(start=window[0], end=window[1])
        self.y_range.update(start=window[2], end=window[3])

    @property
    def window(self) -> Window:
        x, y = self.x_range, self.y_range
        # To Bokeh an end may be a date too; here it never is.
        x0, x1, y0, y1 = (float(cast(float, end)) for end in (x.start, x.end, y.start, y.end))
        return (x0, x1, y0, y1)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the frame in pixels, a guess until the browser has said."""
        try:
            size = int(self.figure.inner_width or 0), int(self.figure.inner_height or 0)
        except UnsetValueError:
            return _GUESS
        return size if min(size) > 0 else _GUESS

    @property
    def reach(self) -> Reach:
        """What a few pixels are on the map."""
        (x0, x1, y0, y1), (width, height) = self.window, self.size
        return (12 * (x1 - x0) / width, 12 * (y1 - y0) / height)

    # -- what is shown ---------------------------------------------------------------------------

    def paint(self, coloured: Coloured) -> None:
        """Colours and the words on the bar."""
        self.mapper.update(palette=palette(coloured.palette), low=coloured.low, high=coloured.high)
        if coloured.cyclic:
            ticker: Any = FixedTicker(ticks=list(range(1, 13)))
            labels: dict[float, str] = {i + 1: name for i, name in enumerate(MONTHS)}
        else:
            ticker, labels = BasicTicker(desired_num_ticks=6), {}
        self.bar.update(ticker=ticker, major_label_overrides=labels, title=coloured.title)

    def draw(self, places: np.ndarray, coloured: Coloured, bright: np.ndarray | None) -> None:
        """Show the points (n, 2). bright: mask of those that keep their colours, the others go grey; None:
        all."""
        colour = np.ones(len(places), bool) if bright is None else bright
        told = colour & np.isfinite(coloured.values)
        if len(places) > MANY:
            window, size = self.window, self.size
            period = 12.0 if coloured.cyclic else None
            image = cloud(places[told], coloured.values[told], window, size, period)
            grey = cloud(places[~told], np.zeros((~told).sum()), window, size)
            self.picture.data, self.grey_picture.data = _picture(image, window), _picture(grey, window)
            self.points.data, self.rest.data = {"x": [], "y": [], "value": []}, {"x": [], "y": []}
            return
        if self.picture.data["image"][0] is not _BLANK:
            self.picture.data = _picture(_BLANK, (0, 1, 0, 1))
            self.grey_picture.data = _picture(_BLANK, (0, 1, 0, 1))
        x, y = places.T
        self.points.data = {"x": x[told], "y": y[told], "value": coloured.values[told]}
        self.rest.data = {"x": x[~told], "y": y[~told]}


def _picture(image: np.ndarray, window: tuple[float, ...]) -> dict[str, list[Any]]:
    x0, x1, y0, y1 = window
    return {"image": [image], "x": [x0], "y": [y0], "dw": [x1 - x0], "dh": [y1 - y0]}
