"""The figures of the Compare page: linked maps of truth, two methods and their errors, a swipe, charts."""

from __future__ import annotations

__all__ = ["CompareGallery", "sides"]

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure as Figure

from app import compare_charts
from app.bridge import Bridge
from app.colours import error_scale, field_scale
from app.compare_fields import Compared
from app.compare_state import CompareState
from app.map_pane import MapPane
from app.map_set import MapSet
from app.rate_chart import Point, RateChart
from app.sphere_view import Field, render
from fsae_core.evaluate.row import NOTHING


class _MarkedPane(MapPane):
    """A map with a ring around the place that was jumped to."""

    marks: ColumnDataSource

    def _figure(self) -> Figure:
        fig = super()._figure()
        for colour, width in (("#10181c", 4), ("#ffffff", 2)):
            fig.scatter(
                "x", "y", source=self.marks, size=26, fill_color=None, line_color=colour, line_width=width
            )
        return fig


class CompareGallery:
    """All figures of one session.

    clicked: called with the point of the rate chart that a visitor has chosen.
    """

    def __init__(self, bridge: Bridge, state: CompareState, clicked: Callable[[Point], None]) -> None:
        self.state = state
        self.maps = MapSet(bridge, state.looks, state.window)
        self.marks = ColumnDataSource({"x": [], "y": []})
        self.truth = self._pane("truth")
        shared = self.truth.mapper
        self.a, self.b = self._pane("a", shared), self._pane("b", shared)
        self.error_a = self._pane("error_a")
        self.error_b = self._pane("error_b", self.error_a.mapper)
        # The swipe's two maps show the very sources of A and B: nothing is sent twice.
        self._pane("swipe_a", shared, self.a)
        self._pane("swipe_b", shared, self.b)
        self.rates = [RateChart(bridge, axis, clicked) for axis in ("floats", "bytes")]
        self.charts = [
            compare_charts.power_chart(bridge),
            compare_charts.coherence_chart(bridge),
            compare_charts.latitude_chart(bridge),
            compare_charts.steepness_chart(bridge),
        ]
        self._shown: Compared | None = None

    def _pane(self, name: str, mapper: Any = None, like: MapPane | None = None) -> MapPane:
        pane = _MarkedPane(self.maps, name, mapper, like=like)
        pane.marks = self.marks
        return pane

    @property
    def parts(self) -> dict[str, Any]:
        """The panes' parts by name."""
        return {
            **{pane.name: pane for pane in self.maps.panes},
            **{f"rate_{chart.axis}": chart for chart in self.rates},
            **{chart.name: chart for chart in self.charts},
        }

    def show(self, shown: Compared) -> None:
        """Put new fields into the maps."""
        self._shown = shown
        for pane in self.maps.panes:
            pane.unit_is(shown.unit)
        self.mark()
        winds = (shown.wind, shown.a.wind, shown.b.wind)
        for pane, wind in zip((self.truth, self.a, self.b), winds, strict=True):
            pane.wind = wind
        self._choose_outlines(shown)
        self.maps.draw(self._fields(shown))
        self.recolour()

    def _choose_outlines(self, shown: Compared) -> None:
        for pane, side in ((self.a, shown.a), (self.b, shown.b)):
            pane.leaves = side.leaves if self.state.cells == "on" else None

    def outline(self) -> None:
        """Draw the outlines of cells, or take them away, as the state says."""
        if self._shown is None:
            return
        self._choose_outlines(self._shown)
        for pane in (self.a, self.b):
            pane.outline(self.maps.projection, self.maps.window)

    def redraw(self, moved: bool) -> None:
        """Draw what is shown again, for the window of now; moved: the projection is a new one."""
        if self._shown is None:
            return
        if moved:
            self.mark()
        self.maps.draw(self._fields(self._shown), base=moved)
        if self.state.fit:
            self.recolour()

    def mark(self) -> None:
        """Put the ring around the state's place, or away."""
        x: list[float] = []
        y: list[float] = []
        if self.state.place is not None:
            there = self.state.looks.forward(*(np.array([value]) for value in self.state.place))
            x, y = ([float(value[0])] for value in there)
        data = {"x": x, "y": y} if np.isfinite([*x, *y]).all() else {"x": [], "y": []}
        if dict(self.marks.data) != data:
            self.marks.data = data

    def _fields(self, shown: Compared) -> list[tuple[MapPane, Field]]:
        nothing = Field(np.full(shown.truth.cells.size, np.nan, np.float32))
        return [
            (self.truth, shown.truth),
            (self.a, shown.a.recon or nothing),
            (self.b, shown.b.recon or nothing),
            (self.error_a, shown.a.error or nothing),
            (self.error_b, shown.b.error or nothing),
        ]

    def recolour(self) -> None:
        """One range for truth, A and B, one for both errors: of the archive or, where the visitor wants it,
        of the window."""
        shown = self._shown
        if shown is None:
            return
        scale, error = shown.scale, shown.error
        if self.state.fit:
            maps = self.maps
            fields = [field for _, field in self._fields(shown)]
            here = [render(field, maps.projection, maps.window) for field in fields]
            if np.isfinite(here[0]).any():
                found = field_scale(shown.wish.variable, here[0])
                scale = found if not shown.wish.speed else scale
            both = np.concatenate([h[np.isfinite(h)] for h in here[3:]])
            error = error_scale(both) if both.size else error
        unit = f", {shown.unit}" if shown.unit else ""
        for pane in self.maps.panes:
            if pane in (self.error_a, self.error_b):
                pane.scale(error, f"error{unit}")
            else:
                pane.scale(scale, f"{shown.name}{unit}")

    def chart(self, shown: Compared) -> None:
        """The charts, by the table or by this time."""
        wish, state = shown.wish, self.state
        rows = () if wish.speed else shown.table.rows
        pair = (wish.a, wish.b)
        picked = {
            "all": lambda m: True,
            "raw": lambda m: not m.endswith("+clim"),
            "clim": lambda m: m.endswith("+clim"),
            "pair": lambda m: False,
        }[state.curves]
        drawn = [m for m in shown.table.methods if picked(m)]
        drawn += [m for m in pair if m in shown.table.methods and m not in drawn]
        for chart in self.rates:
            here = wish.ratio if chart.axis == wish.axis else None
            chart.show(rows, drawn, pair, here, shown.unit)
        both = [{**NOTHING, "method": side.method, **row} for side, row in sides(shown, state.span)]
        label = f"RMSE, {shown.unit}" if shown.unit else "RMSE"
        for one in self.charts:
            one.show(both, label if one.name in ("latitude", "steepness") else "")


def sides(shown: Compared, span: str) -> list[tuple[Any, Any]]:
    """A and B, each with the row that figures are taken from: of the table, or of this time where that is
    asked for or there is none of the table."""
    wish, found = shown.wish, []
    for side in (shown.a, shown.b):
        row = None
        if span == "all" and not wish.speed:
            row = shown.table.row(side.method, wish.axis, wish.ratio)
        found.append((side, row or side.row))
    return found
