"""The divider between two figures that lie over each other; browser and server agree where it stands."""

from __future__ import annotations

__all__ = ["Swipe"]

from collections.abc import Callable, Mapping
from typing import Any

from bokeh.events import DocumentReady
from bokeh.models import ColumnDataSource, CustomJS

from app.starting import Starting


class Swipe:
    """The divider of one pane.

    share: where it stands, from 0 (left) to 1. told: called with the share that a visitor has moved it to.
    """

    def __init__(self, pane: str, share: float, told: Callable[[float], None]) -> None:
        self.pane = pane
        self.source = ColumnDataSource({"share": [share]})
        self._told = told
        self.source.on_change("data", self._moved)

    def _moved(self, attr: str, old: Any, new: Mapping[str, Any]) -> None:
        share = new["share"][0]
        if isinstance(share, int | float) and 0 <= share <= 1:
            self._told(float(share))

    def attach(self, starting: Starting) -> None:
        """Hand the divider to the page's script when the browser has the page."""
        args = {"source": self.source, "pane": self.pane}
        code = "window.fieldSpace.of(source).swipe(pane, source, source.data.share[0])"
        starting.js_on_event(DocumentReady, CustomJS(args=args, code=code))
