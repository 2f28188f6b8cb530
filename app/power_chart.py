"""How much each zoom adds to a view: in truth, in the super-resolved field, in what needs no network."""

from __future__ import annotations

__all__ = ["PowerChart"]

from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, LogTicker, Range1d, SingleIntervalTicker
from bokeh.plotting import figure as Figure

from app import charts
from app.bridge import Bridge
from app.late_figure import LateFigure

#: Key, name, series' colour, dash, size of the points.
_CURVES = (
    ("truth", "truth", 7, "solid", 9),
    ("sharp", "super-resolved", 0, "solid", 7),
    ("lapse", "lapse rate", 3, "6 3", 5),
    ("smooth", "interpolation", 1, "4 3", 5),
)


class PowerChart(LateFigure):
    """Variance of each zoom on a logarithmic axis."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self.sources = {key: ColumnDataSource({"zoom": [], "power": []}) for key, *_ in _CURVES}
        self._label, self._range, self._span = "", (3.5, 6.5), (0.1, 10.0)

    def show(self, power: Mapping[str, Mapping[int, float]], unit: str) -> None:
        """power: by method, of each zoom."""
        for key, source in self.sources.items():
            found = {z: p for z, p in power.get(key, {}).items() if p > 0}
            source.data = {"zoom": list(found), "power": list(found.values())}
        zooms = [z for found in power.values() for z in found] or [4, 6]
        self._range = (min(zooms) - 0.4, max(zooms) + 0.4)
        sizes = [p for found in power.values() for p in found.values() if p > 0] or [1.0]
        self._span = (min(sizes) / 1.5, max(sizes) * 1.5)
        squared = f"{unit}²" if unit.isalpha() else f"({unit})²"
        self._label = f"variance that a zoom adds, {squared}" if unit else "variance that a zoom adds"
        self._dress_made()

    def _dress(self, fig: Figure) -> None:
        fig.yaxis.axis_label = self._label
        fig.x_range.update(start=self._range[0], end=self._range[1])
        fig.y_range.update(start=self._span[0], end=self._span[1])
        for item, (key, *_) in zip(self._names, _CURVES, strict=True):
            item.visible = bool(np.size(self.sources[key].data["zoom"]))

    def _figure(self) -> Figure:
        bridge = self._bridge
        fig = charts.chart(
            bridge,
            "power",
            x_label="zoom",
            x_range=Range1d(start=self._range[0], end=self._range[1]),
            y_range=Range1d(start=self._span[0], end=self._span[1]),
            y_axis_type="log",
        )
        for key, name, colour, dash, size in _CURVES:
            source = self.sources[key]
            drawn = {"line_dash": dash, "legend_label": name}
            charts.line(bridge, fig, "zoom", "power", source, colour, **drawn)
            charts.points(bridge, fig, "zoom", "power", source, colour, size=size, legend_label=name)
        self._names: list[Any] = list(fig.legend[0].items)
        fig.xaxis.ticker = SingleIntervalTicker(interval=1, num_minor_ticks=0)
        fig.yaxis.ticker = LogTicker(mantissas=[1, 2, 5], desired_num_ticks=6, num_minor_ticks=0)
        charts.legend(bridge, fig, "bottom_left")
        fig.add_tools(HoverTool(tooltips="<b>@power{0.0000}</b> at zoom @zoom", point_policy="snap_to_data"))
        return fig
