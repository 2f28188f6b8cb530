"""The spheres of the Latent page: a time's field and anomaly, and the composites of two groups of times."""

from __future__ import annotations

__all__ = ["LatentGallery"]

from typing import Any

import numpy as np

from app.bridge import Bridge
from app.colours import Scale, error_scale, field_scale
from app.latent_pictures import Compared, Seen
from app.map_pane import MapPane
from app.map_set import MapSet
from app.sphere_view import Field, render
from app.state import MapState
from app.stippled import StippledPane

COMPOSITES = ("a", "b", "between")


class LatentGallery:
    """Five linked maps; `show` and `compare` say what is in them."""

    def __init__(self, bridge: Bridge, state: MapState) -> None:
        self.state = state
        self.maps = MapSet(bridge, state.looks, state.window)
        self.field, self.anomaly = MapPane(self.maps, "field"), MapPane(self.maps, "anomaly")
        first = StippledPane(self.maps, "a")
        others = (StippledPane(self.maps, name, first.mapper) for name in COMPOSITES[1:])
        self.composites = dict(zip(COMPOSITES, (first, *others), strict=True))
        self._painted: dict[str, tuple[Scale, str]] = {}
        self.seen: Seen | None = None
        self.compared: Compared | None = None

    @property
    def parts(self) -> dict[str, Any]:
        """Maps by their place in the layout."""
        return {pane.name: pane for pane in self.maps.panes}

    def show(self, seen: Seen) -> None:
        """A time's field and anomaly."""
        self.seen = seen
        for pane in (self.field, self.anomaly):
            pane.unit_is(seen.atlas.unit)
        self._recolour_time()
        self.maps.draw(self._time())

    def compare(self, compared: Compared) -> None:
        """Composites of groups."""
        self.compared = compared
        self._recolour_groups()
        self.maps.draw(self._groups())
        self._stipple()

    def redraw(self, moved: bool) -> None:
        """The window has changed; moved: the projection too."""
        self.maps.draw((*self._time(), *self._groups()), base=moved)
        if moved:
            self._stipple()
        if self.state.fit:
            self.recolour()

    def recolour(self) -> None:
        """Colours from the window or from the archive."""
        self._recolour_time()
        self._recolour_groups()

    def _time(self) -> tuple[tuple[MapPane, Field], ...]:
        seen = self.seen
        return () if seen is None else ((self.field, seen.field), (self.anomaly, seen.anomaly))

    def _groups(self) -> tuple[tuple[MapPane, Field], ...]:
        if self.compared is None:
            return ()
        return tuple(
            (pane, getattr(self.compared, name).difference) for name, pane in self.composites.items()
        )

    def _stipple(self) -> None:
        if self.compared is not None:
            for name, pane in self.composites.items():
                pane.stipple(getattr(self.compared, name).significant, self.maps.projection)

    def _here(self, field: Field) -> np.ndarray:
        return render(field, self.maps.projection, self.maps.window)

    def _recolour_time(self) -> None:
        seen = self.seen
        if seen is None:
            return
        opened = seen.atlas
        scale, anomaly = opened.archive.scale(opened.variable), opened.anomaly_scale
        if self.state.fit:
            values = self._here(seen.field)
            if np.isfinite(values).any():
                scale, anomaly = field_scale(opened.variable, values), error_scale(self._here(seen.anomaly))
        self._paint(self.field, scale, _title(opened.variable, opened.unit))
        self._paint(self.anomaly, anomaly, _title("anomaly", opened.unit))

    def _recolour_groups(self) -> None:
        if self.seen is None or self.compared is None:
            return
        fields = [field for _, field in self._groups()]
        values = [self._here(field) if self.state.fit else field.cells for field in fields]
        sizes = [np.ravel(v)[np.isfinite(np.ravel(v))] for v in values]
        scale: Scale = error_scale(np.concatenate(sizes))
        unit = self.seen.atlas.unit
        for name, pane in self.composites.items():
            pane.unit_is(unit)
            self._paint(pane, scale, _title("A − B" if name == "between" else "mean anomaly", unit))

    def _paint(self, pane: MapPane, scale: Scale, title: str) -> None:
        # Bokeh checks each colour of a palette that it is given: 12 ms that a click need not wait.
        if self._painted.get(pane.name) != (scale, title):
            self._painted[pane.name] = (scale, title)
            pane.scale(scale, title)


def _title(words: str, unit: str) -> str:
    return f"{words}, {unit}" if unit else words
