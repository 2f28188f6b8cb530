"""A map with dots where its values are significant."""

from __future__ import annotations

__all__ = ["StippledPane"]

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, Scatter

from app.map_pane import MapPane
from app.projection import Projection
from fsae_core.sphere.healpix import cell_centres, zoom_of
from fsae_core.sphere.pyramid import restrict

_FINEST = 4
_HALF = 0.5


class StippledPane(MapPane):
    """`stipple` says where the dots are; they lie in the middle of cells no finer than zoom 4."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.dots = ColumnDataSource({"x": [], "y": []})

    def _figure(self) -> Any:
        fig = super()._figure()
        fig.add_glyph(
            self.dots, Scatter(x="x", y="y", size=2.4, fill_color="#10181c", line_color=None, fill_alpha=0.75)
        )
        return fig

    def stipple(self, significant: np.ndarray, projection: Projection) -> None:
        """significant: (cell,) bool; finer cells count where half of a dot's cell is significant."""
        levels = max(0, zoom_of(significant.size) - _FINEST)
        share = significant.astype(np.float32)
        there = (restrict(share, levels) if levels else share) >= _HALF
        lon, lat = cell_centres(zoom_of(there.size))
        x, y = projection.forward(lon[there], lat[there])
        seen = np.isfinite(x)
        self.dots.data = {"x": x[seen].astype(np.float32), "y": y[seen].astype(np.float32)}
