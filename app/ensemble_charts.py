"""Charts of an ensemble: values at a place, power of each degree, ranks of the truth."""

from __future__ import annotations

__all__ = ["PlaceChart", "RankChart", "SpectrumChart"]

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Range1d
from bokeh.models.annotations import Legend, Span
from bokeh.plotting import figure as Figure

from app import charts
from app.bridge import Bridge
from app.late_figure import LateFigure
from fsae_core.evaluate.distribution import density, exchanged_ranks

_MOST_RANKS = 20
_EMPTY: dict[str, Any] = {"x": [], "y": []}


class _Chart(LateFigure):
    """What the charts of this page share."""

    name = ""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def _source(self) -> ColumnDataSource:
        return ColumnDataSource(dict(_EMPTY))

    def _legend(self, fig: Figure, location: str = "top_right") -> Legend:
        charts.legend(self._bridge, fig, location)
        legend: Legend = fig.legend[0]
        legend.update(padding=4, spacing=1, glyph_width=16)
        return legend


class PlaceChart(_Chart):
    """How members, the other world's and the archive's years are distributed at a place, with the truth."""

    name = "place"

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(bridge)
        self.members, self.others, self.years = self._source(), self._source(), self._source()
        self.dots, self.truth = self._source(), self._source()
        self._label = "K"
        self._range = Range1d(start=-0.12, end=1.0)

    def show(
        self,
        members: np.ndarray,
        others: np.ndarray | None,
        years: np.ndarray,
        truth: float | None,
        label: str,
    ) -> None:
        """Values in K as they are shown; label: of the axis."""
        all_of_it = [members, years, *([others] if others is not None else [])]
        all_of_it += [np.array([truth])] if truth is not None else []
        values = np.concatenate(all_of_it)
        air = 0.25 * (values.max() - values.min()) + 0.1
        at = np.linspace(values.min() - air, values.max() + air, 160)
        top = 0.0
        for source, sample in ((self.members, members), (self.others, others), (self.years, years)):
            if sample is None or len(sample) < 2:
                source.data = dict(_EMPTY)
                continue
            found = density(sample, at)
            top = max(top, float(found.max()))
            source.data = {"x": at, "y": found}
        top = top or 1.0
        self._range.update(start=-0.14 * top, end=1.45 * top)  # the legend's place is above the curves
        self.dots.data = {"x": members, "y": np.full(len(members), -0.05 * top)}
        self.truth.data = (
            {"x": [truth, truth], "y": [-0.1 * top, 1.05 * top]} if truth is not None else dict(_EMPTY)
        )
        self._label = label
        self._dress_made()

    def _dress(self, fig: Figure) -> None:
        fig.xaxis.axis_label = self._label

    def _figure(self) -> Figure:
        bridge = self._bridge
        fig = charts.chart(bridge, self.name, y_label="density, 1/K", y_range=self._range)
        area = fig.varea(x="x", y1=0, y2="y", source=self.members, fill_alpha=0.18)
        bridge.colour(area.glyph, *charts.SERIES[0], "fill_color")
        charts.line(bridge, fig, "x", "y", self.members, 0, legend_label="members")
        dashed = {"line_width": 1.6, "line_dash": "4 3"}
        charts.line(bridge, fig, "x", "y", self.others, 3, legend_label="other world", **dashed)
        charts.line(bridge, fig, "x", "y", self.years, 7, legend_label="archive's years", line_width=1.6)
        dots = charts.points(bridge, fig, "x", "y", self.dots, 0, size=8, fill_alpha=0.75)
        charts.line(bridge, fig, "x", "y", self.truth, 1, legend_label="archive's truth", line_width=3)
        fig.add_tools(HoverTool(renderers=[dots], tooltips="member: <b>@x{0.00} K</b>"))
        self._legend(fig, "top_left")
        return fig


