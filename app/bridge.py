"""What passes between the server and the page's own few lines of script: words, address, files, colours.

Each channel is a ColumnDataSource that the browser listens to. Words are written with ``textContent``: what a
file's name or attributes say is never taken for HTML.
"""

from __future__ import annotations

__all__ = ["Bridge"]

from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.events import DocumentReady
from bokeh.models import ColumnDataSource, CustomJS, Model

from app.starting import Starting

_WORDS = """
const page = window.fieldSpace.of(source)
for (const key of Object.keys(source.data)) {
  for (const node of page.root.querySelectorAll(`[data-text="${key}"]`)) {
    const text = String(source.data[key][0])
    if (node.textContent !== text) node.textContent = text
    node.hidden = text === ""
  }
}
"""
_ADDRESS = "window.fieldSpace.of(source).address(source.data.query[0], source.data.links[0])"
_FILE = (
    "if (source.data.name.length) window.fieldSpace.of(source).save(source.data.name[0], source.data.body[0])"
)
_TOAST = "if (source.data.text.length) window.fieldSpace.of(source).toast(source.data.text.at(-1))"
_COLOURS = """
const page = window.fieldSpace.of(source)
const paint = () => {
  const dark = page.isDark()
  models.forEach((model, i) => model.setv({[names[i]]: dark ? darks[i] : lights[i]}, {sync: false}))
}
paint()
page.painted(paint)
"""


class Bridge:
    """One a session; `attach` puts it into the session's document."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = ColumnDataSource({key: [text] for key, text in words.items()})
        self._address = ColumnDataSource({"query": [""], "links": [[]]})
        self._file = ColumnDataSource({"name": [], "body": []})
        self._toast = ColumnDataSource({"text": []})
        for source, code in (
            (self._words, _WORDS),
            (self._address, _ADDRESS),
            (self._file, _FILE),
            (self._toast, _TOAST),
        ):
            source.js_on_change("data", CustomJS(args={"source": source}, code=code))
        self._coloured: list[tuple[Model, str, Any, Any]] = []
        self._painter = CustomJS(code=_COLOURS)
        self._paint = ColumnDataSource({"turn": [0]})
        self._paint.js_on_change("data", self._painter)
        self.dark = False

    @property
    def words(self) -> dict[str, str]:
        """What the page says now, by the `data-text` key of its place."""
        return {key: value[0] for key, value in self._words.data.items()}

    def say(self, words: Mapping[str, str]) -> None:
        """Change words; a place whose word is empty is hidden."""
        new = {**self.words, **words}
        if new != self.words:
            self._words.data = {key: [text] for key, text in new.items()}

    def address(self, query: str, links: Mapping[str, str]) -> None:
        """Replace the query in the address bar (no new entry in the history) and in the pages' links."""
        new = {"query": [query], "links": [[list(pair) for pair in links.items()]]}
        if self._address.data != new:
            self._address.data = new

    @property
    def query(self) -> str:
        """What the address bar says, without the question mark."""
        return str(self._address.data["query"][0])

    def toast(self, sentence: str) -> None:
        """Show one sentence over the page; the last few are kept for a page that is not there yet."""
        self._toast.data = {"text": [*self._toast.data["text"][-4:], sentence]}

    @property
    def toasts(self) -> list[str]:
        return list(self._toast.data["text"])

    def save(self, name: str, body: bytes) -> None:
        """Hand the browser a file to save; the session does not keep it."""
        self._file.data = {"name": [name], "body": [np.frombuffer(body, np.uint8)]}
        self._file.data = {"name": [], "body": []}

    def colour(self, model: Model, light: Any, dark: Any, *names: str) -> None:
        """Properties of a model that follow the page's light or dark mode: colours or whole palettes."""
        for name in names:
            setattr(model, name, dark if self.dark else light)
            self._coloured.append((model, name, light, dark))

    def attach(self, starting: Starting, anchor: Model, *others: Model) -> None:
        """Start when the browser has the page; everything registered before is included.

        starting: the document, or what stands for it in a notebook.
        anchor: a model that is on the page. Only what hangs on such a one is kept in step with the browser,
        so the channels, and `others` that are not on the page themselves, are tied to it.
        """
        channels = [self._words, self._address, self._file, self._toast, self._paint, *others]
        anchor.js_on_change("tags", CustomJS(args={"channels": channels}, code="void channels"))
        self._hand_over()
        starting.js_on_event(DocumentReady, self._painter)
        for source, code in ((self._words, _WORDS), (self._address, _ADDRESS), (self._toast, _TOAST)):
            starting.js_on_event(DocumentReady, CustomJS(args={"source": source}, code=code))

    def paint(self) -> None:
        """Hand over the colours of models that have come since; they are on the page by now."""
        self._hand_over()
        self._paint.data = {"turn": [self._paint.data["turn"][0] + 1]}

    def _hand_over(self) -> None:
        models, names, lights, darks = zip(*self._coloured, strict=True) if self._coloured else ((),) * 4
        self._painter.args = {
            "source": self._paint,
            "models": list(models),
            "names": list(names),
            "lights": list(lights),
            "darks": list(darks),
        }
