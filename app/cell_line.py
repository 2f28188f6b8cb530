"""What changes on a page in a notebook's cell, sent to the browser through Panel's comm.

Panel sends what its own objects change; the page's figures are plain Bokeh, whose changes are sent here,
those of one turn together. With ipywidgets `jupyter_bokeh` does this.
"""

from __future__ import annotations

__all__ = ["CellLine"]

from typing import Any

from bokeh.document import Document
from bokeh.document.events import DocumentPatchedEvent
from panel.io.model import diff
from panel.io.notebook import push
from tornado.ioloop import IOLoop


class CellLine:
    """One document's, from when it is made; in the loop's thread. comm: of the cell that shows it."""

    def __init__(self, document: Document, comm: Any) -> None:
        self._document, self._comm, self._loop = document, comm, IOLoop.current()
        self._events: list[DocumentPatchedEvent] = []
        document.unhold()  # Panel holds it and sends from what is held
        document.callbacks.on_change_dispatch_to(self)

    def _document_patched(self, event: DocumentPatchedEvent) -> None:
        if event.setter == self._comm.id:  # the browser's own change
            return
        if not self._events:
            self._loop.add_callback(self._send)
        self._events.append(event)

    def _send(self) -> None:
        events, self._events = self._events, []
        message = diff(self._document, events=list(events))
        if message is not None:
            push(self._document, self._comm, msg=message)

    def close(self) -> None:
        """Nothing is sent any more."""
        self._document.callbacks.remove_on_change(self)
