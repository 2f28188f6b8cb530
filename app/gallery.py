"""The pictures of the Compress page: four linked maps, a swipe of two more, the error by latitude."""

from __future__ import annotations

__all__ = ["Gallery"]

from typing import Any

import numpy as np

from app.bridge import Bridge
from app.colours import Scale, error_scale, field_scale, speed_scale
from app.compress_state import CompressState
from app.latitude_chart import LatitudeChart
from app.map_pane import MapPane
from app.map_set import MapSet
from app.resolve import Shown
from app.sphere_view import render


class Gallery:
    """All figures of one session; `show` changes what they show, `redraw` from where."""

    def __init__(self, bridge: Bridge, state: CompressState) -> None:
        self.state = state
        self.bridge = bridge
        self.maps = MapSet(bridge, state.looks, state.window)
        self.original = MapPane(self.maps, "original")
        shared = self.original.mapper
        self.reconstruction = MapPane(self.maps, "reconstruction", shared)
        self.difference = MapPane(self.maps, "difference")
        self.compressed = MapPane(self.maps, "compressed")
        # The swipe's two maps show the very sources of the first two panes: nothing is sent twice.
        self.swipe_left = MapPane(self.maps, "swipe_left", shared, like=self.original)
        self.swipe_right = MapPane(self.maps, "swipe_right", shared, like=self.reconstruction)
        self.latitude = LatitudeChart(bridge)
        self._shown: Shown | None = None

    @property
    def parts(self) -> dict[str, Any]:
        """The panes' parts by name."""
        return {pane.name: pane for pane in self.maps.panes} | {"latitude": self.latitude}

    def show(self, shown: Shown) -> None:
        """Put a new picture into all panes."""
        self._shown = shown
        unit = self._unit
        self.original.wind, self.reconstruction.wind = shown.picture.wind, shown.picture.recon_wind
        self.compressed.leaves = shown.picture.leaves
        for pane in self.maps.panes:
            pane.unit_is(unit)
        self.maps.draw(self._fields(shown))
        self.recolour()
        p, plain = shown.picture, shown.asked.method == "block-mean"
        self.latitude.show(p.by_latitude, None if plain else p.plain_by_latitude, unit)

    def redraw(self, moved: bool) -> None:
        """Draw what is shown again, for the window of now; moved: the projection is a new one."""
        if self._shown is None:
            return
        self.maps.draw(self._fields(self._shown), base=moved)
        if self.state.fit:
            self.recolour()

    @property
    def _unit(self) -> str:
        return self._shown.archive.unit(self._shown.asked.variable) if self._shown else ""

    def _fields(self, shown: Shown):
        p = shown.picture
        return (
            (self.original, p.truth),
            (self.reconstruction, p.recon),
            (self.difference, p.error),
            (self.compressed, p.compressed),
        )

    def recolour(self) -> None:
        """Colours of the archive or, where the visitor wants it, of the window."""
        shown, unit = self._shown, self._unit
        if shown is None:
            return
        scale, error, coarse = shown.scale, shown.error, shown.coarse
        if self.state.fit:
            p, maps = shown.picture, self.maps
            here = [render(f, maps.projection, maps.window) for f in (p.truth, p.error, p.compressed)]
            same = coarse == scale
            if not shown.asked.speed:
                scale = _fitted(shown.asked.variable, here[0], scale)
            elif np.isfinite(here[0]).any():
                scale = speed_scale(here[0])
            error = error_scale(here[1])
            coarse = scale if same else error_scale(here[2])
        name = "wind speed" if shown.asked.speed else shown.asked.variable
        text = f"{name}, {unit}" if unit else name
        for pane in (self.original, self.reconstruction, self.swipe_left, self.swipe_right):
            pane.scale(scale, text)
        self.difference.scale(error, f"difference, {unit}" if unit else "difference")
        self.compressed.scale(coarse, text if coarse == scale else f"{text}, anomaly")


def _fitted(variable: str, values: np.ndarray, whole: Scale) -> Scale:
    found = field_scale(variable, values)
    return found if np.isfinite(values).any() else whole
