"""Figures that are made when what is seen first is on the screen: the browser says when.

Their places are there from the start, as large as they will be, so that nothing moves when they come.
"""

from __future__ import annotations

__all__ = ["LatePanes", "made"]

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bokeh.models import Column, ColumnDataSource, Model
from panel.viewable import Viewable

from app.bridge import Bridge
from app.layout import Pane


def made(part: Any) -> Any:
    """The figure or Panel object of a page's part, which may have it as `figure` or be a function."""
    part = getattr(part, "figure", part)
    return part() if callable(part) and not isinstance(part, Model | Viewable) else part


class LatePanes:
    """The late panes of one session.

    parts: by name, those of all panes. schedule: runs a function in the session's turn.
    """

    def __init__(
        self,
        panes: tuple[Pane, ...],
        parts: Mapping[str, Any],
        bridge: Bridge,
        schedule: Callable[[Callable[[], None]], Any],
    ) -> None:
        self._bridge, self._schedule = bridge, schedule
        self._waiting = {pane.key: {name: parts[name] for name in pane.roots} for pane in panes}
        self.places = {
            name: Column(sizing_mode="stretch_width", margin=0)
            for names in self._waiting.values()
            for name in names
        }
        self.source = ColumnDataSource({"panes": [[]], "dark": [False]})
        self.source.on_change("data", self._wanted)

    def _wanted(self, attr: str, old: Any, new: Mapping[str, Any]) -> None:
        self._bridge.dark = bool(new["dark"][0])
        for key in new["panes"][0]:
            # Each in a turn of its own: the browser draws one and stays responsive before the next.
            self._schedule(partial(self.fill, key))

    def fill(self, key: str) -> None:
        """Make a pane's figures and put them in their places; once."""
        for name, part in self._waiting.pop(key, {}).items():
            self.places[name].children = [made(part)]
        self._bridge.paint()
