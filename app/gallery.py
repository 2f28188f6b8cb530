"""The pictures of the Compress page: four linked maps, a swipe of two more, the error by latitude."""

from __future__ import annotations

__all__ = ["PANES", "Gallery"]

import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    CustomJSTickFormatter,
    DataRange1d,
    HoverTool,
    InlineStyleSheet,
    Range1d,
)
from bokeh.plotting import figure

from app import places
from app.bridge import Bridge
from app.colours import Scale, error_scale, field_scale
from app.map_pane import MapPane, MapSet
from app.projection import Projection, break_at_jumps
from app.resolve import Shown
from app.sphere_view import Window, render
from app.state import PageState
from fsae_core.archive.coastlines import coastline

#: key, name, name on a phone, figures
PANES = (
    ("original", "Original", "Original", ("original",)),
    ("reconstruction", "Reconstruction", "Recon.", ("reconstruction",)),
    ("difference", "Difference", "Diff.", ("difference",)),
    ("compressed", "Compressed field", "Compr.", ("compressed",)),
    ("swipe", "Swipe", "Swipe", ("swipe_left", "swipe_right")),
    ("latitude", "Error against latitude", "Latitude", ("latitude",)),
)
_GUESS = 500  # pixels across a map, until the browser has said
_FINE_BELOW = 90.0  # degrees of longitude in the window below which the finer coastline is drawn


