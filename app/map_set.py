"""Maps that are looked at together: one window, one projection, one crosshair, the same lines.

The maps share their ranges, so linked pan and zoom come free in the browser. A page may have several sets.
"""

from __future__ import annotations

__all__ = ["MapSet", "inner"]

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.models import (
    AdaptiveTicker,
    AllLabels,
    CDSView,
    ColumnDataSource,
    CustomJSHover,
    CustomJSTickFormatter,
    Range1d,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from app import places
from app.bridge import Bridge
from app.projection import Projection, break_at_jumps, graticule
from app.sphere_view import Field, Window
from fsae_core.archive.coastlines import coastline

if TYPE_CHECKING:
    from app.map_pane import MapPane

_GUESS = 500  # pixels across a map, until the browser has said
_FINE_BELOW = 90.0  # degrees of longitude in the window below which the finer coastline is drawn


class MapSet:
    """What the maps of one set share; a `MapPane` adds itself to `panes`.

    bridge: takes the colours that follow light and dark mode.
    window: (x0, x1, y0, y1) to start with.
    """

    def __init__(self, bridge: Bridge, projection: Projection, window: tuple[float, ...]) -> None:
        self.bridge = bridge
        self.projection = projection
        x0, x1, y0, y1 = projection.bounds
        self.x_range = Range1d(start=window[0], end=window[1], bounds=(-200.0, 200.0))
        self.y_range = Range1d(start=window[2], end=window[3], bounds=(-100.0, 100.0))
        self._reset_to(x0, x1, y0, y1)
        self.coast = ColumnDataSource({"x": [], "y": []})
        self.lines = ColumnDataSource({"x": [], "y": []})
        self.place = CustomJSHover(args=places.inverse_args(projection), code=places.INVERSE)
        self.lon_format = CustomJSTickFormatter(args={"lon0": projection.lon0}, code=places.LONGITUDE)
        self.lat_format = CustomJSTickFormatter(code=places.LATITUDE)
        self.tickers = _ticker(7, 60), _ticker(5, 30)
        self.labels = AllLabels()
        self.image_view, self.line_view, self.coast_view = CDSView(), CDSView(), CDSView()
        self.cross = (
            Span(dimension="width", line_width=1, line_alpha=0.55),
            Span(dimension="height", line_width=1, line_alpha=0.55),
        )
        for span in self.cross:
            bridge.colour(span, "#33414a", "#dce5ea", "line_color")
        self.panes: list[MapPane] = []
        self.on_resize: Callable[[], None] | None = None
        self.drawn_width = _GUESS
        self._lined: tuple[Projection, bool] | None = None

    def _reset_to(self, x0: float, x1: float, y0: float, y1: float) -> None:
        self.x_range.update(reset_start=x0, reset_end=x1)
        self.y_range.update(reset_start=y0, reset_end=y1)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(x0, x1, y0, y1) that the maps show now."""
        x, y = self.x_range, self.y_range
        # To Bokeh an end may be a date too; here it never is.
        x0, x1, y0, y1 = (float(cast(float, end)) for end in (x.start, x.end, y.start, y.end))
        return (x0, x1, y0, y1)

    @property
    def window(self) -> Window:
        """What the maps show now, with the pixels they have in the browser."""
        figures = [pane.figure for pane in self.panes if pane.made]
        sizes = [(inner(fig, "inner_width"), inner(fig, "inner_height")) for fig in figures]
        width, height = max(sizes, default=(0, 0))
        width = width or _GUESS
        return Window(*self.bounds, width, height or width // 2)

    def look_at(self, window: tuple[float, ...]) -> None:
        """Move all maps there; like a visitor's own pan it comes back as a change of the ranges."""
        self.x_range.update(start=window[0], end=window[1])
        self.y_range.update(start=window[2], end=window[3])

    def follow(self, projection: Projection) -> bool:
        """Put the lines where projection and window now have them; True when the projection is a new one."""
        bounds = self.bounds
        fine = bounds[1] - bounds[0] < _FINE_BELOW
        moved = self._lined is None or self._lined[0] != projection
        if self._lined != (projection, fine):
            self._lined = (projection, fine)
            lon, lat = coastline("50m" if fine else "110m").T
            self._project(projection, break_at_jumps(*projection.forward(lon, lat)))
        return moved

    def _project(self, projection: Projection, coast: tuple[np.ndarray, np.ndarray]) -> None:
        self.projection = projection
        self._reset_to(*projection.bounds)
        self.coast.data = {"x": coast[0].astype(np.float32), "y": coast[1].astype(np.float32)}
        flat = projection.separable
        x, y = (np.empty(0), np.empty(0)) if flat else graticule(projection)
        if not flat:
            x, y = (np.concatenate(pair) for pair in zip((x, y), projection.outline(), strict=True))
        self.lines.data = {"x": x.astype(np.float32), "y": y.astype(np.float32)}
        self.place.args = places.inverse_args(projection)
        self.lon_format.args = {"lon0": projection.lon0}
        for pane in self.panes:
            if pane.made:
                self.dress(pane.figure)

    def dress(self, fig: figure) -> None:
        """What of a figure depends on the projection."""
        flat = self.projection.separable
        # Labels that cannot be seen keep their place, as with alpha 0 they would not: the frame stays.
        fig.axis.major_label_text_alpha = 1.0 if flat else 0.004
        fig.grid.visible = flat
        fig.background_fill_alpha = float(flat)

    def resized(self, attr: str, old: Any, new: Any) -> None:
        """The browser has said how large a map is."""
        if self.on_resize is not None:
            self.on_resize()

    def draw(self, pictures: Iterable[tuple[MapPane, Field]], *, base: bool = True) -> None:
        """Show fields in panes, for the window of now; base: fields or projection are new."""
        window = self.window
        self.drawn_width = window.width
        for pane, field in pictures:
            pane.draw(field, self.projection, window, base=base)


def _ticker(count: int, widest: float) -> AdaptiveTicker:
    return AdaptiveTicker(
        base=10,
        mantissas=[1, 2, 3, 6],
        max_interval=widest,
        num_minor_ticks=0,
        desired_num_ticks=count,
    )


def inner(fig, name: str) -> int:
    """Pixels of a figure as the browser has it, 0 before it has said."""
    try:
        return int(getattr(fig, name) or 0)
    except UnsetValueError:  # the browser has not said yet
        return 0
