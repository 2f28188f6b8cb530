"""The pictures of the Ensemble page: five linked maps, the members' tiles, three charts."""

from __future__ import annotations

__all__ = ["EnsembleGallery"]

from collections.abc import Callable
from typing import Any

import numpy as np

from app.bridge import Bridge
from app.colours import Scale, error_scale, field_scale
from app.ensemble_charts import PlaceChart, RankChart, SpectrumChart
from app.ensemble_fields import Ensemble
from app.ensemble_reference import Reference
from app.ensemble_state import EnsembleState
from app.map_pane import MapPane
from app.map_set import MapSet
from app.member_mosaic import MemberMosaic
from app.point_pane import Marks, PointPane
from app.sphere_view import Field, render
from fsae_core.sphere.healpix import lookup, n_cells

_LEAST = 0.05


class EnsembleGallery:
    """All figures of one session.

    moved: called with the place that was clicked on a map; chosen: with the tile that was clicked.
    """

    def __init__(
        self,
        bridge: Bridge,
        state: EnsembleState,
        moved: Callable[[tuple[float, ...]], None],
        chosen: Callable[[int], None],
    ) -> None:
        self.state = state
        self.maps = MapSet(bridge, state.looks, state.window)
        self.marks = Marks(self.maps, moved)
        self.mean = PointPane(self.maps, "mean", self.marks)
        self.spread = PointPane(self.maps, "spread", self.marks)
        self.likely = PointPane(self.maps, "likely", self.marks)
        self.change = PointPane(self.maps, "changed", self.marks, stippled=True)
        self.one = PointPane(self.maps, "one", self.marks)
        self.mosaic = MemberMosaic(bridge, self.maps, chosen)
        self.place, self.spectrum, self.ranks = PlaceChart(bridge), SpectrumChart(bridge), RankChart(bridge)
        self._fields: dict[MapPane, Field] = {}
        self._scales: dict[MapPane, tuple[Scale, str]] = {}
        self._certain: np.ndarray | None = None
        for pane in self.maps.panes:
            pane.unit_is("%" if pane is self.likely else "K")

    @property
    def parts(self) -> dict[str, Any]:
        """The panes' parts by name."""
        charts = {chart.name: chart for chart in (self.place, self.spectrum, self.ranks)}
        return {pane.name: pane for pane in self.maps.panes} | charts | {"members": self.mosaic}

    # -- maps ------------------------------------------------------------------------------------

    def show(self, ensemble: Ensemble, reference: Reference | None, day: int) -> None:
        """Everything of one day of an ensemble."""
        state = self.state
        maps = ensemble.maps(state.shown, day, state.test)
        nothing = np.full(n_cells(0), np.nan, np.float32)
        self._fields = {
            self.mean: Field(maps.mean),
            self.spread: Field(maps.spread),
            self.likely: Field(self._likelihood(ensemble, day)),
            self.change: Field(nothing if maps.change is None else maps.change),
            self.one: Field(self._large(ensemble, reference, day)),
        }
        self._certain = maps.certain
        self._rescale(ensemble, maps)
        self._put_scales()
        self.maps.draw(self._fields.items())
        self._mark()

    def threshold(self, ensemble: Ensemble, day: int) -> None:
        """Only the probability, for a threshold that moves."""
        self._fields[self.likely] = Field(self._likelihood(ensemble, day))
        self.maps.draw([(self.likely, self._fields[self.likely])])

    def enlarge(self, ensemble: Ensemble, reference: Reference | None, day: int) -> None:
        """Only the member that is shown large."""
        self._fields[self.one] = Field(self._large(ensemble, reference, day))
        self.maps.draw([(self.one, self._fields[self.one])])
        self._choose(len(ensemble))

    def _likelihood(self, ensemble: Ensemble, day: int) -> np.ndarray:
        return ensemble.likelihood(self.state.shown, day, self.state.threshold, self.state.above)

    def _large(self, ensemble: Ensemble, reference: Reference | None, day: int) -> np.ndarray:
        if self.state.member == 0:
            truth = ensemble.truth(reference, self.state.shown, day)
            return truth if truth is not None else np.full(n_cells(0), np.nan, np.float32)
        return ensemble.values(self.state.shown, day)[min(self.state.member, len(ensemble)) - 1]

    def _rescale(self, ensemble: Ensemble, maps: Any) -> None:
        shown = self.state.shown
        some = ensemble.sample(shown)
        if shown == "anomaly":
            many, mean = error_scale(some), error_scale(maps.mean)
            word = "anomaly, K"
        else:
            many = mean = field_scale("t2m", some)
            word = "temperature, K"
        top = error_scale(maps.spread).high if len(ensemble) > 1 else 1.0
        change = (
            _visible(error_scale(maps.change)) if maps.change is not None else Scale("balance", -1.0, 1.0)
        )
        self._scales = {
            self.mean: (mean, f"mean {word}"),
            self.one: (many, word),
            self.spread: (Scale("matter", 0.0, top), "standard deviation, K"),
            self.likely: (Scale("tempo", 0.0, 100.0), "probability, %"),
            self.change: (change, "difference, K"),
        }

    def _put_scales(self) -> None:
        """Colours of the whole sphere or, where the visitor wants it, of the window."""
        signed = self.state.shown == "anomaly"
        for pane, (scale, title) in self._scales.items():
            if self.state.fit and pane is not self.likely:
                here = render(self._fields[pane], self.maps.projection, self.maps.window)
                if pane is self.spread:
                    scale = Scale(scale.palette, 0.0, error_scale(here).high)
                elif pane is self.change or signed:
                    scale = _visible(error_scale(here))
                elif np.isfinite(here).any():
                    scale = field_scale("t2m", here)
            pane.scale(scale, title)

    def redraw(self, moved: bool) -> None:
        """Maps again for the window of now; moved: the projection is a new one."""
        if not self._fields:
            return
        self.maps.draw(self._fields.items(), base=moved)
        if self.state.fit:
            self._put_scales()
        self._mark()

    def recolour(self) -> None:
        if self._fields:
            self._put_scales()

    def _mark(self) -> None:
        self.marks.put(self.state.point, self.maps.projection)
        self.marks.stipple(self._certain)

    # -- tiles -----------------------------------------------------------------------------------

    def tiles(
        self, ensemble: Ensemble, reference: Reference | None, day: int, *, afresh: bool, last: bool
    ) -> None:
        """The members that are there. last: no more come, so that the truth may stand behind them."""
        values = ensemble.values(self.state.shown, day)
        names = [str(member.number + 1) for member in ensemble.one]
        truth = ensemble.truth(reference, self.state.shown, day) if last else None
        fields = [Field(one) for one in values]
        if truth is not None:
            fields.append(Field(truth))
            names.append("archive")
        scale, title = self._scales.get(self.one, (error_scale(values), "K"))
        afresh = self.mosaic.scale(scale, title) or afresh
        self.mosaic.show(fields, names, afresh=afresh)
        self._choose(len(ensemble))

    def _choose(self, count: int) -> None:
        self.mosaic.choose(count if self.state.member == 0 else min(self.state.member, count) - 1)

    # -- charts ----------------------------------------------------------------------------------

    def charts(self, ensemble: Ensemble, reference: Reference | None, day: int, years: np.ndarray) -> None:
        """Charts; years: the archive's values in K at the place."""
        self.chart_place(ensemble, reference, day, years)
        if reference is not None:
            self.spectrum.show(ensemble.powers(), reference.power, reference.reconstructed)
        truth = ensemble.truth(reference, self.state.shown, day)
        members = (
            ensemble.values(self.state.shown, day)
            if truth is None
            else ensemble.beside(truth, self.state.shown, day)
        )
        self.ranks.show(members, truth)

    def chart_place(
        self, ensemble: Ensemble, reference: Reference | None, day: int, years: np.ndarray
    ) -> None:
        """What is at the place. The archive is coarser: its values are those of the cell around."""
        state = self.state
        lon, lat = state.point
        base = ensemble.archive_base(state.shown, day, 4)[int(lookup(lon, lat, 4))]
        truth = ensemble.truth(reference, state.shown, day)
        here = None if truth is None else float(truth[int(lookup(lon, lat, _zoom(truth)))])
        others = ensemble.at(state.point, state.shown, day, other=True) if ensemble.other else None
        label = "anomaly, K" if state.shown == "anomaly" else "temperature, K"
        self.place.show(ensemble.at(state.point, state.shown, day), others, years - base, here, label)


def _visible(scale: Scale) -> Scale:
    """Worlds that are the same differ by rounding, which is not to look like a pattern."""
    return scale if scale.high >= _LEAST else Scale(scale.palette, -_LEAST, _LEAST)


def _zoom(cells: np.ndarray) -> int:
    return Field(cells).zoom
