"""One map: a figure with the picture of a field, a colour bar, coastlines, a graticule and a hover.

Two pictures lie in each: the sharp one of the window and, under it, as soon as the window is not the whole
map, a coarse one of the whole sphere, so that zooming out never shows a hole.
"""

from __future__ import annotations

__all__ = ["SHAPE", "MapPane"]

from typing import cast

import numpy as np
from bokeh.models import (
    BasicTicker,
    BoxZoomTool,
    ColumnDataSource,
    CrosshairTool,
    HoverTool,
    Image,
    InlineStyleSheet,
    Line,
    LinearColorMapper,
    PanTool,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.models.annotations import ColorBar
from bokeh.plotting import figure as Figure

from app.colours import Scale, palette
from app.late_figure import LateFigure
from app.leaf_outlines import LeafOutlines
from app.map_set import MapSet
from app.projection import Projection
from app.sphere_view import Field, Window, pixel_index, render
from app.still import still
from app.wind_arrows import Wind, arrows

_BASE = Window(width=240, height=120)
_LEFT, _RIGHT, _TOP = 46, 18, 6
_HEIGHT = f"calc((100cqw - {_LEFT + _RIGHT}px) / var(--shape, 2) + var(--chrome, 84.5px))"
#: How high a figure is for its pane's width, which is 100cqw: the frame keeps its shape. Charts take it, too.
SHAPE = f":host {{ height: {_HEIGHT} !important; flex: 0 0 auto !important; }}"


class MapPane(LateFigure):
    """One figure of a MapSet; `draw` shows a field in it.

    mapper: given when two panes share one colour range.
    like: another pane whose pictures this one shows too; then nothing is drawn into this one.
    """

    def __init__(
        self,
        maps: MapSet,
        name: str,
        mapper: LinearColorMapper | None = None,
        like: MapPane | None = None,
    ) -> None:
        self.maps = maps
        self.name = name
        self.mapper = mapper or LinearColorMapper(palette=palette("thermal"), low=0.0, high=1.0)
        self.mapper.nan_color = "rgba(0, 0, 0, 0)"
        blank = np.full((2, 2), np.nan, np.float32)
        self.base: ColumnDataSource = like.base if like else ColumnDataSource(_picture(blank, _BASE))
        self.sharp: ColumnDataSource = like.sharp if like else ColumnDataSource(_picture(blank, _BASE))
        self.arrows: ColumnDataSource = like.arrows if like else ColumnDataSource({"x": [], "y": []})
        #: What is drawn over the field as arrows; None for nothing.
        self.wind: Wind | None = None
        self.outlines: ColumnDataSource = like.outlines if like else ColumnDataSource({"x": [], "y": []})
        #: Cells whose outlines are drawn over the field; None for nothing.
        self.leaves: LeafOutlines | None = None
        self.unit = ""
        # Not empty: the browser measures the bar once, and the words may come with a late first picture.
        self.title = "\u00a0"
        self._base_due = False
        self._base_blank = True
        maps.panes.append(self)

    @property
    def made(self) -> bool:
        """Whether the figure is there yet."""
        return self._made is not None

    def _dress(self, fig: Figure) -> None:
        self.maps.dress(fig)

    def _figure(self) -> Figure:
        maps, colour = self.maps, self.maps.bridge.colour
        wheel = WheelZoomTool(maintain_focus=False)
        fig = Figure(
            name=self.name,
            title=None,
            x_range=maps.x_range,
            y_range=maps.y_range,
            tools=[],
            sizing_mode="stretch_width",
            height=340,
            min_border_left=_LEFT,
            min_border_right=_RIGHT,
            min_border_top=_TOP,
            min_border_bottom=4,
            toolbar_location="right",
            toolbar_inner=True,
            border_fill_color=None,
            outline_line_color=None,
            stylesheets=[InlineStyleSheet(css=SHAPE)],
        )
        fig.toolbar.autohide = True
        fig.toolbar.logo = None
        colour(fig, "#eef1f2", "#20282d", "background_fill_color")
        self._image(fig, self.base)
        over = self._image(fig, self.sharp)
        grid = Line(x="x", y="y", line_width=0.7, line_alpha=0.55)
        coast = Line(x="x", y="y", line_width=0.9, line_alpha=0.85, line_join="round", line_color="#10181c")
        fig.add_glyph(maps.lines, grid, view=maps.line_view)
        fig.add_glyph(maps.coast, coast, view=maps.coast_view)
        # Dark on a pale rim, so that they are seen on any colour of a speed.
        rim = Line(x="x", y="y", line_width=2.6, line_alpha=0.45, line_color="#f4f8f9", line_cap="round")
        dart = Line(x="x", y="y", line_width=1.2, line_alpha=0.9, line_color="#0e161a", line_cap="round")
        for line in (rim, dart):
            fig.add_glyph(self.arrows, line)
        side = Line(x="x", y="y", line_width=0.6, line_alpha=0.5, line_color="#0e161a")
        fig.add_glyph(self.outlines, side)
        colour(grid, "#59656b", "#7d8a91", "line_color")
        self._axes(fig)
        self.hover = HoverTool(
            renderers=[over],
            attachment="vertical",
            formatters={"$x": maps.place},
            point_policy="follow_mouse",
        )
        self.hover.tooltips = self._tip()
        fig.add_tools(
            PanTool(),
            wheel,
            BoxZoomTool(match_aspect=True),
            ResetTool(),
            SaveTool(filename=f"field-space-{self.name}"),
            self.hover,
            CrosshairTool(overlay=maps.cross),
        )
        fig.toolbar.active_scroll = wheel
        self.bar = ColorBar(
            title=self.title,
            color_mapper=self.mapper,
            height=9,
            padding=4,
            margin=6,
            title_standoff=4,
            major_tick_line_color=None,
            bar_line_color=None,
            background_fill_color=None,
            ticker=BasicTicker(desired_num_ticks=6),
            title_text_font="system-ui, sans-serif",
            major_label_text_font="system-ui, sans-serif",
            title_text_font_size="11px",
            title_text_font_style="normal",
            major_label_text_font_size="11px",
        )
        colour(self.bar, "#47545b", "#b4c0c6", "title_text_color", "major_label_text_color")
        fig.add_layout(self.bar, "below")
        fig.on_change("inner_width", maps.resized)
        return fig

    def _image(self, fig, source: ColumnDataSource):
        glyph = Image(image="image", x="x", y="y", dw="dw", dh="dh", color_mapper=self.mapper)
        return fig.add_glyph(source, glyph, level="image", view=self.maps.image_view)

    def _axes(self, fig) -> None:
        maps, colour = self.maps, self.maps.bridge.colour
        fig.xaxis.ticker, fig.yaxis.ticker = fig.xgrid.ticker, fig.ygrid.ticker = maps.tickers
        fig.xaxis.formatter, fig.yaxis.formatter = maps.lon_format, maps.lat_format
        fig.axis.major_label_policy = maps.labels
        for axis in fig.axis:
            axis.axis_line_color = None
            axis.major_tick_line_color = None
            axis.major_label_text_font = "system-ui, sans-serif"
            axis.major_label_text_font_size = "11px"
            axis.major_label_standoff = 4
            colour(axis, "#47545b", "#b4c0c6", "major_label_text_color")
        for grid in fig.grid:
            grid.level = "glyph"
            grid.grid_line_color = "#59656b"
            grid.grid_line_alpha = 0.35
            grid.grid_line_width = 0.6

    def _tip(self) -> str:
        unit = self.unit.replace("<", "").replace("&", "")
        return (
            '<div style="font: 12px system-ui, sans-serif; white-space: nowrap">'
            f"<b>@image{{0,0.00}} {unit}</b><br>$x{{custom}}</div>"
        )

    def scale(self, scale: Scale, title: str) -> None:
        """Colours and the words on the bar."""
        colours = list(palette(scale.palette))
        if self.mapper.palette != colours:  # Bokeh checks each colour that it is given: 4 ms
            self.mapper.palette = colours
        self.mapper.update(low=scale.low, high=scale.high)
        self.title = title
        if self.made and self.bar.title != title:
            self.bar.title = title

    def unit_is(self, unit: str) -> None:
        """The unit that the hover writes behind values."""
        if self.unit != unit:
            self.unit = unit
            if self.made:
                self.hover.tooltips = self._tip()

    def draw(self, field: Field, projection: Projection, window: Window, *, base: bool = True) -> None:
        """Show a field; base: field or projection are new, not only the window."""
        self._base_due = self._base_due or base
        bounds = projection.bounds
        under = Window(*bounds, width=_BASE.width, height=_BASE.height)
        if _covers(window, bounds) or not field.complete:
            # Nothing is to be seen of the coarse picture, not even through gaps: it is not sent.
            if not self._base_blank:
                self.base.data = _picture(np.full((2, 2), np.nan, np.float32), under)
            self._base_blank = self._base_due = True
        elif self._base_due:
            image = render(field, projection, under).copy()
            image[_grown(pixel_index(projection, under, 0) < 0)] = np.nan
            self.base.data = _picture(image, under)
            self._base_blank = self._base_due = False
        self.sharp.data = _picture(render(field, projection, window), window)
        if self.wind is not None:
            self.arrows.data = arrows(self.wind, projection, window)
        elif len(self.arrows.data["x"]):
            self.arrows.data = {"x": [], "y": []}
        self.outline(projection, window)

    def outline(self, projection: Projection, window: Window) -> None:
        """Draw the outlines of cells where there are some to draw, for the window."""
        if self.leaves is not None:
            self.outlines.data = self.leaves.lines(projection, window)
        elif len(self.outlines.data["x"]):
            self.outlines.data = {"x": [], "y": []}

    def still(self) -> bytes:
        """What is shown, as a PNG of the frame's size."""
        data = {key: value[0] for key, value in self.sharp.data.items()}
        height, width = data["image"].shape
        x = (np.asarray(self.maps.coast.data["x"]) - data["x"]) * (width / data["dw"])
        y = (np.asarray(self.maps.coast.data["y"]) - data["y"]) * (height / data["dh"])
        low, high = (cast(float, end) for end in (self.mapper.low, self.mapper.high))  # set by `scale`
        return still(data["image"], [str(c) for c in self.mapper.palette], low, high, (x, y))


def _covers(window: Window, bounds: tuple[float, ...]) -> bool:
    x0, x1, y0, y1 = bounds
    near = 1e-6
    return (
        window.x0 <= x0 + near
        and window.x1 >= x1 - near
        and window.y0 <= y0 + near
        and window.y1 >= y1 - near
    )


def _grown(mask: np.ndarray) -> np.ndarray:
    """The mask and its four neighbours: a coarse pixel that sticks out over the globe's edge is left out."""
    if not mask.any():
        return mask
    out = mask.copy()
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    out[:, 1:] |= mask[:, :-1]
    out[:, :-1] |= mask[:, 1:]
    return out


def _picture(image: np.ndarray, window: Window) -> dict[str, list]:
    return {
        "image": [image],
        "x": [window.x0],
        "y": [window.y0],
        "dw": [window.x1 - window.x0],
        "dh": [window.y1 - window.y0],
    }
