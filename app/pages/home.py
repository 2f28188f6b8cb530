"""The landing page: what can be done here, in five cards with pictures made of what comes with the app."""

from __future__ import annotations

__all__ = ["PAGE", "HomePage"]

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any
from weakref import ReferenceType, ref

from bokeh.models import ColumnDataSource, CustomJS, Model, Spacer

from app import store
from app.layout import Layout
from app.pages import registry
from app.pages.frame import Page
from app.starting import Starting
from app.state import PageState
from app.thumbnails import Thumbnail, thumbnails

_log = logging.getLogger(__name__)
_CODE = """
for (const kind of ["thumb", "line"]) {
  source.data.key.forEach((key, i) => {
    const place = document.querySelector(`[data-${kind}="${key}"]`)
    if (kind === "thumb") place.innerHTML = source.data.thumb[i]
    else place.textContent = source.data.line[i]
  })
}
"""


class HomePage(Page):
    """One visitor's landing page. The cards are there at once, their pictures as soon as they are made."""

    key = "home"
    source = "home.html"
    state_type = PageState
    state: PageState
    layout = Layout(panes=(), groups=())

    def build(self) -> None:
        self.say({"title": "See what compression does to climate fields"})
        self.arrived = ColumnDataSource({"key": [], "thumb": [], "line": []})
        self.arrived.js_on_change("data", CustomJS(args={"source": self.arrived}, code=_CODE))
        self.made: dict[str, Thumbnail] = {}

    def start(self) -> None:
        for key, future in thumbnails().items():
            if future.done():
                self._take(key, future)
            else:
                future.add_done_callback(partial(_told, ref(self), key))

    def _take(self, key: str, future: Future[Thumbnail]) -> None:
        error = future.exception()
        if error is None:
            self.made[key] = future.result()
        else:
            _log.error("the picture of %s could not be made", key, exc_info=error)

    def _came(self, key: str, future: Future[Thumbnail]) -> None:
        self._take(key, future)
        made = self.made.get(key, Thumbnail("", ""))
        self.arrived.data = {"key": [key], "thumb": [made.markup], "line": [made.line]}

    def variables(self) -> Mapping[str, object]:
        doors = [entry for entry in registry.available() if entry.key in thumbnails()]
        links = self.links()
        return {
            "doors": [(entry, links[entry.key], self.made.get(entry.key)) for entry in doors],
            "others": [
                (entry, links[entry.key])
                for entry in registry.available()
                if entry not in doors and entry.key != self.key
            ],
            "data": _data(),
            "credits": " ".join(dict.fromkeys(f"{e.attribution}." for e in store.shipped_archives())),
        }

    def assemble(self, phone: bool = False) -> tuple[dict[str, Model], dict[str, Any], set[str]]:
        _, controls, late = super().assemble(phone)
        return {"anchor": Spacer(name="anchor", width=0, height=0)}, controls, late

    def attach(self, starting: Starting, anchor: Model) -> None:
        super().attach(starting, anchor)
        anchor.js_on_change("tags", CustomJS(args={"source": self.arrived}, code="void source"))


def _told(page: ReferenceType[HomePage], key: str, future: Future[Thumbnail]) -> None:
    # A future keeps what it calls for as long as it lives, which here is as long as the process.
    visited = page()
    if visited is not None:
        visited.schedule(partial(visited._came, key, future))


def _data() -> str:
    """Which archives come with the app, and which of them are simulated."""
    found = store.shipped_archives()
    real = ", ".join(entry.title for entry in found if not entry.simulated)
    made = ", ".join(entry.title.removeprefix("Simulated ") for entry in found if entry.simulated)
    return f"Real: {real}. Simulated, neither observed nor forecast: {made}."


PAGE = HomePage
