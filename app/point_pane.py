"""A map with a place on it that a click moves, and with stipples."""

from __future__ import annotations

__all__ = ["Marks", "PointPane"]

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, Scatter
from bokeh.plotting import figure as Figure

from app.map_pane import MapPane
from app.map_set import MapSet
from app.projection import Projection
from fsae_core.sphere.healpix import cell_centres, zoom_of

_APART = 9.0
"""Pixels between stipples, at least."""


class Marks:
    """What lies over the maps of one set: the place, and stipples.

    moved: called with (longitude, latitude) of a click.
    """

    def __init__(self, maps: MapSet, moved: Callable[[tuple[float, ...]], None]) -> None:
        self.maps, self._moved = maps, moved
        self.place = ColumnDataSource({"x": [], "y": []})
        self.dots = ColumnDataSource({"x": [], "y": []})

    def put(self, point: tuple[float, ...], projection: Projection) -> None:
        """Show the place."""
        x, y = projection.forward(np.array([point[0]]), np.array([point[1]]))
        self.place.data = {"x": x, "y": y}

    def stipple(self, cells: np.ndarray | None) -> None:
        """Dots where a mask (cell,) says so, at least so many pixels apart in the window of now."""
        if cells is None:
            x = y = np.empty(0, np.float32)
        else:
            window, projection = self.maps.window, self.maps.projection
            fine = zoom_of(cells.size)
            wanted = 58.6 / (_APART * window.pixel_degrees)
            zoom = int(np.clip(np.floor(np.log2(max(wanted, 1.0))), 0, fine))
            # A coarse cell has a dot where most of its cells would have one.
            mask = cells.reshape(-1, 4 ** (fine - zoom)).mean(axis=1) > 0.5
            lon, lat = cell_centres(zoom)
            x, y = projection.forward(lon[mask], lat[mask])
            near = (x >= window.x0) & (x <= window.x1) & (y >= window.y0) & (y <= window.y1)
            x, y = x[near].astype(np.float32), y[near].astype(np.float32)
        self.dots.data = {"x": x, "y": y}

    def tapped(self, event: Any) -> None:
        """A click on one of the maps."""
        lon, lat = self.maps.projection.inverse(np.array([event.x]), np.array([event.y]))
        if np.isfinite(lon[0]) and np.isfinite(lat[0]):
            self._moved((round(float(lon[0]), 2), round(float(lat[0]), 2)))


class PointPane(MapPane):
    """A map pane with the marks of its set; stippled: with dots."""

    def __init__(
        self, maps: MapSet, name: str, marks: Marks, *, stippled: bool = False, **options: Any
    ) -> None:
        super().__init__(maps, name, **options)
        self._marks, self._stippled = marks, stippled

    def _figure(self) -> Figure:
        fig = super()._figure()
        if self._stippled:
            dot = Scatter(x="x", y="y", size=2.4, line_color=None, fill_color="#10181c", fill_alpha=0.75)
            fig.add_glyph(self._marks.dots, dot)
        for colour, width in (("#ffffff", 4.0), ("#10181c", 1.8)):
            ring = Scatter(x="x", y="y", size=12, fill_color=None, line_color=colour, line_width=width)
            fig.add_glyph(self._marks.place, ring)
        fig.on_event(Tap, self._marks.tapped)
        return fig