class Gallery:
    """All figures of one session; `show` changes what they show, `look` from where."""

    def __init__(self, bridge: Bridge, state: PageState) -> None:
        self.state = state
        self.bridge = bridge
        self.maps = MapSet(bridge, self.projection, state.window)
        self.original = MapPane(self.maps, "original")
        shared = self.original.mapper
        self.reconstruction = MapPane(self.maps, "reconstruction", shared)
        self.difference = MapPane(self.maps, "difference")
        self.compressed = MapPane(self.maps, "compressed")
        # The swipe's two maps show the very sources of the first two panes: nothing is sent twice.
        self.swipe_left = MapPane(self.maps, "swipe_left", shared, like=self.original)
        self.swipe_right = MapPane(self.maps, "swipe_right", shared, like=self.reconstruction)
        self._curve = ColumnDataSource({"lat": [], "rmse": []})
        self._plain = ColumnDataSource({"lat": [], "rmse": []})
        self.latitude = self._chart()
        self._shown: Shown | None = None
        self.drawn_width = _GUESS
        self._drawn_projection: tuple[Projection, bool] | None = None

    @property
    def projection(self) -> Projection:
        globe = self.state.projection == "globe"
        return Projection(self.state.projection, self.state.lon0, self.state.lat0 if globe else 0.0)

    @property
    def figures(self) -> dict[str, figure]:
        return {pane.name: pane.figure for pane in self.maps.panes} | {"latitude": self.latitude}

    @property
    def window(self) -> Window:
        """What the maps show now, with the pixels they have in the browser."""
        widths = [_inner(pane.figure, "inner_width") for pane in self.maps.panes]
        width = max(widths) or _GUESS
        heights = [
            _inner(p.figure, "inner_height")
            for p, w in zip(self.maps.panes, widths, strict=True)
            if w == width
        ]
        return Window(*self.maps.window, width, max(heights, default=0) or width // 2)

    def show(self, shown: Shown) -> None:
        """Put a new picture into all panes."""
        self._shown = shown
        fields = self._fields(shown)
        unit = shown.archive.unit(shown.asked.variable)
        for pane in self.maps.panes:
            pane.unit_is(unit)
        window = self.window
        self.drawn_width = window.width
        for pane, field in fields:
            pane.draw(field, self.projection, window)
        self._colours(shown, unit)
        lat, rmse = shown.picture.by_latitude
        self._curve.data = {"lat": lat, "rmse": rmse}
        lat, rmse = shown.picture.plain_by_latitude
        self._plain.data = {"lat": lat, "rmse": rmse}
        self.latitude.xaxis.axis_label = f"RMSE, {unit}" if unit else "RMSE"
        self.latitude.legend.items[1].visible = self._plain_line.visible = shown.asked.method != "block-mean"

    def look(self) -> None:
        """Draw what is shown again, for the window and the projection of now."""
        projection, window = self.projection, self.window
        fine = window.x1 - window.x0 < _FINE_BELOW
        moved = self._drawn_projection is None or self._drawn_projection[0] != projection
        if self._drawn_projection != (projection, fine):
            self._drawn_projection = (projection, fine)
            lon, lat = coastline("50m" if fine else "110m").T
            self.maps.project(projection, break_at_jumps(*projection.forward(lon, lat)))
        if self._shown is None:
            return
        self.drawn_width = window.width
        for pane, field in self._fields(self._shown):
            pane.draw(field, projection, window, base=moved)
        if self.state.fit:
            self._colours(self._shown, self._shown.archive.unit(self._shown.asked.variable))

    def recolour(self) -> None:
        if self._shown is not None:
            self._colours(self._shown, self._shown.archive.unit(self._shown.asked.variable))

    def _fields(self, shown: Shown):
        p = shown.picture
        return (
            (self.original, p.truth),
            (self.reconstruction, p.recon),
            (self.difference, p.error),
            (self.compressed, p.compressed),
        )

    def _colours(self, shown: Shown, unit: str) -> None:
        scale, error, coarse = shown.scale, shown.error, shown.coarse
        if self.state.fit:
            p = shown.picture
            here = [render(f, self.projection, self.window) for f in (p.truth, p.error, p.compressed)]
            same = coarse == scale
            scale = _fitted(shown.asked.variable, here[0], scale)
            error = error_scale(here[1])
            coarse = scale if same else error_scale(here[2])
        name = shown.asked.variable
        text = f"{name}, {unit}" if unit else name
        for pane in (self.original, self.reconstruction, self.swipe_left, self.swipe_right):
            pane.scale(scale, text)
        self.difference.scale(error, f"difference, {unit}" if unit else "difference")
        self.compressed.scale(coarse, text if coarse == scale else f"{text}, anomaly")

    def _chart(self):
        fig = figure(
            name="latitude",
            sizing_mode="stretch_width",
            height=340,
            x_range=DataRange1d(start=0, only_visible=True),
            y_range=Range1d(start=-90, end=90),
            tools="",
            toolbar_location=None,
            min_border_left=46,
            min_border_right=18,
            min_border_top=6,
            border_fill_color=None,
            outline_line_color=None,
            background_fill_color=None,
            stylesheets=[
                InlineStyleSheet(css=":host { height: calc((100cqw - 64px) / 2 + 84.5px) !important; }")
            ],
        )
        colour = self.bridge.colour
        self._plain_line = fig.line(
            "rmse",
            "lat",
            source=self._plain,
            line_width=1.5,
            line_dash="4 3",
            legend_label="block mean + smooth",
        )
        line = fig.line("rmse", "lat", source=self._curve, line_width=2.2, legend_label="this reconstruction")
        # the picture itself first in the legend
        fig.legend.items.reverse()
        colour(line.glyph, "#0b6b75", "#5cc3cd", "line_color")
        colour(self._plain_line.glyph, "#8b6b2f", "#d9b26a", "line_color")
        fig.yaxis.ticker = [-90, -60, -30, 0, 30, 60, 90]
        fig.yaxis.formatter = CustomJSTickFormatter(code=places.LATITUDE)
        fig.xaxis.ticker = BasicTicker(desired_num_ticks=6)
        for axis in fig.axis:
            axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = None
            axis.major_label_text_font = axis.axis_label_text_font = "system-ui, sans-serif"
            axis.major_label_text_font_size = axis.axis_label_text_font_size = "11px"
            axis.axis_label_text_font_style = "normal"
            colour(axis, "#47545b", "#b4c0c6", "major_label_text_color", "axis_label_text_color")
        for grid in fig.grid:
            colour(grid, "#dde2e4", "#2c373d", "grid_line_color")
        legend = fig.legend[0]
        legend.update(
            location="top_right",
            background_fill_alpha=0.85,
            border_line_color=None,
            label_text_font="system-ui, sans-serif",
            label_text_font_size="11px",
        )
        colour(legend, "#47545b", "#b4c0c6", "label_text_color")
        colour(legend, "#f7f8f8", "#12181b", "background_fill_color")
        fig.add_tools(HoverTool(renderers=[line], mode="hline", tooltips="<b>@rmse{0.000}</b> at @lat{0.0}°"))
        return fig


def _fitted(variable: str, values: np.ndarray, whole: Scale) -> Scale:
    found = field_scale(variable, values)
    return found if np.isfinite(values).any() else whole


def _inner(fig, name: str) -> int:
    try:
        return int(getattr(fig, name) or 0)
    except UnsetValueError:  # the browser has not said yet
        return 0
