"""Charts in the page's type and colours, light and dark: lines and points beside maps."""

from __future__ import annotations

__all__ = ["SERIES", "chart", "legend", "line", "points", "tools"]

from typing import Any

from bokeh.models import (
    BasicTicker,
    BoxZoomTool,
    ColumnDataSource,
    InlineStyleSheet,
    PanTool,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

from app.bridge import Bridge
from app.map_pane import SHAPE

#: Colours of series, (light, dark); the first two are the page's own and its baseline's.
SERIES = (
    ("#0b6b75", "#5cc3cd"),
    ("#8b6b2f", "#d9b26a"),
    ("#6a4c93", "#b79ae0"),
    ("#b03a2e", "#f08a7d"),
    ("#2f5fa8", "#8ab4f0"),
    ("#4d7c1f", "#a3cf74"),
    ("#a8327e", "#ee8cc9"),
    ("#5b6770", "#aab4ba"),
)


def chart(bridge: Bridge, name: str, *, x_label: str = "", y_label: str = "", **options: Any) -> figure:
    """An empty figure as high as a map of its width.

    name: its part in the layout. options: ranges and axis types, as for `bokeh.plotting.figure`.
    """
    fig = figure(
        **{
            "name": name,
            "title": None,
            "sizing_mode": "stretch_width",
            "height": 340,
            "tools": "",
            "toolbar_location": None,
            "min_border_left": 46,
            "min_border_right": 18,
            "min_border_top": 6,
            "border_fill_color": None,
            "outline_line_color": None,
            "background_fill_color": None,
            "stylesheets": [InlineStyleSheet(css=SHAPE)],
            **options,
        }
    )
    fig.xaxis.axis_label, fig.yaxis.axis_label = x_label or None, y_label or None
    if options.get("x_axis_type", "linear") == "linear":
        fig.xaxis.ticker = BasicTicker(desired_num_ticks=6)
    for axis in fig.axis:
        axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = None
        axis.major_label_text_font = axis.axis_label_text_font = "system-ui, sans-serif"
        axis.major_label_text_font_size = axis.axis_label_text_font_size = "11px"
        axis.axis_label_text_font_style = "normal"
        bridge.colour(axis, "#47545b", "#b4c0c6", "major_label_text_color", "axis_label_text_color")
    for grid in fig.grid:
        bridge.colour(grid, "#dde2e4", "#2c373d", "grid_line_color")
    return fig


def tools(fig: figure) -> None:
    """Pan, wheel zoom, box zoom, reset and save, as on the maps."""
    wheel = WheelZoomTool(maintain_focus=False)
    fig.add_tools(PanTool(), wheel, BoxZoomTool(), ResetTool(), SaveTool(filename=f"field-space-{fig.name}"))
    fig.toolbar_location, fig.toolbar_inner = "right", True
    fig.toolbar.autohide, fig.toolbar.logo = True, None
    fig.toolbar.active_scroll = wheel


def line(bridge: Bridge, fig: figure, x: str, y: str, source: ColumnDataSource, series: int, **options: Any):
    """A curve in a series' colour; returns its renderer. options: as for `figure.line`."""
    drawn = fig.line(x, y, source=source, **{"line_width": 2.2, **options})
    bridge.colour(drawn.glyph, *SERIES[series % len(SERIES)], "line_color")
    return drawn


def points(
    bridge: Bridge,
    fig: figure,
    x: str,
    y: str,
    source: ColumnDataSource,
    series: int | None = 0,
    **options: Any,
):
    """Points in a series' colour; with None, in what `options` says."""
    drawn = fig.scatter(x, y, source=source, **{"size": 7, "line_color": None, **options})
    if series is not None:
        bridge.colour(drawn.glyph, *SERIES[series % len(SERIES)], "fill_color")
    return drawn


def legend(bridge: Bridge, fig: figure, location: str = "top_right") -> None:
    """Dress the legend that `legend_label` has made."""
    made = fig.legend[0]
    made.update(
        location=location,
        background_fill_alpha=0.85,
        border_line_color=None,
        label_text_font="system-ui, sans-serif",
        label_text_font_size="11px",
    )
    bridge.colour(made, "#47545b", "#b4c0c6", "label_text_color")
    bridge.colour(made, "#f7f8f8", "#12181b", "background_fill_color")
