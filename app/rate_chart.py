"""Error against ratio: a curve a method, with intervals; a click on a point asks for its field.

One chart carries RMSE and PSNR: for one truth the second is the first on a logarithmic scale, turned over.
"""

from __future__ import annotations

__all__ = ["Point", "RateChart"]

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    CustomJSTickFormatter,
    FixedTicker,
    HoverTool,
    LinearAxis,
    LinearScale,
    LogTicker,
    Range1d,
    TapTool,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure as Figure

from app import charts
from app.bridge import Bridge
from app.compare_state import method_name
from app.compare_tables import Row, psnr_interval
from app.late_figure import LateFigure
from app.method_colours import colour_of, dash_of
from app.state import RATIOS
from app.words import number

_WIDE, _THIN = (2.6, 9), (1.4, 6)
_TIP = """<div style="font: 12px system-ui, sans-serif; max-width: 280px">
<b>@name</b> · @times× @unit<br>RMSE <b>@rmse</b> @interval<br>PSNR @psnr<br><i>@note</i></div>"""
_TICK = "return tick >= 1 ? String(Math.round(tick * 100) / 100) : String(Number(tick.toPrecision(2)))"


@dataclass(frozen=True)
class Point:
    """What was clicked."""

    method: str
    axis: str
    ratio: int


