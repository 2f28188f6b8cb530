"""A quantity through time, with the chosen groups, the eruptions and the time that is looked at."""

from __future__ import annotations

__all__ = ["Timeline"]

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from bokeh.core.properties import value
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, DataRange1d, HoverTool
from bokeh.models.annotations import Span
from bokeh.plotting import figure as Figure

from app import charts
from app.bridge import Bridge
from app.late_figure import LateFigure
from app.latent_marks import GROUP_SERIES, eruption_colours, eruption_kinds
from app.quantities import Coloured

_MOST = 4000
_DAY_MS = 86_400_000.0


class Timeline(LateFigure):
    """on_tap: told the clicked time, milliseconds since 1970."""

    def __init__(self, bridge: Bridge, on_tap: Callable[[float], None]) -> None:
        self._bridge, self._on_tap = bridge, on_tap
        self.line = ColumnDataSource({"time": [], "value": [], "label": []})
        self.chosen = {group: ColumnDataSource({"time": [], "value": []}) for group in GROUP_SERIES}
        self.bands = ColumnDataSource({"left": [], "right": [], "text": [], "top": [], "which": []})
        self.now = Span(dimension="height", line_width=1.5)
        self.zero = Span(dimension="width", location=0, line_width=1, line_dash="4 3")
        self._title = ""
        self._top = 0.0

    def _dress(self, fig: Figure) -> None:
        fig.yaxis.axis_label = self._title

    def _figure(self) -> Figure:
        bridge = self._bridge
        fig = charts.chart(
            bridge,
            "timeline",
            x_axis_type="datetime",
            y_range=DataRange1d(range_padding=0.14),
        )
        mapper = eruption_colours(bridge)
        fig.vstrip("left", "right", source=self.bands, fill_alpha=0.14, line_color=None, fill_color=mapper)
        fig.text(
            "left",
            "top",
            "text",
            source=self.bands,
            text_color=mapper,
            text_font=value("system-ui, sans-serif"),
            text_font_size="11px",
            text_font_style="bold",
            x_offset=3,
            text_baseline="bottom",
        )
        line = fig.line("time", "value", source=self.line, line_width=1.2)
        bridge.colour(line.glyph, "#8b969b", "#7a878d", "line_color")
        for group, colours in GROUP_SERIES.items():
            shown = fig.scatter(
                "time",
                "value",
                source=self.chosen[group],
                size=6,
                line_color=None,
                legend_label=group.upper(),
            )
            bridge.colour(shown.glyph, *colours, "fill_color")
        bridge.colour(self.now, "#17211f", "#e8eef0", "line_color")
        bridge.colour(self.zero, "#8b969b", "#7a878d", "line_color")
        fig.add_layout(self.now)
        fig.add_layout(self.zero)
        charts.legend(bridge, fig, "bottom_left")
        fig.legend[0].orientation = "horizontal"
        charts.tools(fig)
        fig.add_tools(
            HoverTool(
                renderers=[line], mode="vline", tooltips="<b>@label</b> @value{0.00}", line_policy="nearest"
            )
        )
        fig.on_event(Tap, lambda event: self._on_tap(float(event.x)))
        return fig

    def show(self, times: np.ndarray, labels: Sequence[str], coloured: Coloured) -> None:
        """The whole record; a very long one thinned."""
        step = max(1, len(times) // _MOST)
        self.line.data = {
            "time": times[::step],
            "value": coloured.values[::step],
            "label": list(labels[::step]),
        }
        self._title = coloured.title
        known = coloured.values[np.isfinite(coloured.values)]
        self._top = float(known.max()) if known.size else 0.0
        self.zero.visible = bool(known.size and known.min() < 0 < known.max())
        self.bands.data = {**self.bands.data, "top": [self._top] * len(self.bands.data["left"])}
        self._dress_made()

    def mark(self, windows: Sequence[tuple[str, np.ndarray]]) -> None:
        """Windows of eruptions: (name, times)."""
        self.bands.data = {
            "left": [times.min() for _, times in windows],
            "right": [times.max() + np.timedelta64(28, "D") for _, times in windows],
            "text": [name for name, _ in windows],
            "top": [self._top for _ in windows],
            "which": eruption_kinds(len(windows)),
        }

    def choose(self, groups: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
        """Times and values of the groups."""
        for group, (times, values) in groups.items():
            self.chosen[group].data = {"time": times, "value": values}

    def at(self, time: np.datetime64 | None) -> None:
        """Where the record is looked at; None outside."""
        self.now.visible = time is not None
        if time is not None:
            self.now.location = float(time.astype("datetime64[ms]").astype(np.int64))
