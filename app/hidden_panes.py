"""Panes that have nothing to show for now: they are taken off the page, with their tabs, and come back."""

from __future__ import annotations

__all__ = ["HiddenPanes"]

from collections.abc import Iterable

from bokeh.events import DocumentReady
from bokeh.models import ColumnDataSource, CustomJS, Model

from app.starting import Starting

_CODE = """
const {root} = window.fieldSpace.of(source)
const hidden = new Set(source.data.panes[0])
for (const pane of root.querySelectorAll("figure.pane")) {
  const key = pane.id.replace("pane-", "")
  if (pane.hidden === hidden.has(key)) continue
  pane.hidden = hidden.has(key)
  const tab = root.querySelector(`[aria-controls="pane-${key}"]`)
  if (!tab) continue
  tab.hidden = pane.hidden
  if (pane.hidden && tab.getAttribute("aria-selected") === "true") {
    tab.parentNode.querySelector("[role=tab]:not([hidden])")?.click()
  }
}
"""


class HiddenPanes:
    """One page's; `attach` once, then `hide` says which panes are hidden from now on."""

    def __init__(self) -> None:
        self._source = ColumnDataSource({"panes": [[]]})
        self._source.js_on_change("data", CustomJS(args={"source": self._source}, code=_CODE))

    def attach(self, starting: Starting, anchor: Model) -> None:
        """anchor: a model that is on the page (see `Bridge.attach`)."""
        anchor.js_on_change("tags", CustomJS(args={"source": self._source}, code="void source"))
        starting.js_on_event(DocumentReady, CustomJS(args={"source": self._source}, code=_CODE))

    @property
    def keys(self) -> frozenset[str]:
        """The panes that are hidden."""
        return frozenset(self._source.data["panes"][0])

    def hide(self, panes: Iterable[str]) -> None:
        """These, and no others."""
        wanted = sorted(panes)
        if self._source.data["panes"][0] != wanted:
            self._source.data = {"panes": [wanted]}
