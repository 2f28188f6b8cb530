"""Where two methods lose what: by scale, by latitude, by the steepness of the ground."""

from __future__ import annotations

__all__ = ["PairChart", "coherence_chart", "latitude_chart", "power_chart", "steepness_chart"]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    CustomJSTickFormatter,
    FixedTicker,
    HoverTool,
    Range1d,
)
from bokeh.models.annotations import Legend, LegendItem, Span
from bokeh.plotting import figure as Figure

from app import charts, places
from app.bridge import Bridge
from app.compare_state import method_name
from app.late_figure import LateFigure
from app.method_colours import colour_of, dash_of

Row = Mapping[str, Any]
_SIZE_KM = 6500.0
"""Edge of a cell of zoom 0."""


class PairChart(LateFigure):
    """Two curves, A's and B's, of one figure of a row.

    upright: the figure runs along x and the place along y, as latitudes do. legend: where it lies.
    floor: where the axis of the figure begins; by default just below its values.
    options: as for `app.charts.chart`. tip: of the hover.
    """

    def __init__(
        self,
        bridge: Bridge,
        name: str,
        key: str,
        tip: str,
        *,
        upright: bool = False,
        legend: str = "top_left",
        floor: float | None = None,
        **options: Any,
    ) -> None:
        self._bridge, self.name, self.key, self._tip = bridge, name, key, tip
        self._upright, self._where, self._options = upright, legend, options
        self._names = ["A", "B"]
        self._floor = floor
        self._zooms = Range1d(start=-0.3, end=6.3)
        self._range = Range1d(start=0.0, end=1.0)
        self._options["x_range" if upright else "y_range"] = self._range
        self.sources = [ColumnDataSource({"place": [], "value": []}) for _ in "ab"]
        self._looks = [("#77838c", "solid"), ("#77838c", "solid")]
        self._label = ""
        self._lines: list[Any] = []
        self._items: list[LegendItem] = []
        self.ticks: FixedTicker | None = None
        self.level: float | None = None
        self.formatters: dict[str, CustomJSTickFormatter] = {}

    def show(self, rows: Sequence[Row], label: str = "") -> None:
        """rows: A's and B's, as `fsae evaluate` has them; figures that are null leave a gap."""
        for source, row in zip(self.sources, rows, strict=True):
            found = row.get(self.key) or {}
            pairs = found.items() if isinstance(found, Mapping) else found
            kept = [(float(place), value) for place, value in pairs]
            value = [float("nan") if v is None else v for _, v in kept]
            source.data = {"place": [place for place, _ in kept], "value": value}
        self._looks = [(colour_of(row["method"]), dash_of(row["method"])) for row in rows]
        self._names = [
            f"{letter}: {method_name(row['method'])}" for letter, row in zip("AB", rows, strict=True)
        ]
        self._label = label
        self._fit()
        self._dress_made()

    def _fit(self) -> None:
        """Both ranges to what is drawn."""
        places = sorted({p for s in self.sources for p in s.data["place"]})
        if self.ticks is not None and places:
            self.ticks.ticks = places
            self._zooms.update(start=places[0] - 0.3, end=places[-1] + 0.3)
        values = np.array([v for s in self.sources for v in s.data["value"]] + [self.level or np.nan])
        values = values[np.isfinite(values)]
        if values.size:
            low, high = float(values.min()), float(values.max())
            room = 0.06 * (high - low or abs(high) or 1.0)
            low = low - room if self._floor is None else self._floor
            ends = {"start": low, "end": high + room}
            self._range.update(**ends, reset_start=ends["start"], reset_end=ends["end"])

    def _dress(self, fig: Figure) -> None:
        for drawn, (colour, dash) in zip(self._lines, self._looks, strict=True):
            drawn[0].glyph.update(line_color=colour, line_dash=dash)
            drawn[1].glyph.update(line_color=colour, fill_color=colour)
        for item, name in zip(self._items, self._names, strict=True):
            item.label = {"value": name}
        if self.ticks is not None and self.ticks.ticks:
            finest = int(self.ticks.ticks[-1])
            words = f"zoom, from cells of {_SIZE_KM:.0f} km (0) to {_SIZE_KM / 2**finest:.0f} km ({finest})"
            fig.xaxis.axis_label = words
        if self._label:
            (fig.xaxis if self._upright else fig.yaxis).axis_label = self._label

    def _figure(self) -> Figure:
        if self.ticks is not None:
            self._options["x_range"] = self._zooms
        fig = charts.chart(self._bridge, self.name, **self._options)
        x, y = ("value", "place") if self._upright else ("place", "value")
        if self.level is not None:
            level = Span(location=self.level, dimension="width", line_width=1, line_dash="2 3")
            self._bridge.colour(level, "#52605f", "#a7b4ba", "line_color")
            fig.add_layout(level)
        # B first: A lies over it
        for source in self.sources[::-1]:
            drawn = fig.line(x, y, source=source, line_width=2.2)
            dots = fig.scatter(x, y, source=source, size=5)
            self._lines.insert(0, (drawn, dots))
        if self.ticks is not None:
            (fig.yaxis if self._upright else fig.xaxis).ticker = self.ticks
        self._items = [LegendItem(label="", renderers=list(drawn)) for drawn in self._lines]
        fig.add_layout(Legend(items=self._items))
        charts.legend(self._bridge, fig, self._where)
        for side, formatter in self.formatters.items():
            getattr(fig, f"{side}axis").formatter = formatter
        hover = HoverTool(renderers=[dots for _, dots in self._lines], tooltips=self._tip)
        hover.mode = "hline" if self._upright else "vline"
        fig.add_tools(hover)
        return fig


