"""A page with linked maps: the window in the address, projections, drawing again after a pan or a zoom."""

from __future__ import annotations

__all__ = ["MapPage"]

from typing import Any

import numpy as np

from app.field_controls import MapControls
from app.map_set import MapSet
from app.pages.frame import Page
from app.state import MapState

_LOOK_EVERY_MS = 30


class MapPage(Page):
    """A page whose `build` sets `maps` and `map_controls`; its state is a `MapState`.

    `redraw` and `recolour` are what it gives beside `Page`'s parts; both are called in the session's turn.
    """

    state: MapState
    maps: MapSet
    map_controls: MapControls

    _look_due = False

    def redraw(self, moved: bool) -> None:
        """Draw what is shown into `maps` for the window of now; moved: the projection is a new one."""

    def recolour(self) -> None:
        """The visitor wants colours from the window, or from the archive again (`state.fit`)."""

    def wire(self) -> None:
        super().wire()
        state, maps = self.state, self.maps
        state.param.watch(lambda *_: self.schedule(self._reproject), ["projection", "lon0", "lat0"])
        state.param.watch(lambda *_: self.schedule(self._recolour), ["fit"])
        for bokeh_range in (maps.x_range, maps.y_range):
            for edge in ("start", "end"):
                bokeh_range.on_change(edge, self._moved)
        maps.on_resize = self._resized
        maps.follow(state.looks)

    def _moved(self, attr: str, old: Any, new: Any) -> None:
        self._look_soon()

    def _look_soon(self) -> None:
        # A turn of the wheel sends many small changes and needs few pictures.
        if not self._look_due:
            self._look_due = True
            self.later(self.look, _LOOK_EVERY_MS)

    def _resized(self) -> None:
        # A picture of nearly the right size need not be sent again.
        if abs(self.maps.window.width / self.maps.drawn_width - 1) > 0.2:
            self._look_soon()

    def look(self) -> None:
        """Draw the window of now, and write it into the address."""
        self._look_due = False
        self.state.window = self.maps.bounds
        self.redraw(self.maps.follow(self.state.looks))
        self.tell_address()

    def look_at(self, window: tuple[float, ...]) -> None:
        """Move the maps to (x0, x1, y0, y1) in projection units: a bookmark, a place that is jumped to."""
        self.maps.look_at(window)
        self._look_soon()

    def _reproject(self) -> None:
        if self.maps.projection.name != self.state.projection:
            whole = self.state.full_window()
            self.state.window = whole
            self.maps.look_at(whole)
        self.map_controls.follow()
        self.look()

    def stills(self) -> dict[str, bytes]:
        shown = {p.name: p for p in self.maps.panes if np.shape(p.sharp.data["image"][0]) > (2, 2)}
        first, *others = self.layout.panes
        seen = [first.key, *(pane.key for pane in others if pane.still or not pane.late)]
        return {key: shown[key].still() for key in seen if key in shown}

    def _recolour(self) -> None:
        self.recolour()
        self.tell_address()