class SpectrumChart(_Chart):
    """Power of anomalies by degree: members, the archive, and what the autoencoder leaves of it."""

    name = "spectrum"

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(bridge)
        self.band = ColumnDataSource({"x": [], "low": [], "high": []})
        self.members, self.archive, self.reconstructed = self._source(), self._source(), self._source()

    def show(self, powers: np.ndarray, archive: np.ndarray, reconstructed: np.ndarray) -> None:
        """Powers (member, degree) and the others (degree,) in K2."""
        degree = np.arange(1, powers.shape[-1])
        low, high = powers[:, 1:].min(axis=0), powers[:, 1:].max(axis=0)
        self.band.data = {"x": degree, "low": low, "high": high}
        self.members.data = {"x": degree, "y": powers[:, 1:].mean(axis=0)}
        self.archive.data = {"x": degree, "y": archive[1:]}
        self.reconstructed.data = {"x": degree, "y": reconstructed[1:]}

    def _figure(self) -> Figure:
        bridge = self._bridge
        fig = charts.chart(
            bridge,
            self.name,
            x_label="degree of spherical harmonics",
            y_label="power, K²",
            x_axis_type="log",
            y_axis_type="log",
        )
        fig.xaxis.ticker = fig.xgrid.ticker = FixedTicker(ticks=[1, 2, 5, 10, 20, 50])
        band = fig.varea(x="x", y1="low", y2="high", source=self.band, fill_alpha=0.18)
        bridge.colour(band.glyph, *charts.SERIES[0], "fill_color")
        thin = {"line_width": 1.6}
        line = charts.line(bridge, fig, "x", "y", self.archive, 7, legend_label="archive", **thin)
        charts.line(
            bridge, fig, "x", "y", self.reconstructed, 1, legend_label="archive, reconstructed",
            line_dash="4 3", **thin,
        )  # fmt: skip
        own = charts.line(bridge, fig, "x", "y", self.members, 0, legend_label="members, and their range")
        fig.add_tools(
            HoverTool(renderers=[own, line], mode="mouse", tooltips="degree @x: <b>@y{0.0000} K²</b>")
        )
        self._legend(fig, "bottom_left")
        return fig


class RankChart(_Chart):
    """Where the truth lies among the members, cell by cell, beside each member in its place."""

    name = "ranks"

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(bridge)
        self.bars = ColumnDataSource({"x": [], "top": [], "width": [], "low": [], "high": [], "name": []})
        self.range = Range1d(start=0.0, end=2.0)

    def show(self, members: np.ndarray, truth: np.ndarray | None) -> None:
        """Members (member, cell), truth (cell,); without a truth only what members have is shown."""
        if len(members) < 2:
            return
        if truth is None:
            own, others = exchanged_ranks(members[1:], members[0])
            others = np.concatenate([own[None], others])
        else:
            own, others = exchanged_ranks(members, truth)
        merged = _merge(len(own))
        own = own.reshape(-1, merged).mean(axis=1)
        low, high = np.quantile(others.reshape(len(others), -1, merged).mean(axis=2), (0.05, 0.95), axis=0)
        count = len(own)
        names = [
            f"{k * merged + 1}" if merged == 1 else f"{k * merged + 1}–{(k + 1) * merged}"
            for k in range(count)
        ]
        top = np.full(count, np.nan) if truth is None else own
        self.bars.data = {
            "x": (np.arange(count) + 0.5) / count,
            "top": top,
            "width": np.full(count, 0.86 / count),
            "low": low,
            "high": high,
            "name": names,
        }
        self.range.end = float(1.35 * max(np.nanmax(own if truth is not None else high), high.max(), 1.6))

    def _figure(self) -> Figure:
        bridge = self._bridge
        fig = charts.chart(
            bridge,
            self.name,
            x_label="rank of the truth among the members, low to high",
            y_label="cells, 1 = as many as of any rank",
            x_range=Range1d(start=0.0, end=1.0),
            y_range=self.range,
        )
        fig.xaxis.ticker = []
        bars = fig.vbar(x="x", top="top", width="width", source=self.bars, line_color=None, fill_alpha=0.55,
                        legend_label="archive's truth")  # fmt: skip
        bridge.colour(bars.glyph, *charts.SERIES[0], "fill_color")
        reach = fig.segment(x0="x", x1="x", y0="low", y1="high", source=self.bars, line_width=3,
                            legend_label="each member in its place, 5 to 95 %")  # fmt: skip
        bridge.colour(reach.glyph, *charts.SERIES[7], "line_color")
        flat = Span(location=1.0, dimension="width", line_width=1, line_dash="3 3")
        bridge.colour(flat, "#47545b", "#b4c0c6", "line_color")
        fig.add_layout(flat)
        fig.add_tools(HoverTool(renderers=[bars], tooltips="rank @name: <b>@top{0.00}</b>"))
        self._legend(fig, "top_right")
        return fig


def _merge(ranks: int) -> int:
    """How many neighbouring ranks stand together: a divisor that leaves at most twenty, or all."""
    return next((d for d in range(1, ranks) if ranks % d == 0 and ranks // d <= _MOST_RANKS), 1)
