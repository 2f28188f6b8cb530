"""The error against latitude: this reconstruction's and, for comparison, that of block means."""

from __future__ import annotations

__all__ = ["LatitudeChart"]

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, CustomJSTickFormatter, DataRange1d, HoverTool, Range1d
from bokeh.plotting import figure as Figure

from app import charts, places
from app.bridge import Bridge
from app.late_figure import LateFigure

Curve = tuple[np.ndarray, np.ndarray]


class LatitudeChart(LateFigure):
    """RMSE by latitude."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self.own = ColumnDataSource({"lat": [], "rmse": []})
        self.plain = ColumnDataSource({"lat": [], "rmse": []})
        self._label = "RMSE"
        self._compared = True

    def show(self, own: Curve, plain: Curve | None, unit: str) -> None:
        """Curves as (degrees north, RMSE); plain: None where block means are what is shown."""
        self.own.data = {"lat": own[0], "rmse": own[1]}
        if plain is not None:
            self.plain.data = {"lat": plain[0], "rmse": plain[1]}
        self._compared = plain is not None
        self._label = f"RMSE, {unit}" if unit else "RMSE"
        self._dress_made()

    def _dress(self, fig: Figure) -> None:
        fig.xaxis.axis_label = self._label
        self._plain_line.visible = self._plain_name.visible = self._compared

    def _figure(self) -> Figure:
        bridge = self._bridge
        fig = charts.chart(
            bridge,
            "latitude",
            x_range=DataRange1d(start=0, only_visible=True),
            y_range=Range1d(start=-90, end=90),
        )
        dashed = {"line_width": 1.5, "line_dash": "4 3", "legend_label": "block mean + smooth"}
        self._plain_line = charts.line(bridge, fig, "rmse", "lat", self.plain, 1, **dashed)
        line = charts.line(bridge, fig, "rmse", "lat", self.own, 0, legend_label="this reconstruction")
        # the picture itself first in the legend
        names: list[Any] = list(fig.legend[0].items)
        self._plain_name = names[0]
        fig.legend[0].items = names[::-1]
        fig.yaxis.ticker = [-90, -60, -30, 0, 30, 60, 90]
        fig.yaxis.formatter = CustomJSTickFormatter(code=places.LATITUDE)
        charts.legend(bridge, fig)
        fig.add_tools(HoverTool(renderers=[line], mode="hline", tooltips="<b>@rmse{0.000}</b> at @lat{0.0}°"))
        return fig
