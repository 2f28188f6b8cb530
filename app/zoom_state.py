"""The Zoom page's state."""

from __future__ import annotations

__all__ = ["AGAINST", "RELIEFS", "WEIGHTS", "ZoomState"]

from collections.abc import Iterable
from typing import Any, ClassVar

import param

from app.bookmarks import PLACES, around
from app.projection import Projection
from app.state import MapState, Part, flag, number, one_of, text
from fsae_core.sphere.healpix import MAX_ZOOM

AGAINST = {"smooth": "Interpolation", "lapse": "Lapse rate"}
WEIGHTS = {"auto": "The archive’s own", "general": "General"}
RELIEFS = {"off": "Off", "contours": "Contours", "shaded": "Shaded"}
_HOME = around(PLACES[1].box, Projection())
_ZOOMS = {str(zoom): zoom for zoom in range(MAX_ZOOM + 1)}


def _zoom(words: str) -> int:
    if words not in _ZOOMS:
        raise ValueError(words)
    return _ZOOMS[words]


class ZoomState(MapState):
    """The Zoom page of one session. It opens on a place, in colours that show the detail there."""

    archive = param.String("era5-week", doc="Catalogue name, or the name of an uploaded file.")
    variable = param.String("t2m")
    time = param.String("", doc="ISO time in minutes, UTC; empty is the first that the weights never saw.")
    zoom_in: Any = param.Integer(4, bounds=(0, MAX_ZOOM))
    zoom_out: Any = param.Integer(6, bounds=(0, MAX_ZOOM))
    model: Any = param.Selector(default="auto", objects=list(WEIGHTS))
    calibrated = param.Boolean(False, doc="Temperature, calibrated by the field's own scales.")
    against: Any = param.Selector(default="smooth", objects=list(AGAINST), doc="What the plain panes show.")
    relief: Any = param.Selector(default="off", objects=list(RELIEFS))
    arrows = param.Boolean(False, doc="Arrows of the wind, over its components.")
    swipe = param.Number(0.5, bounds=(0.0, 1.0), doc="Where the divider stands, as a share of the window.")
    fit = param.Boolean(True, doc="Colours follow the window instead of the archive.")
    window = param.NumericTuple(_HOME, doc="(x0, x1, y0, y1) in projection units.")

    parts: ClassVar[tuple[Part, ...]] = (
        text("archive"),
        text("variable"),
        text("time", "a time"),
        Part("zoom_in", _zoom, f"a zoom from 0 to {MAX_ZOOM}", key="from"),
        Part("zoom_out", _zoom, f"a zoom from 0 to {MAX_ZOOM}", key="to"),
        Part("model", one_of("model", WEIGHTS).parse, "auto or general", key="weights"),
        flag("calibrated"),
        one_of("against", AGAINST),
        one_of("relief", RELIEFS),
        flag("arrows"),
        *MapState.parts,
        number("swipe", 0, 1, "a share from 0 to 1"),
    )

    def full_window(self) -> tuple[float, float, float, float]:
        """The window that an address without one means: a place on the flat map, else the whole map."""
        flat = self.projection == "plate-carree" and self.lon0 == 0
        return _HOME if flat else Projection(self.projection).bounds

    def shared(self, keys: Iterable[str]) -> dict[str, str]:
        """As everywhere, but with the window even where it is the default: other pages have another one."""
        view = next(part for part in self.parts if part.word == "view")
        kept = super().shared(keys)
        return {**kept, "view": self._words(view)} if "view" in keys else kept