def _zooms(bridge: Bridge, name: str, key: str, tip: str, **options: Any) -> PairChart:
    made = PairChart(bridge, name, key, tip, **options)
    made.ticks = FixedTicker(ticks=[])
    made.level = 1.0
    return made


def power_chart(bridge: Bridge) -> PairChart:
    """Power of the reconstruction over that of the truth, per zoom."""
    return _zooms(
        bridge,
        "power",
        "power_ratio_by_zoom",
        "zoom @place: <b>@value{0.000}</b>",
        x_label="zoom",
        y_label="power, reconstruction / truth",
        legend="bottom_left",
    )


def coherence_chart(bridge: Bridge) -> PairChart:
    """Correlation of reconstruction and truth, per zoom."""
    return _zooms(
        bridge,
        "coherence",
        "coherence_by_zoom",
        "zoom @place: <b>@value{0.0000}</b>",
        x_label="zoom",
        y_label="coherence with the truth",
        legend="bottom_left",
    )


def latitude_chart(bridge: Bridge) -> PairChart:
    """RMSE in bands of latitude."""
    made = PairChart(
        bridge,
        "latitude",
        "rmse_by_latitude",
        "<b>@value{0.0000}</b> at @place{0}°",
        upright=True,
        legend="center_right",
        floor=0.0,
        y_range=Range1d(start=-90, end=90),
    )
    made.ticks = None
    made.formatters["y"] = CustomJSTickFormatter(code=places.LATITUDE)
    return made


def steepness_chart(bridge: Bridge) -> PairChart:
    """RMSE on level ground and on steeper and steeper slopes."""
    made = PairChart(
        bridge,
        "steepness",
        "rmse_by_steepness",
        "<b>@value{0.0000}</b>",
        x_label="steepness of the ground, share of sloping cells",
        legend="top_left",
        floor=0.0,
        x_range=Range1d(start=-0.03, end=1.0),
    )
    made.formatters["x"] = CustomJSTickFormatter(
        code="return tick <= 0 ? 'level' : `${Math.round(100 * tick)} %`"
    )
    return made
