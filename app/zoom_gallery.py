"""The pictures of the Zoom page: linked maps, a swipe of two of them, the power of the view."""

from __future__ import annotations

__all__ = ["ZoomGallery"]

from typing import Any

import numpy as np

from app.bridge import Bridge
from app.colours import Scale, error_scale, field_scale
from app.map_set import MapSet
from app.picture import WINDS
from app.power_chart import PowerChart
from app.relief import Relief, ReliefPane
from app.sharp_field import SharpField
from app.sphere_view import Field, render
from app.view_region import Look
from app.wind_arrows import Wind
from app.zoom_scene import Scene
from app.zoom_state import ZoomState
from app.zoom_view import Globe


class ZoomGallery:
    """All figures of one session; `show` changes what they show, `redraw` from where."""

    def __init__(self, bridge: Bridge, state: ZoomState) -> None:
        self.state = state
        self.maps = MapSet(bridge, state.looks, state.window)
        self.relief = Relief()
        self.coarse = self._pane("coarse")
        shared = self.coarse.mapper
        self.sharp = self._pane("sharp", shared)
        self.plain = self._pane("plain", shared)
        self.truth = self._pane("truth", shared)
        self.sharp_error = self._pane("sharp_error")
        self.plain_error = self._pane("plain_error", self.sharp_error.mapper)
        # The swipe's two maps show the very sources of the first two panes: nothing is sent twice.
        self.swipe_left = self._pane("swipe_left", shared, self.coarse)
        self.swipe_right = self._pane("swipe_right", shared, self.sharp)
        self.power = PowerChart(bridge)
        self._scene: Scene | None = None
        self._estimate: tuple[np.ndarray, np.ndarray] | None = None
        self._fields: dict[ReliefPane, Field] = {}

    def _pane(self, name: str, *likeness: Any) -> ReliefPane:
        pane = ReliefPane(self.maps, name, *likeness)
        pane.relief = self.relief
        return pane

    @property
    def parts(self) -> dict[str, Any]:
        """The panes' parts by name."""
        return {pane.name: pane for pane in self.maps.panes} | {"power": self.power}

    @property
    def look(self) -> Look:
        """Where the maps look now."""
        return Look(self.maps.projection, self.maps.window)

    def show(self, scene: Scene, sharp: SharpField) -> None:
        """Another field, or more known of it."""
        plain = scene.lapse if self.state.against == "lapse" and scene.lapse is not None else scene.plain
        known = {self.coarse: scene.coarse, self.sharp: sharp.field, self.plain: plain}
        if all(self._fields.get(pane) is field for pane, field in known.items()):
            return
        if scene is not self._scene:
            self._estimate = None
            self.blow(scene)
            unit = scene.archive.unit(scene.asked.variable)
            for pane in self.maps.panes:
                pane.unit_is(unit)
        self._scene, before, self._fields = scene, self._fields, known
        if scene.truth is not None:
            truth, at = scene.truth, scene.judge
            self._fields |= {
                self.truth: truth,
                self.sharp_error: Field(sharp.field.at(at)[:-1] - truth.cells),
                self.plain_error: Field(plain.at(at)[:-1] - truth.cells),
            }
        else:
            self._fields[self.sharp_error] = Field(sharp.field.cells - plain.cells)
        self._draw([pane for pane, field in self._fields.items() if before.get(pane) is not field])
        self.recolour()

    def blow(self, scene: Scene | None = None) -> None:
        """Arrows over the components of a wind, where they are wanted: of the coarse one that is known, over
        the truth of the archive's own, and over the estimate those of both components as soon as they
        are there."""
        scene = scene or self._scene
        known = truth = sharp = None
        if scene is not None and self.state.arrows and scene.windy:
            names = sorted((scene.asked.variable, WINDS[scene.asked.variable]))
            u, v = (scene.archive.values(name, scene.index) for name in names)
            truth = Wind(u, v)
            known = sharp = Wind(*truth.at(scene.asked.zoom_in), truth.strong)
            if self._estimate is not None:
                sharp = Wind(*self._estimate, truth.strong)
        self.coarse.wind = self.plain.wind = known
        self.sharp.wind = sharp
        self.truth.wind = truth

    def estimated(self, globe: Globe) -> None:
        """The whole sphere is known, and of a wind both components."""
        if globe.across is None or globe.scene is not self._scene:
            return
        pair = {globe.scene.asked.variable: globe.values, WINDS[globe.scene.asked.variable]: globe.across}
        u, v = (pair[name] for name in sorted(pair))
        self._estimate = u, v
        self.blow()
        if self.state.arrows:
            self._draw([self.sharp], base=False)

    def redraw(self, moved: bool) -> None:
        """Draw what is shown again, for the window of now; moved: the projection is a new one."""
        if self._scene is None:
            return
        self._draw(list(self._fields), moved)
        if self.state.fit:
            self.recolour()

    def _draw(self, panes: list[ReliefPane], base: bool = True) -> None:
        self.maps.draw([(pane, self._fields[pane]) for pane in panes], base=base)
        self.relief.show(self.state.relief, self.look)

    def recolour(self) -> None:
        """Colours of the window or, where the visitor wants it, of the archive."""
        scene = self._scene
        if scene is None:
            return
        variable, unit = scene.asked.variable, scene.archive.unit(scene.asked.variable)
        whole, error = scene.scale, self._fields.get(self.plain_error, self._fields[self.sharp_error])
        scale, off = whole, error.cells
        if self.state.fit:
            # The steadiest of what is shown: colours do not change when the view gets sharp.
            field = self._fields.get(self.truth, self._fields[self.plain])
            scale = _fitted(variable, self._here(field), whole)
            off = self._here(error)
        text = f"{variable}, {unit}" if unit else variable
        for pane in (self.coarse, self.sharp, self.plain, self.truth, self.swipe_left, self.swipe_right):
            pane.scale(scale, text)
        for pane in (self.sharp_error, self.plain_error):
            pane.scale(error_scale(off), f"difference, {unit}" if unit else "difference")

    def _here(self, field: Field) -> np.ndarray:
        return render(field, self.maps.projection, self.maps.window)


def _fitted(variable: str, values: np.ndarray, whole: Scale) -> Scale:
    return field_scale(variable, values) if np.isfinite(values).any() else whole
