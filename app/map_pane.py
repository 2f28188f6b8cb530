"""One map: a figure with the picture of a field, a colour bar, coastlines, a graticule and a hover.

Two pictures lie in each: a coarse one of the whole sphere that is always there, so that zooming out never
shows a hole, and on it the sharp one of the window.
"""

from __future__ import annotations

__all__ = ["SHAPE", "MapPane"]

import numpy as np
from bokeh.models import (
    AdaptiveTicker,
    BasicTicker,
    BoxZoomTool,
    ColumnDataSource,
    CrosshairTool,
    CustomJSTickFormatter,
    HoverTool,
    InlineStyleSheet,
    LinearColorMapper,
    PanTool,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.models.annotations import ColorBar
from bokeh.plotting import figure

from app import places
from app.colours import Scale, palette
from app.map_set import MapSet
from app.projection import Projection
from app.sphere_view import Field, Window, pixel_index, render

_BASE = Window(width=240, height=120)
_LEFT, _RIGHT, _TOP = 46, 18, 6
#: How high a figure is for its pane's width, which is 100cqw: the frame keeps its shape. Charts take it, too.
SHAPE = f":host {{ height: calc((100cqw - {_LEFT + _RIGHT}px) / var(--shape, 2) + 84.5px) !important; }}"


class MapPane:
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
        self.unit = ""
        self.figure = self._figure()
        maps.panes.append(self)

    def _figure(self):
        maps, colour = self.maps, self.maps.bridge.colour
        wheel = WheelZoomTool(maintain_focus=False)
        fig = figure(
            name=self.name,
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
        under = self._image(fig, self.base)
        over = self._image(fig, self.sharp)
        under.level = over.level = "image"
        grid = fig.line("x", "y", source=maps.lines, line_width=0.6, line_alpha=0.45)
        edge = fig.line("x", "y", source=maps.edge, line_width=1)
        coast = fig.line("x", "y", source=maps.coast, line_width=0.9, line_alpha=0.85)
        coast.glyph.line_join = "round"
        coast.glyph.line_color = "#10181c"
        grid.glyph.line_color = "#59656b"
        colour(edge.glyph, "#8b979d", "#66737a", "line_color")
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
            # Not empty: the browser measures the bar once, and the words may come with a late first picture.
            title="\u00a0",
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
        return fig

    def _image(self, fig, source: ColumnDataSource):
        return fig.image("image", x="x", y="y", dw="dw", dh="dh", source=source, color_mapper=self.mapper)

    def _axes(self, fig) -> None:
        colour = self.maps.bridge.colour
        for axis, count, widest in ((fig.xaxis, 7, 60), (fig.yaxis, 5, 30)):
            axis.ticker = AdaptiveTicker(
                base=10,
                mantissas=[1, 2, 3, 6],
                max_interval=widest,
                num_minor_ticks=0,
                desired_num_ticks=count,
            )
        fig.xaxis.formatter = self.maps.lon_format
        fig.yaxis.formatter = CustomJSTickFormatter(code=places.LATITUDE)
        fig.xgrid.ticker, fig.ygrid.ticker = fig.xaxis[0].ticker, fig.yaxis[0].ticker
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
        self.mapper.update(palette=palette(scale.palette), low=scale.low, high=scale.high)
        if self.bar.title != title:
            self.bar.title = title

    def unit_is(self, unit: str) -> None:
        """The unit that the hover writes behind values."""
        if self.unit != unit:
            self.unit = unit
            self.hover.tooltips = self._tip()

    def draw(self, field: Field, projection: Projection, window: Window, *, base: bool = True) -> None:
        """Show a field; base: also renew the picture that lies under the window's."""
        if base:
            whole = projection.bounds
            under = Window(*whole, width=_BASE.width, height=_BASE.height)
            if field.complete:
                image = render(field, projection, under).copy()
                zoom_free = pixel_index(projection, under, 0) < 0
                image[_grown(zoom_free)] = np.nan
            else:
                # where values are missing the coarse picture would show through the gaps
                image = np.full((2, 2), np.nan, np.float32)
            self.base.data = _picture(image, under)
        self.sharp.data = _picture(render(field, projection, window), window)


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