class RateChart(LateFigure):
    """The chart of one axis, "floats" or "bytes".

    clicked: called with the point that a visitor has chosen.
    """

    def __init__(self, bridge: Bridge, axis: str, clicked: Callable[[Point], None]) -> None:
        self._bridge, self.axis, self._clicked = bridge, axis, clicked
        self.curves = ColumnDataSource({key: [] for key in ("xs", "ys", "colour", "dash", "width")})
        self.points = ColumnDataSource({key: [] for key in _COLUMNS})
        self.points.selected.on_change("indices", self._chosen)
        self._y = Range1d(start=0.1, end=10.0)
        self._psnr = Range1d(start=60.0, end=20.0)
        self._here = Span(dimension="height", line_width=10, line_alpha=0.14, visible=False)
        self._unit = ""

    def show(
        self,
        rows: Iterable[Row],
        methods: Iterable[str],
        chosen: tuple[str, str],
        ratio: int | None,
        unit: str,
    ) -> None:
        """Rows of a table; of them those of this axis and of these methods are drawn.

        chosen: the two methods that stand out; ratio: the one that is looked at, None on the other axis.
        """
        own = [row for row in rows if row["axis"] == self.axis and row["rmse"]]
        found = {m: [row for row in own if row["method"] == m] for m in dict.fromkeys(methods)}
        found = {m: its for m, its in found.items() if its}
        # Lines: those that stand out lie over the others. Points keep their order, whatever stands out: a
        # click that is still on its way says a number only.
        lines = sorted(found, key=lambda m: (m in chosen, m == chosen[0]))
        self._unit = unit
        self.curves.data = {
            "xs": [[self._x(row) for row in found[m]] for m in lines],
            "ys": [[row["rmse"] for row in found[m]] for m in lines],
            "colour": [colour_of(m) for m in lines],
            "dash": [dash_of(m) for m in lines],
            "width": [_WIDE[0] if m in chosen else _THIN[0] for m in lines],
        }
        flat = [(row, m in chosen) for m, its in found.items() for row in its]
        self.points.data = _columns([self._point(row, stands) for row, stands in flat])
        self._fit([row for row, _ in flat])
        at = {"location": float(ratio)} if ratio else {}
        self._here.update(visible=ratio is not None, **at)
        self._dress_made()

    def _x(self, row: Row) -> float:
        """At the ratio that was reached; where that is nothing, at the one asked for."""
        return float(row[f"ratio_{self.axis}"] or row["ratio"])

    def _point(self, row: Row, stands: bool) -> dict[str, Any]:
        low, high = row["rmse_low"], row["rmse_high"]
        sure = psnr_interval(row)
        decibels = f" ({sure[0]:.2f} to {sure[1]:.2f})" if sure else ""
        return {
            "x": self._x(row),
            "y": row["rmse"],
            "low": low or row["rmse"],
            "high": high or row["rmse"],
            "colour": colour_of(row["method"]),
            "fill": 0.0 if row["method"].endswith("+clim") else 1.0,
            "size": _WIDE[1] if stands else _THIN[1],
            "width": 2.0 if stands else 1.0,
            "method": row["method"],
            "ratio": row["ratio"],
            "name": method_name(row["method"]),
            "times": number(self._x(row), 3),
            "unit": "fewer numbers" if self.axis == "floats" else "fewer bytes",
            "rmse": f"{row['rmse']:.4g} {self._unit}",
            "interval": f"({low:.4g} to {high:.4g})" if low and high else "",
            "psnr": f"{row['psnr_db']:.2f} dB{decibels}" if row["psnr_db"] is not None else "–",
            "note": row.get("note") or "",
        }

    def _fit(self, rows: list[Row]) -> None:
        if not rows:
            return
        low = min(row["rmse_low"] or row["rmse"] for row in rows) * 0.8
        high = max(row["rmse_high"] or row["rmse"] for row in rows) * 1.25
        self._y.update(start=low, end=high, reset_start=low, reset_end=high)
        peaks = [r["psnr_db"] + 20 * np.log10(r["rmse"]) for r in rows if r["psnr_db"] is not None]
        if peaks:
            ends = [float(peaks[0] - 20 * np.log10(y)) for y in (low, high)]
            self._psnr.update(start=ends[0], end=ends[1], reset_start=ends[0], reset_end=ends[1])

    def _chosen(self, attr: str, old: Any, new: list[int]) -> None:
        if not new:
            return
        data, i = self.points.data, new[-1]
        # So that the same point can be clicked again, and none stays pale.
        self.points.selected.indices = []
        if 0 <= i < len(data["method"]):
            self._clicked(Point(data["method"][i], self.axis, int(data["ratio"][i])))

    def _dress(self, fig: Figure) -> None:
        fig.yaxis[0].axis_label = f"RMSE, {self._unit}" if self._unit else "RMSE"

    def _figure(self) -> Figure:
        bridge = self._bridge
        fig = charts.chart(
            bridge,
            f"rate_{self.axis}",
            x_label=f"times fewer {'numbers' if self.axis == 'floats' else 'bytes'}",
            x_axis_type="log",
            y_axis_type="log",
            # Room on the right for the tools, which would lie over the last points.
            x_range=Range1d(start=3.1, end=720.0, bounds=(1.0, 4000.0)),
            y_range=self._y,
            min_border_left=52,
        )
        fig.extra_y_ranges = {"psnr": self._psnr}
        fig.extra_y_scales = {"psnr": LinearScale()}
        right = LinearAxis(y_range_name="psnr", axis_label="PSNR, dB")
        fig.add_layout(right, "right")
        right.axis_line_color = right.major_tick_line_color = right.minor_tick_line_color = None
        right.major_label_text_font = right.axis_label_text_font = "system-ui, sans-serif"
        right.major_label_text_font_size = right.axis_label_text_font_size = "11px"
        right.axis_label_text_font_style = "normal"
        right.ticker.desired_num_ticks = 5
        bridge.colour(right, "#47545b", "#b4c0c6", "major_label_text_color", "axis_label_text_color")
        fig.xaxis.ticker = fig.xgrid.ticker = FixedTicker(ticks=list(RATIOS))
        fig.xaxis.formatter = CustomJSTickFormatter(code="return `${tick}×`")
        fig.yaxis[0].ticker = fig.ygrid[0].ticker = LogTicker(desired_num_ticks=6, mantissas=[1, 2, 5])
        fig.yaxis[0].formatter = CustomJSTickFormatter(code=_TICK)
        bridge.colour(self._here, "#0b6b75", "#5cc3cd", "line_color")
        fig.add_layout(self._here)
        lines = fig.multi_line(
            "xs", "ys", source=self.curves, line_color="colour", line_dash="dash", line_width="width"
        )
        fig.segment("x", "low", "x", "high", source=self.points, line_color="colour", line_width="width")
        dots = fig.scatter(
            "x",
            "y",
            source=self.points,
            size="size",
            line_color="colour",
            line_width=1.6,
            fill_color="colour",
        )
        dots.glyph.fill_alpha = "fill"
        for drawn in (lines, dots):
            drawn.nonselection_glyph = drawn.selection_glyph = None
        fig.add_tools(
            HoverTool(renderers=[dots], tooltips=_TIP, point_policy="snap_to_data"), TapTool(renderers=[dots])
        )
        charts.tools(fig)
        return fig


_COLUMNS = (
    "x", "y", "low", "high", "colour", "fill", "size", "width", "method", "ratio",
    "name", "times", "unit", "rmse", "interval", "psnr", "note",
)  # fmt: skip


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in _COLUMNS}
