"""Where scripts are registered that run when the browser has the page: a document, or a notebook's cell."""

from __future__ import annotations

__all__ = ["CellStart", "Starting"]

from typing import Any, Protocol

from bokeh.models import ColumnDataSource, CustomJS, Model


class Starting(Protocol):
    """What is asked of a document; Bokeh's has it."""

    def js_on_event(self, event: Any, *callbacks: CustomJS) -> None: ...


class CellStart:
    """Stands for `DocumentReady` in a cell, whose page says itself when it is there; `run` is called then.

    anchor: a model that is on the page.
    """

    def __init__(self, anchor: Model) -> None:
        self._turn = ColumnDataSource({"turn": [0]})
        anchor.js_on_change("tags", CustomJS(args={"turn": self._turn}, code="void turn"))

    def js_on_event(self, event: Any, *callbacks: CustomJS) -> None:
        self._turn.js_on_change("data", *callbacks)

    def run(self) -> None:
        """The page is there: what was registered runs in the browser."""
        self._turn.data = {"turn": [self._turn.data["turn"][0] + 1]}
